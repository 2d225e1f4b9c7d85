import {
  type CountedLine,
  onHandAtCount,
  owedAtFreeCount,
  releasesFor,
  type SinceCount,
} from '../../stock/count.ts';
import type { Basis } from '../../stock/level.ts';
import { withStage } from '../../stock/line.ts';
import { normalSku, skuFault } from '../../stock/sku.ts';
import type { Actor, StockChange, StockOutcome, StockRow } from '../store.ts';
import { endAlert } from './alerts.ts';
import { allocate, giveMore, takeBack } from './allocate.ts';
import { fillShortfalls, keepDocket, orderOf } from './docket.ts';
import { recountDoubts } from './doubt.ts';
import { acceptFound, addFound } from './found.ts';
import { beginTx, type Cause, freeIn, levelIn, moveLevel, type Tx } from './ledger.ts';
import { type LineRow, linesSince, saveLine } from './lines.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';
import { keepRef, repeatOf } from './refs.ts';
import { createSku, nearestSku, skuIdOf, stockRow } from './sku.ts';
import { shortenHolds } from './tied.ts';
import { linesInDoubt, markFinal } from './unsettled.ts';
import { startUncounted } from './waiting.ts';

/** See `StockStore.change`: all or nothing, in one transaction. */
export function changeStock(db: Db, changes: StockChange[], actor: Actor, now: number): StockOutcome[] {
  const tx = beginTx(db, now);
  const outcomes = changes.map((change) => changeOne(tx, change, actor));
  markDue(tx);
  return outcomes;
}

function changeOne(tx: Tx, wanted: StockChange, actor: Actor): StockOutcome {
  const { db } = tx;
  // Nothing was counted or received later than now: such a time would swallow what happens until then.
  const change = { ...wanted, asOf: Math.min(wanted.asOf, tx.now) };
  const repeat = repeatOf(tx, change);
  if (repeat !== null) return repeat;
  const existing = skuIdOf(db, change.sku);
  if (existing === null && !change.create)
    return { kind: 'unknown_sku', sku: change.sku, nearest: nearestSku(db, change.sku) };
  const before = existing === null ? null : stockRow(db, existing);
  const refusal = refusalOf(change, before) ?? nameFault(change, existing);
  if (refusal !== null) return { kind: 'refused', sku: change.sku, message: refusal };
  const skuId = existing ?? createSku(db, change.sku, tx.now);
  const outcome = act(tx, skuId, change, actor, before);
  // Whatever a person books answers a rise that nobody could explain.
  endAlert(db, 'unexplained_rise', change.sku, tx.now);
  keepRef(tx, change, outcome);
  return outcome;
}

function nameFault(change: StockChange, existing: number | null): string | null {
  if (existing !== null) return null;
  const fault = skuFault(normalSku(change.sku));
  return fault === null ? null : `the SKU "${change.sku}" ${fault}`;
}

function refusalOf(change: StockChange, before: StockRow | null): string | null {
  if (change.kind === 'adjust' && before?.counted !== true) {
    return `${change.sku} was never counted, so there is nothing to adjust: use stock count or stock set first`;
  }
  if (change.kind === 'adjust' && before !== null && before.onHand - before.reserved + change.quantity < 0) {
    return `${change.sku} has ${before.onHand} on hand (${before.reserved} reserved); an adjustment of ${change.quantity} would go below zero`;
  }
  return null;
}

function act(
  tx: Tx,
  skuId: number,
  change: StockChange,
  actor: Actor,
  before: StockRow | null,
): StockOutcome {
  const cause = { by: actor.by, reason: actor.reason, ref: change.ref };
  let result = { short: 0, found: 0 };
  if (change.kind === 'count' || before?.counted !== true) {
    // The first receipt of a SKU is its first count: what came is what is there.
    const basis = change.kind === 'count' ? change.basis : 'shelf';
    result = count(tx, skuId, { ...change, basis }, cause);
  } else result = add(tx, skuId, change, cause);
  const filled = fillShortfalls(tx);
  const row = stockRow(tx.db, skuId);
  return { kind: 'done', row, created: before === null, repeated: false, before, filled, ...result };
}

type Hand = Pick<Cause, 'by' | 'reason' | 'ref'>;

/**
 * Receipts and adjustments; a fall below what is given takes from the youngest unshipped lines. What occurred before
 * the count was counted, so it leaves an entry and moves nothing.
 */
