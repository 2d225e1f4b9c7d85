import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderFault, isDenied } from '../../src/store/sqlite/folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { tryEngineLock } from '../../src/store/sqlite/lock.ts';
import { closeUp, wideIn } from '../../src/store/sqlite/modes.ts';
import { migrations } from '../../src/store/sqlite/schema.ts';

const isRoot = process.getuid?.() === 0;
const somebody = 65_534;
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'invsync-folder-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a data folder', () => {
  test.skipIf(!isRoot)('of another user gets no file of root, whatever root runs there first', async () => {
    chownSync(dir, somebody, somebody);
    const dataDir = join(dir, 'data');
    const store = await openSqliteStore({ dataDir, writer: 'caller' });
    await store.duties.setSchedule('reconcile', 1, null);
    const lock = tryEngineLock(dataDir);
    const files = readdirSync(dataDir);
    expect(files).toEqual(expect.arrayContaining(['engine.lock', 'invsync.db', 'invsync.db-wal']));
    for (const path of ['.', ...files].map((file) => join(dataDir, file)))
      expect([path, statSync(path).uid]).toEqual([path, somebody]);
    lock?.release();
    await store.close();
  });

  test('that others could read is closed, file by file, with what it was', async () => {
    const dataDir = join(dir, 'data');
    await (await openSqliteStore({ dataDir, writer: 'caller' })).close();
    tryEngineLock(dataDir)?.release();
    mkdirSync(join(dataDir, 'backups'));
    writeFileSync(join(dataDir, 'backups', 'invsync-1.tar'), '');
    writeFileSync(join(dataDir, 'invsync.db.schema-3.bak'), '');
    const paths = [
      '.',
      'backups',
      'backups/invsync-1.tar',
      'engine.lock',
      'invsync.db',
      'invsync.db.schema-3.bak',
    ];
    for (const path of paths) chmodSync(join(dataDir, path), 0o755);
    expect(wideIn(dataDir)).toHaveLength(paths.length);
    expect(closeUp(dataDir).every(({ mode, left }) => mode === 0o755 && left === null)).toBe(true);
    for (const path of paths)
      expect([path, statSync(join(dataDir, path)).mode & 0o777]).toEqual([path, 0o700]);
    expect(closeUp(dataDir)).toEqual([]);
  });

  test('that also holds other things is told, and left as it is; the files are closed', async () => {
    await (await openSqliteStore({ dataDir: dir, writer: 'caller' })).close();
    writeFileSync(join(dir, 'config.yaml'), '');
    for (const path of [dir, join(dir, 'invsync.db'), join(dir, 'config.yaml')]) chmodSync(path, 0o755);
    const wide = closeUp(dir);
    expect(wide.filter(({ left }) => left !== null).map(({ path }) => path)).toEqual([dir]);
    expect(statSync(dir).mode & 0o777).toBe(0o755);
    expect(statSync(join(dir, 'config.yaml')).mode & 0o777).toBe(0o755);
    expect(statSync(join(dir, 'invsync.db')).mode & 0o777).toBe(0o700);
  });

  test('is made for its owner alone, and so is the database', async () => {
    const dataDir = join(dir, 'data');
    await (await openSqliteStore({ dataDir, writer: 'caller' })).close();
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, 'invsync.db')).mode & 0o777).toBe(0o600);
  });

  test('has a copy of an older database for its owner alone before it is brought up to date', async () => {
    const path = join(dir, 'invsync.db');
    const before = migrations.length - 1;
    const old = new Database(path);
    for (const step of migrations.slice(0, before)) old.exec(step);
    old.pragma(`user_version = ${before}`);
    old.close();
    await (await openSqliteStore({ dataDir: dir, writer: 'caller' })).close();
    expect(statSync(`${path}.schema-${before}.bak`).mode & 0o777).toBe(0o600);
  });

  test('that cannot be written is told with its owner, never as a running daemon', () => {
    const path = join(dir, 'engine.lock');
    mkdirSync(path);
    expect(() => tryEngineLock(dir)).toThrow(`cannot write to ${path}: `);
  });

  test.skipIf(!isRoot)('of another user is told with both names and the command', () => {
    chownSync(dir, somebody, somebody);
    const fault = folderFault(dir, new Error('EACCES'));
    expect(fault.message).toMatch(/it belongs to nobody, and this runs as root$/);
    expect(fault.hint).toContain('sudo -u nobody invsync');
  });

  test('is not blamed for a fault of a statement', () => {
    expect(isDenied(Object.assign(new Error('x'), { code: 'SQLITE_CONSTRAINT' }))).toBe(false);
    expect(isDenied(Object.assign(new Error('x'), { code: 'SQLITE_READONLY_DBMOVED' }))).toBe(true);
    expect(isDenied(Object.assign(new Error('x'), { code: 'EROFS' }))).toBe(true);
  });
});
