import type { ActionOutcome, CheckItem, Json, Listing, ListingRef } from '../channels/channel.ts';
import type { Anchor, OwnChange, UnreadPush } from '../stock/anchor.ts';
import type { Basis } from '../stock/level.ts';
import type { Allocation, Part } from '../stock/line.ts';
import type { OrderSnapshot } from '../stock/order.ts';
import type { Offer, Target } from '../stock/target.ts';

/**
 * The contract between the engine and its store: whole operations, each atomic, all asynchronous. Nothing above may
 * depend on SQLite being synchronous, single-process or local. `test/contract/store.ts` is the suite that every
 * store passes. Times are integer milliseconds of our own clock unless said otherwise; ids are integers.
 *
 * Errors: a store that cannot write (disk full, locked for too long) rejects with AppError `store_full` or
 * `store_busy` (exit 5); every other rejection is a defect.
 */
export interface Store {
  readonly channels: ChannelStore;
  readonly inbox: InboxStore;
  readonly orders: OrderStore;
  readonly stock: StockStore;
  readonly listings: ListingStore;
  readonly outbox: OutboxStore;
  readonly reservations: ReservationStore;
  readonly duties: DutyStore;
  readonly reports: ReportStore;
  /** Runs the operations, answers the view, and leaves no trace: for dry runs and for judging a command's reach. */
  rehearse(steps: RehearsalStep[], counterIds: number[] | null, now: number): Promise<Rehearsal>;
  /** Resolves (true) when anything was committed since the last call, by any process; polled by the daemon. */
  changedSince(): boolean;
  close(): Promise<void>;
}

/** Who did it and why; on every change made by hand. */
export interface Actor {
  by: string;
  reason: string | null;
}

// -------------------------------------------------------------------------------------------------- channels

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
}

export interface ChannelStore {
  /**
   * Makes the rows of all configured channels; the rest becomes orphaned. Mode: the file's value counts when it
   * differs from the file's value last seen, else the command's. A changed offer makes the channel's counters due.
   */
  configure(channels: ChannelSetup[], now: number): Promise<ChannelRow[]>;
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
  markFeed(channelId: number, facts: Partial<Omit<FeedRow, 'channelId'>>): Promise<void>;
  vaultGet(channelId: number, key: string): Promise<string | null>;
  vaultSet(channelId: number, key: string, value: string): Promise<void>;
}

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

// ----------------------------------------------------------------------------------------------------- inbox

/** An authentic delivery on its way to disk. `bodyHash`: lower-case hex SHA-256 of the raw body. */
export interface NewDelivery {
  channelId: number;
  key: string;
  kind: string;
  meta: Json;
  body: Uint8Array;
  bodyHash: string;
  receivedAt: number;
}

/** `duplicate` carries the outcome recorded the first time (null while pending). `reused`: known key, other body. */
export type TakenIn =
  | { kind: 'accepted'; id: number; reused: boolean }
  | { kind: 'duplicate'; id: number; status: DeliveryStatus; outcome: string | null };

export type DeliveryStatus = 'new' | 'applied' | 'ignored' | 'unmapped' | 'dead';

/** A delivery to work on. Exactly one of `body` and `fields` is there: the raw body until it was first read. */
export interface ClaimedDelivery {
  id: number;
  channelId: number;
  key: string;
  kind: string;
  meta: Json;
  body: Uint8Array | null;
  fields: Json | null;
  receivedAt: number;
  /** Failed tries so far, and looks after a `lookAgainMs`. */
  attempts: number;
  looks: number;
  /** Asked for by a replay: applied again although it was settled. */
  replay: boolean;
}

export interface DeliveryRow {
  id: number;
  channel: string;
  key: string;
  kind: string;
  status: DeliveryStatus;
  receivedAt: number;
  settledAt: number | null;
  attempts: number;
  dueAt: number;
  error: string | null;
  outcome: string | null;
  orders: string[];
  hasBody: boolean;
  fields: Json | null;
}

