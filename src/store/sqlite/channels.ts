import { AppError, EXIT } from '../../errors.ts';
import {
  type Actor,
  type ChannelMarks,
  type ChannelRow,
  type ChannelSetup,
  type FeedMarks,
  type FeedRow,
  type Mode,
  sameOffer,
} from '../store.ts';
import { noteDeed } from './deeds.ts';
import { decideChannel } from './epoch.ts';
import { dueSince, noAnchor, sumOpened } from './mark.ts';
import { metaOf, setMeta } from './meta.ts';
import type { Db } from './open.ts';
import { forwardDeliveries } from './retire.ts';

export interface RawChannel {
  id: number;
  name: string;
  type: string;
  account_id: string | null;
  account_seen: string | null;
  mode: Mode;
  mode_in_file: Mode | null;
  mode_by: 'file' | 'command';
  paused: number;
  parked_since: number | null;
  parked_reason: string | null;
  live_since: number | null;
  planned_at: number | null;
  brake_plan: string | null;
  held_reason: string | null;
  orphaned: number;
  last_ok_at: number | null;
  failing_since: number | null;
  last_error: string | null;
  reconciled_at: number | null;
  reconcile_failures: number;
  reconcile_error: string | null;
  webhook_heard_at: number | null;
  webhook_refused: number;
  webhook_refused_at: number | null;
  webhook_refusal: string | null;
  webhooks_registered: number;
  setup: string;
}

export function channelFrom(raw: RawChannel): ChannelRow {
  return {
    id: raw.id,
    name: raw.name,
    type: raw.type,
    accountId: raw.account_id,
    accountSeen: raw.account_seen,
    mode: raw.mode,
    modeInFile: raw.mode_in_file,
    modeBy: raw.mode_by,
    paused: raw.paused === 1,
    parkedSince: raw.parked_since,
    parkedReason: raw.parked_reason,
    liveSince: raw.live_since,
    plannedAt: raw.planned_at,
    brakePlan: raw.brake_plan,
    heldReason: raw.held_reason,
    orphaned: raw.orphaned === 1,
    lastOkAt: raw.last_ok_at,
    failingSince: raw.failing_since,
    lastError: raw.last_error,
    reconciledAt: raw.reconciled_at,
    reconcileFailures: raw.reconcile_failures,
    reconcileError: raw.reconcile_error,
    webhookHeardAt: raw.webhook_heard_at,
    webhookRefused: raw.webhook_refused,
    webhookRefusedAt: raw.webhook_refused_at,
    webhookRefusal: raw.webhook_refusal,
    webhooksRegistered: raw.webhooks_registered === 1,
    setup: JSON.parse(raw.setup) as ChannelSetup,
  };
}

export function listChannels(db: Db): ChannelRow[] {
  const rows = db.sql("select * from channel where type <> 'internal' order by name").all() as RawChannel[];
  return rows.map(channelFrom);
}

/** See `ChannelStore.channel`. */
export function channelById(db: Db, id: number): ChannelRow | null {
  const raw = db.sql("select * from channel where id = ? and type <> 'internal'").get(id) as
    | RawChannel
    | undefined;
  return raw === undefined ? null : channelFrom(raw);
}

/** Throws AppError `unknown_channel` (exit code 2). */
export function channelByName(db: Db, name: string): ChannelRow {
  const raw = db.sql("select * from channel where name = ? and type <> 'internal'").get(name) as
    | RawChannel
    | undefined;
  if (raw === undefined) {
    throw new AppError('unknown_channel', `no channel is called "${name}"`, {
      hint: 'invsync channels list shows them',
      exitCode: EXIT.usage,
    });
  }
  return channelFrom(raw);
}