function add(tx: Tx, skuId: number, change: StockChange, hand: Hand): { short: number; found: number } {
  const { as_of } = levelIn(tx, skuId);
  // A count that seems to be from the future was made by a clock that was wrong, and knew nothing of this.
  const counted = as_of !== null && as_of <= tx.now && change.asOf <= as_of && change.asOf < tx.now;
  const quantity = counted ? 0 : change.quantity;
  const free = freeIn(tx, skuId);
  const deficit = -(free + quantity);
  const held = () => linesInDoubt(tx.db, skuId, null).filter((line) => line.allocation === 'held');
  const short = deficit > 0 ? release(tx, skuId, { lines: held(), deficit, free: null }, hand).short : 0;
  const kind = change.kind === 'receive' ? 'receipt' : 'adjustment';
  const delta = { onHand: quantity, committed: 0, reserved: 0 };
  if (moveLevel(tx, skuId, delta, { kind, occurredAt: change.asOf, ...hand }) === null)
    throw new Error(`${kind} of ${change.sku} does not add up`);
  if (quantity !== 0) acceptFound(tx, skuId);
  tx.risen.add(skuId);
  return { short, found: 0 };
}

/** Sets the SKU's baseline and brings its level to what the count means today. */
function count(tx: Tx, skuId: number, change: StockChange, hand: Hand): { short: number; found: number } {
  const { quantity, asOf, basis } = change;
  const lines = linesInDoubt(tx.db, skuId, asOf);
  if (basis === 'shelf') presumeGone(tx, lines, change);
  const held = lines.filter((line) => line.allocation === 'held');
  const onHand = onHandAtCount(
    { quantity, asOf, basis },
    held.map((line) => countedLine(line, skuId)),
    sinceCount(tx, skuId, asOf),
  );
  const { committed, reserved } = levelIn(tx, skuId);
  const deficit = committed + reserved - onHand;
  // What older orders have, a free count had left out: it cannot be what is missing now.
  const free = basis === 'free' ? asOf : null;
  const { short, left } =
    deficit > 0 ? release(tx, skuId, { lines: held, deficit, free }, hand) : { short: 0, left: 0 };
  const freed = left > 0 ? shortenHolds(tx, skuId, left) : 0;
  // More left the shelf than was counted: pieces that nobody counted.
  const found = left - freed;
  acceptFound(tx, skuId);
  if (found > 0) {
    const delta = { onHand: found, committed: 0, reserved: 0 };
    moveLevel(tx, skuId, delta, { kind: 'found', occurredAt: asOf, ...hand });
    addFound(tx, skuId, found);
  }
  setOnHand(tx, skuId, onHand + found, change, hand);
  if (basis === 'free') giveOwed(tx, skuId, held, asOf);
  startUncounted(tx, lines);
  recountDoubts(tx, skuId, asOf);
  markFinal(tx, skuId, lines, asOf);
  tx.risen.add(skuId);
  return { short, found };
}

/** A SKU's last count, to be made once more as of another time. */
export interface Recount {
  skuId: number;
  sku: string;
  basis: Basis;
  quantity: number;
  asOf: number;
}

/** What the last count must have said for the level to be what it is. */
export function countedQuantity(tx: Tx, skuId: number): number {
  const { as_of, basis, on_hand } = levelIn(tx, skuId);
  const baseline = { quantity: 0, asOf: as_of ?? 0, basis: basis ?? ('shelf' as const) };
  const held = linesSince(tx.db, skuId, null, (line) => line.allocation === 'held');
  const lines = held.map((line) => countedLine(line, skuId));
  return on_hand - onHandAtCount(baseline, lines, sinceCount(tx, skuId, baseline.asOf));
}

/** The same count as of another time: what happened in between counts, or does not count, anew. */
export function recount(tx: Tx, { skuId, sku, basis, quantity, asOf }: Recount, hand: Hand): void {
  tx.db.sql('update level set settled_at = null, settled_line = null where sku_id = ?').run(skuId);
  tx.db.sql('delete from unsettled where sku_id = ?').run(skuId);
  const change = { sku, kind: 'count', quantity, basis, asOf, create: false, ref: null } as const;
  count(tx, skuId, { ...change, presumeGoneMs: {} }, hand);
}

function countedLine(line: LineRow, skuId: number): CountedLine {
  const units = line.parts?.find(([part]) => part === skuId)?.[1] ?? 1;
  const { id, taken, gone, given, waived, soldAt, stages } = line;
  return { id, units, taken, gone, given, waived, soldAt, stages };
}

/** Writes the count's entry and its baseline. */
function setOnHand(tx: Tx, skuId: number, onHand: number, change: StockChange, hand: Hand): void {
  const delta = { onHand: onHand - levelIn(tx, skuId).on_hand, committed: 0, reserved: 0 };
  const cause = { kind: 'count', occurredAt: change.asOf, ...hand };
  if (moveLevel(tx, skuId, delta, cause) === null) throw new Error(`count of ${change.sku} does not add up`);
  tx.db
    .sql('update level set counted = 1, basis = ?, as_of = ?, counted_by = ? where sku_id = ?')
    .run(change.basis, change.asOf, hand.ref ?? null, skuId);
  tx.levels.delete(skuId);
  // A first count makes the SKU's listings pushable even where it counted nothing.
  tx.moved.add(skuId);
}

