import { messageOf } from '../../errors.ts';
import { withStage } from '../../stock/line.ts';
import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import { digestOf, verdictOn } from '../../stock/settle.ts';
import type { AppliedOrder, ApplyOutcome, ApplyRequest } from '../store.ts';
import { openAction } from './actions.ts';
import { fillShortfalls, keepDocket } from './docket.ts';
import { beginTx, type Tx, takeLineId } from './ledger.ts';
import {
  allocate,
  joinChains,
  type LinePart,
  type LineRow,
  lineByKey,
  linesOfOrder,
  saveLine,
} from './lines.ts';
import { allocationOf, listingOf } from './listing-row.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';
import { flagMissing, type StoredOrder, saveOrder, storedOrder } from './order-row.ts';
import { takeFromHold, tiedHolds } from './reservations.ts';
import { inSavepoint } from './savepoint.ts';

/** One order on its way through a transaction. */
interface Passage {
  tx: Tx;
  request: ApplyRequest;
  snapshot: OrderSnapshot;
  stored: StoredOrder | null;
  orderRef: number;
  /** Last moment at which we knew the order without this change, on our clock; null for a new order. */
  knownAt: number | null;
  result: AppliedOrder;
}

/** See `OrderStore.apply`. Runs inside one transaction; a request that throws is undone and answered alone. */
export function applyOrders(
  db: Db,
  requests: ApplyRequest[],
  now: number,
): (ApplyOutcome | { failed: string })[] {
  try {
    return inSavepoint(db, () => {
      const tx = beginTx(db, now);
      const outcomes = requests.map((request) => applyRequest(tx, request));
      finish(tx, outcomes);
      return outcomes;
    });
  } catch (error) {
    if (requests.length === 1) return [{ failed: messageOf(error) }];
    return requests.flatMap((request) => applyOrders(db, [request], now));
  }
}

function finish(tx: Tx, outcomes: ApplyOutcome[]): void {
  const due = markDue(tx);
  for (const outcome of outcomes)
    for (const order of outcome.orders) if (order.verdict === 'applied') order.counterIds = due;
}

function applyRequest(tx: Tx, request: ApplyRequest): ApplyOutcome {
  const { delivery } = request;
  if (delivery !== null) {
    const row = tx.db.sql('select status from delivery where id = ?').get(delivery.id) as
      | { status: string }
      | undefined;
    if (row?.status !== 'new') return { refused: true, orders: [] };
  }
  const orders = request.orders.map((snapshot) => applySnapshot(tx, request, snapshot));
  for (const orderId of request.missing) flagMissing(tx, request.channelId, orderId);
  if (delivery !== null) settleDelivery(tx, request, delivery, orders);
  return { refused: false, orders };
}

/** Records the outcome and replaces the raw body by the fields that the adapter reads, in the same transaction. */
function settleDelivery(
  tx: Tx,
  request: ApplyRequest,
  delivery: NonNullable<ApplyRequest['delivery']>,
  orders: AppliedOrder[],
): void {
  const fields = JSON.stringify(delivery.fields);
  if (delivery.lookAgainAt !== null || orders.some((order) => order.verdict === 'fetch')) {
    tx.db
      .sql('update delivery set fields = ?, body = null, due_at = ?, looks = looks + 1 where id = ?')
      .run(fields, delivery.lookAgainAt ?? tx.now, delivery.id);
    return;
  }
  const unmapped = orders.some((order) => order.unmappedLines > 0);
  const ids = [...orders.map((order) => order.orderId), ...request.missing];
  const status =
    delivery.ignored !== null && ids.length === 0 ? 'ignored' : unmapped ? 'unmapped' : 'applied';
  const outcome = delivery.ignored ?? outcomeText(orders, request.missing);
  tx.db
    .sql(
      `update delivery
       set status = ?, fields = ?, body = null, settled_at = ?, error = null, outcome = ?, orders = ?, replay = 0
       where id = ? and status = 'new'`,
    )
    .run(status, fields, tx.now, outcome, ids.length === 0 ? null : JSON.stringify(ids), delivery.id);
}

function outcomeText(orders: AppliedOrder[], missing: string[]): string {
  const words = orders.map((order) => {
    if (order.verdict !== 'applied')
      return `${order.orderId}: ${order.verdict === 'same' ? 'nothing new' : 'older state'}`;
    return `${order.orderId}: taken +${order.takenUp} -${order.takenDown}, given ${order.given}, short ${order.short}`;
  });
  for (const orderId of missing) words.push(`${orderId}: gone at the channel`);
  return words.join('; ');
}

