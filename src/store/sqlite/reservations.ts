import { withStage } from '../../stock/line.ts';
import type {
  Actor,
  ReservationDetail,
  ReservationOutcome,
  ReservationRequest,
  ReservationRow,
} from '../store.ts';
import { allocate, joinChains } from './allocate.ts';
import { noteDeed } from './deeds.ts';
import { fillShortfalls, keepDocket } from './docket.ts';
import { beginTx, freeIn, moveLevel, type Tx, takeLineId } from './ledger.ts';
import { type LineRow, saveLine } from './lines.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';
import { skuIdOf } from './sku.ts';
import { freeUnits, isMet, moveReserved } from './tied.ts';

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
  const bySku = new Map<number, { skuId: number; sku: string; quantity: number }>();
  for (const { sku, quantity } of request.lines) {
    const skuId = skuIdOf(db, sku);
    if (skuId === null) return { kind: 'unknown_sku', sku };
    // Two names of one SKU are one line.
    bySku.set(skuId, { skuId, sku, quantity: quantity + (bySku.get(skuId)?.quantity ?? 0) });
  }
  const wanted = [...bySku.values()].sort((a, b) => a.skuId - b.skuId);
  const lacking = wanted
    .map(({ skuId, sku, quantity }) => ({ sku, requested: quantity, available: freeIn(tx, skuId) }))
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

/** A hold with its lines. */
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

/** A hold by its id; refused ones are not shown. */
export function getReservation(db: Db, id: string): ReservationRow | null {
  const row = db.sql("select id from hold where id = ? and state <> 'refused'").get(id);
  return row === undefined ? null : reservationOf(db, id);
}

/**
 * Ends a hold by one conditional update on its state: whoever comes second gets the first one's outcome. A committed
 * hold that names an order keeps its units until that order takes them; one that names none becomes an order of its own.
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
      `update hold set state = @to, committed_at = case @to when 'committed' then @now end where id = @id and state = 'held' and ${late} returning order_ref, channel_id, open`,
    )
    .get({ to, id, now }) as
    | { order_ref: string | null; channel_id: number | null; open: number }
    | undefined;
  if (moved === undefined && to === 'committed') expireOne(db, id, now);
  if (moved === undefined) return getReservation(db, id);
  if (to !== 'committed') freeUnits(tx, id, to === 'released' ? 'hold-released' : 'hold-expired');
  else if (moved.order_ref === null || moved.channel_id === null) becomeOrder(tx, id);
  else if (isMet(db, id)) freeUnits(tx, id, 'hold-closed');
  fillShortfalls(tx);
  markDue(tx);
  return getReservation(db, id);
}

/** See `ReservationStore.giveUp`. */
export function giveUpHold(db: Db, id: string, actor: Actor, now: number): 'released' | 'ended' | 'unknown' {
  const row = db.sql("select open from hold where id = ? and state <> 'refused'").get(id) as
    | { open: number }
    | undefined;
  if (row === undefined) return 'unknown';
  if (row.open === 0) return 'ended';
  const tx = beginTx(db, now);
  db.sql("update hold set state = 'released' where id = ?").run(id);
  freeUnits(tx, id, 'hold-released');
  fillShortfalls(tx);
  markDue(tx);
  noteDeed(db, actor, { verb: 'release', subject: `reservation ${id}`, detail: '' }, now);
  return 'released';
}

/** See `ReservationStore.list`. */
export function listHolds(
  db: Db,
  filter: { keeping?: boolean; committedBefore?: number; before?: string; limit: number },
): ReservationDetail[] {
  const rows = db
    .sql(
      `select h.id, h.state as status, h.expires_at as expiresAt, c.name as channel, h.order_ref as orderRef, h.reference,
         h.created_at as createdAt, h.committed_at as committedAt
       from hold h left join channel c on c.id = h.channel_id
       where h.state <> 'refused'
         and (@keeping = 0 or h.open = 1)
         and (@committedBefore is null
           or (h.open = 1 and h.state = 'committed' and h.committed_at < @committedBefore))
         and (@before is null
           or (h.created_at, h.id) < (select b.created_at, b.id from hold b where b.id = @before))
       order by h.created_at desc, h.id desc
       limit @limit`,
    )
    .all({
      keeping: filter.keeping === true ? 1 : 0,
      committedBefore: filter.committedBefore ?? null,
      before: filter.before ?? null,
      limit: filter.limit,
    }) as Omit<ReservationDetail, 'lines'>[];
  const lines = db.sql(
    `select s.code as sku, h.quantity, h.remaining as keeps
     from hold_line h join sku s on s.id = h.sku_id
     where h.hold_id = ?
     order by s.code`,
  );
  return rows.map((row) => ({ ...row, lines: lines.all(row.id) as ReservationDetail['lines'] }));
}

/** A commit that comes after the end of its hold finds it expired, whether or not the sweep was there before. */
function expireOne(db: Db, id: string, now: number): void {
  const row = db.sql("select id from hold where id = ? and state = 'held' and expires_at <= ?").get(id, now);
  if (row !== undefined) endHold(db, id, 'expired', now);
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
  const orderRef = Number(made.lastInsertRowid);
  const lines = tx.db
    .sql('select sku_id, quantity, remaining from hold_line where hold_id = ? order by sku_id')
    .all(id) as { sku_id: number; quantity: number; remaining: number }[];
  for (const { sku_id, quantity, remaining } of lines) {
    const line = ownLine(tx, orderRef, `${id}/${sku_id}`, sku_id, remaining);
    moveReserved(tx, sku_id, remaining, { orderId: id, channelId: 0, lineId: line.id, ref: id });
    joinChains(tx, line);
    // A count may have shortened the hold: what it does not keep any more is taken like any other sale.
    const stages = withStage(line.stages, [tx.now, quantity - remaining, 0]);
    const wanted = { taken: quantity, gone: 0, stages, takenAt: tx.now, goneAt: tx.now };
    if (quantity > remaining) allocate(tx, line, wanted, { channelId: 0, orderId: id }, 'joined');
    saveLine(tx.db, line, 'new');
    keepDocket(tx, line, { channelId: 0, orderId: id, placedAt: tx.now }, 'count');
  }
  tx.db.sql('update hold_line set remaining = 0 where hold_id = ?').run(id);
  tx.db.sql('update hold set open = 0 where id = ?').run(id);
}

function ownLine(tx: Tx, orderRef: number, lineKey: string, skuId: number, units: number): LineRow {
  return {
    id: takeLineId(tx),
    channelId: 0,
    lineKey,
    orderRef,
    listingRef: null,
    listingText: null,
    channelSku: null,
    taken: units,
    gone: 0,
    given: units,
    presumed: 0,
    waived: 0,
    reportedGone: 0,
    allocation: 'held',
    parts: [[skuId, 1, null]],
    soldAt: tx.now,
    stages: units > 0 ? [[tx.now, units, 0]] : [],
    docketed: false,
    rev: 1,
  };
}

/** Ends holds whose time is over; answers how many. */
export function expireHolds(db: Db, now: number): number {
  const rows = db.sql("select id from hold where state = 'held' and expires_at <= ? limit 200").all(now) as {
    id: string;
  }[];
  for (const { id } of rows) endHold(db, id, 'expired', now);
  return rows.length;
}

/** The clock jumped: every open hold ends so much later. */
export function extendHolds(db: Db, ms: number): void {
  db.sql("update hold set expires_at = expires_at + ? where state = 'held'").run(ms);
}