/**
 * Since the count, by walking the SKU's entries back to it: receipts and adjustments that occurred later, and what
 * reservations held then.
 */
function sinceCount(tx: Tx, skuId: number, asOf: number): SinceCount {
  const level = levelIn(tx, skuId);
  const since = { received: 0, reservedThen: level.reserved };
  let at = level.last_entry;
  while (at !== null) {
    const row = tx.db
      .sql('select kind, on_hand, reserved, occurred_at, recorded_at, prev from entry where id = ?')
      .get(at) as {
      kind: string;
      on_hand: number;
      reserved: number;
      occurred_at: number;
      recorded_at: number;
      prev: number | null;
    };
    if (row.recorded_at <= asOf) break;
    const byHand = row.kind === 'receipt' || row.kind === 'adjustment';
    if (byHand && row.occurred_at > asOf) since.received += row.on_hand;
    since.reservedThen -= row.reserved;
    at = row.prev;
  }
  return since;
}

/**
 * Takes units from the youngest unshipped lines; they are short now, on the docket, cause `count`. `free`: time of a
 * free count, at which lines keep what they had claimed. `left`: pieces that no line could give up.
 */
function release(
  tx: Tx,
  skuId: number,
  wanted: { lines: readonly LineRow[]; deficit: number; free: number | null },
  hand: Hand,
): { short: number; left: number } {
  const { lines, deficit, free } = wanted;
  const counted = lines.map((line) => countedLine(line, skuId));
  let short = 0;
  let left = deficit;
  for (const { id, units } of releasesFor(deficit, counted, free)) {
    const line = lines.find((candidate) => candidate.id === id);
    if (line === undefined) continue;
    const order = orderOf(tx, line.orderRef);
    takeBack(tx, line, units, { ...hand, channelId: line.channelId, orderId: order.orderId });
    saveLine(tx.db, line, 'known');
    keepDocket(tx, line, order, 'count');
    short += units;
    left -= units * (line.parts?.find(([part]) => part === skuId)?.[1] ?? 1);
  }
  return { short, left: Math.max(0, left) };
}

/** A free count says that older orders have their goods: what they lacked is theirs, oldest sale first. */
function giveOwed(tx: Tx, skuId: number, held: readonly LineRow[], asOf: number): void {
  for (const line of [...held].sort((a, b) => a.soldAt - b.soldAt || a.id - b.id)) {
    const owed = owedAtFreeCount(countedLine(line, skuId), asOf);
    if (owed === 0) continue;
    const order = orderOf(tx, line.orderRef);
    const cause = { channelId: line.channelId, orderId: order.orderId };
    if (giveMore(tx, line, owed, { ...cause, kind: 'fill', occurredAt: asOf }) === 0) continue;
    saveLine(tx.db, line, 'known');
    keepDocket(tx, line, order, 'count');
  }
}

/** The merchant's own sales (commits that name no channel) are never reported as shipped either. */
const ownSalesGoneMs = 14 * 86_400_000;

/** After what time a line counts as shipped at a shelf count; null where the channel tells itself. */
export function goneAfterMs(channelId: number, presumeGoneMs: Record<number, number>): number | null {
  return presumeGoneMs[channelId] ?? (channelId === 0 ? ownSalesGoneMs : null);
}

/** Channels that never report shipping: lines old enough are presumed to have left, shown to the person first. */
function presumeGone(tx: Tx, lines: readonly LineRow[], change: StockChange): void {
  for (const line of lines) {
    const after = goneAfterMs(line.channelId, change.presumeGoneMs);
    if (after === null || line.soldAt + after > change.asOf || line.gone >= line.taken) continue;
    const goneAt = line.soldAt + after;
    const stages = withStage(line.stages, [goneAt, 0, line.taken - line.gone]);
    const order = orderOf(tx, line.orderRef);
    line.presumed = line.taken;
    if (line.allocation === 'held') {
      const cause = { channelId: line.channelId, orderId: order.orderId, reason: 'presumed shipped' };
      const { taken, soldAt } = line;
      allocate(tx, line, { taken, gone: taken, stages, takenAt: soldAt, goneAt }, cause, 'joined');
    } else Object.assign(line, { gone: line.taken, stages });
    saveLine(tx.db, line, 'known');
    keepDocket(tx, line, order, 'sale');
  }
}