function applySnapshot(tx: Tx, request: ApplyRequest, snapshot: OrderSnapshot): AppliedOrder {
  const digest = digestOf(snapshot);
  const stored = storedOrder(tx, request.channelId, snapshot.orderId);
  const verdict = verdictOn(stored, snapshot, digest);
  const result: AppliedOrder = {
    orderId: snapshot.orderId,
    verdict: verdict === 'apply' ? 'applied' : verdict,
    takenUp: 0,
    takenDown: 0,
    given: 0,
    short: 0,
    unmappedLines: 0,
    learned: stored === null && request.source !== 'delivery',
    counterIds: [],
  };
  if (stored !== null && verdict !== 'apply') return notApplied(tx, request, snapshot, stored, result);
  const orderRef = saveOrder(tx, request, snapshot, digest, stored);
  const passage: Passage = {
    tx,
    request,
    snapshot,
    stored,
    orderRef,
    knownAt: stored?.answeredAt ?? null,
    result,
  };
  applyLines(passage);
  fillShortfalls(tx);
  closeOrder(passage);
  return result;
}

/** Nothing to change; what was seen and when is still worth keeping. */
function notApplied(
  tx: Tx,
  request: ApplyRequest,
  snapshot: OrderSnapshot,
  stored: StoredOrder,
  result: AppliedOrder,
): AppliedOrder {
  if (request.source === 'delivery' && stored.heardAt === null) {
    tx.db.sql('update orders set heard_at = ? where id = ?').run(tx.now, stored.id);
  }
  if (snapshot.obtained === 'fetched' && result.verdict === 'same') {
    tx.db
      .sql('update orders set asked_at = ?, answered_at = ?, missing = 0 where id = ? and answered_at < ?')
      .run(snapshot.askedAt, snapshot.answeredAt, stored.id, snapshot.answeredAt);
  }
  const row = tx.db
    .sql("select count(*) as waiting from line where order_ref = ? and allocation = 'unmapped'")
    .get(stored.id) as { waiting: number };
  result.unmappedLines = row.waiting;
  return result;
}

/** A line with what the snapshot wants of it. */
interface Intent {
  line: LineRow;
  isNew: boolean;
  fixed: boolean;
  shown: { taken: number; gone: number; takenAt: number | null; goneAt: number | null };
}

/** Releases come before takes, then lines in `lineKey` order: an edit between two lines makes no false shortfall. */
function applyLines(passage: Passage): void {
  const intents = intentsOf(passage);
  const falls = intents.filter((intent) => intent.shown.taken < intent.line.taken);
  const rest = intents.filter((intent) => intent.shown.taken >= intent.line.taken);
  for (const group of [falls, rest]) {
    group.sort((a, b) => (a.line.lineKey < b.line.lineKey ? -1 : 1));
    for (const intent of group) applyLine(passage, intent);
  }
}

function intentsOf(passage: Passage): Intent[] {
  const { tx, request, snapshot, stored, orderRef } = passage;
  const known = stored === null ? [] : linesOfOrder(tx.db, orderRef);
  const intents: Intent[] = [];
  const named = new Set<string>();
  for (const shown of snapshot.lines) {
    named.add(shown.lineKey);
    const line =
      known.find((candidate) => candidate.lineKey === shown.lineKey) ??
      lineByKey(tx.db, request.channelId, shown.lineKey);
    intents.push(
      line === null
        ? newIntent(passage, shown)
        : { line, isNew: false, fixed: madeToOrder(passage.tx, line), shown },
    );
  }
  if (!snapshot.complete) return intents;
  // Only a complete snapshot releases lines by their absence.
  for (const line of known) {
    if (named.has(line.lineKey) || (line.taken === 0 && line.gone === 0)) continue;
    intents.push({
      line,
      isNew: false,
      fixed: false,
      shown: { taken: 0, gone: 0, takenAt: null, goneAt: null },
    });
  }
  return intents;
}

function newIntent(passage: Passage, shown: SnapshotLine): Intent {
  const { tx, request, snapshot, orderRef } = passage;
  const listing = shown.listingId === null ? null : listingOf(tx, request.channelId, shown.listingId);
  const line: LineRow = {
    id: takeLineId(tx),
    channelId: request.channelId,
    lineKey: shown.lineKey,
    orderRef,
    listingRef: listing?.id ?? null,
    listingText: listing?.listingId ?? shown.listingId,
    channelSku: shown.channelSku,
    taken: 0,
    gone: 0,
    given: 0,
    presumed: 0,
    waived: 0,
    reportedGone: 0,
    allocation: listing?.fixed && listing.parts === null ? 'held' : allocationOf(tx, listing?.parts ?? null),
    parts: listing?.parts?.map(([skuId, units]) => [skuId, units, null] satisfies LinePart) ?? null,
    soldAt: shown.takenAt ?? snapshot.placedAt,
    stages: [],
    rev: 1,
  };
  return { line, isNew: true, fixed: listing?.fixed ?? false, shown };
}

