import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { actor, day, hour, type Kit, kitOn, noon, order, setupOf } from '../contract/store/kit.ts';

let root = '';
let store: Store | null = null;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'invsync-epoch-'));
});
afterEach(async () => {
  await store?.close();
  store = null;
  rmSync(root, { recursive: true, force: true });
});

/** Opens the books of a folder as the process that talks to channels does. */
async function start(folder: string, at: number, names = ['shop']) {
  await store?.close();
  store = await openSqliteStore({ dataDir: join(root, folder), writer: 'caller', synchronous: 'NORMAL' });
  const kit = kitOn(store);
  kit.moveTo(at);
  await store.channels.configure(
    names.map((name) => setupOf(name)),
    at,
  );
  return { store, kit, epoch: await store.duties.beginEpoch(at) };
}

/** A day's work: a count, and orders read up to then. */
async function work(kit: Kit, quantity: number): Promise<void> {
  const shop = (await kit.store.channels.list()).find((row) => row.name === 'shop')?.id ?? 0;
  await kit.count('MUG', quantity);
  await kit.store.channels.markFeed(shop, {
    watermark: kit.now(),
    pulledFrom: kit.now(),
    pulledAt: kit.now(),
  });
  await kit.store.duties.markEpoch();
}

/** As backups are made: a consistent copy of the database alone. */
function backUp(folder: string, to: string): void {
  const db = new Database(join(root, folder, 'invsync.db'));
  db.exec(`vacuum into '${to}'`);
  db.close();
}

async function putBack(backup: string, folder: string): Promise<void> {
  await store?.close();
  store = null;
  for (const end of ['-wal', '-shm']) rmSync(join(root, folder, `invsync.db${end}`), { force: true });
  cpSync(backup, join(root, folder, 'invsync.db'));
}

describe('a database that is the one that was worked with last', () => {
  test('goes on after a stop, after a kill, and after commands that ran alone', async () => {
    const first = await start('a', noon);
    expect(first.epoch).toBeNull();
    await work(first.kit, 24);
    const second = await start('a', noon + hour);
    expect(second.epoch).toBeNull();
    // Killed before it could note what it did, then a command without a daemon.
    await second.kit.count('MUG', 30);
    expect((await start('a', noon + 2 * hour)).epoch).toBeNull();
    await store?.stock.rename('MUG', 'CUP', actor, noon + 2 * hour);
    expect((await start('a', noon + 3 * hour)).epoch).toBeNull();
  });

  test('goes on after a crash between the mark beside it and its own token', async () => {
    const { kit } = await start('a', noon);
    await work(kit, 24);
    const path = join(root, 'a', 'invsync.mark');
    const mark = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...mark, next: 'never written' }));
    expect((await start('a', noon + hour)).epoch).toBeNull();
    const db = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...db, token: 'the one before', next: db['token'] }));
    expect((await start('a', noon + 2 * hour)).epoch).toBeNull();
  });

  test('may have been made by an older version, which wrote no mark', async () => {
    const made = await openSqliteStore({ dataDir: join(root, 'a'), writer: 'caller', synchronous: 'NORMAL' });
    const kit = kitOn(made);
    await kit.channel('shop');
    await kit.count('MUG', 24);
    await made.close();
    expect((await start('a', noon + day)).epoch).toBeNull();
  });
});

describe('a database that was restored or copied is told', () => {
  test('when a backup of the same start was put back in place', async () => {
    const { kit } = await start('a', noon);
    await work(kit, 24);
    backUp('a', join(root, 'backup.db'));
    kit.moveTo(noon + day);
    await kit.receive('MUG', 10);
    await kit.store.duties.markEpoch();
    await putBack(join(root, 'backup.db'), 'a');
    const { epoch } = await start('a', noon + day + hour);
    expect(epoch?.why).toMatch(/it is behind the mark beside it/);
    expect(epoch?.lastEntryAt).toBeLessThan(noon + hour);
    expect((await start('a', noon + day + 2 * hour)).epoch).toBeNull();
  });

  test('when only the order feeds show that it is behind', async () => {
    const { kit } = await start('a', noon);
    await work(kit, 24);
    backUp('a', join(root, 'backup.db'));
    const shop = await kit.channel('shop');
    await kit.store.channels.markFeed(shop, { watermark: noon + day });
    await kit.store.duties.markEpoch();
    await putBack(join(root, 'backup.db'), 'a');
    expect((await start('a', noon + day)).epoch).not.toBeNull();
  });

  test('when a backup of an earlier start was put back, although nothing was sold since', async () => {
    const { kit } = await start('a', noon);
    await work(kit, 24);
    backUp('a', join(root, 'backup.db'));
    await start('a', noon + hour);
    await start('a', noon + 2 * hour);
    await putBack(join(root, 'backup.db'), 'a');
    expect((await start('a', noon + day)).epoch?.why).toMatch(/another start of invsync/);
  });

  test('when the database alone was put into a new folder', async () => {
    const { kit } = await start('a', noon);
    await work(kit, 24);
    backUp('a', join(root, 'backup.db'));
    cpSync(join(root, 'backup.db'), join(root, 'b', 'invsync.db'), { recursive: true });
    expect((await start('b', noon + hour)).epoch?.why).toMatch(/missing/);
  });

  test('when the whole folder was copied', async () => {
    const { kit } = await start('a', noon);
    await work(kit, 24);
    await store?.close();
    cpSync(join(root, 'a'), join(root, 'b'), { recursive: true });
    expect(existsSync(join(root, 'b', 'invsync.mark'))).toBe(true);
    expect((await start('b', noon + hour)).epoch?.why).toMatch(/copied/);
    expect((await start('a', noon + hour)).epoch).toBeNull();
  });
});

