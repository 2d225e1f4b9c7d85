import { countText } from '../../errors.ts';
import { settleAction } from './actions.ts';
import { endAlert } from './alerts.ts';
import { noteDeed } from './deeds.ts';
import { noAnchor } from './mark.ts';
import { metaOf, setMeta } from './meta.ts';
import type { Db } from './open.ts';

/** How far the books are, by what only ever grows: compared with what was noted beside the database. */
export interface Progress {
  /** The life of the process that wrote last; null in a database that no such process has opened. */
  token: string | null;
  /** The newest ledger entry; entries are kept for ever. */
  entry: number;
  /** Of each channel's order feed, by channel id, on the channel's clock. */
  watermarks: Record<string, number>;
}

export function progressOf(db: Db): Progress {
  const { entry } = db.sql('select coalesce(max(id), 0) as entry from entry').get() as { entry: number };
  const feeds = db
    .sql('select channel_id as id, watermark from feed where watermark is not null order by channel_id')
    .all() as { id: number; watermark: number }[];
  return {
    token: metaOf(db, 'epoch'),
    entry,
    watermarks: Object.fromEntries(feeds.map((feed) => [String(feed.id), feed.watermark])),
  };
}

/** Why these books are a backup that was put back and not worked with since; null: they are not. */
export function restoredNote(db: Db): string | null {
  return metaOf(db, 'restored');
}

export function setEpoch(db: Db, token: string): void {
  setMeta(db, 'epoch', token);
}

/**
 * The database is not the one that was worked with last: all channels observe until a person decides for each, what
 * was known of their numbers is void, what was under way in those days is given up, and every feed has a gap. Answers
 * when the newest entry of the ledger was recorded.
 */
export function newEpoch(db: Db, why: string, now: number): { lastEntryAt: number | null } {
  db.sql(
    `update channel
     set mode = 'observe', mode_by = 'command', live_since = null, planned_at = null, brake_plan = null
     where type <> 'internal'`,
  ).run();
  db.sql('update feed set gap_at = ?, swept_at = null').run(now);
  db.sql(
    `update counter
     set ${noAnchor}, state = 'idle', lease = null, unread = '[]', low_since = null, low_number = null, read_shown = null,
       read_asked = null, read_answered = null, read_cause = null, dead = 0, exposed = 0, error = null, attempts = 0,
       done_version = version`,
  ).run();
  const refused = { kind: 'refused' as const, error: why };
  for (const { id } of db.sql("select id from action where state = 'due'").all() as { id: number }[])
    settleAction(db, id, refused, null, now);
  const result = { error: { code: 'restored', message: why, hint: 'repeat the command', exit_code: 5 } };
  db.sql("update request set state = 'failed', result = ? where state in ('waiting', 'running')").run(
    JSON.stringify(result),
  );
  db.sql("update plan set state = 'refused' where state = 'open'").run();
  const open = db
    .sql("select id from channel where type <> 'internal' and orphaned = 0 order by id")
    .all() as { id: number }[];
  setMeta(db, 'epoch_open', JSON.stringify(open.map(({ id }) => id)));
  db.sql("delete from meta where key = 'restored'").run();
  const detail = `${countText(open.length, 'channel')} observe until a person decides`;
  noteDeed(db, { by: 'invsync', reason: why }, { verb: 'restore', subject: 'database', detail }, now);
  const last = db.sql('select recorded_at as at from entry order by id desc limit 1').get() as
    | { at: number }
    | undefined;
  return { lastEntryAt: last?.at ?? null };
}

/** A person (or the file) has decided about a channel; when no channel is left open, nothing is told any more. */
export function decideChannel(db: Db, channelId: number, now: number): void {
  const text = metaOf(db, 'epoch_open');
  if (text === null) return;
  const open = (JSON.parse(text) as number[]).filter((id) => id !== channelId);
  if (open.length > 0) setMeta(db, 'epoch_open', JSON.stringify(open));
  else {
    db.sql("delete from meta where key = 'epoch_open'").run();
    endAlert(db, 'restored', 'database', now);
  }
}