function madeToOrder(tx: Tx, line: LineRow): boolean {
  if (line.listingRef === null) return false;
  const row = tx.db.sql('select fixed from listing where id = ?').get(line.listingRef) as
    | { fixed: number | null }
    | undefined;
  return row?.fixed !== null && row !== undefined;
}

function applyLine(passage: Passage, intent: Intent): void {
  const { tx, request, snapshot, result } = passage;
  const { line, isNew, shown } = intent;
  const before = { taken: line.taken, gone: line.gone, given: line.given };
  const takenAt = isNew ? line.soldAt : snapshot.changedAt;
  const goneAt = shown.goneAt ?? snapshot.changedAt;
  const gone = Math.max(shown.gone, Math.min(line.presumed, shown.taken));
  line.orderRef = passage.orderRef;
  line.reportedGone = shown.gone;
  line.stages = withStage(line.stages, [takenAt, shown.taken - before.taken, 0]);
  line.stages = withStage(line.stages, [Math.max(goneAt, takenAt), 0, gone - before.gone]);
  if (line.allocation === 'held') {
    const cause = { channelId: request.channelId, orderId: snapshot.orderId };
    if (shown.taken > before.taken) takeTied(passage, line, shown.taken - before.taken);
    allocate(tx, line, { taken: shown.taken, gone, takenAt, goneAt }, cause, isNew);
    // Made to order: what the shelf does not give is made, so nothing is short.
    if (intent.fixed) line.waived = line.taken - line.given;
  } else {
    line.taken = shown.taken;
    line.gone = gone;
    if (isNew && line.allocation === 'uncounted') joinChains(tx, line);
    if (line.allocation === 'unmapped' && shown.taken > 0) result.unmappedLines += 1;
  }
  saveLine(tx.db, line, isNew);
  keepDocket(
    tx,
    line,
    { channelId: request.channelId, orderId: snapshot.orderId, placedAt: snapshot.placedAt },
    'sale',
  );
  noteOwnChange(passage, line, before, { taken: shown.taken, takenAt: isNew ? shown.takenAt : null });
  result.takenUp += Math.max(0, shown.taken - before.taken);
  result.takenDown += Math.max(0, before.taken - shown.taken);
  result.given += line.given - before.given;
}

/** A hold that names this order gives its units to the order's line in the same transaction. */
function takeTied(passage: Passage, line: LineRow, rise: number): void {
  const { tx, request, snapshot } = passage;
  const holds = tiedHolds(tx, request.channelId, [snapshot.orderId, snapshot.number]);
  if (holds.length === 0) return;
  line.taken += takeFromHold(tx, holds, line, rise, snapshot);
}

/** Any change of `taken` makes the counter it was sold on due, also when no level moved. */
function noteOwnChange(
  passage: Passage,
  line: LineRow,
  before: { taken: number; gone: number },
  shown: { taken: number; takenAt: number | null },
): void {
  const { tx, snapshot } = passage;
  if (line.listingRef === null) return;
  const opened = line.taken - line.gone - (before.taken - before.gone);
  if (opened !== 0)
    tx.db.sql('update listing set open_units = open_units + ? where id = ?').run(opened, line.listingRef);
  const delta = before.taken - shown.taken;
  if (delta === 0 && opened === 0) return;
  const counter = tx.db.sql('select counter_id as id from listing where id = ?').get(line.listingRef) as
    | { id: number }
    | undefined;
  if (counter === undefined) return;
  const changes = tx.counters.get(counter.id) ?? [];
  const to = shown.takenAt ?? Math.min(Math.max(snapshot.changedAt, snapshot.placedAt), snapshot.answeredAt);
  const from = shown.takenAt ?? Math.min(passage.knownAt ?? snapshot.placedAt, to);
  if (delta !== 0) changes.push({ delta, from, to });
  tx.counters.set(counter.id, changes);
}

/** After the last line: what is short, and what the channel's policy does about it. */
function closeOrder(passage: Passage): void {
  const { tx, request, snapshot, orderRef, result } = passage;
  if (result.takenUp === 0 && result.takenDown === 0) return;
  const row = tx.db
    .sql(
      "select coalesce(sum(taken - given - waived), 0) as short from line where order_ref = ? and allocation = 'held'",
    )
    .get(orderRef) as { short: number };
  result.short = Math.max(0, row.short);
  if (result.short > 0 && !snapshot.cancelled && result.takenUp > 0)
    openAction(tx, request.channelId, snapshot.orderId, orderRef);
}
