import type { Db } from './open.ts';

/** What was missed longer ago was found and has been told; a channel whose webhooks work again is not blamed for ever. */
const missedWithinMs = 86_400_000;

/** Orders learned by a pull of which no delivery came, per channel id. */
export function missedWebhooks(db: Db, now: number, graceMs: number): Map<number, number> {
  const rows = db
    .sql(
      `select channel_id as id, count(*) as n
       from orders
       where heard_at is null and learned_by <> 'delivery' and learned_at >= ? and learned_at < ?
       group by channel_id`,
    )
    .all(now - missedWithinMs, now - graceMs) as { id: number; n: number }[];
  return new Map(rows.map((row) => [row.id, row.n]));
}
