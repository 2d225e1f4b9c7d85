import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { migrations } from '../../src/store/sqlite/schema.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'invsync-holds-'));
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** A database as it was before holds stood on the counters themselves. */
function oldDatabase(): void {
  const raw = new Database(join(dataDir, 'invsync.db'));
  raw.pragma('journal_mode = WAL');
  for (const step of migrations.slice(0, 4)) raw.exec(step);
  raw.pragma('user_version = 4');
  const channel = raw.prepare(
    "insert into channel (name, type, mode, mode_by, brake_plan, setup) values (?, 'memory', 'live', 'file', ?, '{}')",
  );
  channel.run('shop', 'held');
  channel.run('other', 'empty');
  const counter = raw.prepare('insert into counter (channel_id, counter_key) values (?, ?)');
  counter.run(1, 'a');
  counter.run(1, 'b');
  counter.run(2, 'a');
  const plan = raw.prepare(
    "insert into plan (id, created_at, cause, state, body) values (?, 1, 'brake', 'open', ?)",
  );
  plan.run(
    'held',
    JSON.stringify({ lines: [{ channel: 'shop', counter_id: 1, target: 10, cause: 'foreign edit' }] }),
  );
  plan.run('empty', JSON.stringify({ lines: [] }));
  plan.run('forgotten', JSON.stringify({ lines: [] }));
  raw.close();
}

describe('a database of before', () => {
  test('keeps what its brakes hold, and loses the brakes that hold nothing', async () => {
    oldDatabase();
    const store = await openSqliteStore({ dataDir, writer: 'caller' });
    try {
      expect(await store.channels.list()).toMatchObject([
        { name: 'other', brakePlan: null },
        { name: 'shop', brakePlan: 'held' },
      ]);
      expect(await store.outbox.doubts(1)).toEqual([{ counterId: 1, held: 10, low: false }]);
      expect(await store.outbox.doubts(2)).toEqual([]);
      for (const [id, state] of Object.entries({ held: 'open', empty: 'refused', forgotten: 'refused' }))
        expect(await store.duties.plan(id)).toMatchObject({ state });
    } finally {
      await store.close();
    }
  });
});
