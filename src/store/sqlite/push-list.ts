import type { PushRow } from '../store.ts';
import { dueSince } from './mark.ts';
import type { Db } from './open.ts';
import { isOffered, pushing } from './status-counts.ts';
import { viewsOf } from './views.ts';

/** The state of a counter in one word, for people. */
const statusCase = `case
    when c.exposed = 1 then 'exposed'
    when c.dead = 1 then 'dead'
    when c.state <> 'idle' then c.state
    when c.version = c.done_version then 'idle'
    when c.due_at > @now then 'waiting'
    else 'due' end`;

export function listPushes(
  db: Db,
  filter: { channel?: string; status?: PushRow['status']; limit: number },
  now: number,
): PushRow[] {
  const rows = db
    .sql(
      `select c.id, ch.name as channel, c.due_at, c.attempts, c.error, ${statusCase} as status,
         (select l.listing_id from listing l where l.counter_id = c.id order by l.id limit 1) as listing_id
       from counter c join channel ch on ch.id = c.channel_id
       where ch.type <> 'internal' and (@channel is null or ch.name = @channel)
         and (@status is null and (c.version > c.done_version and ${pushing} or c.state <> 'idle' or c.dead = 1 or c.exposed = 1)
           or ${statusCase} = @status)
         and (c.state <> 'idle' or ${isOffered})
       order by c.due_at desc, c.id desc
       limit @limit`,
    )
    .all({ channel: filter.channel ?? null, status: filter.status ?? null, limit: filter.limit, now }) as {
    id: number;
    channel: string;
    due_at: number;
    attempts: number;
    error: string | null;
    status: PushRow['status'];
    listing_id: string | null;
  }[];
  return rows.map((row) => {
    const [view] = viewsOf(db, [row.id]);
    return {
      counterId: row.id,
      channel: row.channel,
      listingId: row.listing_id ?? '',
      sku: skuOf(db, row.id),
      target: view?.target.kind === 'number' ? view.target.quantity : null,
      status: row.status,
      attempts: row.attempts,
      dueAt: row.due_at,
      error: row.error,
    };
  });
}

/** The code of the SKU that a counter shows; of a bundle, its codes joined. */
export function skuOf(db: Db, counterId: number): string | null {
  const rows = db
    .sql(
      `select distinct s.code
       from listing l join listing_part p on p.listing_ref = l.id join sku s on s.id = p.sku_id
       where l.counter_id = ?
       order by s.code`,
    )
    .all(counterId) as { code: string }[];
  return rows.length === 0 ? null : rows.map((row) => row.code).join('+');
}

export function retryPushes(
  db: Db,
  filter: { channel?: string; counterIds?: number[] },
  now: number,
): number {
  const { changes } = db
    .sql(
      `update counter
       set ${dueSince('@now')}, version = version + 1, due_at = @now, dead = 0, attempts = 0
       where state <> 'in_flight'
         and (version > done_version or dead = 1 or exposed = 1)
         and (@ids is null or id in (select value from json_each(@ids)))
         and (@channel is null or channel_id = (select id from channel where name = @channel))`,
    )
    .run({
      now,
      ids: filter.counterIds === undefined ? null : JSON.stringify(filter.counterIds),
      channel: filter.channel ?? null,
    });
  return changes;
}
