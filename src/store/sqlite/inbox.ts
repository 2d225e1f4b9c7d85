import type { Json } from '../../channels/channel.ts';
import type {
  Actor,
  ClaimedDelivery,
  DeliveryFilter,
  DeliveryRow,
  DeliveryStatus,
  NewDelivery,
  TakenIn,
} from '../store.ts';
import { noteDeed } from './deeds.ts';
import type { Db } from './open.ts';
import { dismissSales } from './unmapped.ts';

/**
 * The idempotency table: check and insert are one statement on unique (channel, key). A known key with another body
 * is a new delivery, kept under the key and its body's hash.
 */
export function takeIn(db: Db, deliveries: NewDelivery[]): TakenIn[] {
  return deliveries.map((delivery) => {
    const id = insert(db, delivery, delivery.key);
    if (id !== null) return { kind: 'accepted', id, reused: false };
    const known = knownAs(db, delivery.channelId, delivery.key);
    if (known.body_hash === delivery.bodyHash) return duplicateOf(known);
    const reusedKey = `${delivery.key}#${delivery.bodyHash.slice(0, 16)}`;
    const again = insert(db, delivery, reusedKey);
    if (again !== null) return { kind: 'accepted', id: again, reused: true };
    return duplicateOf(knownAs(db, delivery.channelId, reusedKey));
  });
}

interface Known {
  id: number;
  body_hash: string;
  status: DeliveryStatus;
  outcome: string | null;
}

function insert(db: Db, delivery: NewDelivery, key: string): number | null {
  const { changes, lastInsertRowid } = db
    .sql(
      `insert into delivery (channel_id, key, kind, meta, body, body_hash, status, received_at, due_at)
       values (?, ?, ?, ?, ?, ?, 'new', ?, ?)
       on conflict (channel_id, key) do nothing`,
    )
    .run(
      delivery.channelId,
      key,
      delivery.kind,
      delivery.meta === null ? 'null' : JSON.stringify(delivery.meta),
      delivery.body,
      delivery.bodyHash,
      delivery.receivedAt,
      delivery.receivedAt,
    );
  return changes === 0 ? null : Number(lastInsertRowid);
}

function knownAs(db: Db, channelId: number, key: string): Known {
  return db
    .sql('select id, body_hash, status, outcome from delivery where channel_id = ? and key = ?')
    .get(channelId, key) as Known;
}

function duplicateOf(known: Known): TakenIn {
  return { kind: 'duplicate', id: known.id, status: known.status, outcome: known.outcome };
}

interface RawDelivery {
  id: number;
  channel_id: number;
  key: string;
  kind: string;
  meta: string;
  body: Buffer | null;
  fields: string | null;
  received_at: number;
  attempts: number;
  looks: number;
  replay: number;
}

const claimColumns = 'id, channel_id, key, kind, meta, body, fields, received_at, attempts, looks, replay';

function claimedFrom(raw: RawDelivery): ClaimedDelivery {
  return {
    id: raw.id,
    channelId: raw.channel_id,
    key: raw.key,
    kind: raw.kind,
    meta: JSON.parse(raw.meta) as Json,
    // An unmapped sale keeps its body beside its fields; who works on it wants the fields.
    body: raw.fields === null ? raw.body : null,
    fields: raw.fields === null ? null : (JSON.parse(raw.fields) as Json),
    receivedAt: raw.received_at,
    attempts: raw.attempts,
    looks: raw.looks,
    replay: raw.replay === 1,
  };
}

/**
 * Due deliveries beside those already claimed, by id with their channel. Claims live in the memory of the one process
 * that holds the engine lock: a crash voids them at once, and settling is conditional on `new`.
 */
