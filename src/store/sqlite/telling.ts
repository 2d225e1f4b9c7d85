import type { AlertRow, RouteRow, Told, UntoldAlert } from '../store.ts';
import { alertColumns } from './alerts.ts';
import type { Db } from './open.ts';

/** See `TellingStore.untold`. */
export function untoldAlerts(db: Db, limit: number): UntoldAlert[] {
  const alerts = db
    .sql(
      `select ${alertColumns}
       from alert a left join channel c on c.id = a.channel_id
       where a.resolved_at is null or a.id in (select alert_id from told where over_at is null)
       order by a.id limit ?`,
    )
    .all(limit) as AlertRow[];
  const told = db
    .sql(
      'select alert_id as alertId, route, first_at as firstAt, last_at as lastAt from told where over_at is null',
    )
    .all() as (Told & { alertId: number })[];
  return alerts.map((alert) => ({
    alert,
    told: told
      .filter(({ alertId }) => alertId === alert.id)
      .map(({ route, firstAt, lastAt }) => ({ route, firstAt, lastAt })),
  }));
}

/** See `TellingStore.noteTold`. */
export function noteTold(
  db: Db,
  route: string,
  alertIds: number[],
  what: 'stands' | 'over',
  now: number,
): void {
  const text =
    what === 'stands'
      ? `insert into told (alert_id, route, first_at, last_at) select id, @route, @now, @now from alert where id = @id
         on conflict (alert_id, route) do update set last_at = excluded.last_at`
      : 'update told set over_at = @now where alert_id = @id and route = @route';
  for (const id of alertIds) db.sql(text).run({ id, route, now });
}

/** See `TellingStore.routes`. */
export function listRoutes(db: Db): RouteRow[] {
  return db
    .sql(
      `select name, failures, failing_since as failingSince, retry_at as retryAt, error, last_ok_at as lastOkAt
       from route order by name`,
    )
    .all() as RouteRow[];
}

/** See `TellingStore.noteRoute`. */
export function noteRoute(
  db: Db,
  name: string,
  outcome: { error: string; retryAt: number } | { error: null },
  now: number,
): void {
  db.sql('insert into route (name) values (?) on conflict (name) do nothing').run(name);
  if (outcome.error === null)
    db.sql(
      `update route set failures = 0, failing_since = null, retry_at = null, error = null, last_ok_at = ?
       where name = ?`,
    ).run(now, name);
  else
    db.sql(
      `update route set failures = failures + 1, failing_since = coalesce(failing_since, ?), retry_at = ?, error = ?
       where name = ?`,
    ).run(now, outcome.retryAt, outcome.error, name);
}

/** See `TellingStore.keepRoutes`. */
export function keepRoutes(db: Db, names: string[]): void {
  const list = JSON.stringify(names);
  db.sql('delete from route where name not in (select value from json_each(?))').run(list);
  db.sql('delete from told where route not in (select value from json_each(?))').run(list);
}
