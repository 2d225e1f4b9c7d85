import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeEach, describe, expect, test } from 'vitest';
import { createBackups, createWatch, noteBackup } from '../../src/backup/duty.ts';
import { listBackups } from '../../src/backup/folder.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Duty } from '../../src/sync/engine.ts';
import { afterTest } from '../kit/stage.ts';
import { makeWorld, settle, type World } from '../sync/world.ts';

const dayMs = 86_400_000;
let world: World;
let dataDir: string;
let dir: string;

beforeEach(async () => {
  world = await makeWorld();
  dataDir = mkdtempSync(join(tmpdir(), 'invsync-backups-'));
  dir = join(dataDir, 'backups');
  afterTest(async () => rmSync(dataDir, { recursive: true, force: true }));
  // Any books will do: those of the world, as they are now.
  await world.stock('MUG', 3);
  const db = new Database(join(dataDir, 'invsync.db'));
  db.close();
});

/** Starts the duty; it ends with the test. */
function start(backup = ''): Duty {
  const text = `data_dir: ${dataDir}\nadmin: { token: in-clear-text-0123456789 }\n${backup}`;
  const file = join(dataDir, 'config.yaml');
  writeFileSync(file, text);
  const { config } = parseConfig(text, { file, env: {}, definitions: [] });
  const duty = createBackups(world.engine, config, 'test');
  duty.start();
  afterTest(() => duty.stop());
  return duty;
}

/** The thread works in real time. */
async function until(look: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !(await look()); await settle(50))
    if (Date.now() > end) throw new Error('never came');
}

const alerts = async () =>
  (await world.store.duties.alerts(true, 10)).map(({ kind, message }) => `${kind}: ${message}`);

async function soundBooks(): Promise<void> {
  rmSync(join(dataDir, 'invsync.db'));
  const { openSqliteStore } = await import('../../src/store/sqlite/index.ts');
  await (await openSqliteStore({ dataDir, writer: 'caller' })).close();
}

describe('the nightly backup', () => {
  test('is made without being asked for, has no secret, and notes when', async () => {
    await soundBooks();
    start();
    await world.clock.advance(dayMs);
    await until(() => listBackups(dir).backups.length === 1);
    const [made] = listBackups(dir).backups;
    expect(made?.manifest.masked).toEqual(['admin.token']);
    await until(async () => (await world.store.duties.schedule('backup')).lastOkAt !== null);
    expect(await alerts()).toEqual([]);
  });

  test('that fails is told with its reason and remedy, until one succeeds', async () => {
    start();
    await world.clock.advance(dayMs);
    await until(async () => (await alerts()).length === 1);
    expect((await alerts())[0]).toMatch(
      /^backup_overdue: .*not sound.*; mend it, then: invsync backup create$/,
    );
    expect(listBackups(dir).backups).toEqual([]);
    await soundBooks();
    await world.clock.advance(dayMs);
    await until(async () => (await alerts()).length === 0);
    expect(listBackups(dir).backups).toHaveLength(1);
  });

  test('that hangs for two intervals is told too, until one is made by hand', async () => {
    const { clock, store, engine } = world;
    await store.duties.setSchedule('backup', clock.now() + 60_000, clock.now() - dayMs);
    const watch = createWatch(engine, { expression: '17 2 * * *', timezone: 'UTC' });
    watch.start();
    afterTest(() => watch.stop());
    await clock.advance(dayMs / 2);
    expect(await alerts()).toEqual([]);
    await clock.advance(dayMs);
    expect(await alerts()).toEqual([
      'backup_overdue: no backup was made for two intervals of backup.schedule, the last one is 2d old; mend it, then: invsync backup create',
    ]);
    await noteBackup(store, clock.now());
    await clock.advance(3_600_000);
    expect(await alerts()).toEqual([]);
  });

  test('that is switched off makes none and alerts nobody', async () => {
    await world.store.duties.raiseAlert(
      { channelId: null, kind: 'backup_overdue', subject: 'backup', message: 'of before' },
      world.clock.now(),
    );
    start('backup: { schedule: off }\n');
    await world.clock.advance(3 * dayMs);
    expect(await alerts()).toEqual([]);
    expect(listBackups(dir).backups).toEqual([]);
  });
});
