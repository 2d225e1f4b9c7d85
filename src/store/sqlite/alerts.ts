import {
  type Actor,
  type AlertEvent,
  type AlertKind,
  type AlertRow,
  type NewAlert,
  noticeQuietMs,
} from '../store.ts';
import { causesIn, overIn } from './alert-causes.ts';
import { noteDeed } from './deeds.ts';
import type { Db } from './open.ts';

/** See `DutyStore.raiseAlert`: the caller logs it. */
export function raiseAlert(db: Db, alert: NewAlert, now: number): boolean {
  const { count } = db
    .sql(
      `insert into alert (channel_id, kind, subject, message, since, last_at) values (?, ?, ?, ?, ?, ?)
       on conflict (kind, subject) where resolved_at is null
       do update set last_at = excluded.last_at, count = count + 1, message = excluded.message
       returning count`,
    )
    .get(alert.channelId, alert.kind, alert.subject, alert.message, now, now) as { count: number };
  return count === 1;
}

/** See `DutyStore.resolveAlert`: the caller logs it. */
export function resolveAlert(db: Db, kind: AlertKind, subject: string, now: number): boolean {
  const text =
    'update alert set resolved_at = ?, untold = 0 where kind = ? and subject = ? and resolved_at is null';
  return db.sql(text).run(now, kind, subject).changes > 0;
}

/** Its cause ended within another operation: whoever logs next tells it. */
export function endAlert(db: Db, kind: AlertKind, subject: string, now: number): void {
  const text =
    'update alert set resolved_at = ?, untold = 1 where kind = ? and subject = ? and resolved_at is null';
  db.sql(text).run(now, kind, subject);
}

/** See `DutyStore.alertStands`. */
export function alertStands(db: Db, kind: AlertKind, subject: string): boolean {
  const text = 'select 1 from alert where kind = ? and subject = ? and resolved_at is null';
  return db.sql(text).get(kind, subject) !== undefined;
}

interface Change {
  what: 'open' | 'close' | 'reword';
  id: number | null;
  alert: NewAlert;
}

interface OpenRow {
  id: number;
  channelId: number | null;
  kind: AlertKind;
  subject: string;
  message: string;
  lastAt: number;
}

/** What the books say that the alerts do not say yet. */
function changesIn(db: Db, now: number): Change[] {
  const open = db
    .sql(
      `select id, channel_id as channelId, kind, subject, message, last_at as lastAt
       from alert where resolved_at is null`,
    )
    .all() as OpenRow[];
  const standing = new Map(open.map((row) => [`${row.kind} ${row.subject}`, row]));
  const changes: Change[] = [];
  for (const { kind, causes, whole } of causesIn(db, now)) {
    const found = new Set<string>();
    for (const cause of causes) {
      const alert: NewAlert = { kind, ...cause };
      found.add(cause.subject);
      const row = standing.get(`${kind} ${cause.subject}`);
      if (row === undefined) changes.push({ what: 'open', id: null, alert });
      else if (row.message !== cause.message) changes.push({ what: 'reword', id: row.id, alert });
    }
    // Of a list that was cut nobody knows what is over.
    if (!whole) continue;
    for (const row of open)
      if (row.kind === kind && !found.has(row.subject))
        changes.push({ what: 'close', id: row.id, alert: row });
  }
  const over = new Set(overIn(db));
  for (const row of open) {
    const quietMs = noticeQuietMs[row.kind];
    const old = quietMs !== undefined && now - row.lastAt > quietMs;
    if (over.has(row.id) || old) changes.push({ what: 'close', id: row.id, alert: row });
  }
  return changes;
}

/** See `DutyStore.alertsToReview`. */
export function alertsToReview(db: Db, now: number): boolean {
  const untold = db.sql('select 1 from alert where untold = 1 limit 1').get() !== undefined;
  return untold || changesIn(db, now).length > 0;
}

/** See `DutyStore.reviewAlerts`. */
export function reviewAlerts(db: Db, now: number, who: 'logs' | 'leaves'): AlertEvent[] {
  const insert = db.sql(
    'insert into alert (channel_id, kind, subject, message, since, last_at, untold) values (?, ?, ?, ?, ?, ?, 1)',
  );
  for (const { what, id, alert } of changesIn(db, now)) {
    if (what === 'open') insert.run(alert.channelId, alert.kind, alert.subject, alert.message, now, now);
    else if (what === 'close')
      db.sql('update alert set resolved_at = ?, untold = 1 where id = ?').run(now, id);
    else db.sql('update alert set message = ?, last_at = ? where id = ?').run(alert.message, now, id);
  }
  if (who === 'leaves') return [];
  const events = db
    .sql(
      `select id, kind, subject, message, since, resolved_at as resolvedAt from alert where untold = 1 order by id`,
    )
    .all() as { kind: AlertKind; subject: string; message: string; resolvedAt: number | null }[];
  db.sql('update alert set untold = 0 where untold = 1').run();
  return events.map(({ kind, subject, message, resolvedAt }) => ({
    kind,
    subject,
    message,
    what: resolvedAt === null ? 'opened' : 'closed',
  }));
}

/** What an `AlertRow` is made of, of `alert a` and `channel c`. */
export const alertColumns = `a.id, c.name as channel, a.kind, a.subject, a.message, a.since, a.last_at as lastAt, a.count,
  a.acked_at as ackedAt, a.resolved_at as resolvedAt`;

/** See `DutyStore.alerts`. */
export function listAlerts(
  db: Db,
  open: boolean,
  limit: number,
  filter: { kind?: AlertKind; channel?: string; before?: number; id?: number } = {},
): AlertRow[] {
  return db
    .sql(
      `select ${alertColumns}
       from alert a left join channel c on c.id = a.channel_id
       where (@open = 0 or a.resolved_at is null)
         and (@kind is null or a.kind = @kind)
         and (@channel is null or c.name = @channel)
         and (@id is null or a.id = @id)
         and a.id < @before
       order by a.id desc
       limit @limit`,
    )
    .all({
      open: open ? 1 : 0,
      kind: filter.kind ?? null,
      channel: filter.channel ?? null,
      id: filter.id ?? null,
      before: filter.before ?? Number.MAX_SAFE_INTEGER,
      limit,
    }) as AlertRow[];
}

/** See `DutyStore.alertCounts`. */
export function alertCounts(db: Db): { kind: AlertKind; open: number; unseen: number }[] {
  return db
    .sql(
      `select kind, count(*) as open, count(*) filter (where acked_at is null) as unseen
       from alert where resolved_at is null group by kind`,
    )
    .all() as { kind: AlertKind; open: number; unseen: number }[];
}

/** See `DutyStore.ackAlerts`. */
export function ackAlerts(db: Db, ids: number[], actor: Actor, now: number): number {
  let acked = 0;
  for (const id of ids) {
    const row = db
      .sql(
        'select kind, subject, message from alert where id = ? and resolved_at is null and acked_at is null',
      )
      .get(id) as { kind: AlertKind; subject: string; message: string } | undefined;
    if (row === undefined) continue;
    acked += 1;
    db.sql('update alert set acked_at = ? where id = ?').run(now, id);
    noteDeed(
      db,
      actor,
      { verb: 'ack', subject: `alert ${id}`, detail: `${row.kind} of ${row.subject}` },
      now,
    );
    // What only says that something happened is over when a person has read it.
    if (noticeQuietMs[row.kind] !== undefined)
      db.sql('update alert set resolved_at = ?, untold = 1 where id = ?').run(now, id);
  }
  return acked;
}
