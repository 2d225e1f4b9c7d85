import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { identity } from '../../src/store/sqlite/migrations/09-identity.ts';
import { migrations } from '../../src/store/sqlite/schema.ts';

let dataDir = '';
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'invsync-migrations-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** A database as it was before a step. */
function databaseBefore(step: string): Database.Database {
  const db = new Database(join(dataDir, 'invsync.db'));
  const before = migrations.slice(0, migrations.indexOf(step));
  for (const text of before) db.exec(text);
  db.pragma(`user_version = ${before.length}`);
  return db;
}

describe('a database of an earlier version', () => {
  test('knows which mappings rest on an equal SKU, and that one of them has lost that reason', async () => {
    const db = databaseBefore(identity);
    db.exec(`
      insert into channel (id, name, type, mode, mode_by, setup) values (1, 'shop', 'memory', 'live', 'file', '{}');
      insert into sku (id, code, created_at) values (1, 'TEE', 0), (2, 'MUG', 0);
      insert into level (sku_id) values (1), (2);
      insert into sku_alias (code, sku_id) values ('SHIRT', 1);
      insert into counter (id, channel_id, counter_key) values (1, 1, 'a'), (2, 1, 'b'), (3, 1, 'c'), (4, 1, 'd'), (5, 1, 'e');
      insert into listing (id, channel_id, listing_id, counter_id, channel_sku, title, aliases, facts, parts, seen_at) values
        (1, 1, 'same', 1, 'TEE ', 't', '[]', 'null', '[[1,1]]', 0),
        (2, 1, 'former', 2, 'SHIRT', 't', '[]', 'null', '[[1,1]]', 0),
        (3, 1, 'by-hand', 3, 'P5', 't', '[]', 'null', '[[1,5]]', 0),
        (4, 1, 'changed', 4, 'MUG', 't', '[]', 'null', '[[1,1]]', 0),
        (5, 1, 'bare', 5, '', 't', '[]', 'null', null, 0);
      insert into listing_part (sku_id, listing_ref, units) values (1, 1, 1), (1, 2, 1), (1, 3, 5), (1, 4, 1);
      insert into deed (at, by, verb, subject, detail) values
        (0, 'ana', 'map', 'shop by-hand', 'TEE=5'), (0, 'invsync', 'map', 'shop changed', 'TEE');`);
    db.close();
    const store = await openSqliteStore({ dataDir, writer: 'caller' });
    const rows = await store.listings.list({ limit: 9 });
    await store.close();
    expect(rows.map((row) => [row.listingId, row.mappedBy, row.doubt])).toEqual([
      ['same', 'sku', null],
      ['former', 'sku', null],
      ['by-hand', 'name', null],
      ['changed', 'sku', { kind: 'other', sku: 'MUG' }],
      ['bare', null, null],
    ]);
  });
});
