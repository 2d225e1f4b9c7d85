import { AppError } from '../../errors.ts';
import type { Actor, Binding, ChannelRow, OpenOrders, Removal } from '../store.ts';
import { channelById, channelByName, channelFrom, type RawChannel } from './channels.ts';
import { noteDeed } from './deeds.ts';
import type { Db } from './open.ts';
import { absorb, removalOf, retire } from './retire.ts';

/** See `ChannelStore.bind`. */
export function bindAccount(db: Db, channelId: number, accountId: string, now: number): Binding {
  const row = channelById(db, channelId);
  if (row === null) return { kind: 'moved', by: successorOf(db, channelId) };
  if (row.accountSeen !== accountId)
    db.sql('update channel set account_seen = ? where id = ?').run(accountId, channelId);
  if (row.accountId === accountId) return { kind: 'bound' };
  if (row.accountId !== null) return { kind: 'changed', by: row.accountId };
  const other = db
    .sql('select name from channel where type = ? and account_id = ? and id <> ?')
    .get(row.type, accountId, channelId) as { name: string } | undefined;
  if (other !== undefined) return { kind: 'taken', by: other.name };
  const former = removedOn(db, row.type, accountId);
  if (former !== null) {
    revive(db, former, row, now);
    return { kind: 'moved', by: row.name };
  }
  db.sql('update channel set account_id = ? where id = ?').run(accountId, channelId);
  return { kind: 'bound' };
}

function successorOf(db: Db, channelId: number): string {
  const row = db
    .sql('select s.name from channel c join channel s on s.id = c.successor where c.id = ?')
    .get(channelId) as { name: string } | undefined;
  return row?.name ?? 'removed';
}

/** The removed channel of this account; its orders and lines are the account's. */
function removedOn(db: Db, type: string, accountId: string): ChannelRow | null {
  const raw = db
    .sql(
      `select * from channel
       where type = 'internal' and account_id = ? and json_extract(setup, '$.type') = ?
       order by id desc
       limit 1`,
    )
    .get(accountId, type) as RawChannel | undefined;
  return raw === undefined ? null : channelFrom(raw);
}

/** The account is back: its old row goes on under the new name and with the new row's settings. */
function revive(db: Db, former: ChannelRow, row: ChannelRow, now: number): void {
  absorb(db, row, former, now);
  db.sql(
    `update channel
     set name = @name, type = @type, setup = @setup, mode = @mode, mode_in_file = @modeInFile, mode_by = @modeBy,
       paused = @paused, account_seen = account_id, orphaned = 0, live_since = @liveSince, planned_at = null,
       webhooks_registered = @registered
     where id = @id`,
  ).run({
    id: former.id,
    name: row.name,
    type: row.type,
    setup: JSON.stringify(row.setup),
    mode: row.mode,
    modeInFile: row.modeInFile,
    modeBy: row.modeBy,
    paused: row.paused ? 1 : 0,
    liveSince: row.mode === 'live' ? now : null,
    registered: row.webhooksRegistered ? 1 : 0,
  });
  db.sql('insert into feed (channel_id) values (?) on conflict do nothing').run(former.id);
  db.sql('update feed set gap_at = ? where channel_id = ?').run(now, former.id);
  noteDeed(
    db,
    { by: 'invsync', reason: 'its account had a channel before' },
    { verb: 'revive', subject: row.name, detail: '' },
    now,
  );
}

/** See `ChannelStore.rename`. */
export function renameChannel(db: Db, from: string, to: string, now: number): void {
  const row = channelByName(db, from);
  const raw = db.sql("select * from channel where name = ? and type <> 'internal'").get(to) as
    | RawChannel
    | undefined;
  if (raw !== undefined && raw.id !== row.id) {
    const other = channelFrom(raw);
    if (!isOneAccount(row, other)) throw anotherAccount(row, other);
    absorb(db, other, row, now);
  }
  db.sql('update channel set name = ? where id = ?').run(to, row.id);
  db.sql(
    `update or ignore alert
     set subject = @to || substr(subject, length(@from) + 1)
     where channel_id = @id and resolved_at is null and (subject = @from or subject like @from || ' %')`,
  ).run({ id: row.id, from, to });
}

/** The file's row has taken nothing in of an account of its own. */
function isOneAccount(row: ChannelRow, other: ChannelRow): boolean {
  if (other.type !== row.type || other.accountId !== null) return false;
  return other.accountSeen === null || row.accountId === null || other.accountSeen === row.accountId;
}

function anotherAccount(row: ChannelRow, other: ChannelRow): AppError {
  return new AppError(
    'channel_exists',
    `a channel called "${other.name}" is already in use by another account`,
    {
      hint: `choose another name for ${row.name}, or remove ${other.name} first`,
    },
  );
}

/** See `ChannelStore.removal`. */
export function removal(db: Db, name: string): Removal {
  return removalOf(db, channelByName(db, name));
}

/** See `ChannelStore.remove`. */
export function removeChannel(db: Db, name: string, orders: OpenOrders, actor: Actor, now: number): Removal {
  return retire(db, channelByName(db, name), { orders, actor, now });
}
