import { messageOf } from '../../errors.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
import { digestBeside, digestOf, linesBeside, verdictOn } from '../../stock/snapshot.ts';
import type { AppliedOrder, ApplyOutcome, ApplyRequest } from '../store.ts';
import { openAction } from './actions.ts';
import { applyLines, type Passage } from './apply-lines.ts';
import { fillShortfalls } from './docket.ts';
import { beginTx, type Tx } from './ledger.ts';
import { lineByKey } from './lines.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';
import { flagMissing, type StoredOrder, saveOrder, storedOrder, type TextRequest } from './order-row.ts';
import { inSavepoint, isStorageFailure } from './savepoint.ts';
import { closeTied, tiedHolds } from './tied.ts';
import { closeUnmapped } from './unmapped.ts';

export function asText(request: ApplyRequest): TextRequest {
  const { delivery } = request;
  if (delivery === null) return { ...request, delivery };
  return { ...request, delivery: { ...delivery, fields: JSON.stringify(delivery.fields) } };
}

/** See `OrderStore.apply`. Runs inside one transaction; a request that throws is undone and answered alone. */
export function applyOrders(
  db: Db,
  requests: TextRequest[],
  now: number,
): (ApplyOutcome | { failed: string })[] {
  try {
    return inSavepoint(db, () => {
      const tx = beginTx(db, now);
      const touched: Touched[] = [];
      const outcomes = requests.map((request) => applyRequest(tx, request, touched));
      nameCounters(tx, touched);
      return outcomes;
    });
  } catch (error) {
    if (error === settledMeanwhile && requests.length === 1) return [{ refused: true, orders: [] }];
    // A full disk is nobody's bad request.
    if (isStorageFailure(db, error)) throw error;
    if (requests.length === 1) return [{ failed: messageOf(error) }];
    return requests.flatMap((request) => applyOrders(db, [request], now));
  }
}

/** An applied order with the SKUs and counters that it moved. */
interface Touched {
  result: AppliedOrder;
  skuIds: number[];
  counterIds: number[];
}

function nameCounters(tx: Tx, touched: Touched[]): void {
  const { bySku } = markDue(tx);
  for (const { result, skuIds, counterIds } of touched) {
    const due = new Set(counterIds);
    for (const skuId of skuIds) for (const id of bySku.get(skuId) ?? []) due.add(id);
    result.counterIds = [...due];
  }
}

function applyRequest(tx: Tx, request: TextRequest, touched: Touched[]): ApplyOutcome {
  const { delivery, channelId } = request;
  assertThere(tx, channelId);
  const orders = request.orders.map((snapshot) => applySnapshot(tx, request, snapshot, touched));
  for (const orderId of request.missing) flagMissing(tx, request.channelId, orderId);
  if (delivery !== null) closeDelivery(tx, request, delivery, orders);
  return { refused: false, orders };
}

/** Nothing is booked on a channel that was removed or taken over while its orders were on their way. */
function assertThere(tx: Tx, channelId: number): void {
  if (tx.there.has(channelId)) return;
  const row = tx.db.sql("select 1 from channel where id = ? and type <> 'internal'").get(channelId);
  if (row === undefined) throw new Error('its channel was removed or renamed meanwhile');
  tx.there.add(channelId);
}

/** Somebody else settled the delivery first: the whole request is undone and refused. */
const settledMeanwhile = new Error('the delivery was settled meanwhile');

/** The sale of an unmapped listing keeps its payload until somebody maps the listing. */
const closeWaiting = `update delivery
  set status = ?, fields = ?, settled_at = ?, error = null, outcome = ?, orders = ?, replay = 0
  where id = ? and status = 'new'`;
const closeDone = closeWaiting.replace('settled_at', 'body = null, settled_at');