export function claimable(
  db: Db,
  claimed: ReadonlyMap<number, number>,
  limit: number,
  now: number,
): ClaimedDelivery[] {
  const held = new Map<number, number>();
  for (const channelId of claimed.values()) held.set(channelId, (held.get(channelId) ?? 0) + 1);
  // The index answers this one; the rows with their bodies are read for those that are not claimed yet.
  const due = db.sql(
    `select id, due_at as dueAt from delivery
     where channel_id = ? and status = 'new' and due_at <= ?
     order by due_at, id
     limit ?`,
  );
  const channels = db.sql('select id from channel').all() as { id: number }[];
  const waiting = channels.map(({ id }) =>
    (due.all(id, now, limit + (held.get(id) ?? 0)) as DueDelivery[])
      .filter((each) => !claimed.has(each.id))
      .slice(0, limit),
  );
  const read = db.sql(`select ${claimColumns} from delivery where id = ? and status = 'new'`);
  return fairShare(waiting, limit).flatMap(({ id }) => {
    const raw = read.get(id) as RawDelivery | undefined;
    return raw === undefined ? [] : [claimedFrom(raw)];
  });
}

interface DueDelivery {
  id: number;
  dueAt: number;
}

/** The first of each channel, then the second of each, until the limit; what is taken comes oldest due first. */
function fairShare(waiting: DueDelivery[][], limit: number): DueDelivery[] {
  const some = waiting.filter((queue) => queue.length > 0);
  const taken: DueDelivery[] = [];
  for (let rank = 0; rank < limit && taken.length < limit; rank += 1) {
    const rest = some.flatMap((queue) => queue[rank] ?? []);
    if (rest.length === 0) break;
    taken.push(...rest.slice(0, limit - taken.length));
  }
  return some.length < 2 ? taken : taken.sort((a, b) => a.dueAt - b.dueAt || a.id - b.id);
}

/** See `InboxStore.defer`. */
export function deferDeliveries(db: Db, ids: number[], why: string, dueAt: number): void {
  db.sql(
    "update delivery set due_at = ?, error = ? where id in (select value from json_each(?)) and status = 'new'",
  ).run(dueAt, why, JSON.stringify(ids));
}

/** See `InboxStore.fail`. Settled ones stay settled. */
export function failDelivery(db: Db, id: number, error: string, dueAt: number | null, now: number): void {
  if (dueAt === null) {
    db.sql(
      "update delivery set status = 'dead', attempts = attempts + 1, error = ?, settled_at = ? where id = ? and status = 'new'",
    ).run(error, now, id);
    return;
  }
  db.sql(
    "update delivery set attempts = attempts + 1, error = ?, due_at = ? where id = ? and status = 'new'",
  ).run(error, dueAt, id);
}

/** The due time of what is kept aside: the last one that a date can say. */
export const keptAside = 8_640_000_000_000_000;

/** See `InboxStore.setAside`. */
export function setAside(db: Db, ids: number[], why: string): void {
  const text = JSON.stringify(ids);
  db.sql(
    `update delivery set due_at = ?, error = ? where id in (select value from json_each(?)) and status = 'new'`,
  ).run(keptAside, why, text);
  db.sql(
    `update or ignore delivery
     set channel_id = c.successor, due_at = received_at
     from channel c
     where c.id = delivery.channel_id and c.successor is not null and delivery.id in (select value from json_each(?))`,
  ).run(text);
}

/** See `InboxStore.takeUp`. */
export function takeUp(db: Db, channelId: number, now: number): number {
  return db
    .sql(
      `update delivery set due_at = ?, error = null where channel_id = ? and status = 'new' and due_at = ${keptAside}`,
    )
    .run(now, channelId).changes;
}

/** The where-clause of a filter, with its parameters in order. */
function whereOf(db: Db, filter: DeliveryFilter): { text: string; values: (string | number)[] } {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  if (filter.ids !== undefined) {
    parts.push('id in (select value from json_each(?))');
    values.push(JSON.stringify(filter.ids));
  }
  if (filter.channel !== undefined) {
    const channel = db.sql('select id from channel where name = ?').get(filter.channel) as
      | { id: number }
      | undefined;
    parts.push('channel_id = ?');
    values.push(channel?.id ?? -1);
  }
  if (filter.status !== undefined) {
    parts.push('status = ?');
    values.push(filter.status);
  }
  if (filter.since !== undefined) {
    parts.push('received_at >= ?');
    values.push(filter.since);
  }
  if (filter.until !== undefined) {
    parts.push('received_at <= ?');
    values.push(filter.until);
  }
  if (filter.before !== undefined) {
    parts.push('id < ?');
    values.push(filter.before);
  }
  return { text: parts.length === 0 ? '1 = 1' : parts.join(' and '), values };
}