describe('a new epoch', () => {
  /** A folder whose database was copied there after a day's work. */
  async function restored(prepare: (kit: Kit, shop: number) => Promise<void>, names = ['shop']) {
    const { kit } = await start('a', noon, names);
    await work(kit, 24);
    const shop = (await kit.store.channels.list()).find((row) => row.name === 'shop')?.id ?? 0;
    await prepare(kit, shop);
    backUp('a', join(root, 'backup.db'));
    cpSync(join(root, 'backup.db'), join(root, 'b', 'invsync.db'), { recursive: true });
    const found = await start('b', noon + day, names);
    expect(found.epoch).not.toBeNull();
    return found;
  }

  test('observes whatever the file or a command said, until a person decides', async () => {
    const found = await restored(async (kit) => {
      await kit.store.channels.configure([setupOf('shop', { mode: 'observe' })], noon);
      await kit.store.channels.setMode('shop', 'live', actor, noon);
    });
    const { channels } = found.store;
    const modes = async () => (await channels.list()).map((row) => row.mode);
    expect(await modes()).toEqual(['observe']);
    // The file said live all along; only a file that changes afterwards is a person's word again.
    const said = [
      ['live', 'observe'],
      ['observe', 'observe'],
      ['live', 'live'],
    ] as const;
    for (const [mode, rules] of said) {
      await channels.configure([setupOf('shop', { mode })], noon + day);
      expect(await modes()).toEqual([rules]);
    }
  });

  test('knows no number of any channel, whatever was on its way', async () => {
    const found = await restored(async (kit, shop) => {
      await kit.listing(shop, 'MUG');
      const [view] = await kit.store.outbox.page(shop, 0, 1);
      const sent = { counterId: view?.counterId ?? 0, version: view?.version ?? 0, quantity: 24, base: null };
      await kit.store.outbox.begin(
        [{ kind: 'send', ...sent, key: 'k', sentAt: noon, deadline: noon + 2 * day }],
        noon,
      );
    });
    const [row] = await found.store.channels.list();
    const [view] = await found.store.outbox.page(row?.id ?? 0, 0, 1);
    expect(view).toMatchObject({ state: 'idle', unread: [], anchor: null, own: [], lastRead: null });
    expect(await found.store.channels.feeds()).toMatchObject([{ gapAt: noon + day, sweptAt: null }]);
  });

  test('carries out nothing that was asked for in those days', async () => {
    const found = await restored(async (kit) => {
      const shop = await kit.channel('shop', { oversell: 'cancel' });
      await kit.listing(shop, 'MUG');
      await kit.apply(shop, order('1', noon + 1, [['l1', 'MUG', 30]]));
      await kit.store.duties.ask('reconcile', { plan_id: 'p' }, noon);
      const plan = { id: 'p', createdAt: noon, cause: 'brake', state: 'open', body: {} } as const;
      await kit.store.duties.savePlan(plan);
    });
    const [row] = await found.store.channels.list();
    expect(await found.store.outbox.actionsDue(row?.id ?? 0, 10, noon + 2 * day)).toEqual([]);
    expect(await found.store.duties.requestsWaiting()).toEqual([]);
    expect(await found.store.duties.plan('p')).toMatchObject({ state: 'refused' });
    await found.kit.booksClose();
  });

  test('follows the observe of a file that was changed by hand only, and a command again', async () => {
    const found = await restored(async (kit) => {
      await kit.store.channels.configure([setupOf('shop', { mode: 'observe' })], noon);
      await kit.store.channels.setMode('shop', 'live', actor, noon);
    });
    const { channels } = found.store;
    await channels.configure([setupOf('shop', { mode: 'observe' })], noon + day);
    expect(await channels.list()).toMatchObject([{ mode: 'observe', liveSince: null, plannedAt: null }]);
    await channels.setMode('shop', 'live', actor, noon + day);
    expect(await channels.list()).toMatchObject([{ mode: 'live', liveSince: noon + day }]);
  });

  test('is told until every channel was decided about', async () => {
    const { store: books } = await restored(async () => undefined, ['shop', 'other']);
    const alert = { channelId: null, kind: 'restored', subject: 'database', message: 'm' } as const;
    await books.duties.raiseAlert(alert, noon + day);
    const told = async () => (await books.duties.alerts(true, 10)).length;
    await books.channels.setMode('shop', 'live', actor, noon + day);
    expect(await told()).toBe(1);
    await books.channels.setMode('other', 'observe', actor, noon + day);
    expect(await told()).toBe(0);
  });
});

describe('the copy before an upgrade', () => {
  test('is made anew where an earlier one was cut short, and is whole', async () => {
    const { kit } = await start('a', noon);
    await work(kit, 24);
    await store?.close();
    store = null;
    const path = join(root, 'a', 'invsync.db');
    const db = new Database(path);
    const now = Number(db.pragma('user_version', { simple: true }));
    db.pragma('user_version = 1');
    db.close();
    const copy = `${path}.schema-1.bak`;
    writeFileSync(copy, readFileSync(path).subarray(0, 5_000));
    // The steps that follow cannot be repeated on a database that has them: what counts is the copy made before.
    await openSqliteStore({ dataDir: join(root, 'a'), writer: 'caller' }).then(
      (opened) => opened.close(),
      () => undefined,
    );
    const made = new Database(copy, { readonly: true });
    expect(made.pragma('quick_check(1)', { simple: true })).toBe('ok');
    expect(made.prepare('select count(*) as n from entry').get()).toEqual({ n: 1 });
    made.close();
    expect(now).toBeGreaterThan(1);
  });
});