/** Records the outcome and replaces the raw body by the fields that the adapter reads, in the same transaction. */
function closeDelivery(
  tx: Tx,
  request: TextRequest,
  delivery: NonNullable<TextRequest['delivery']>,
  orders: AppliedOrder[],
): void {
  const { fields } = delivery;
  if (delivery.lookAgainAt !== null || orders.some((order) => order.verdict === 'fetch')) {
    const later = tx.db
      .sql(
        `update delivery
         set fields = ?, body = null, due_at = ?, looks = looks + 1
         where id = ? and status = 'new'`,
      )
      .run(fields, delivery.lookAgainAt ?? tx.now, delivery.id);
    if (later.changes === 0) throw settledMeanwhile;
    return;
  }
  const unmapped = orders.some((order) => order.unmappedLines > 0);
  const ids = [...new Set([...orders.map((order) => order.orderId), ...request.missing])];
  const status =
    delivery.ignored !== null && ids.length === 0 ? 'ignored' : unmapped ? 'unmapped' : 'applied';
  const outcome = delivery.ignored ?? outcomeText(orders, request.missing);
  const settled = tx.db
    .sql(unmapped ? closeWaiting : closeDone)
    .run(status, fields, tx.now, outcome, ids.length === 0 ? null : JSON.stringify(ids), delivery.id);
  if (settled.changes === 0) throw settledMeanwhile;
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

function applySnapshot(
  tx: Tx,
  request: TextRequest,
  snapshot: OrderSnapshot,
  touched: Touched[],
): AppliedOrder {
  const digest = digestOf(snapshot);
  const stored = storedOrder(tx, request.channelId, snapshot.orderId);
  const judged = verdictOn(stored, snapshot, digest);
  // Nobody can be asked about an order that is gone at the channel.
  const verdict = judged === 'fetch' && request.missing.includes(snapshot.orderId) ? 'stale' : judged;
  const result: AppliedOrder = {
    orderId: snapshot.orderId,
    verdict: verdict === 'apply' || verdict === 'adds' ? 'applied' : verdict,
    takenUp: 0,
    takenDown: 0,
    given: 0,
    short: 0,
    unmappedLines: 0,
    learned: stored === null && request.source !== 'delivery',
    counterIds: [],
    doubts: [],
  };
  if (stored !== null && verdict === 'adds')
    return addBeside(tx, request, { snapshot, stored, result }, touched);
  if (stored !== null && verdict !== 'apply') return notApplied(tx, request, snapshot, stored, result);
  const orderRef = saveOrder(tx, request, snapshot, digest, stored);
  return takeIn(tx, request, { snapshot, stored, result, orderRef }, touched);
}

/** An order on its way: what it shows, what is stored of it, and what becomes of it. */
interface Arrival {
  snapshot: OrderSnapshot;
  stored: StoredOrder | null;
  result: AppliedOrder;
}

function takeIn(
  tx: Tx,
  request: TextRequest,
  arrival: Arrival & { orderRef: number },
  touched: Touched[],
): AppliedOrder {
  const { snapshot, stored, result } = arrival;
  const passage: Passage = {
    ...arrival,
    tx,
    request,
    counterIds: new Set(),
    mappedAway: false,
    tied: tiedHolds(tx, request.channelId, snapshot),
  };
  const skuIds = movedBy(tx, () => {
    const lines = applyLines(passage);
    if (snapshot.complete) closeTied(tx, passage.tied, snapshot);
    fillShortfalls(tx);
    if (stored !== null || lines.some((line) => line.docketed)) judgeShortfall(passage);
  });
  if (passage.mappedAway) closeUnmapped(tx.db, request.channelId, tx.now);
  touched.push({ result, skuIds, counterIds: [...passage.counterIds] });
  return result;
}

/**
 * An older notice of lines that the newer one did not speak of. Those that nobody has heard of count at once; where
 * one says something else of a known line, only a look by id can tell.
 */
function addBeside(
  tx: Tx,
  request: TextRequest,
  { snapshot, stored, result }: Arrival & { stored: StoredOrder },
  touched: Touched[],
): AppliedOrder {
  const beside = linesBeside(stored.digest, snapshot).map((shown) => ({
    shown,
    known: lineByKey(tx.db, request.channelId, shown.lineKey),
  }));
  const lines = beside.filter(({ known }) => known === null).map(({ shown }) => shown);
  const differs = beside.some(
    ({ shown, known }) =>
      known !== null && (known.taken !== shown.taken || known.reportedGone !== shown.gone),
  );
  const asked = differs && !request.missing.includes(snapshot.orderId);
  if (lines.length === 0) {
    result.verdict = asked ? 'fetch' : 'stale';
    return notApplied(tx, request, snapshot, stored, result);
  }
  result.verdict = asked ? 'fetch' : 'applied';
  const open = lines.some((line) => line.taken > line.gone) ? 1 : 0;
  tx.db
    .sql('update orders set digest = ?, open = max(open, ?), rev = rev + 1 where id = ?')
    .run(digestBeside(stored.digest, lines), open, stored.id);
  const part = { ...snapshot, complete: false, lines };
  return takeIn(tx, request, { snapshot: part, stored, result, orderRef: stored.id }, touched);
}

/** SKUs whose available moved while it ran. */
function movedBy(tx: Tx, run: () => void): number[] {
  const before = tx.moved;
  tx.moved = new Set();
  run();
  const moved = [...tx.moved];
  tx.moved = before;
  for (const skuId of moved) before.add(skuId);
  return moved;
}

/** Nothing to change; what was seen and when is still worth keeping. */
function notApplied(
  tx: Tx,
  request: TextRequest,
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
    .sql("select count(*) as waiting from line where order_ref = ? and allocation = 'unmapped' and taken > 0")
    .get(stored.id) as { waiting: number };
  result.unmappedLines = row.waiting;
  return result;
}

/** After the last line: what is short, and what the channel's policy does about it. */
function judgeShortfall({ tx, request, snapshot, orderRef, result }: Passage): void {
  if (result.takenUp === 0 && result.takenDown === 0) return;
  const row = tx.db
    .sql(
      "select coalesce(sum(max(0, taken - given - waived)), 0) as short from line where order_ref = ? and allocation = 'held'",
    )
    .get(orderRef) as { short: number };
  result.short = row.short;
  if (result.short > 0 && !snapshot.cancelled && result.takenUp > 0)
    openAction(tx, request.channelId, snapshot.orderId, orderRef);
}
