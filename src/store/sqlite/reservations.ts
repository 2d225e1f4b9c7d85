import type { OrderSnapshot } from '../../stock/order.ts';
import type { ReservationOutcome, ReservationRequest, ReservationRow } from '../store.ts';
import { fillShortfalls } from './docket.ts';
import { beginTx, levelOf, moveLevel, type Tx, takeLineId } from './ledger.ts';
import { joinChains, type LineRow, saveLine } from './lines.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';
import { skuIdOf } from './sku.ts';

type HoldState = ReservationRow['status'];

interface HoldRow {
  id: string;
  body_hash: string;
  state: HoldState | 'refused';
  answer: string | null;
  expires_at: number;
  channel_id: number | null;
  order_ref: string | null;
  reference: string | null;
}

const holdColumns = 'id, body_hash, state, answer, expires_at, channel_id, order_ref, reference';

/** All or nothing; the answer is kept with the key, so that a repeat gets the same one. */
export function hold(db: Db, request: ReservationRequest, now: number): ReservationOutcome {
  const known = db.sql(`select ${holdColumns} from hold where key = ?`).get(request.key) as
    | HoldRow
    | undefined;
  if (known !== undefined) return repeated(db, known, request);
  const tx = beginTx(db, now);
  const wanted: { skuId: number; sku: string; quantity: number }[] = [];
  for (const { sku, quantity } of merged(request.lines)) {
    const skuId = skuIdOf(db, sku);
    if (skuId === null) return { kind: 'unknown_sku', sku };
    wanted.push({ skuId, sku, quantity });
  }
  wanted.sort((a, b) => a.skuId - b.skuId);
  const lacking = wanted
    .map(({ skuId, sku, quantity }) => ({ sku, requested: quantity, available: freeOf(db, skuId) }))
    .filter((line) => line.available < line.requested);
  const id = `rsv_${db.randomHex(12)}`;
  const expiresAt = now + request.ttlMs;
  if (lacking.length > 0) {
    insertHold(db, id, request, { state: 'refused', answer: JSON.stringify(lacking), expiresAt, now });
    return { kind: 'out_of_stock', lines: lacking, replayed: false };
  }
  insertHold(db, id, request, { state: 'held', answer: null, expiresAt, now });
  for (const { skuId, quantity } of wanted) {
    const cause = { kind: 'hold', occurredAt: now, reason: request.reference, ref: id };
    if (moveLevel(tx, skuId, { onHand: 0, committed: 0, reserved: quantity }, cause) === null) {
      throw new Error(`SKU id ${skuId} was taken by another writer`);
    }
    db.sql('insert into hold_line (hold_id, sku_id, quantity, remaining) values (?, ?, ?, ?)').run(
      id,
      skuId,
      quantity,
      quantity,
    );
  }
  markDue(tx);
  return { kind: 'held', reservation: reservationOf(db, id), replayed: false };
}

function repeated(db: Db, known: HoldRow, request: ReservationRequest): ReservationOutcome {
  if (known.body_hash !== request.bodyHash) return { kind: 'key_reused' };
  if (known.state === 'refused') {
    return { kind: 'out_of_stock', lines: JSON.parse(known.answer ?? '[]'), replayed: true };
  }
  return { kind: 'held', reservation: { ...reservationOf(db, known.id), status: 'held' }, replayed: true };
}

function merged(lines: { sku: string; quantity: number }[]): { sku: string; quantity: number }[] {
  const sums = new Map<string, number>();
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity);
  return [...sums].map(([sku, quantity]) => ({ sku, quantity }));
}

function freeOf(db: Db, skuId: number): number {
  const level = levelOf(db, skuId);
  return level.on_hand - level.committed - level.reserved;
}

