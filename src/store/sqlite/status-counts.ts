import type { StatusCounts } from '../store.ts';
import { keptAside } from './inbox.ts';
import type { Db } from './open.ts';
import { reasonGone } from './sku-doubt.ts';

/** What waits elsewhere is never sent. */
export const pushing = "ch.mode = 'live' and ch.orphaned = 0";
/** One of its listings is still at the channel. */
export const isOffered = 'exists (select 1 from listing l where l.counter_id = c.id and l.vanished = 0)';

export function statusCounts(db: Db): StatusCounts {
  const one = <T>(text: string): T => db.sql(text).get() as T;
  const inbox = one<{ pending: number; aside: number; oldest: number | null }>(
    `select count(*) filter (where due_at < ${keptAside}) as pending, count(*) filter (where due_at = ${keptAside}) as aside,
       min(received_at) filter (where due_at < ${keptAside}) as oldest
     from delivery
     where status = 'new'`,
  );
  const dead = one<{ n: number }>("select count(*) as n from delivery where status = 'dead'");
  const outbox = one<{ due: number; oldest: number | null }>(
    `select count(*) as due, min(coalesce(c.due_since, c.due_at)) as oldest
     from counter c join channel ch on ch.id = c.channel_id
     where c.version > c.done_version and c.dead = 0 and ${pushing}`,
  );
  const flags = one<{ exposed: number; low: number }>(
    `select (select count(*) from counter c where c.exposed = 1 and ${isOffered}) as exposed,
       (select count(*) from counter where low_since is not null) as low`,
  );
  const perChannel: StatusCounts['perChannel'] = new Map();
  const rows = db
    .sql(
      `select ch.id,
         (select count(*) from counter c
          where ${pushing} and c.channel_id = ch.id and c.version > c.done_version and c.dead = 0) as due,
         (select min(coalesce(c.due_since, c.due_at)) from counter c
          where ${pushing} and c.channel_id = ch.id and c.version > c.done_version and c.dead = 0) as oldestDue,
         (select count(*) from counter c where c.channel_id = ch.id and c.dead = 1 and ${isOffered})
           + (select count(*) from delivery d where d.channel_id = ch.id and d.status = 'dead') as dead,
         (select count(*) from delivery d where d.channel_id = ch.id and d.status = 'new' and d.due_at < ${keptAside}) as pending,
         (select count(*) from delivery d where d.channel_id = ch.id and d.status = 'new' and d.due_at = ${keptAside}) as aside,
         (select min(d.received_at) from delivery d where d.channel_id = ch.id and d.status = 'new' and d.due_at < ${keptAside}) as oldest
       from channel ch
       where ch.type <> 'internal'`,
    )
    .all() as {
    id: number;
    due: number;
    oldestDue: number | null;
    dead: number;
    pending: number;
    aside: number;
    oldest: number | null;
  }[];
  for (const row of rows) {
    perChannel.set(row.id, {
      due: row.due,
      oldestDueAt: row.oldestDue,
      dead: row.dead,
      pendingDeliveries: row.pending,
      keptAside: row.aside,
      oldestPendingAt: row.oldest,
    });
  }
  return {
    inbox: { pending: inbox.pending, keptAside: inbox.aside, dead: dead.n, oldestPendingAt: inbox.oldest },
    outbox: { due: outbox.due, oldestDueAt: outbox.oldest },
    perChannel,
    oversellsOpen: one<{ n: number }>("select count(*) as n from docket where status = 'open'").n,
    uncounted: one<{ n: number }>('select count(*) as n from level where counted = 0').n,
    exposed: flags.exposed,
    unexplainedLow: flags.low,
    skuChanged: one<{ n: number }>(`select count(*) as n from listing l where ${reasonGone}`).n,
    unmappedSales: one<{ n: number }>(
      "select count(*) as n from line where allocation = 'unmapped' and taken > 0",
    ).n,
  };
}
