import type { Db } from './open.ts';

/** Deliveries that waited for a mapping are settled once none of their orders has a sold line without one. */
export function settleUnmapped(db: Db, channelId: number, now: number): void {
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
