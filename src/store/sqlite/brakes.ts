import type { BrakeChange, DoubtRow } from '../store.ts';
import type { Db } from './open.ts';

/** Counters of a channel whose number is in doubt or held by its brake. */
export function doubtsOf(db: Db, channelId: number): DoubtRow[] {
  const rows = db
    .sql(
      `select id as counterId, held, low_since is not null as low
       from counter
       where channel_id = ? and (doubt is not null or held is not null)`,
    )
    .all(channelId) as { counterId: number; held: number | null; low: number }[];
  return rows.map((row) => ({ ...row, low: row.low === 1 }));
}

/** See `OutboxStore.brake`. */
export function changeBrake(db: Db, channelId: number, change: BrakeChange): string | null {
  const before = db.sql('select brake_plan as plan from channel where id = ?').get(channelId) as {
    plan: string | null;
  };
  // What a person let go under an earlier brake says nothing of this one.
  if (before.plan === null && change.hold.length > 0)
    db.sql('update counter set let_go = null where channel_id = ? and let_go is not null').run(channelId);
  for (const { counterId, target, doubt } of change.hold) {
    // A push that was decided before the hold must not leave after it.
    db.sql(
      `update counter
       set held = ?, doubt = coalesce(doubt, ?), let_go = null, version = version + 1,
         done_version = case when done_version = version then version + 1 else done_version end
       where id = ? and channel_id = ? and (held is null or held <> ?)`,
    ).run(target, doubt, counterId, channelId, target);
  }
  for (const { counterId, upTo } of change.release) {
    db.sql(
      'update counter set held = null, let_go = ?, doubt = case when ? is null then doubt end where id = ? and channel_id = ?',
    ).run(upTo, upTo, counterId, channelId);
  }
  for (const { counterId, upTo } of change.pass)
    db.sql('update counter set let_go = ? where id = ? and channel_id = ?').run(upTo, counterId, channelId);
  const held = db
    .sql('select 1 from counter where channel_id = ? and held is not null limit 1')
    .get(channelId);
  if (held !== undefined) return keepPlan(db, channelId, before.plan, change.plan);
  if (before.plan === null) return null;
  const letGo = change.release.some(({ upTo }) => upTo !== null);
  db.sql("update plan set state = ? where id = ? and state = 'open'").run(
    letGo ? 'applied' : 'refused',
    before.plan,
  );
  db.sql('update channel set brake_plan = null where id = ?').run(channelId);
  return null;
}

/** One plan for as long as the brake is closed: the id that a person has read stays the one to apply. */
function keepPlan(db: Db, channelId: number, open: string | null, plan: BrakeChange['plan']): string | null {
  if (plan === null) return open;
  const id = open ?? plan.id;
  db.sql(
    `insert into plan (id, created_at, cause, state, body) values (?, ?, 'brake', 'open', json_set(?, '$.plan_id', ?))
     on conflict (id) do update set state = 'open', created_at = excluded.created_at, body = excluded.body`,
  ).run(id, plan.createdAt, JSON.stringify(plan.body), id);
  db.sql('update channel set brake_plan = ? where id = ?').run(id, channelId);
  return id;
}