function insertHold(
  db: Db,
  id: string,
  request: ReservationRequest,
  facts: { state: 'held' | 'refused'; answer: string | null; expiresAt: number; now: number },
): void {
  const channel =
    request.channel === null
      ? undefined
      : (db.sql('select id from channel where name = ?').get(request.channel) as { id: number } | undefined);
  db.sql(
    `insert into hold (id, key, body_hash, state, answer, expires_at, channel_id, order_ref, reference, created_at, open)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(
    id,
    request.key,
    request.bodyHash,
    facts.state,
    facts.answer,
    facts.expiresAt,
    channel?.id ?? null,
    request.orderRef,
    request.reference,
    facts.now,
    facts.state === 'held' ? 1 : 0,
  );
}

export function reservationOf(db: Db, id: string): ReservationRow {
  const row = db.sql('select state, expires_at from hold where id = ?').get(id) as {
    state: HoldState;
    expires_at: number;
  };
  const lines = db
    .sql(
      'select s.code as sku, h.quantity from hold_line h join sku s on s.id = h.sku_id where h.hold_id = ? order by s.code',
    )
    .all(id) as { sku: string; quantity: number }[];
  return { id, status: row.state, lines, expiresAt: row.expires_at };
}

export function getReservation(db: Db, id: string): ReservationRow | null {
  const row = db.sql("select id from hold where id = ? and state <> 'refused'").get(id);
  return row === undefined ? null : reservationOf(db, id);
}

/**
 * Ends a hold by one conditional update on its state: whoever comes second gets the first one's outcome. A committed
 * hold that names an order keeps its units until that order arrives; one that names none becomes an order of its own.
 */
export function endHold(
  db: Db,
  id: string,
  to: 'committed' | 'released' | 'expired',
  now: number,
): ReservationRow | null {
  const tx = beginTx(db, now);
  const late = to === 'expired' ? 'expires_at <= @now' : to === 'committed' ? 'expires_at > @now' : '1 = 1';
  const moved = db
    .sql(
      `update hold set state = @to where id = @id and state = 'held' and ${late} returning order_ref, open`,
    )
    .get(to === 'released' ? { to, id } : { to, id, now }) as
    | { order_ref: string | null; open: number }
    | undefined;
  if (moved === undefined && to === 'committed') expireOne(db, id, now);
  if (moved === undefined) return getReservation(db, id);
  if (to !== 'committed') freeUnits(tx, id, to === 'released' ? 'hold-released' : 'hold-expired');
  else if (moved.open === 1 && moved.order_ref === null) becomeOrder(tx, id);
  fillShortfalls(tx);
  markDue(tx);
  return getReservation(db, id);
}

/** A commit that comes after the end of its hold finds it expired, whether or not the sweep was there before. */
function expireOne(db: Db, id: string, now: number): void {
  const row = db.sql("select id from hold where id = ? and state = 'held' and expires_at <= ?").get(id, now);
  if (row !== undefined) endHold(db, id, 'expired', now);
}

function freeUnits(tx: Tx, id: string, kind: string): void {
  for (const { sku_id, remaining } of remainingOf(tx.db, id)) {
    const delta = { onHand: 0, committed: 0, reserved: -remaining };
    if (moveLevel(tx, sku_id, delta, { kind, occurredAt: tx.now, ref: id }) === null)
      throw new Error(`hold ${id} does not add up`);
  }
  closeHold(tx.db, id);
}

function remainingOf(db: Db, id: string): { sku_id: number; remaining: number }[] {
  return db
    .sql('select sku_id, remaining from hold_line where hold_id = ? and remaining > 0 order by sku_id')
    .all(id) as { sku_id: number; remaining: number }[];
}

function closeHold(db: Db, id: string): void {
  db.sql('update hold_line set remaining = 0 where hold_id = ?').run(id);
  db.sql('update hold set open = 0 where id = ?').run(id);
}

/** The merchant's own sale, which no channel will tell us about. */
function becomeOrder(tx: Tx, id: string): void {
  const made = tx.db
    .sql(
      `insert into orders (channel_id, order_id, number, version, clock, asked_at, answered_at, digest, placed_at,
         changed_at, status, cancelled, open, learned_by, learned_at, heard_at)
       values (0, ?, null, 1, 'reservation', ?, ?, '', ?, ?, 'committed', 0, 1, 'delivery', ?, ?)`,
    )
    .run(id, tx.now, tx.now, tx.now, tx.now, tx.now, tx.now);
  for (const { sku_id, remaining } of remainingOf(tx.db, id)) {
    const line: LineRow = {
      id: takeLineId(tx),
      channelId: 0,
      lineKey: `${id}/${sku_id}`,
      orderRef: Number(made.lastInsertRowid),
      listingRef: null,
      listingText: null,
      channelSku: null,
      taken: remaining,
      gone: 0,
      given: remaining,
      presumed: 0,
      waived: 0,
      reportedGone: 0,
      allocation: 'held',
      parts: [[sku_id, 1, null]],
      soldAt: tx.now,
      stages: [[tx.now, remaining, 0]],
      rev: 1,
    };
    moveReserved(tx, sku_id, remaining, { orderId: id, channelId: 0, lineId: line.id, ref: id });
    joinChains(tx, line);
    saveLine(tx.db, line, true);
  }
  closeHold(tx.db, id);
}

function moveReserved(
  tx: Tx,
  skuId: number,
  units: number,
  facts: { orderId: string; channelId: number; lineId: number; ref: string },
): void {
  const cause = { kind: 'sale', occurredAt: tx.now, ...facts };
  if (moveLevel(tx, skuId, { onHand: 0, committed: units, reserved: -units }, cause) === null) {
    throw new Error(`hold ${facts.ref} does not add up`);
  }
}

/** Open holds that name this order, by id or by number. */
export function tiedHolds(tx: Tx, channelId: number, refs: (string | null)[]): string[] {
  const rows = tx.db
    .sql(
      'select id from hold where channel_id = ? and order_ref in (?, ?) and open = 1 order by created_at, id',
    )
    .all(channelId, refs[0] ?? null, refs[1] ?? null) as { id: string }[];
  return rows.map((row) => row.id);
}

/** Gives a line up to `rise` listing units out of the holds; whole units only. Answers how many. */
export function takeFromHold(
  tx: Tx,
  holds: string[],
  line: LineRow,
  rise: number,
  order: OrderSnapshot,
): number {
  let taken = 0;
  for (const id of holds) {
    const left = new Map(remainingOf(tx.db, id).map((row) => [row.sku_id, row.remaining]));
    const parts = line.parts ?? [];
    const units = parts.reduce(
      (least, [skuId, per]) => Math.min(least, Math.floor((left.get(skuId) ?? 0) / per)),
      rise - taken,
    );
    if (units <= 0 || parts.length === 0) continue;
    for (const [skuId, per] of parts) {
      moveReserved(tx, skuId, units * per, {
        orderId: order.orderId,
        channelId: line.channelId,
        lineId: line.id,
        ref: id,
      });
      tx.db
        .sql('update hold_line set remaining = remaining - ? where hold_id = ? and sku_id = ?')
        .run(units * per, id, skuId);
    }
    taken += units;
    line.given += units;
    if (remainingOf(tx.db, id).length === 0) {
      tx.db.sql("update hold set open = 0, state = 'committed' where id = ?").run(id);
    }
  }
  return taken;
}

export function expireHolds(db: Db, now: number): number {
  const rows = db.sql("select id from hold where state = 'held' and expires_at <= ? limit 200").all(now) as {
    id: string;
  }[];
  for (const { id } of rows) endHold(db, id, 'expired', now);
  return rows.length;
}

export function extendHolds(db: Db, ms: number): void {
  db.sql("update hold set expires_at = expires_at + ? where state = 'held'").run(ms);
}
