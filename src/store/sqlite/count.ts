import { type CountedLine, levelAtCount, owedAtFreeCount, releasesFor } from '../../stock/count.ts';
import type { Actor, StockChange, StockOutcome, StockRow } from '../store.ts';
import { fillShortfalls, keepDocket, orderOf } from './docket.ts';
import { beginTx, type Cause, levelOf, moveLevel, type Tx } from './ledger.ts';
import { allocate, type LineRow, linesOfSku, saveLine } from './lines.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';
import { createSku, nearestSku, skuIdOf, stockRow } from './sku.ts';

/** See `StockStore.change`: all or nothing, in one transaction. */
export function changeStock(db: Db, changes: StockChange[], actor: Actor, now: number): StockOutcome[] {
  const tx = beginTx(db, now);
  const outcomes = changes.map((change) => changeOne(tx, change, actor));
  markDue(tx);
  return outcomes;
}

function changeOne(tx: Tx, change: StockChange, actor: Actor): StockOutcome {
  const { db } = tx;
  const known =
    change.ref === null ? undefined : db.sql('select outcome from command_ref where ref = ?').get(change.ref);
  if (known !== undefined) {
    const first = JSON.parse((known as { outcome: string }).outcome) as StockOutcome;
    return first.kind === 'done' ? { ...first, repeated: true } : first;
  }
  const existing = skuIdOf(db, change.sku);
  if (existing === null && !change.create)
    return { kind: 'unknown_sku', sku: change.sku, nearest: nearestSku(db, change.sku) };
  const before = existing === null ? null : stockRow(db, existing);
  const refusal = refusalOf(change, before);
  if (refusal !== null) return { kind: 'refused', sku: change.sku, message: refusal };
  const skuId = existing ?? createSku(db, change.sku, tx.now);
  const outcome = act(tx, skuId, change, actor, before);
  if (change.ref !== null) {
    db.sql('insert into command_ref (ref, at, outcome) values (?, ?, ?)').run(
      change.ref,
      tx.now,
      JSON.stringify(outcome),
    );
  }
  return outcome;
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

/** Receipts and adjustments; a fall below what is given takes from the youngest unshipped lines. */
function add(tx: Tx, skuId: number, change: StockChange, hand: Hand): { short: number; found: number } {
  const level = levelOf(tx.db, skuId);
  const free = level.on_hand - level.committed - level.reserved;
  const short = free + change.quantity < 0 ? release(tx, skuId, -(free + change.quantity), hand) : 0;
  const kind = change.kind === 'receive' ? 'receipt' : 'adjustment';
  const delta = { onHand: change.quantity, committed: 0, reserved: 0 };
  if (moveLevel(tx, skuId, delta, { kind, occurredAt: change.asOf, ...hand }) === null)
    throw new Error(`${kind} of ${change.sku} does not add up`);
  return { short, found: 0 };
}

/** Sets the SKU's baseline and brings its level to what the count means today. */
function count(tx: Tx, skuId: number, change: StockChange, hand: Hand): { short: number; found: number } {
  if (change.basis === 'shelf') presumeGone(tx, skuId, change);
  const held = linesOfSku(tx.db, skuId).filter((line) => line.allocation === 'held');
  if (change.basis === 'free') settleOwed(tx, skuId, held, change);
  const level = levelOf(tx.db, skuId);
  const wanted = levelAtCount(
    { quantity: change.quantity, asOf: change.asOf, basis: change.basis },
    held.map((line) => countedLine(line, skuId)),
    laterChanges(tx, skuId, change.asOf),
    level.reserved,
  );
  const short = wanted.available < 0 ? release(tx, skuId, -wanted.available, hand) : 0;
  const found = setOnHand(tx, skuId, wanted, change, hand);
  startUncounted(tx, skuId);
  return { short, found };
}

function countedLine(line: LineRow, skuId: number): CountedLine {
  const units = line.parts?.find(([part]) => part === skuId)?.[1] ?? 1;
  const { id, taken, gone, given, soldAt, stages } = line;
  return { id, units, taken, gone, given, soldAt, stages };
}

/** Writes the count's entry and baseline. Holds cannot be shortened: pieces that they need are booked as found. */
function setOnHand(
  tx: Tx,
  skuId: number,
  wanted: { onHand: number; available: number },
  change: StockChange,
  hand: Hand,
): number {
  const level = levelOf(tx.db, skuId);
  const least = level.committed + level.reserved;
  const released = change.basis === 'free' ? Math.max(0, wanted.available) + least : wanted.onHand;
  const onHand = Math.max(released, least);
  const found = onHand - released;
  const delta = { onHand: onHand - level.on_hand, committed: 0, reserved: 0 };
  const cause = { kind: 'count', occurredAt: change.asOf, ...hand };
  if (moveLevel(tx, skuId, delta, cause) === null) throw new Error(`count of ${change.sku} does not add up`);
  tx.db
    .sql('update level set counted = 1, basis = ?, as_of = ? where sku_id = ?')
    .run(change.basis, change.asOf, skuId);
  // A first count makes the SKU's listings pushable even where it counted nothing.
  tx.moved.add(skuId);
  return found;
}

/** Receipts and adjustments that occurred after the count, by walking the SKU's entries back to it. */
function laterChanges(tx: Tx, skuId: number, asOf: number): number {
  let sum = 0;
  let at = levelOf(tx.db, skuId).last_entry;
  while (at !== null) {
    const row = tx.db
      .sql('select kind, on_hand, occurred_at, recorded_at, prev from entry where id = ?')
      .get(at) as {
      kind: string;
      on_hand: number;
      occurred_at: number;
      recorded_at: number;
      prev: number | null;
    };
    if (row.recorded_at <= asOf) break;
    if ((row.kind === 'receipt' || row.kind === 'adjustment') && row.occurred_at > asOf) sum += row.on_hand;
    at = row.prev;
  }
  return sum;
}

/** Takes units from the youngest unshipped lines; they are short now, on the docket, cause `count`. */
function release(tx: Tx, skuId: number, deficit: number, hand: Hand): number {
  const lines = linesOfSku(tx.db, skuId).filter((line) => line.allocation === 'held');
  let short = 0;
  for (const { id, units } of releasesFor(
    deficit,
    lines.map((line) => countedLine(line, skuId)),
  )) {
    const line = lines.find((candidate) => candidate.id === id);
    if (line === undefined) continue;
    const { taken } = line;
    const order = orderOf(tx, line.orderRef);
    const cause = { ...hand, channelId: line.channelId, orderId: order.orderId };
    const kept = Math.max(line.gone, line.given - units);
    allocate(tx, line, { taken: kept, gone: line.gone, takenAt: tx.now, goneAt: tx.now }, cause, false);
    line.taken = taken;
    saveLine(tx.db, line, false);
    keepDocket(tx, line, order, 'count');
    short += units;
  }
  // What was just taken away must not be given back by the same rise.
  tx.risen.delete(skuId);
  return short;
}

/** A free count says that older orders have their goods: what they lacked is theirs without moving available. */
function settleOwed(tx: Tx, skuId: number, held: LineRow[], change: StockChange): void {
  for (const line of held) {
    const owed = owedAtFreeCount(countedLine(line, skuId), change.asOf);
    if (owed === 0 || line.parts?.length !== 1) continue;
    const units = line.parts[0]?.[1] ?? 1;
    const order = orderOf(tx, line.orderRef);
    const delta = { onHand: owed * units, committed: owed * units, reserved: 0 };
    moveLevel(tx, skuId, delta, {
      kind: 'fill',
      occurredAt: change.asOf,
      channelId: line.channelId,
      orderId: order.orderId,
      lineId: line.id,
    });
    line.given += owed;
    saveLine(tx.db, line, false);
    keepDocket(tx, line, order, 'count');
  }
}

/** Channels that never report shipping: lines old enough are presumed to have left, shown to the person first. */
function presumeGone(tx: Tx, skuId: number, change: StockChange): void {
  for (const line of linesOfSku(tx.db, skuId)) {
    const after = change.presumeGoneMs[line.channelId];
    if (after === undefined || line.soldAt + after > change.asOf || line.gone >= line.taken) continue;
    line.presumed = line.taken;
    const goneAt = line.soldAt + after;
    line.stages = [...line.stages, [goneAt, 0, line.taken - line.gone]];
    const order = orderOf(tx, line.orderRef);
    if (line.allocation === 'held') {
      const cause = { channelId: line.channelId, orderId: order.orderId, reason: 'presumed shipped' };
      allocate(tx, line, { taken: line.taken, gone: line.taken, takenAt: line.soldAt, goneAt }, cause, false);
    } else line.gone = line.taken;
    saveLine(tx.db, line, false);
    keepDocket(tx, line, order, 'sale');
  }
}

/** Lines that waited for this SKU's first count act now, oldest sale first, by what changed since the count. */
export function startUncounted(tx: Tx, skuId: number): void {
  const waiting = linesOfSku(tx.db, skuId).filter((line) => line.allocation === 'uncounted');
  waiting.sort((a, b) => a.soldAt - b.soldAt || a.id - b.id);
  for (const line of waiting) {
    const counted = (line.parts ?? []).every(([part]) => levelOf(tx.db, part).counted === 1);
    if (counted) startLine(tx, line, false);
  }
}

/** Allocates a line that has waited (unmapped or uncounted) as if it were learned now. */
export function startLine(tx: Tx, line: LineRow, chain: boolean): void {
  const { taken, gone } = line;
  const order = orderOf(tx, line.orderRef);
  const lastGone = [...line.stages].reverse().find(([, , dGone]) => dGone > 0);
  const wanted = { taken, gone, takenAt: line.soldAt, goneAt: lastGone?.[0] ?? line.soldAt };
  line.allocation = 'held';
  line.taken = 0;
  line.gone = 0;
  line.given = 0;
  allocate(tx, line, wanted, { channelId: line.channelId, orderId: order.orderId }, chain);
  saveLine(tx.db, line, false);
  keepDocket(tx, line, order, 'sale');
}
