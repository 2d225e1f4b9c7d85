import { chownSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { tryEngineLock } from '../../src/store/sqlite/lock.ts';
import { makeWorld, type World } from '../cli/world.ts';

/** Seven mugs in the backup, nine in the books. */
async function withBackup(): Promise<{ world: World; file: string }> {
  const world = makeWorld();
  await world.ok('stock receive MUG 7');
  const { backup } = await world.ok('backup create');
  await world.ok('stock receive MUG 2 --reason kiln');
  return { world, file: backup.file };
}

const mugs = async (world: World) => (await world.ok('stock show MUG')).available;

describe('backup restore', () => {
  test('asks with what is replaced and what will be missing; a no changes nothing', async () => {
    const { world, file } = await withBackup();
    const asking = { isTty: true, confirm: async () => false };
    const ran = await world.invsyncWith(asking, 'backup', 'restore', file);
    expect(ran.code).toBe(EXIT.failed);
    expect(ran.out).toMatch(/replaces {3}.*invsync.db\nkept as .*before-restore-/);
    expect(ran.out).toMatch(/1 change of stock by hand is not in the backup/);
    expect(ran.out).toMatch(/MUG +receipt +2 .*kiln/);
    expect(await mugs(world)).toBe(9);
    expect(readdirSync(world.dataDir).filter((name) => name.includes('restore'))).toEqual([]);
  });

  test('without a terminal needs --yes, and hands the plan out', async () => {
    const { world, file } = await withBackup();
    const { error } = await world.json(EXIT.usage, 'backup', 'restore', file);
    expect(error).toMatchObject({ code: 'needs_yes', plan: { changes_since: 1 } });
    expect(await mugs(world)).toBe(9);
  });

  test('keeps the books that it replaces, under the name that it says', async () => {
    const { world, file } = await withBackup();
    const { kept_as: kept } = await world.json(EXIT.ok, 'backup', 'restore', file, '--yes');
    expect(await mugs(world)).toBe(7);
    expect([statSync(kept).mode & 0o777, statSync(join(world.dataDir, 'invsync.db')).mode & 0o777]).toEqual([
      0o600, 0o600,
    ]);
    const old = new Database(kept, { readonly: true });
    expect(old.prepare('select on_hand from level').pluck().get()).toBe(9);
    old.close();
  });

  test('begins a new epoch, also where nothing but the backup itself tells of it', async () => {
    const { world, file } = await withBackup();
    await world.json(EXIT.ok, 'backup', 'restore', file, '--yes');
    await world.withStore(async (store) => {
      expect(await store.duties.beginEpoch(Date.now())).toMatchObject({
        why: expect.stringMatching(/^it was restored from the backup of \d{4}-/),
      });
      expect(await store.duties.beginEpoch(Date.now())).toBeNull();
    });
  });

  test('refuses while a daemon runs', async () => {
    const { world, file } = await withBackup();
    const lock = tryEngineLock(world.dataDir);
    const { error } = await world.json(EXIT.daemon, 'backup', 'restore', file, '--yes');
    lock?.release();
    expect(error.code).toBe('already_running');
    expect(await mugs(world)).toBe(9);
  });

  test('refuses while another command has the books open, whose writes would go to the old ones', async () => {
    const { world, file } = await withBackup();
    await world.withStore(async (store) => {
      await store.stock.get('MUG');
      const { error } = await world.json(EXIT.temporary, 'backup', 'restore', file, '--yes');
      expect(error.code).toBe('database_busy');
    });
    expect(await mugs(world)).toBe(9);
  }, 20_000);

  test('refuses a damaged backup with every fault, and the books stay', async () => {
    const { world, file } = await withBackup();
    const bytes = readFileSync(file);
    bytes[bytes.length - 4_096] = (bytes[bytes.length - 4_096] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const { error } = await world.json(EXIT.failed, 'backup', 'restore', file, '--yes');
    expect(error).toMatchObject({ code: 'unsound', faults: [expect.stringContaining('sha256')] });
    expect(await mugs(world)).toBe(9);
  });

  test('replaces books that nobody can read, and no log of theirs is left beside the new ones', async () => {
    const { world, file } = await withBackup();
    const database = join(world.dataDir, 'invsync.db');
    writeFileSync(database, 'this was a database once');
    writeFileSync(`${database}-wal`, 'and this its log');
    const done = await world.json(EXIT.ok, 'backup', 'restore', file, '--yes');
    expect(done).toMatchObject({ replaces: null, orders_since: null, changes_since: null });
    expect(await mugs(world)).toBe(7);
    expect(await world.ok('db check')).toMatchObject({ ok: true });
  });

  test.skipIf(process.getuid?.() !== 0)(
    "by root in the folder of another user leaves all of it that user's",
    async () => {
      const { world } = await withBackup();
      const somebody = 65_534;
      const all = () =>
        ['.', ...(readdirSync(world.dataDir, { recursive: true }) as string[])].map((name) =>
          join(world.dataDir, name),
        );
      for (const path of all()) chownSync(path, somebody, somebody);
      const { backup } = await world.ok('backup create');
      await world.json(EXIT.ok, 'backup', 'restore', backup.file, '--yes');
      await world.ok('db check');
      expect(all().filter((path) => statSync(path).uid !== somebody)).toEqual([]);
    },
  );

  test('puts books into a folder that has none', async () => {
    const { world, file } = await withBackup();
    world.configure(`${readFileSync(join(world.cwd, 'config.yaml'), 'utf8')}data_dir: ./fresh\n`);
    expect(await world.json(EXIT.ok, 'backup', 'restore', file, '--yes')).toMatchObject({ kept_as: null });
    expect(await mugs(world)).toBe(7);
  });
});
