import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { create, extract } from 'tar';
import { describe, expect, test } from 'vitest';
import { createBackup } from '../../src/backup/create.ts';
import { maskClearSecrets } from '../../src/config/mask.ts';
import { EXIT } from '../../src/errors.ts';
import { inspectDatabase } from '../../src/store/sqlite/copy.ts';
import { tryLock } from '../../src/store/sqlite/lock.ts';
import { migrations } from '../../src/store/sqlite/schema.ts';
import { makeWorld, type World } from '../cli/world.ts';

/** A world with counted mugs and a backup of them. */
async function withBackup(): Promise<{ world: World; dir: string; file: string }> {
  const world = makeWorld();
  await world.ok('stock receive MUG 7');
  const { backup } = await world.ok('backup create');
  return { world, dir: join(world.dataDir, 'backups'), file: backup.file };
}

/** Unpacks it, has it changed, packs it again. The change sees to the hashes. */
async function tampered(file: string, change: (folder: string) => void): Promise<string> {
  const folder = `${file}.unpacked`;
  mkdirSync(folder);
  await extract({ file, cwd: folder });
  change(folder);
  const to = file.replace('.tar', '-tampered.tar');
  await create({ file: to, cwd: folder, portable: true }, ['manifest.json', 'config.yaml', 'invsync.db']);
  return to;
}

describe('backup create', () => {
  test('leaves one file that only its owner reads, which list shows as verified, and nothing else', async () => {
    const { world, dir, file } = await withBackup();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir).filter((name) => !name.startsWith('.'))).toHaveLength(1);
    expect(readdirSync(dir).filter((name) => name.endsWith('.part'))).toEqual([]);
    const { backups } = await world.ok('backup list');
    expect(backups).toMatchObject([
      { file, sound: true, counts: { skus: 1, entries: 1, channels: 2 }, ledger_entry: 1 },
    ]);
  });

  test('copies one moment of books that are written all the time, and lets every write through', async () => {
    const { world, dir } = await withBackup();
    const db = new Database(join(world.dataDir, 'invsync.db'));
    db.exec('create table ballast (text text); insert into ballast values (hex(randomblob(4000000)))');
    const job = { dataDir: world.dataDir, dir, keep: 9, config: null, version: 'test', now: Date.now() };
    let writes = 0;
    let done = false;
    const making = createBackup(job).finally(() => {
      done = true;
    });
    const insert = db.prepare("insert into meta (key, value) values (?, 'x')");
    while (!done) {
      insert.run(`busy-${writes++}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    db.close();
    const { path } = await making;
    expect(writes).toBeGreaterThan(10);
    expect(await world.ok(`backup verify ${path}`)).toMatchObject({ ok: true, faults: [] });
  });

  test('keeps the newest, and removes older ones only when the new one is whole', async () => {
    const { world, dir } = await withBackup();
    const job = { dataDir: world.dataDir, dir, keep: 2, config: null, version: 'test', now: Date.now() };
    const second = await createBackup({ ...job, now: job.now + 60_000 });
    const third = await createBackup({ ...job, now: job.now + 120_000 });
    expect(third.removed).toHaveLength(1);
    const { backups } = await world.ok('backup list');
    expect(backups.map((row: { file: string }) => row.file)).toEqual([third.path, second.path]);
    const db = new Database(join(world.dataDir, 'invsync.db'));
    db.exec('update level set on_hand = on_hand + 1');
    db.close();
    await expect(createBackup({ ...job, keep: 1 })).rejects.toMatchObject({ code: 'unsound' });
    expect((await world.ok('backup list')).backups).toHaveLength(2);
  });

  test('refuses a second one at a time, and sweeps what a killed one left', async () => {
    const { world, dir } = await withBackup();
    mkdirSync(join(dir, '.invsync-2026-01-01T00-00-00Z.tar.part'));
    for (const name of ['.verify-old', '.verify-new']) mkdirSync(join(dir, name));
    utimesSync(join(dir, '.verify-old'), 1, 1);
    const lock = tryLock(join(dir, '.lock'));
    expect(await world.json(EXIT.temporary, 'backup', 'create')).toMatchObject({
      error: { code: 'backup_running' },
    });
    lock?.release();
    await world.ok('backup create');
    expect(readdirSync(dir).filter((name) => /part$|^\.verify-/.test(name))).toEqual(['.verify-new']);
  });

  test('has the configuration with its references, and no secret that stands in it in clear text', async () => {
    const world = makeWorld();
    await world.ok('stock receive MUG 7');
    const token = 'shpat_0123456789abcdef';
    const old = 'shpss_fedcba9876543210';
    world.configure(
      [
        `# the token was ${token} at first`,
        `admin: { listen: 127.0.0.1:0, token: \${INVSYNC_ADMIN_TOKEN} }`,
        'channels:',
        `  one: { type: memory, platform: ${world.one.name}, secret: "${token}" } # main`,
        '  two:',
        '    type: memory',
        `    platform: ${world.two.name}`,
        `    # secret: ${old}`,
        '    secret: |',
        '      of-two-lines',
        '    mode: observe',
        '',
      ].join('\n'),
    );
    const { backup, warnings } = await world.ok('backup create');
    expect(backup.masked).toEqual(['channels.one.secret', 'channels.two.secret']);
    expect(warnings.join()).toContain('channels.one.secret');
    const text = readFileSync(backup.file, 'latin1');
    for (const secret of [token, old, 'of-two-lines']) expect(text).not.toContain(secret);
    expect(text).toMatch(/token: \$\{INVSYNC_ADMIN_TOKEN\} \}/);
    expect(text).toMatch(/secret: "\$\{MASKED_ONE_SECRET\}" \} # main/);
    expect(text).toMatch(/secret: "\$\{MASKED_TWO_SECRET\}"\n {4}mode: observe\n/);
  });

  test('leaves a configuration out that is no YAML: nobody can tell its secrets', () => {
    expect(maskClearSecrets('admin: { token: "open', [])).toBeNull();
  });
});

