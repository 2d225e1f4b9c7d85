import { shortfall } from '../../stock/line.ts';
import type { Actor } from '../store.ts';
import { giveMore, waive } from './allocate.ts';
import { noteDeed } from './deeds.ts';
import { coverFound } from './found.ts';
import { beginTx, freeIn, type Tx } from './ledger.ts';
import { type LineRow, lineById, saveLine } from './lines.ts';
import type { Db } from './open.ts';

/** What the docket needs to know of the order of a line. */
export interface DocketOrder {
  channelId: number;
  orderId: string;
  placedAt: number;
}

/**
 * Brings the docket to what the line's state says: opens, shrinks or closes its row, and keeps the list of shortfalls
 * by SKU that a rise of available fills, oldest sale first.
 */
export function keepDocket(tx: Tx, line: LineRow, order: DocketOrder, cause: 'sale' | 'count'): void {
  const short = line.allocation === 'held' ? shortfall(line) : 0;
  if (short === 0) {
    if (line.docketed) closeDocket(tx, line);
    return;
  }
  tx.db
    .sql(
      `insert into docket (line_id, channel_id, order_id, sku, shortfall, status, cause, policy, blocked, placed_at, opened_at)
       values (@line, @channel, @order, @sku, @short, 'open', @cause, @policy, @blocked, @placedAt, @now)
       on conflict (line_id) do update
       set shortfall = excluded.shortfall, order_id = excluded.order_id, blocked = excluded.blocked,
         opened_at = case when status = 'open' then opened_at else excluded.opened_at end,
         cause = case when status = 'open' then cause else excluded.cause end,
         status = 'open', resolved_at = null, resolved_by = null`,
    )
    .run({
      line: line.id,
      channel: order.channelId,
      order: order.orderId,
      sku: skuCodes(tx, line),
      short,
      cause,
      policy: oversellPolicy(tx, order.channelId),
      blocked: hasAction(tx, order) ? 1 : 0,
      placedAt: order.placedAt,
      now: tx.now,
    });
  for (const [skuId] of line.parts ?? []) {
    tx.db
      .sql('insert into short (sku_id, sold_at, line_id) values (?, ?, ?) on conflict do nothing')
      .run(skuId, line.soldAt, line.id);
  }
  line.docketed = true;
}

/** A hold or a cancel of the order is under way, or the order is cancelled and the channel has not said so yet. */
function hasAction(tx: Tx, order: DocketOrder): boolean {
  const row = tx.db
    .sql(
      `select 1 from action
       where channel_id = ? and order_id = ? and (state = 'due' or (state = 'done' and kind = 'cancel'))`,
    )
    .get(order.channelId, order.orderId);
  return row !== undefined;
}

function closeDocket(tx: Tx, line: LineRow): void {
  const status = line.given >= line.taken && line.taken > 0 ? 'filled' : 'cancelled';
  tx.db
    .sql("update docket set status = ?, resolved_at = ?, shortfall = 0 where line_id = ? and status = 'open'")
    .run(status, tx.now, line.id);
  dropShort(tx, line);
}

/** See `ReportStore.resolveOversell`. */
export function resolveOversell(
  db: Db,
  id: number,
  as: 'filled' | 'cancelled' | 'written-off',
  actor: Actor,
  now: number,
): 'done' | 'unknown' | 'closed' {
  const row = db.sql('select line_id, status from docket where id = ?').get(id) as
    | { line_id: number; status: string }
    | undefined;
  if (row === undefined) return 'unknown';
  if (row.status !== 'open') return 'closed';
  const line = lineById(db, row.line_id);
  if (line === null) return 'unknown';
  const tx = beginTx(db, now);
  closeShort(tx, line, { id, as, by: actor.by });
  noteDeed(db, actor, { verb: 'resolve', subject: `oversell ${id}`, detail: as }, now);
  return 'done';
}

/** A person has said what became of a shortfall: nobody waits for it any more. */
export function closeShort(
  tx: Tx,
  line: LineRow,
  said: { id: number; as: 'filled' | 'cancelled' | 'written-off'; by: string },
): void {
  waive(tx, line, line.taken - line.given);
  saveLine(tx.db, line, 'known');
  dropShort(tx, line);
  tx.db
    .sql('update docket set status = ?, resolved_at = ?, resolved_by = ?, shortfall = 0 where id = ?')
    .run(said.as, tx.now, said.by, said.id);
}

/** The line is not waited for any more. */
function dropShort(tx: Tx, line: LineRow): void {
  line.docketed = false;
  for (const [skuId] of line.parts ?? []) {
    tx.db
      .sql('delete from short where sku_id = ? and sold_at = ? and line_id = ?')
      .run(skuId, line.soldAt, line.id);
  }
}

function oversellPolicy(tx: Tx, channelId: number): 'alert' | 'hold' | 'cancel' {
  const row = tx.db
    .sql("select coalesce(json_extract(setup, '$.oversell'), 'alert') as policy from channel where id = ?")
    .get(channelId) as { policy: 'alert' | 'hold' | 'cancel' } | undefined;
  return row?.policy ?? 'alert';
}

function skuCodes(tx: Tx, line: LineRow): string {
  const codes = (line.parts ?? []).map(([skuId]) => {
    const row = tx.db.sql('select code from sku where id = ?').get(skuId) as { code: string };
    return row.code;
  });
  return codes.join('+');
}

/**
 * Any rise of available fills open shortfalls in the same transaction, oldest sale first, before a push can see it.
 * A line that cannot get one whole unit is passed over; one whose order waits for a hold or cancel is not filled.
 */
export function fillShortfalls(tx: Tx): number {
  let filled = 0;
  const queue = [...tx.risen];
  tx.risen.clear();
  for (const skuId of queue) {
    coverFound(tx, skuId);
    if (freeIn(tx, skuId) <= 0) continue;
    const waiting = tx.db
      .sql(
        `select s.line_id as id
         from short s join docket d on d.line_id = s.line_id
         where s.sku_id = ? and d.blocked = 0
         order by s.sold_at, s.line_id`,
      )
      .all(skuId) as { id: number }[];
    for (const { id } of waiting) {
      if (freeIn(tx, skuId) <= 0) break;
      filled += fillLine(tx, id);
    }
  }
  return filled;
}

function fillLine(tx: Tx, lineId: number): number {
  const line = lineById(tx.db, lineId);
  if (line === null) return 0;
  const order = orderOf(tx, line.orderRef);
  const cause = { channelId: line.channelId, orderId: order.orderId };
  const got = giveMore(tx, line, shortfall(line), { ...cause, kind: 'fill', occurredAt: tx.now });
  if (got === 0) return 0;
  saveLine(tx.db, line, 'known');
  keepDocket(tx, line, order, 'sale');
  return got;
}

/** The order of a line, as the docket names it. */
export function orderOf(tx: Tx, orderRef: number): DocketOrder {
  const row = tx.db.sql('select channel_id, order_id, placed_at from orders where id = ?').get(orderRef) as {
    channel_id: number;
    order_id: string;
    placed_at: number;
  };
  return { channelId: row.channel_id, orderId: row.order_id, placedAt: row.placed_at };
}