/** Which deliveries `list`, `show` and `replay` mean. Newest first. */
export interface DeliveryFilter {
  ids?: number[];
  channel?: string;
  status?: DeliveryStatus;
  since?: number;
  until?: number;
  before?: number;
  limit: number;
}

export interface InboxStore {
  /** One durable insert for all of them; the answer order is the input order. */
  takeIn(deliveries: NewDelivery[]): Promise<TakenIn[]>;
  /** Up to `limit` due deliveries that nobody else works on, oldest due first; claims die with the boot. */
  claim(limit: number, now: number): Promise<ClaimedDelivery[]>;
  /** Failed: try again at `dueAt` (null: dead). The body is kept. */
  fail(id: number, error: string, dueAt: number | null, now: number): Promise<void>;
  /** Claimed but not worked on (stop): give back without spending an attempt. */
  release(ids: number[]): Promise<void>;
  /** Puts settled or dead deliveries back to `new`, marked as replay; answers how many. */
  replay(filter: DeliveryFilter, now: number): Promise<number>;
  list(filter: DeliveryFilter): Promise<DeliveryRow[]>;
  /** Deliveries for one replay in memory (dry run): fields or body, without claiming. */
  read(filter: DeliveryFilter): Promise<ClaimedDelivery[]>;
}

// ---------------------------------------------------------------------------------------------------- orders

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
  /** Orders that the platform no longer has: flagged, nothing released. */
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
   * Decides by `stock/settle.ts` which snapshot counts and by `stock/level.ts` what it does, takes what is there by
   * one conditional statement per SKU, fills open shortfalls after any rise, and marks counters due.
   */
  apply(requests: ApplyRequest[], now: number): Promise<(ApplyOutcome | { failed: string })[]>;
  list(filter: { channel?: string; orderId?: string; before?: number; limit: number }): Promise<OrderRow[]>;
  /** Orders with lines that are neither gone nor released and that nobody read since `readBefore`. */
  unread(channelId: number, readBefore: number, limit: number): Promise<string[]>;
  /** Orders learned by a pull of which no delivery came within `graceMs`: missed webhooks, per channel id. */
  missedWebhooks(now: number, graceMs: number): Promise<Map<number, number>>;
}

// ----------------------------------------------------------------------------------------------------- stock

export interface StockRow {
  sku: string;
  skuId: number;
  onHand: number;
  committed: number;
  reserved: number;
  available: number;
  counted: boolean;
  basis: Basis | null;
  asOf: number | null;
}

/**
 * A change by hand. `set`/`count` are counts (basis decides); `receive` and `adjust` add. `ref`: a known one answers
 * with the first outcome instead of acting again. `create`: an unknown SKU is made, else it is an error.
 */
export interface StockChange {
  sku: string;
  kind: 'count' | 'receive' | 'adjust';
  quantity: number;
  basis: Basis;
  asOf: number;
  create: boolean;
  ref: string | null;
  /** Per channel id: lines older than this are presumed to have left the shelf (shelf counts only). */
  presumeGoneMs: Record<number, number>;
}

export type StockOutcome =
  | {
      kind: 'done';
      row: StockRow;
      created: boolean;
      repeated: boolean;
      before: StockRow | null;
      filled: number;
      short: number;
      found: number;
    }
  | { kind: 'unknown_sku'; sku: string; nearest: string | null }
  | { kind: 'refused'; sku: string; message: string };

/** An open line that a count should be seen beside. */
export interface OpenLine {
  channel: string;
  orderId: string;
  lineKey: string;
  soldAt: number;
  taken: number;
  given: number;
  gone: number;
  presumedGone: boolean;
}

export interface StockStore {
  /** At most 200 changes in one transaction; all or nothing. */
  change(changes: StockChange[], actor: Actor, now: number): Promise<StockOutcome[]>;
  openLines(sku: string, asOf: number, presumeGoneMs: Record<number, number>): Promise<OpenLine[]>;
  rename(from: string, to: string, actor: Actor, now: number): Promise<'done' | 'unknown_sku' | 'taken'>;
  get(sku: string): Promise<StockRow | null>;
  list(filter: { after?: string; limit: number }): Promise<StockRow[]>;
}