describe('backup verify', () => {
  const faultsOf = async (world: World, file: string): Promise<string> =>
    (await world.json(EXIT.failed, 'backup', 'verify', file)).faults.join('\n');

  test('finds a changed byte, and list tells of it from then on', async () => {
    const { world, file } = await withBackup();
    const bytes = readFileSync(file);
    const at = bytes.length - 4_096;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect((await world.ok('backup list')).backups[0].sound).toBeNull();
    expect(await faultsOf(world, file)).toMatch(/invsync.db is not what was written/);
    expect((await world.ok('backup list')).backups[0].sound).toBe(false);
  });

  test('names every SKU whose level is not what its ledger adds up to', async () => {
    const { world, file } = await withBackup();
    const to = await tampered(file, (folder) => {
      const db = new Database(join(folder, 'invsync.db'));
      db.exec('update level set on_hand = 9');
      db.close();
      refreshHash(folder);
    });
    expect(await faultsOf(world, to)).toMatch(/the ledger of MUG adds up to 7, its level is 9/);
  });

  test('refuses a schema of the future, and a manifest that tells of other books', async () => {
    const { world, file } = await withBackup();
    const to = await tampered(file, (folder) => {
      const db = new Database(join(folder, 'invsync.db'));
      db.pragma('user_version = 999');
      db.exec('delete from entry');
      db.close();
      refreshHash(folder);
    });
    const faults = await faultsOf(world, to);
    expect(faults).toMatch(/schema 999/);
    expect(faults).toMatch(/entries: the manifest says 1, the database 0/);
  });

  test('finds what does not belong there', async () => {
    const { world, file } = await withBackup();
    const folder = `${file}.more`;
    mkdirSync(folder);
    await extract({ file, cwd: folder });
    writeFileSync(join(folder, 'extra'), 'x');
    const to = file.replace('.tar', '-more.tar');
    await create({ file: to, cwd: folder, portable: true }, [
      'manifest.json',
      'config.yaml',
      'invsync.db',
      'extra',
    ]);
    expect(await faultsOf(world, to)).toMatch(/it holds extra/);
  });

  test('needs no configuration for a file that is named by its path', async () => {
    const { world, file } = await withBackup();
    const elsewhere = join(world.cwd, 'copy.tar');
    copyFileSync(file, elsewhere);
    chmodSync(elsewhere, 0o400);
    const ran = await world.invsync('backup', 'verify', elsewhere, '--config', 'nowhere.yaml', '--json');
    expect([ran.code, JSON.parse(ran.out).ok]).toEqual([EXIT.ok, true]);
  });
});