/** See `ChannelStore.configure`. */
export function configureChannels(
  db: Db,
  setups: ChannelSetup[],
  now: number,
  textHash?: string,
): ChannelRow[] {
  db.sql("update channel set orphaned = 1 where type <> 'internal'").run();
  forwardDeliveries(db, now);
  for (const setup of setups) {
    const raw = db.sql('select * from channel where name = ?').get(setup.name) as RawChannel | undefined;
    if (raw === undefined) insertChannel(db, setup, now);
    else updateChannel(db, channelFrom(raw), setup, now);
  }
  if (textHash !== undefined) setMeta(db, 'configured_from', textHash);
  return listChannels(db);
}

export function configuredFrom(db: Db): string | null {
  return metaOf(db, 'configured_from');
}

function insertChannel(db: Db, setup: ChannelSetup, now: number): void {
  const made = db
    .sql(
      `insert into channel (id, name, type, mode, mode_in_file, mode_by, live_since, setup)
       values (?, ?, ?, ?, ?, 'file', ?, ?)`,
    )
    .run(
      unusedId(db),
      setup.name,
      setup.type,
      setup.mode,
      setup.mode,
      setup.mode === 'live' ? now : null,
      JSON.stringify(setup),
    );
  db.sql('insert into feed (channel_id, gap_at) values (?, ?)').run(made.lastInsertRowid, now);
}

/** An id that no row has ever had: what was booked under it for ever would be inherited. */
function unusedId(db: Db): number {
  const row = db
    .sql(
      `select 1 + max(
         (select coalesce(max(id), 0) from channel),
         (select coalesce(max(channel_id), 0) from orders),
         (select coalesce(max(channel_id), 0) from delivery),
         (select coalesce(max(channel_id), 0) from listing)) as id`,
    )
    .get() as { id: number };
  return row.id;
}

function updateChannel(db: Db, row: ChannelRow, setup: ChannelSetup, now: number): void {
  if (row.type !== setup.type) {
    throw new AppError(
      'channel_type',
      `channel "${row.name}" was of type ${row.type}, the configuration says ${setup.type}`,
      {
        hint: `give the new account another name, or run: invsync channels remove ${row.name}`,
        exitCode: EXIT.usage,
      },
    );
  }
  const fileDecides = row.modeInFile !== setup.mode;
  const mode = fileDecides ? setup.mode : row.mode;
  db.sql(
    'update channel set orphaned = 0, mode_in_file = ?, mode_by = ?, setup = ?, parked_since = null, parked_reason = null where id = ?',
  ).run(setup.mode, fileDecides ? 'file' : row.modeBy, JSON.stringify(setup), row.id);
  if (mode !== row.mode) changeMode(db, row, mode, now);
  if (fileDecides) decideChannel(db, row.id, now);
  if (setup.basis === 'gross' && row.setup.basis !== 'gross') sumOpened(db, row.id);
  if (!sameOffer(row.setup, setup)) {
    db.sql(
      `update counter set ${dueSince('@now')}, version = version + 1, due_at = @now, dead = 0, attempts = 0
       where channel_id = @id`,
    ).run({ now, id: row.id });
  }
}

/**
 * Becoming live voids what was known of the channel's numbers: its first pushes come from a plan. What is in doubt or
 * held stays so: a pause proves nothing.
 */
function changeMode(db: Db, row: ChannelRow, mode: Mode, now: number): void {
  db.sql('update channel set mode = ? where id = ?').run(mode, row.id);
  if (mode === 'live') becomeLive(db, row.id, now);
}

export function becomeLive(db: Db, channelId: number, now: number): void {
  db.sql('update channel set live_since = ?, planned_at = null where id = ?').run(now, channelId);
  db.sql('update feed set gap_at = ? where channel_id = ?').run(now, channelId);
  db.sql(
    `update counter
     set ${noAnchor}, done_version = version
     where channel_id = ? and state = 'idle'`,
  ).run(channelId);
}

export function setMode(db: Db, name: string, mode: Mode, actor: Actor, now: number): void {
  const row = channelByName(db, name);
  noteDeed(db, actor, { verb: 'mode', subject: name, detail: `${row.mode} -> ${mode}` }, now);
  if (row.mode !== mode) changeMode(db, row, mode, now);
  db.sql("update channel set mode_by = 'command' where id = ?").run(row.id);
  decideChannel(db, row.id, now);
}

