import type { Actor, WaitingSale } from '../store.ts';
import { noteDeed } from './deeds.ts';
import { beginTx } from './ledger.ts';
import { linesOfOrder } from './lines.ts';
import type { Db } from './open.ts';
import { startLine } from './waiting.ts';

/** Deliveries that waited for a mapping are settled once none of their orders has a sold line without one. */
export function closeUnmapped(db: Db, channelId: number, now: number): void {
  db.sql(
    `update delivery
     set status = 'applied', settled_at = ?, body = null
     where channel_id = ? and status = 'unmapped' and not exists (
       select 1
       from json_each(delivery.orders) e
       join orders o on o.channel_id = delivery.channel_id and o.order_id = e.value
       join line l on l.order_ref = o.id
       where l.allocation = 'unmapped' and l.taken > 0)`,
  ).run(now, channelId);
}

/** See `ListingStore.waitingSales`. */
export function waitingSales(db: Db, filter: { channel?: string }, limit: number): WaitingSale[] {
  const rows = db
    .sql(
      `select c.id as channelId, c.name as channel, l.listing_text as name, max(l.channel_sku) as channelSku,
         count(*) as lines, sum(l.taken) as units
       from line l join channel c on c.id = l.channel_id
       where l.allocation = 'unmapped' and l.taken > 0 and (@channel is null or c.name = @channel)
       group by c.id, l.listing_text
       order by min(l.sold_at)
       limit @limit`,
    )
    .all({ channel: filter.channel ?? null, limit }) as (WaitingSale & { channelId: number })[];
  return rows.map(({ channelId, ...sale }) => ({ ...sale, orders: ordersOf(db, channelId, sale.name) }));
}

function ordersOf(db: Db, channelId: number, name: string | null): string[] {
  return db
    .sql(
      `select distinct o.order_id
       from line l join orders o on o.id = l.order_ref
       where l.channel_id = ? and l.listing_text is ? and l.allocation = 'unmapped' and l.taken > 0
       order by o.id desc
       limit 20`,
    )
    .pluck()
    .all(channelId, name) as string[];
}

/** See `ListingStore.dismissSales`. The lines draw on nothing and nobody waits for their units. */
export function dismissSales(
  db: Db,
  channelId: number,
  orderIds: string[],
  actor: Actor,
  now: number,
): { lines: number; units: number } {
  const tx = beginTx(db, now);
  const settled = { lines: 0, units: 0 };
  for (const orderId of orderIds) {
    const order = db
      .sql('select id from orders where channel_id = @channelId and @orderId in (order_id, number)')
      .get({ channelId, orderId }) as { id: number } | undefined;
    if (order === undefined) continue;
    const before = settled.lines;
    for (const line of linesOfOrder(db, order.id)) {
      if (line.allocation !== 'unmapped') continue;
      line.parts = null;
      startLine(tx, line, 'joined');
      if (line.taken === 0) continue;
      settled.lines += 1;
      settled.units += line.taken;
    }
    if (settled.lines > before)
      noteDeed(
        db,
        actor,
        { verb: 'dismiss', subject: `order ${orderId}`, detail: 'sales without a SKU' },
        now,
      );
  }
  closeUnmapped(db, channelId, now);
  return settled;
}
