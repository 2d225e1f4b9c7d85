import type { Json } from '../../channels/channel.ts';
import type { Allocation } from '../../stock/line.ts';
import type { OrderSnapshot } from '../../stock/order.ts';

/**
 * Orders to apply in one transaction with what caused them. A delivery's outcome, kept fields and removed body, the
 * orders' lines, ledger, levels, docket and dirty counters, and a feed's watermark are written together or not at all.
 */
export interface ApplyRequest {
  channelId: number;
  /** `pull`: back-fill, poll, reconcile or sweep. */
  source: 'delivery' | 'pull' | 'sweep';
  delivery: {
    id: number;
    fields: Json;
    /** Why it says nothing, when it says nothing. */
    ignored: string | null;
    /** Look again at this time: stays `new`, keeps its fields, counts a look. */
    lookAgainAt: number | null;
    replay: boolean;
  } | null;
  orders: OrderSnapshot[];
  /**
   * Orders that the platform no longer has: flagged, nothing released. One of them may be in `orders` as well, as the
   * delivery had carried it: it counts where it is newer than what is stored, and nobody can be asked for a newer one.
   */
  missing: string[];
}

/** What became of one order. `fetch`: versions decide nothing, read it by id and apply that. */
export interface AppliedOrder {
  orderId: string;
  verdict: 'applied' | 'same' | 'stale' | 'fetch';
  /** Lines changed, in units: taken risen, taken fallen, given, short. */
  takenUp: number;
  takenDown: number;
  given: number;
  short: number;
  unmappedLines: number;
  /** First learned here and by a pull: a missed webhook unless one comes. */
  learned: boolean;
  /** Counters due for a push because of it. */
  counterIds: number[];
  /** Alerts `stock_doubted` that it opened or renewed in the same transaction. */
  doubts: { sku: string; message: string }[];
}

export interface ApplyOutcome {
  /** Set when the request was refused as a whole: the delivery was settled by somebody else meanwhile. */
  refused: boolean;
  orders: AppliedOrder[];
}

export interface OrderLineRow {
  lineKey: string;
  sku: string | null;
  channelSku: string | null;
  listingId: string | null;
  taken: number;
  given: number;
  gone: number;
  shortfall: number;
  allocation: Allocation;
}

export interface OrderRow {
  id: number;
  channel: string;
  orderId: string;
  number: string | null;
  placedAt: number;
  changedAt: number;
  status: string;
  cancelled: boolean;
  missing: boolean;
  lines: OrderLineRow[];
}

export interface OrderStore {
  /**
   * Applies each request in order; one bad request never fails its neighbours (its slot holds the error's message).
   * Decides by `stock/snapshot.ts` which snapshot counts and by `stock/level.ts` what it does, takes what is there by
   * one conditional statement per SKU, fills open shortfalls after any rise, and marks counters due.
   */
  apply(requests: ApplyRequest[], now: number): Promise<(ApplyOutcome | { failed: string })[]>;
  /** Newest first. `orderId`: an id or a number; the order that has it as its id comes first. */
  list(filter: { channel?: string; orderId?: string; before?: number; limit: number }): Promise<OrderRow[]>;
  /** Orders with lines that are neither gone nor released and that nobody read since `readBefore`. */
  unread(channelId: number, readBefore: number, limit: number): Promise<string[]>;
  /** Orders learned by a pull in the last 24 hours of which no delivery came within `graceMs`: missed webhooks, per channel id. */
  missedWebhooks(now: number, graceMs: number): Promise<Map<number, number>>;
}