// -------------------------------------------------------------------------------------------------- listings

export type ListingMode = 'on' | 'off';

export interface ListingRow {
  id: number;
  channel: string;
  channelId: number;
  listingId: string;
  counterId: number;
  counterKey: string;
  channelSku: string | null;
  title: string;
  parts: { sku: string; units: number }[];
  mode: ListingMode;
  offer: Offer;
  fixed: number | null;
  unwritable: string | null;
  ambiguous: boolean;
  /** Not seen in the last complete catalogue walk. */
  vanished: boolean;
}

/** Changes that mapping brings about, printed before and after. */
export interface MappingEffect {
  listingId: string;
  channelSku: string | null;
  parts: { sku: string; units: number }[];
  /** Lines of this listing that were waiting, and the units that now count. */
  lines: number;
  units: number;
}

export interface ListingStore {
  /** Upserts what discovery found (200 at most per call). */
  upsert(channelId: number, listings: Listing[], now: number): Promise<void>;
  /** After a complete walk: listings not seen since `walkBegan` are marked vanished. Answers how many are left. */
  finishWalk(channelId: number, walkBegan: number): Promise<{ present: number; vanished: number }>;
  /** Facts for `ordersIn`, by listing id or alias. */
  refs(channelId: number, refs: string[]): Promise<Map<string, ListingRef>>;
  /** `listing` = the channel's id, or its SKU there if unique. */
  find(channel: string, listing: string): Promise<ListingRow | 'ambiguous' | null>;
  list(filter: {
    channel?: string;
    unmapped?: boolean;
    after?: number;
    limit: number;
  }): Promise<ListingRow[]>;
  map(
    listingRowId: number,
    parts: { sku: string; units: number }[],
    actor: Actor,
    now: number,
  ): Promise<MappingEffect | { unknownSku: string }>;
  unmap(listingRowId: number, actor: Actor, now: number): Promise<void>;
  set(
    listingRowId: number,
    settings: { mode?: ListingMode; offer?: Partial<Offer>; fixed?: number | null },
    actor: Actor,
    now: number,
  ): Promise<void>;
  /** Unmapped listings whose channel SKU equals exactly one known SKU (or, with `create`, may become one). */
  matches(
    channel: string | null,
    create: boolean,
    limit: number,
  ): Promise<{ listingRowId: number; listingId: string; channel: string; sku: string; create: boolean }[]>;
  /** Makes an uncounted SKU. */
  createSku(sku: string, actor: Actor, now: number): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------- outbox

/** `idle`: nothing on its way. `in_flight`: a call runs. `unknown`: no answer. `accepted`: taken, not yet readable. */
export type PushState = 'idle' | 'in_flight' | 'unknown' | 'accepted';

/** One number at a channel, with everything that a push or a reconcile decides on. */
export interface CounterView {
  counterId: number;
  channelId: number;
  counterKey: string;
  /** Every listing that shares the number, facts included; the first is the one to write to. */
  listings: (ListingRef & {
    rowId: number;
    mode: ListingMode;
    unwritable: string | null;
    parts: Part[];
    fixed: number | null;
    offer: Offer;
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
  /** Mark due for a push at this time (null: leave as it is). */
  dueAt: number | null;
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

export interface OutboxStore {
  /** Due counters of one channel, zeros first, then the scarcest; leased to this boot. */
  due(channelId: number, limit: number, now: number): Promise<CounterView[]>;
  /** Writes plans before the network: sends are in flight with number, sent_at and deadline. Answers the counter ids whose plan still holds (version and lease unmoved). */
  begin(plans: PushPlan[], now: number): Promise<number[]>;
  settle(settlements: PushSettlement[], now: number): Promise<void>;
  /** Books readings (reconcile, read-back, first anchor). */
  read(readings: CounterReading[], now: number): Promise<void>;
  /** Marks counters due: hints, raises whose proof came, retries by hand. */
  touch(counterIds: number[], dueAt: number, now: number): Promise<void>;
  /** By id, any state; or all of a channel in id order after `afterId`. */
  view(counterIds: number[]): Promise<CounterView[]>;
  page(channelId: number, afterId: number, limit: number): Promise<CounterView[]>;
  /** Which of the channel's counters these listings belong to. */
  countersOf(channelId: number, listingIds: string[]): Promise<number[]>;
  nextDueAt(channelId: number): Promise<number | null>;
  /** In-flight pushes of dead boots become unknown; leases of dead boots are void. Called once at start. */
  recover(now: number): Promise<number>;
  list(
    filter: { channel?: string; status?: PushRow['status']; limit: number },
    now: number,
  ): Promise<PushRow[]>;
  /** Makes dead and waiting pushes due now; answers how many. */
  retry(filter: { channel?: string; counterIds?: number[] }, now: number): Promise<number>;
  actionsDue(channelId: number, limit: number, now: number): Promise<ActionRow[]>;
  settleAction(id: number, outcome: ActionOutcome, dueAt: number | null, now: number): Promise<void>;
}

// ---------------------------------------------------------------------------------------------- reservations

export interface ReservationRequest {
  /** `Idempotency-Key` and a hash of the canonical body. */
  key: string;
  bodyHash: string;
  lines: { sku: string; quantity: number }[];
  ttlMs: number;
  reference: string | null;
  channel: string | null;
  orderRef: string | null;
}

export interface ReservationRow {
  id: string;
  status: 'held' | 'committed' | 'released' | 'expired';
  lines: { sku: string; quantity: number }[];
  expiresAt: number;
}

export type ReservationOutcome =
  | { kind: 'held'; reservation: ReservationRow; replayed: boolean }
  | {
      kind: 'out_of_stock';
      lines: { sku: string; requested: number; available: number }[];
      replayed: boolean;
    }
  | { kind: 'key_reused' }
  | { kind: 'unknown_sku'; sku: string };

export interface ReservationStore {
  hold(request: ReservationRequest, now: number): Promise<ReservationOutcome>;
  /** One conditional update on the hold's state: whoever comes second gets the first one's outcome. */
  commit(id: string, now: number): Promise<ReservationRow | null>;
  release(id: string, now: number): Promise<ReservationRow | null>;
  get(id: string): Promise<ReservationRow | null>;
  /** Ends holds whose time is over; answers how many. */
  expire(now: number): Promise<number>;
  /** The clock jumped: every open hold ends so much later. */
  extend(ms: number): Promise<void>;
}

// ---------------------------------------------------------------------------------------------------- duties

/** Work for the one process that talks to channels, asked for by a command. */
export interface RequestRow {
  id: number;
  kind: string;
  args: Json;
  state: 'waiting' | 'running' | 'done' | 'failed';
  progress: string | null;
  result: Json | null;
  createdAt: number;
}

/** A saved reconcile plan: what `--apply` repeats and compares. */
export interface PlanRow {
  id: string;
  createdAt: number;
  cause: 'dry-run' | 'brake' | 'command';
  state: 'open' | 'applied' | 'refused';
  body: Json;
}

export interface AlertRow {
  id: number;
  channel: string | null;
  kind: string;
  subject: string;
  message: string;
  since: number;
  lastAt: number;
  count: number;
  resolvedAt: number | null;
}

export interface DutyStore {
  ask(kind: string, args: Json, now: number): Promise<number>;
  requestsWaiting(): Promise<RequestRow[]>;
  request(id: number): Promise<RequestRow | null>;
  updateRequest(
    id: number,
    state: RequestRow['state'],
    progress: string | null,
    result: Json | null,
  ): Promise<void>;

  /** Scheduled work: due time in the store, a missed run is caught up once. */
  schedule(name: string): Promise<{ dueAt: number | null; lastOkAt: number | null }>;
  setSchedule(name: string, dueAt: number, lastOkAt: number | null): Promise<void>;

  savePlan(plan: PlanRow): Promise<void>;
  plan(id: string): Promise<PlanRow | null>;
  closePlan(id: string, state: 'applied' | 'refused'): Promise<void>;

  raiseAlert(
    alert: { channelId: number | null; kind: string; subject: string; message: string },
    now: number,
  ): Promise<void>;
  resolveAlert(kind: string, subject: string, now: number): Promise<void>;
  alerts(open: boolean, limit: number): Promise<AlertRow[]>;

  /** Removes what retention allows, at most `limit` rows of each kind; answers how many went. */
  prune(
    keepSince: { keys: number; payloads: number; pushes: number },
    limit: number,
    now: number,
  ): Promise<number>;
  /** Truncates the write-ahead log when nobody reads. */
  tidy(): Promise<void>;
  /** Can it write, is synchronous FULL, is the schema ours, sums and sizes. */
  check(deep: boolean): Promise<CheckItem[]>;
  /** Proves that a write reaches the disk (readiness). */
  ping(now: number): Promise<void>;
}

// --------------------------------------------------------------------------------------------------- reports

export interface EntryRow {
  id: number;
  at: number;
  recordedAt: number;
  kind: string;
  /** Change of available, of on hand, committed and reserved, and available after it. */
  delta: number;
  onHand: number;
  committed: number;
  reserved: number;
  after: number;
  channel: string | null;
  orderId: string | null;
  lineKey: string | null;
  by: string | null;
  reason: string | null;
  ref: string | null;
}

export interface PushLogRow {
  at: number;
  channel: string;
  listingId: string;
  quantity: number | null;
  base: number | null;
  outcome: string;
  shown: number | null;
  answeredAt: number | null;
  error: string | null;
}

export interface OversellRow {
  id: number;
  channel: string;
  orderId: string;
  lineKey: string;
  sku: string | null;
  shortfall: number;
  status: 'open' | 'filled' | 'cancelled' | 'written-off';
  cause: 'sale' | 'count';
  policy: 'alert' | 'hold' | 'cancel';
  placedAt: number;
  openedAt: number;
  resolvedAt: number | null;
}

export interface StatusCounts {
  inbox: { pending: number; dead: number; oldestPendingAt: number | null };
  outbox: { due: number; oldestDueAt: number | null };
  perChannel: Map<
    number,
    { due: number; dead: number; pendingDeliveries: number; oldestPendingAt: number | null }
  >;
  oversellsOpen: number;
  uncounted: number;
  exposed: number;
  unexplainedLow: number;
  unmappedSales: number;
}

export interface ReportStore {
  status(now: number): Promise<StatusCounts>;
  /** A SKU's entries, newest first, up to `limit`, recorded at or before `at`. */
  entries(sku: string, at: number | null, limit: number): Promise<EntryRow[]>;
  pushLog(sku: string, channel: string | null, limit: number): Promise<PushLogRow[]>;
  countersOfSku(sku: string): Promise<CounterView[]>;
  oversells(filter: {
    status?: OversellRow['status'];
    before?: number;
    limit: number;
  }): Promise<OversellRow[]>;
  resolveOversell(
    id: number,
    as: 'filled' | 'cancelled' | 'written-off',
    actor: Actor,
    now: number,
  ): Promise<'done' | 'unknown' | 'closed'>;
  /** Ledger sums against levels, line states against committed; every SKU that does not close. */
  audit(): Promise<{
    skus: number;
    entries: number;
    open: { sku: string; ledger: number; level: number; lines: number }[];
  }>;
}

// ------------------------------------------------------------------------------------------------- rehearsal

/** What would be done. */
export type RehearsalStep =
  | { kind: 'apply'; requests: ApplyRequest[] }
  | { kind: 'change'; changes: StockChange[]; actor: Actor }
  | { kind: 'map'; listingRowId: number; parts: { sku: string; units: number }[]; actor: Actor };

export interface Rehearsal {
  applied: (ApplyOutcome | { failed: string })[];
  changed: StockOutcome[];
  mapped: (MappingEffect | { unknownSku: string })[];
  /** The asked counters as they would be; all touched ones when `counterIds` was null. */
  counters: CounterView[];
}