describe('a file that is cut short', () => {
  test.each([100, 900, 40_000])(
    'after %i bytes is listed as no backup and cannot be verified',
    async (length) => {
      const { world, file } = await withBackup();
      truncateSync(file, length);
      const { backups, warnings } = await world.ok('backup list');
      expect(backups).toEqual([]);
      expect(warnings.join()).toMatch(/is no backup: it is/);
      expect(await world.json(EXIT.failed, 'backup', 'verify', file)).toMatchObject({
        error: { code: 'no_backup' },
      });
    },
  );

  test('in its last block is found by verify', async () => {
    const { world, file } = await withBackup();
    appendFileSync(file, 'x');
    truncateSync(file, statSync(file).size - 1_600);
    const ran = await world.invsync('backup', 'verify', file, '--json');
    expect(ran.code).toBe(EXIT.failed);
  });
});

/** The manifest of an unpacked backup, made to fit its database: only what is in it can give it away. */
function refreshHash(folder: string): void {
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const body = readFileSync(join(folder, 'invsync.db'));
  for (const file of manifest.files)
    if (file.name === 'invsync.db') {
      file.size = body.length;
      file.sha256 = createHash('sha256').update(body).digest('hex');
    }
  writeFileSync(path, JSON.stringify(manifest));
}

describe('the age of the last backup', () => {
  test('stands in status and in check, which warn when it is too old, damaged or not to be expected', async () => {
    const { world, file } = await withBackup();
    const check = async () => {
      const { checks } = await world.ok('check --offline');
      return checks.find((item: { name: string }) => item.name === 'backup');
    };
    expect((await world.ok('status')).backup).toMatchObject({ age_s: expect.any(Number) });
    expect(await check()).toMatchObject({ level: 'ok', detail: expect.stringMatching(/is \ds old$/) });
    const later = { now: () => Date.now() + 3 * 86_400_000 };
    const ran = await world.invsyncWith(later, 'check', '--offline', '--json');
    const { checks } = JSON.parse(ran.out);
    expect(checks.find((item: { name: string }) => item.name === 'backup')).toMatchObject({ level: 'warn' });
    rmSync(file);
    expect(await check()).toMatchObject({
      level: 'ok',
      detail: expect.stringMatching(/the next one is due at/),
    });
    world.configure(`${readFileSync(join(world.cwd, 'config.yaml'), 'utf8')}backup: { schedule: off }\n`);
    expect(await check()).toMatchObject({ level: 'warn', remedy: 'make one: invsync backup create' });
  });
});

describe('a database of an older version', () => {
  test.each(migrations.map((_, at) => at + 1))('with schema %i is checked as it is', async (schema) => {
    const { dataDir } = makeWorld();
    mkdirSync(dataDir);
    const path = join(dataDir, 'old.db');
    const db = new Database(path);
    for (const step of migrations.slice(0, schema)) db.exec(step);
    db.pragma(`user_version = ${schema}`);
    db.close();
    expect(inspectDatabase(path)).toMatchObject({ facts: { schema, entry: 0 }, faults: [] });
  });
});
