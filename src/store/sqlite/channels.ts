import { AppError, EXIT } from '../../errors.ts';
import type { Actor, ChannelMarks, ChannelRow, ChannelSetup, FeedMarks, FeedRow, Mode } from '../store.ts';
import { noteDeed } from './deeds.ts';
import { decideChannel } from './epoch.ts';
import { sumOpened } from './mark.ts';
import type { Db } from './open.ts';

interface RawChannel {
  id: number;
  name: string;
  type: string;
  account_id: string | null;
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
  webhooks_registered: number;
  setup: string;
}

function channelFrom(raw: RawChannel): ChannelRow {
  return {
    id: raw.id,
    name: raw.name,
    type: raw.type,
    accountId: raw.account_id,
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
    webhooksRegistered: raw.webhooks_registered === 1,
    setup: JSON.parse(raw.setup) as ChannelSetup,
  };
}

export function listChannels(db: Db): ChannelRow[] {
  const rows = db.sql("select * from channel where type <> 'internal' order by name").all() as RawChannel[];
  return rows.map(channelFrom);
}

function byName(db: Db, name: string): ChannelRow {
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
  for (const setup of setups) {
    const raw = db.sql('select * from channel where name = ?').get(setup.name) as RawChannel | undefined;
    if (raw === undefined) insertChannel(db, setup, now);
    else updateChannel(db, channelFrom(raw), setup, now);
  }
  if (textHash !== undefined) {
    db.sql(
      "insert into meta (key, value) values ('configured_from', ?) on conflict (key) do update set value = excluded.value",
    ).run(textHash);
  }
  return listChannels(db);
}

export function configuredFrom(db: Db): string | null {
  const row = db.sql("select value from meta where key = 'configured_from'").get() as
    | { value: string }
    | undefined;
  return row?.value ?? null;
}

function insertChannel(db: Db, setup: ChannelSetup, now: number): void {
  const made = db
    .sql(
      `insert into channel (name, type, mode, mode_in_file, mode_by, live_since, setup)
       values (?, ?, ?, ?, 'file', ?, ?)`,
    )
    .run(
      setup.name,
      setup.type,
      setup.mode,
      setup.mode,
      setup.mode === 'live' ? now : null,
      JSON.stringify(setup),
    );
  db.sql('insert into feed (channel_id, gap_at) values (?, ?)').run(made.lastInsertRowid, now);
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
  const offer = (of: ChannelSetup) => JSON.stringify([of.offer, of.basis, of.maxQuantity]);
  if (offer(row.setup) !== offer(setup)) {
    db.sql(
      'update counter set version = version + 1, due_at = ?, dead = 0, attempts = 0 where channel_id = ?',
    ).run(now, row.id);
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
     set anchor_number = null, anchor_from = null, anchor_until = null, previous_number = null, own = '[]',
       done_version = version
     where channel_id = ? and state = 'idle'`,
  ).run(channelId);
}

export function setMode(db: Db, name: string, mode: Mode, actor: Actor, now: number): void {
  const row = byName(db, name);
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
  const rows = name === null ? listChannels(db) : [byName(db, name)];
  const changed = rows.filter((row) => row.paused !== paused);
  for (const row of changed) {
    noteDeed(db, actor, { verb: paused ? 'pause' : 'resume', subject: row.name, detail: '' }, now);
    db.sql('update channel set paused = ? where id = ?').run(paused ? 1 : 0, row.id);
    if (!paused && row.mode === 'live') becomeLive(db, row.id, now);
  }
  return changed.map((row) => row.name);
}

/** The channel of the old name takes the new one; a row that the file already made under it gives way when empty. */
export function renameChannel(db: Db, from: string, to: string): void {
  const row = byName(db, from);
  const other = db.sql('select id from channel where name = ?').get(to) as { id: number } | undefined;
  if (other !== undefined) {
    const used = db
      .sql(
        'select 1 from delivery where channel_id = ? union all select 1 from listing where channel_id = ? limit 1',
      )
      .get(other.id, other.id);
    if (used !== undefined) {
      throw new AppError('channel_exists', `a channel called "${to}" is already in use`, {
        hint: 'choose another name',
      });
    }
    dropChannel(db, other.id);
  }
  db.sql('update channel set name = ? where id = ?').run(to, row.id);
}

export function removeChannel(db: Db, name: string): void {
  const row = byName(db, name);
  const open = db
    .sql("select 1 from line where channel_id = ? and allocation = 'held' and given > gone limit 1")
    .get(row.id);
  if (open !== undefined) {
    throw new AppError('channel_in_use', `channel "${name}" still has open orders that hold stock`, {
      hint: `ship or cancel them, or keep the channel with: invsync channels pause ${name}`,
    });
  }
  // The ledger and the lines stay for ever: they explain numbers. What could act is taken away.
  db.sql('delete from listing_part where listing_ref in (select id from listing where channel_id = ?)').run(
    row.id,
  );
  db.sql('delete from listing_alias where channel_id = ?').run(row.id);
  db.sql('delete from listing where channel_id = ?').run(row.id);
  db.sql('delete from counter where channel_id = ?').run(row.id);
  db.sql('delete from vault where channel_id = ?').run(row.id);
  db.sql('delete from feed where channel_id = ?').run(row.id);
  // Nobody can read what still waits: it stays on record without its payload.
  db.sql(
    "update delivery set status = 'ignored', outcome = 'its channel was removed', body = null where channel_id = ? and status in ('new', 'dead', 'unmapped')",
  ).run(row.id);
  db.sql(
    "update action set state = 'refused', detail = 'its channel was removed' where channel_id = ? and state = 'due'",
  ).run(row.id);
  db.sql(
    "update channel set name = name || ' (removed ' || id || ')', orphaned = 1, type = 'internal', account_id = null where id = ?",
  ).run(row.id);
}

function dropChannel(db: Db, id: number): void {
  db.sql('delete from feed where channel_id = ?').run(id);
  db.sql('delete from vault where channel_id = ?').run(id);
  db.sql('delete from channel where id = ?').run(id);
}

export function bindAccount(
  db: Db,
  channelId: number,
  accountId: string,
): { kind: 'bound' } | { kind: 'taken' | 'changed'; by: string } {
  const row = db.sql('select type, account_id from channel where id = ?').get(channelId) as {
    type: string;
    account_id: string | null;
  };
  if (row.account_id !== null && row.account_id !== accountId) return { kind: 'changed', by: row.account_id };
  const other = db
    .sql('select name from channel where type = ? and account_id = ? and id <> ?')
    .get(row.type, accountId, channelId) as { name: string } | undefined;
  if (other !== undefined) return { kind: 'taken', by: other.name };
  db.sql('update channel set account_id = ? where id = ?').run(accountId, channelId);
  return { kind: 'bound' };
}

const markColumns = {
  parkedSince: 'parked_since',
  parkedReason: 'parked_reason',
  plannedAt: 'planned_at',
  brakePlan: 'brake_plan',
  heldReason: 'held_reason',
  lastOkAt: 'last_ok_at',
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

export function listFeeds(db: Db): FeedRow[] {
  return db
    .sql(
      `select channel_id as channelId, watermark, pulled_from as pulledFrom, pulled_at as pulledAt, gap_at as gapAt,
         known_from as knownFrom, swept_at as sweptAt, error
       from feed`,
    )
    .all() as FeedRow[];
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
