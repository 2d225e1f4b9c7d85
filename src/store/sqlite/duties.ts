import { statSync } from 'node:fs';
import type { CheckItem, Json } from '../../channels/channel.ts';
import type { PlanRow, RequestRow } from '../store.ts';
import { setMeta } from './meta.ts';
import type { Db } from './open.ts';
import { audit } from './reports.ts';
import { oddNames } from './sku.ts';

export function ask(db: Db, kind: string, args: Json, now: number): number {
  const made = db
    .sql("insert into request (kind, args, state, created_at) values (?, ?, 'waiting', ?)")
    .run(kind, JSON.stringify(args), now);
  return Number(made.lastInsertRowid);
}

interface RawRequest {
  id: number;
  kind: string;
  args: string;
  state: RequestRow['state'];
  progress: string | null;
  result: string | null;
  created_at: number;
}

function requestFrom(raw: RawRequest): RequestRow {
  return {
    id: raw.id,
    kind: raw.kind,
    args: JSON.parse(raw.args) as Json,
    state: raw.state,
    progress: raw.progress,
    result: raw.result === null ? null : (JSON.parse(raw.result) as Json),
    createdAt: raw.created_at,
  };
}

export function requestsWaiting(db: Db): RequestRow[] {
  const rows = db
    .sql("select * from request where state = 'waiting' order by id limit 20")
    .all() as RawRequest[];
  return rows.map(requestFrom);
}

export function requestById(db: Db, id: number): RequestRow | null {
  const raw = db.sql('select * from request where id = ?').get(id) as RawRequest | undefined;
  return raw === undefined ? null : requestFrom(raw);
}

export function updateRequest(
  db: Db,
  id: number,
  state: RequestRow['state'],
  progress: string | null,
  result: Json | null,
): void {
  db.sql('update request set state = ?, progress = ?, result = ? where id = ?').run(
    state,
    progress,
    result === null ? null : JSON.stringify(result),
    id,
  );
}

export function scheduleOf(db: Db, name: string): { dueAt: number | null; lastOkAt: number | null } {
  const row = db
    .sql('select due_at as dueAt, last_ok_at as lastOkAt from schedule where name = ?')
    .get(name) as { dueAt: number; lastOkAt: number | null } | undefined;
  return row ?? { dueAt: null, lastOkAt: null };
}

export function setSchedule(db: Db, name: string, dueAt: number, lastOkAt: number | null): void {
  db.sql(
    `insert into schedule (name, due_at, last_ok_at) values (?, ?, ?)
     on conflict (name) do update
     set due_at = excluded.due_at, last_ok_at = coalesce(excluded.last_ok_at, schedule.last_ok_at)`,
  ).run(name, dueAt, lastOkAt);
}

export function savePlan(db: Db, plan: PlanRow): void {
  if (plan.cause === 'run') db.sql("delete from plan where cause = 'run'").run();
  db.sql('insert into plan (id, created_at, cause, state, body) values (?, ?, ?, ?, ?)').run(
    plan.id,
    plan.createdAt,
    plan.cause,
    plan.state,
    JSON.stringify(plan.body),
  );
}

const planColumns = 'select id, created_at as createdAt, cause, state, body from plan';

export function planById(db: Db, id: string): PlanRow | null {
  return planRow(db.sql(`${planColumns} where id = ?`).get(id));
}

export function lastRun(db: Db): PlanRow | null {
  return planRow(db.sql(`${planColumns} where cause = 'run'`).get());
}

function planRow(raw: unknown): PlanRow | null {
  if (raw === undefined) return null;
  const row = raw as Omit<PlanRow, 'body'> & { body: string };
  return { ...row, body: JSON.parse(row.body) as Json };
}

export function closePlan(db: Db, id: string, state: 'applied' | 'refused'): void {
  db.sql('update plan set state = ? where id = ?').run(state, id);
  db.sql(
    `update channel set brake_plan = null
     where brake_plan = ? and not exists (select 1 from counter where channel_id = channel.id and held is not null)`,
  ).run(id);
}

/** What `db check` and `check` say of the connection that writes. */
export function checkWriter(db: Db): CheckItem[] {
  const items: CheckItem[] = [];
  const level = Number(db.raw.pragma('synchronous', { simple: true }));
  items.push(
    item(
      'durable',
      level === 2,
      `synchronous=${level}`,
      'a power cut could lose acknowledged sales: do not run this build',
    ),
  );
  const mode = String(db.raw.pragma('journal_mode', { simple: true }));
  items.push(
    item(
      'journal',
      mode === 'wal',
      `journal_mode=${mode}`,
      'the database must be on a local disk that supports WAL',
    ),
  );
  return items;
}

/** What they say of the file and its books. Reads all of it, which takes its time: on a connection that locks nobody. */
export function checkBooks(db: Db, deep: boolean): CheckItem[] {
  const items: CheckItem[] = [];
  const health = String(db.raw.pragma(deep ? 'integrity_check(1)' : 'quick_check(1)', { simple: true }));
  items.push(
    item(
      'integrity',
      health === 'ok',
      health,
      'put the last sound backup back: invsync backup list, then: invsync backup restore FILE',
    ),
  );
  const books = audit(db);
  const first = books.open[0];
  const detail =
    first === undefined
      ? `${books.skus} SKUs, ${books.entries} ledger entries, sums equal levels`
      : `${books.open.length} SKUs do not close, first ${first.sku}: ledger ${first.ledger}, level ${first.level}`;
  items.push(
    item(
      'books',
      first === undefined,
      detail,
      'run invsync explain on the SKU and report it with its output',
    ),
  );
  items.push(namesItem(db));
  const size = sizeOf(db.raw.name) + sizeOf(`${db.raw.name}-wal`);
  items.push({
    name: 'size',
    level: 'ok',
    detail: `${(size / 1048576).toFixed(1)} MiB with its log`,
    remedy: '',
  });
  return items;
}

/** Names that older versions let in: each can be renamed as it is stored. */
function namesItem(db: Db): CheckItem {
  const odd = oddNames(db);
  const [first] = odd;
  if (first === undefined) return item('names', true, 'every SKU has a sound name', '');
  const many = odd.length === 1 ? '1 SKU has a name' : `${odd.length} SKUs have names`;
  return {
    name: 'names',
    level: 'warn',
    detail: `${many} that no command would make: ${JSON.stringify(first.code)} ${first.fault}`,
    remedy: `give each a sound name: invsync stock rename ${typed(first.code)} NEW`,
  };
}

/** As a shell takes it, what is not seen written out. */
function typed(code: string): string {
  if (!/[\p{Cc}\p{Cf}\p{DI}]/u.test(code)) return JSON.stringify(code);
  const text = code.replace(/[\\'\p{Cc}\p{Cf}\p{DI}]/gu, (each) => {
    if (each === '\\' || each === "'") return `\\${each}`;
    return `\\u${(each.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
  });
  return `$'${text}'`;
}

function item(name: string, ok: boolean, detail: string, remedy: string): CheckItem {
  return { name, level: ok ? 'ok' : 'fail', detail, remedy: ok ? '' : remedy };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

export function ping(db: Db, now: number): void {
  setMeta(db, 'ping', String(now));
}
