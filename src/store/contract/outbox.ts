import type { ActionOutcome, Json, ListingRef } from '../../channels/channel.ts';
import type { Anchor, OwnChange, UnreadPush } from '../../stock/anchor.ts';
import type { Cause } from '../../stock/cause.ts';
import type { Part } from '../../stock/line.ts';
import type { Offer, Target } from '../../stock/target.ts';
import type { ChannelSetup } from './channels.ts';
import type { ListingMode } from './listings.ts';

/** A level that a target is worked out from. */
export interface LevelAfter {
  skuId: number;
  counted: boolean;
  available: number;
}

/** `idle`: nothing on its way. `in_flight`: a call runs. `unknown`: no answer. `accepted`: taken, not yet readable. */
export type PushState = 'idle' | 'in_flight' | 'unknown' | 'accepted';

/** One number at a channel, with everything that a push or a reconcile decides on. */
export interface CounterView {
  counterId: number;
  channelId: number;
  counterKey: string;
  /** Every listing that shares the number and is there, facts included; the first is the one to write to. */
  listings: (ListingRef & {
    rowId: number;
    mode: ListingMode;
    unwritable: string | null;
    /** It was not there any more when the catalogue was read last. */
    vanished: boolean;
    parts: Part[];
    fixed: number | null;
    offer: Offer;
    /** Own open units (taken - gone), which a gross number contains. */
    openUnits: number;
    /** Its mapping has lost its reason: nothing is raised for it until a person decides. */
    doubted: boolean;
  })[];
  /** Computed from the levels when the view was read (null offers of the channel and defaults applied). */
  target: Target;
  /** Grows with every reason to push; a result for an older one never closes a newer one. */
  version: number;
  doneVersion: number;
  dueAt: number;
  attempts: number;
  state: PushState;
  /** Numbers sent and not yet known to be settled, oldest first. */
  unread: (UnreadPush & { deadline: number; version: number; key: string; base: number | null })[];
  anchor: Anchor | null;
  /** Number the anchor replaced: a read that fits it is a lost push. */
  previousNumber: number | null;
  own: OwnChange[];
  /** Parked after `rejected`; `exposed`: a lowering that cannot be written. */
  dead: boolean;
  exposed: boolean;
  error: string | null;
  /** Since when, and at what number, it was seen too low without a cause. */
  lowSince: number | null;
  lowNumber: number | null;
  /** Why its number is not what recorded sales and pushes make it; null when they do. Ends with an answered push. */
  doubt: Cause | null;
  /** A brake holds it: the target that it may not go to. Until a person lets it go or it shows what it should. */
  held: number | null;
  /** A run has judged it, or a person has let it go, up to this number: so far it may be raised although in doubt. */
  letGo: number | null;
  lastRead: { shown: number | null; askedAt: number; answeredAt: number; cause: string } | null;
  /** Some line of one of its listings is unmapped, or a delivery that names it is pending or dead. */
  clouded: boolean;
}

/** What the pusher decided for one due counter before any network. */
export type PushPlan =
  | {
      kind: 'send';
      counterId: number;
      version: number;
      quantity: number;
      base: number | null;
      key: string;
      sentAt: number;
      deadline: number;
    }
  /** The counter shows what it should: closes the version without a call, with the reason on record. */
  | { kind: 'close'; counterId: number; version: number; reason: string; anchor: Anchor | null }
  /** Not now: due again then. */
  | { kind: 'wait'; counterId: number; version: number; dueAt: number; reason: string }
  /** Will not get better by itself. */
  | {
      kind: 'dead';
      counterId: number;
      version: number;
      error: string;
      exposed: boolean;
      dueAt: number | null;
    };

export type PushResult =
  | { kind: 'applied'; shown: number; answeredAt: number }
  | { kind: 'accepted'; answeredAt: number; readAt: number }
  | { kind: 'conflict'; shown: number | null; askedAt: number; answeredAt: number; dueAt: number }
  | { kind: 'retry'; error: string; dueAt: number; spendsAttempt: boolean }
  | { kind: 'unknown'; error: string; dueAt: number }
  | { kind: 'rejected'; error: string; hint: string; exposed: boolean; dueAt: number | null };

/** A settled push carries the key it was sent with: a late worker cannot settle what is no longer its own. */
export interface PushSettlement {
  counterId: number;
  version: number;
  key: string;
  result: PushResult;
}

