/**
 * Channel-neutral state of an order. An adapter makes snapshots from webhooks, lists and fetches; the engine
 * compares them with the stored state and applies the difference. Nothing here knows a platform.
 */

/** How a snapshot came to us. `fetched`: read by id, alone able to settle a tie between two others. */
export type Obtained = 'delivered' | 'listed' | 'fetched';

/**
 * One order line at the time of the snapshot. Units are listing units (one bundle counts 1).
 * 0 <= gone <= taken.
 */
export interface SnapshotLine {
  /** Unique in the channel account, by the adapter's word; survives edits and regrouping of orders. */
  lineKey: string;
  /** The listing that was sold (see `Listing.listingId`), or null when the payload does not tell (deleted product). */
  listingId: string | null;
  /** The SKU text that the channel shows on the line, for people only. */
  channelSku: string | null;
  /** Units this line keeps from being sold. */
  taken: number;
  /** Of those, units that left the shelf or were written off. */
  gone: number;
  /** When the channel's own stock first moved for this line, if it tells; else null (the order's `placedAt` counts). */
  takenAt: number | null;
  /** When the last unit left the shelf, if the channel tells. */
  goneAt: number | null;
  /**
   * Of the line's units, those whose sale the seller gave up because the shelf did not have them (a cancellation "for
   * lack of stock"); they are in neither `taken` nor `gone`. They stay off sale on every channel until the SKU is
   * counted. Left out or 0: nothing of the kind is known. Never what a buyer cancelled.
   */
  doubted?: number;
}

/** An order as one channel shows it at one time. */
export interface OrderSnapshot {
  /** The platform's id of the order, as text (ids exceed 2^53). */
  orderId: string;
  /** What people call it (`#1001`); null when the platform has no such thing. */
  number: string | null;
  /** Grows with each change on the clock named by `clock`; usually the `updated_at` in milliseconds. */
  version: number;
  /** Two versions order two snapshots only when they are of the same clock and differ. */
  clock: string;
  obtained: Obtained;
  /** Span of the request that brought it: asked (request begun, or delivery received) and answered. */
  askedAt: number;
  answeredAt: number;
  /** False when lines may be missing; only a complete snapshot releases lines by their absence. */
  complete: boolean;
  /** When the order was placed, on the channel's clock. */
  placedAt: number;
  /** When this state came about on the channel's clock (normally the version); spans of changes end here. */
  changedAt: number;
  /** The platform's own word for the state, for people only. */
  status: string;
  cancelled: boolean;
  lines: SnapshotLine[];
  /**
   * Set when the platform's state is not settled (a poll between two writes of one request): the engine does not
   * apply the snapshot, fetches the order after so many milliseconds and passes `attempt` + 1.
   */
  lookAgainMs?: number;
  /** What a person should hear about this order (a decimal quantity was rounded, a rule was guessed). */
  warnings?: string[];
}