/** Pausing concerns what goes out; deliveries are always taken in. Resuming is becoming live again. */
export function pauseChannels(
  db: Db,
  name: string | null,
  paused: boolean,
  actor: Actor,
  now: number,
): string[] {
  const rows = name === null ? listChannels(db) : [channelByName(db, name)];
  const changed = rows.filter((row) => row.paused !== paused);
  for (const row of changed) {
    noteDeed(db, actor, { verb: paused ? 'pause' : 'resume', subject: row.name, detail: '' }, now);
    db.sql('update channel set paused = ? where id = ?').run(paused ? 1 : 0, row.id);
    if (!paused && row.mode === 'live') becomeLive(db, row.id, now);
  }
  return changed.map((row) => row.name);
}

const markColumns = {
  parkedSince: 'parked_since',
  parkedReason: 'parked_reason',
  plannedAt: 'planned_at',
  brakePlan: 'brake_plan',
  heldReason: 'held_reason',
  lastOkAt: 'last_ok_at',
  failingSince: 'failing_since',
  lastError: 'last_error',
  reconciledAt: 'reconciled_at',
  reconcileFailures: 'reconcile_failures',
  reconcileError: 'reconcile_error',
  webhookHeardAt: 'webhook_heard_at',
  webhookRefused: 'webhook_refused',
  webhookRefusedAt: 'webhook_refused_at',
  webhookRefusal: 'webhook_refusal',
  webhooksRegistered: 'webhooks_registered',
} as const satisfies Record<keyof ChannelMarks, string>;

export function markChannel(db: Db, channelId: number, marks: ChannelMarks): void {
  for (const [key, column] of Object.entries(markColumns)) {
    const value = marks[key as keyof ChannelMarks];
    if (value === undefined) continue;
    const stored = typeof value === 'boolean' ? Number(value) : value;
    db.sql(`update channel set ${column} = ? where id = ?`).run(stored, channelId);
  }
}

const feedSelect = `select channel_id as channelId, watermark, pulled_from as pulledFrom, pulled_at as pulledAt,
    gap_at as gapAt, known_from as knownFrom, swept_at as sweptAt, error
  from feed`;

export function listFeeds(db: Db): FeedRow[] {
  return db.sql(feedSelect).all() as FeedRow[];
}

export function feedOf(db: Db, channelId: number): FeedRow | null {
  const row = db.sql(`${feedSelect} where channel_id = ?`).get(channelId) as FeedRow | undefined;
  return row ?? null;
}

const feedColumns = {
  watermark: 'watermark',
  pulledFrom: 'pulled_from',
  pulledAt: 'pulled_at',
  gapAt: 'gap_at',
  knownFrom: 'known_from',
  sweptAt: 'swept_at',
  error: 'error',
} as const satisfies Record<keyof Omit<FeedRow, 'channelId'>, string>;

export function markFeed(db: Db, channelId: number, facts: FeedMarks): void {
  db.sql('insert into feed (channel_id) values (?) on conflict do nothing').run(channelId);
  for (const [key, column] of Object.entries(feedColumns)) {
    const value = facts[key as keyof typeof feedColumns];
    if (value !== undefined)
      db.sql(`update feed set ${column} = ? where channel_id = ?`).run(value, channelId);
  }
  if (facts.mendedBy !== undefined)
    db.sql('update feed set gap_at = null where channel_id = ? and gap_at <= ?').run(
      channelId,
      facts.mendedBy,
    );
}

export function vaultGet(db: Db, channelId: number, key: string): string | null {
  const row = db.sql('select value from vault where channel_id = ? and key = ?').get(channelId, key) as
    | { value: string }
    | undefined;
  return row?.value ?? null;
}

export function vaultSet(db: Db, channelId: number, key: string, value: string): void {
  db.sql(
    'insert into vault (channel_id, key, value) values (?, ?, ?) on conflict do update set value = excluded.value',
  ).run(channelId, key, value);
}