/** What a read found; a new anchor where nothing contradicts it. */
export interface CounterReading {
  counterId: number;
  shown: number | null;
  askedAt: number;
  answeredAt: number;
  cause: string;
  /** The number becomes the anchor (in sync, adopted as compare base, or no anchor before). */
  anchors: boolean;
  lowSince: number | null;
  lowNumber: number | null;
  /** The number is in doubt, and why; null: it agrees with the books, which ends a hold as well; undefined: neither. */
  doubt: Cause | null | undefined;
  /** Mark due for a push at this time (null: leave as it is). */
  dueAt: number | null;
}

/** A counter whose number is in doubt or that a brake holds. */
export interface DoubtRow {
  counterId: number;
  /** The target that it may not go to; null when no brake holds it. */
  held: number | null;
  /** It was seen too low and waits for its proof. */
  low: boolean;
}

/** What a run, a command or a configuration change does to a channel's brake. */
export interface BrakeChange {
  hold: { counterId: number; target: number; doubt: Cause }[];
  /** Judged and within the brakes: may go so far, and stays in doubt until it has. */
  pass: { counterId: number; upTo: number }[];
  /** `upTo`: a person has let it go so far; null: it has no cause to be held any more. */
  release: { counterId: number; upTo: number | null }[];
  /** What is held now, for people; kept under the id of the plan that is open already. Null: that plan stays as it is. */
  plan: { id: string; createdAt: number; body: Json } | null;
}

export interface PushRow {
  counterId: number;
  channel: string;
  listingId: string;
  sku: string | null;
  target: number | null;
  status: 'due' | 'waiting' | 'in_flight' | 'unknown' | 'accepted' | 'dead' | 'exposed' | 'idle';
  attempts: number;
  dueAt: number;
  error: string | null;
}

/** An order action on its way to a channel. */
export interface ActionRow {
  id: number;
  channelId: number;
  orderId: string;
  kind: 'hold' | 'cancel';
  key: string;
  attempts: number;
  lines: { lineKey: string; channelSku: string | null; shortfall: number }[];
}

/** How a try ended. `needless`: nothing was missing any more and nothing was done; a later shortfall waits. */
export type ActionEnd = ActionOutcome | { kind: 'needless'; detail: string };

export interface OutboxStore {
  /** Due counters of one channel, zeros first, then the scarcest; those in flight only beyond their deadline. */
  due(channelId: number, limit: number, now: number): Promise<CounterView[]>;
  /** Writes plans before the network: sends are in flight with number, sent_at and deadline. Answers the counter ids whose plan still holds (version and lease unmoved). */
  begin(plans: PushPlan[], now: number): Promise<number[]>;
  settle(settlements: PushSettlement[], now: number): Promise<void>;
  /** Books readings (reconcile, read-back, first anchor). */
  read(readings: CounterReading[], now: number): Promise<void>;
  doubts(channelId: number): Promise<DoubtRow[]>;
  /**
   * Holds and releases counters, and with them closes or opens the channel's brake: it is closed while one counter is
   * held, under one plan. Answers the id of that plan, null when the brake is open.
   */
  brake(channelId: number, change: BrakeChange): Promise<string | null>;
  /** Marks counters due: hints, raises whose proof came, retries by hand. */
  touch(counterIds: number[], dueAt: number, now: number): Promise<void>;
  /** By id, any state; with targets as they would be if these levels stood. */
  view(counterIds: number[], levels?: LevelAfter[]): Promise<CounterView[]>;
  /** All of a channel in id order after `afterId`; with `setup`: the targets that this setup of the channel would make. */
  page(channelId: number, afterId: number, limit: number, setup?: ChannelSetup): Promise<CounterView[]>;
  /** Which of the channel's counters these listings belong to. */
  countersOf(channelId: number, listingIds: string[]): Promise<number[]>;
  nextDueAt(channelId: number): Promise<number | null>;
  /** A channel's pushes in flight beyond their deadline become unknown; called when `due` names one. */
  expireFlights(channelId: number, now: number): Promise<number>;
  /**
   * In-flight pushes of dead boots become unknown; leases of dead boots are void, and what commands asked of them has
   * failed. Called once at start.
   */
  recover(now: number): Promise<number>;
  list(
    filter: { channel?: string; status?: PushRow['status']; limit: number },
    now: number,
  ): Promise<PushRow[]>;
  /** Makes dead and waiting pushes due now; answers how many. */
  retry(filter: { channel?: string; counterIds?: number[] }, now: number): Promise<number>;
  actionsDue(channelId: number, limit: number, now: number): Promise<ActionRow[]>;
  /** `dueAt`: when `retry` and `auth` are tried again. */
  settleAction(id: number, end: ActionEnd, dueAt: number | null, now: number): Promise<void>;
}
