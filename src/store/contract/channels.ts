import type { Offer } from '../../stock/target.ts';
import type { Actor } from './actor.ts';

export type Mode = 'observe' | 'shadow' | 'live';

/** A channel as the store knows it. */
export interface ChannelRow {
  id: number;
  name: string;
  type: string;
  /** The platform's own account, bound at first contact; null before. */
  accountId: string | null;
  /** The account that the credentials led to when they were last asked; null: never answered. */
  accountSeen: string | null;
  mode: Mode;
  /** What the file said when it was last read, and who decided the mode in force. */
  modeInFile: Mode | null;
  modeBy: 'file' | 'command';
  paused: boolean;
  /** Parked after refused credentials; cleared by the first call that succeeds or by a changed configuration. */
  parkedSince: number | null;
  parkedReason: string | null;
  /** When it last became live, resumed, or the file was restored: anchors older than this do not count. */
  liveSince: number | null;
  /** A reconcile plan has run to its end since `liveSince`. Until then nothing is pushed. */
  plannedAt: number | null;
  /** A brake holds raises and unexplained zeros; the plan that names them. */
  brakePlan: string | null;
  /** Why every write is held (foreign account, empty catalogue), or null. */
  heldReason: string | null;
  orphaned: boolean;
  /** When a call last succeeded; since when none has, and what the last one said (both null while all is well). */
  lastOkAt: number | null;
  failingSince: number | null;
  lastError: string | null;
  /** The last whole reconcile run that read it to the end; runs that failed since, and why the last one did. */
  reconciledAt: number | null;
  reconcileFailures: number;
  reconcileError: string | null;
  /** The door: when the last good delivery came, and what was refused since. */
  webhookHeardAt: number | null;
  webhookRefused: number;
  webhookRefusedAt: number | null;
  webhookRefusal: string | null;
  webhooksRegistered: boolean;
  setup: ChannelSetup;
}

/** The order feed of a channel. */
export interface FeedRow {
  channelId: number;
  /** Channel's clock; null before the first pull. */
  watermark: number | null;
  /** When the last complete pull began and ended. */
  pulledFrom: number | null;
  pulledAt: number | null;
  /** Since when deliveries may have been missed (boot, resume, gap): a pull begun later mends it. */
  gapAt: number | null;
  /** Every change of its orders since then is known; null: only what was open at the first pull, and later changes. */
  knownFrom: number | null;
  /** When the last sweep by creation time was complete. */
  sweptAt: number | null;
  error: string | null;
}

/** What the file says of a channel and the store must know to compute targets and to allocate. */
export interface ChannelSetup {
  name: string;
  type: string;
  mode: Mode;
  /** The channel's settings laid over the defaults. */
  offer: Offer;
  oversell: 'alert' | 'hold' | 'cancel';
  basis: 'net' | 'gross';
  maxQuantity: number;
  clockMarginMs: number;
  /** Null when the channel reports shipping and nothing is presumed. */
  presumeGoneMs: number | null;
  /** How often orders are pulled; null: not by timer. Absent in rows of older versions. */
  pollMs?: number | null;
  /** How long after a low number was first seen it may be raised at the earliest. */
  proofAfterMs?: number;
}

/**
 * Whose account it is. `taken`: another channel has it; `changed`: this channel was bound to a different one before (`by`
 * names either). `moved`: a removed channel had it and goes on under this name; this channel's row is no more.
 */
export type Binding = { kind: 'bound' } | { kind: 'taken' | 'changed' | 'moved'; by: string };

/** What became of the orders of a removed channel that still hold stock. `refuse`: nobody said so. */
export type OpenOrders = 'refuse' | 'shipped' | 'cancelled';

/** What removing a channel settles, counted. */
export interface Removal {
  channel: string;
  type: string;
  listings: number;
  /** Orders whose lines still hold stock, or would as soon as their SKUs are counted, and the units of those lines. */
  openOrders: number;
  openUnits: number;
  /** Lines on the docket, and lines that wait for a mapping. */
  shortfalls: number;
  unmappedLines: number;
  /** Deliveries that nobody has worked on yet, dead ones and kept ones too. */
  deliveries: number;
  actions: number;
  reservations: number;
  alerts: number;
}

/** Do both make the same numbers of the same stock? */
export function sameOffer(a: ChannelSetup, b: ChannelSetup): boolean {
  const { offer: one } = a;
  const { offer: other } = b;
  const same = one.buffer === other.buffer && one.percent === other.percent && one.max === other.max;
  return same && a.basis === b.basis && a.maxQuantity === b.maxQuantity;
}

export interface ChannelStore {
  /**
   * Makes the rows of all configured channels; the rest becomes orphaned. Mode: the file's value counts when it
   * differs from the file's value last seen, else the command's. A changed offer makes the channel's counters due.
   * `textHash`: of the file that said all this.
   */
  configure(channels: ChannelSetup[], now: number, textHash?: string): Promise<ChannelRow[]>;
  /** The `textHash` of the last `configure` that had one: a file with the same text has nothing to say. */
  configuredFrom(): Promise<string | null>;
  list(): Promise<ChannelRow[]>;
  /** The row of a channel that is there; null when it was removed or taken over by another. */
  channel(id: number): Promise<ChannelRow | null>;
  /** Notes the account that the credentials lead to, and binds the channel to it at first contact. */
  bind(channelId: number, accountId: string, now: number): Promise<Binding>;
  setMode(name: string, mode: Mode, actor: Actor, now: number): Promise<void>;
  pause(name: string | null, paused: boolean, actor: Actor, now: number): Promise<string[]>;
  /**
   * The channel takes another name. A row that the file already made under it gives way: its deliveries and holds are
   * this channel's, what it counted of the same account is undone. Throws AppError `channel_exists` for another account's.
   */
  rename(from: string, to: string, now: number): Promise<void>;
  /** What removing it would settle; nothing is written. */
  removal(name: string): Promise<Removal>;
  /**
   * Takes a channel out of use and settles what is open. Lines and ledger stay: a channel added later on the same
   * account goes on with them. Throws AppError `channel_in_use` while orders hold stock and nobody said what became of them.
   */
  remove(name: string, orders: OpenOrders, actor: Actor, now: number): Promise<Removal>;
  mark(channelId: number, facts: ChannelMarks): Promise<void>;
  feeds(): Promise<FeedRow[]>;
  feed(channelId: number): Promise<FeedRow | null>;
  /** `mendedBy`: when a complete pull began; it ends a gap that had opened by then, and no later one. */
  markFeed(channelId: number, facts: FeedMarks): Promise<void>;
  vaultGet(channelId: number, key: string): Promise<string | null>;
  vaultSet(channelId: number, key: string, value: string): Promise<void>;
}

export type FeedMarks = Partial<Omit<FeedRow, 'channelId'>> & { mendedBy?: number };

export type ChannelMarks = Partial<
  Pick<
    ChannelRow,
    | 'parkedSince'
    | 'parkedReason'
    | 'plannedAt'
    | 'brakePlan'
    | 'heldReason'
    | 'lastOkAt'
    | 'failingSince'
    | 'lastError'
    | 'reconciledAt'
    | 'reconcileFailures'
    | 'reconcileError'
    | 'webhookHeardAt'
    | 'webhookRefused'
    | 'webhookRefusedAt'
    | 'webhookRefusal'
    | 'webhooksRegistered'
  >
>;
