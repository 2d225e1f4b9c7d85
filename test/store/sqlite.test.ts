import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openForReading, openForWriting } from '../../src/store/sqlite/open.ts';
import { reads } from '../../src/store/sqlite/operations.ts';
import { errorOf, transact } from '../../src/store/sqlite/transact.ts';
import { delivered, delivery, kitOn, noon, order, pulled, setupOf } from '../contract/store/kit.ts';
import { storeSuite } from '../contract/store.ts';
import { sqliteBench } from './bench.ts';

storeSuite('SQLite on the caller’s thread', () => sqliteBench('caller'));
storeSuite('SQLite with a writer thread', () => sqliteBench('own'));

describe('the SQLite file', () => {
  let bench: Awaited<ReturnType<typeof sqliteBench>>;
  const file = () => join(bench.dataDir, 'invsync.db');
  beforeEach(async () => {
    bench = await sqliteBench('caller');
  });
  afterEach(() => bench.remove());

  test.each(['caller', 'own'] as const)(
    'runs at synchronous=FULL also when reopened (%s)',
    async (writer) => {
      const again = { ...(await sqliteBench(writer)) };
      for (let opened = 0; opened < 2; opened += 1) {
        const store = await again.open();
        const items = await store.duties.check(false);
        expect(items.find((item) => item.name === 'durable')?.detail).toBe('synchronous=2');
        expect(items.find((item) => item.name === 'journal')?.detail).toBe('journal_mode=wal');
        await store.close();
      }
      await again.remove();
    },
  );

  test('shows that SQLite by itself would reopen the file at less', async () => {
    await (await bench.open()).close();
    const plain = new Database(file());
    expect(plain.pragma('synchronous', { simple: true })).toBe(1);
    plain.close();
  });

  test('is checked from end to end by a connection that can lock nobody', async () => {
    const store = await bench.open();
    await kitOn(store).count('TEE', 3);
    const db = openForReading({ path: file(), boot: 'b', randomHex: () => '' });
    const items = reads.checkBooks(db, true);
    db.raw.close();
    expect(items.map((item) => [item.name, item.level])).toEqual([
      ['integrity', 'ok'],
      ['books', 'ok'],
      ['names', 'ok'],
      ['size', 'ok'],
    ]);
    expect((await store.duties.check(true)).map((item) => item.name)).toEqual([
      'durable',
      'journal',
      'integrity',
      'books',
      'names',
      'size',
    ]);
    await store.close();
  });

  test('refuses a database that a newer invsync wrote, in words', async () => {
    await (await bench.open()).close();
    const raw = new Database(file());
    raw.pragma('user_version = 999');
    raw.close();
    await expect(bench.open()).rejects.toMatchObject({ code: 'newer_database', exitCode: 2 });
  });

  test('keeps no byte of a body after its delivery was worked on, and all of them before', async () => {
    const store = await bench.open();
    const kit = kitOn(store);
    const channel = await kit.channel('shop');
    const body = new TextEncoder().encode(`{"buyer":"${'secret-of-a-buyer '.repeat(500)}"}`);
    const [taken] = await store.inbox.takeIn([delivery(channel, 'a', { body })]);
    const bytes = async () => {
      await store.duties.tidy();
      return (await import('node:fs')).readFileSync(file()).includes('secret-of-a-buyer');
    };
    expect(await bytes()).toBe(true);
    await kit.request(delivered(channel, taken?.id ?? 0, [order('1', noon, [])]));
    expect(await bytes()).toBe(false);
    await store.close();
  });

  test('says that the disk is full, as a whole and not as somebody’s bad order, and works on when it is not', async () => {
    const db = openForWriting({ path: file(), boot: 'b', randomHex: (bytes) => '0'.repeat(bytes * 2) });
    const write = (name: Parameters<typeof transact>[1][number]['name'], ...args: unknown[]) => {
      const [result] = transact(db, [{ name, args }]);
      if (result === undefined) throw new Error('no result');
      return result;
    };
    write('configureChannels', [setupOf('shop')], noon);
    const pages = Number(db.raw.pragma('page_count', { simple: true }));
    db.raw.pragma(`max_page_count = ${pages + 4}`);
    const requests = Array.from({ length: 400 }, (_, n) =>
      pulled(1, order(`${n}`, noon, [[`l${n}`, 'a listing with quite a long name', 1]])),
    );
    const refused = write('applyOrders', requests, noon);
    expect(refused.ok).toBe(false);
    if (!refused.ok) expect(errorOf(refused)).toMatchObject({ code: 'store_full', exitCode: 5 });
    expect(db.raw.inTransaction).toBe(false);
    db.raw.pragma('max_page_count = 1000000');
    expect(write('applyOrders', requests, noon)).toMatchObject({ ok: true });
    db.raw.close();
  });
});
