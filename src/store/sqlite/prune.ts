import type { KeepSince, Pruned } from '../store.ts';
import { metaOf, setMeta } from './meta.ts';
import type { Db } from './open.ts';

const day = 86_400_000;
/** Longer than anybody repeats a command or imports a file again. */
const keepRefsMs = 400 * day;
/** Deliveries that one step looks at, whether it removes them or not. */
const looked = 1_000;

/**
 * Removes, at most `limit` rows of each kind: settled deliveries older than the keys' retention, kept fields older
 * than the payloads' (never of pending, dead or unmapped ones), push log, closed requests and holds, plans, resolved
 * alerts, refs. Ledger entries and line states are kept for ever.
 */
export function prune(db: Db, keepSince: KeepSince, limit: number, now: number): Pruned {
  const { keys, payloads, pushes } = keepSince;
  const steps = [
    () => walk(db, { name: 'keys', before: keys, limit, now }, removeDelivery),
    () => walk(db, { name: 'payloads', before: payloads, limit, now }, removeFields),
    () => pruneHolds(db, pushes, limit),
    ...byAge.map((text) => () => counted(db.sql(text).run(pushes, limit).changes, limit)),
    () => counted(db.sql(refs).run(now - keepRefsMs, limit).changes, limit),
  ];
  const done = steps.map((step) => step());
  return {
    removed: done.reduce((sum, each) => sum + each.removed, 0),
    more: done.some((each) => each.more),
  };
}

const refs =
  'delete from command_ref where ref in (select ref from command_ref where at < ? order by at limit ?)';

/** A plan that holds a channel's raises back is kept as long as it does. */
const byAge = [
  'delete from push where id in (select id from push where sent_at < ? order by sent_at limit ?)',
  `delete from request where id in (
     select id from request where created_at < ? and state in ('done', 'failed') order by created_at limit ?)`,
  `delete from plan where id in (
     select id from plan
     where created_at < ? and id not in (select brake_plan from channel where brake_plan is not null)
     order by created_at
     limit ?)`,
  'delete from alert where id in (select id from alert where resolved_at < ? order by resolved_at limit ?)',
];

function counted(removed: number, limit: number): Pruned {
  return { removed, more: removed === limit };
}

/** Holds that keep nothing any more, counted from the end of their time: their keys are not repeated after so long. */
function pruneHolds(db: Db, before: number, limit: number): Pruned {
  const ids = db
    .sql('select id from hold where open = 0 and expires_at < ? order by expires_at limit ?')
    .all(before, limit) as { id: string }[];
  for (const { id } of ids) {
    db.sql('delete from hold_line where hold_id = ?').run(id);
    db.sql('delete from hold where id = ?').run(id);
  }
  return counted(ids.length, limit);
}

interface Looked {
  id: number;
  at: number;
  status: string;
  hasFields: number;
}

/** Answers whether it changed something. */
type Act = (db: Db, row: Looked) => boolean;

const removeDelivery: Act = (db, { id }) => db.sql('delete from delivery where id = ?').run(id).changes > 0;

const removeFields: Act = (db, { id, hasFields }) =>
  hasFields === 1 && db.sql('update delivery set fields = null where id = ?').run(id).changes > 0;

/** Where a walk has come to, by the time of receipt, and when it began. */
interface Place {
  at: number;
  id: number;
  began: number;
}

/**
 * Walks old deliveries oldest first and remembers the place, so that what was looked at is not looked at again every
 * hour. Once a day it begins anew, for those that were settled after it had passed them.
 */
function walk(
  db: Db,
  { name, before, limit, now }: { name: string; before: number; limit: number; now: number },
  act: Act,
): Pruned {
  const key = `prune:${name}`;
  const known = metaOf(db, key);
  const last = known === null ? null : (JSON.parse(known) as Place);
  const anew = last === null || Math.abs(now - last.began) >= day;
  const from: Place = anew ? { at: -1, id: 0, began: now } : last;
  const rows = db
    .sql(
      `select id, received_at as at, status, fields is not null as hasFields
       from delivery
       where (received_at, id) > (?, ?) and received_at < ?
       order by received_at, id
       limit ?`,
    )
    .all(from.at, from.id, before, looked) as Looked[];
  let removed = 0;
  let place = from;
  for (const row of rows) {
    if (removed === limit) break;
    const settled = row.status === 'applied' || row.status === 'ignored';
    if (settled && act(db, row)) removed += 1;
    place = { at: row.at, id: row.id, began: from.began };
  }
  if (place !== last) setMeta(db, key, JSON.stringify(place));
  return { removed, more: removed === limit || rows.length === looked };
}
