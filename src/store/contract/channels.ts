import type { Offer } from '../../stock/target.ts';
import type { Actor } from './actor.ts';

export type Mode = 'observe' | 'shadow' | 'live';

/** A channel as the store knows it. */
export interface ChannelRow {
  id: number;
  name: string;
  type: string;
  accountId: string | null;
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
  lastOkAt: number | null;
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
  /** Binds at first contact. `taken`: another channel has this account; `changed`: bound to a different one before. */
  bind(
    channelId: number,
    accountId: string,
  ): Promise<{ kind: 'bound' } | { kind: 'taken' | 'changed'; by: string }>;
  setMode(name: string, mode: Mode, actor: Actor, now: number): Promise<void>;
  pause(name: string | null, paused: boolean, actor: Actor, now: number): Promise<string[]>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  mark(channelId: number, facts: ChannelMarks): Promise<void>;
  feeds(): Promise<FeedRow[]>;
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
    | 'webhooksRegistered'
  >
>;