/** Settled and dead deliveries go back to `new`; pending ones are due now. */
export function replay(db: Db, filter: DeliveryFilter, now: number): number {
  const { text, values } = whereOf(db, filter);
  const { changes } = db
    .sql(
      `update delivery
       set status = 'new', replay = 1, due_at = ?, looks = 0, attempts = 0, error = null
       where id in (select id from delivery where ${text} order by id desc limit ?)
         and (body is not null or fields is not null)`,
    )
    .run(now, ...values, filter.limit);
  return changes;
}

/** See `InboxStore.dismiss`. */
export function dismissDeliveries(db: Db, ids: number[], actor: Actor, now: number): number {
  let dismissed = 0;
  for (const id of ids) {
    const { changes } = db
      .sql(
        `update delivery set status = 'ignored', settled_at = ?, outcome = ?
         where id = ? and (status = 'dead' or (status = 'new' and due_at = ${keptAside}))`,
      )
      .run(now, `dismissed by ${actor.by}: ${actor.reason ?? 'no reason given'}`, id);
    if (changes === 0 && !dismissWaiting(db, id, actor, now)) continue;
    dismissed += 1;
    noteDeed(db, actor, { verb: 'dismiss', subject: `event ${id}`, detail: '' }, now);
  }
  return dismissed;
}

/** An event whose sales wait for a SKU: they are settled without one. */
function dismissWaiting(db: Db, id: number, actor: Actor, now: number): boolean {
  const row = db
    .sql("select channel_id, orders from delivery where id = ? and status = 'unmapped'")
    .get(id) as { channel_id: number; orders: string | null } | undefined;
  if (row === undefined) return false;
  dismissSales(db, row.channel_id, JSON.parse(row.orders ?? '[]') as string[], actor, now);
  return true;
}

/** Newest first, for people. */
export function listDeliveries(db: Db, filter: DeliveryFilter): DeliveryRow[] {
  const { text, values } = whereOf(db, filter);
  const rows = db
    .sql(
      `select d.id, c.name as channel, d.key, d.kind, d.status, d.received_at, d.settled_at, d.attempts, d.due_at,
         d.error, d.outcome, d.orders, d.body is not null as has_body, d.fields
       from (select * from delivery where ${text} order by id desc limit ?) d join channel c on c.id = d.channel_id
       order by d.id desc`,
    )
    .all(...values, filter.limit) as {
    id: number;
    channel: string;
    key: string;
    kind: string;
    status: DeliveryStatus;
    received_at: number;
    settled_at: number | null;
    attempts: number;
    due_at: number;
    error: string | null;
    outcome: string | null;
    orders: string | null;
    has_body: number;
    fields: string | null;
  }[];
  return rows.map((row) => ({
    id: row.id,
    channel: row.channel,
    key: row.key,
    kind: row.kind,
    status: row.status,
    receivedAt: row.received_at,
    settledAt: row.settled_at,
    attempts: row.attempts,
    dueAt: row.due_at === keptAside ? null : row.due_at,
    error: row.error,
    outcome: row.outcome,
    orders: row.orders === null ? [] : (JSON.parse(row.orders) as string[]),
    hasBody: row.has_body === 1,
    fields: row.fields === null ? null : (JSON.parse(row.fields) as Json),
  }));
}

/** Newest first, to be read again in memory. */
export function readDeliveries(db: Db, filter: DeliveryFilter): ClaimedDelivery[] {
  const { text, values } = whereOf(db, filter);
  const rows = db
    .sql(`select ${claimColumns} from delivery where ${text} order by id desc limit ?`)
    .all(...values, filter.limit) as RawDelivery[];
  return rows.map(claimedFrom);
}
