import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { listBackups } from '../../src/backup/folder.ts';
import { verifyBackup } from '../../src/backup/verify.ts';
import { createRandom } from '../../src/sandbox/kit/random.ts';
import { inspectDatabase } from '../../src/store/sqlite/copy.ts';
import { invsync, prepare } from './daemon.ts';
import { configure, forgetFolders, memoryChannel, newFolder, stockUp } from './folder.ts';

const bin = join(import.meta.dirname, '../../bin/invsync.js');
const kills = Number(process.env['INVSYNC_KILLS'] ?? 4);
const seed = Number(process.env['INVSYNC_SEED'] ?? Date.now() % 1_000_000);
const told = `INVSYNC_SEED=${seed}`;

/** Runs a command and kills it once something is seen in its folder, or after it has ended. True: the kill hit it. */
async function killWhen(dir: string, args: string[], seen: () => boolean): Promise<boolean> {
  const child = spawn(process.execPath, [bin, ...args, '--config', join(dir, 'config.yaml')], {
    stdio: 'ignore',
  });
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('exit', (_code, signal) => resolve(signal)),
  );
  const look = setInterval(() => {
    if (seen()) child.kill('SIGKILL');
  }, 1);
  const signal = await ended;
  clearInterval(look);
  return signal === 'SIGKILL';
}

/** True from so many ms after `begun` was first true. */
function someTimeAfter(begun: () => boolean, ms: number): () => boolean {
  let since: number | null = null;
  return () => {
    if (since === null && begun()) since = performance.now();
    return since !== null && performance.now() - since >= ms;
  };
}

describe('kill -9', () => {
  let dir: string;
  let backups: string;
  beforeEach(async () => {
    dir = newFolder();
    backups = join(dir, 'backups');
    await stockUp(dir, 'shop', new Map([['MUG', 7]]));
    await configure(dir, { shop: memoryChannel });
    const db = new Database(join(dir, 'invsync.db'));
    db.exec('create table ballast (text text); insert into ballast values (hex(randomblob(20000000)))');
    db.close();
  });
  afterAll(forgetFolders);

  const inWork = () => existsSync(backups) && readdirSync(backups).some((name) => name.endsWith('.part'));

  test(`${kills} times in the middle of a backup leaves nothing that is taken for one, and the next is whole`, async () => {
    const random = createRandom(seed);
    let hits = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const hit = await killWhen(dir, ['backup', 'create'], someTimeAfter(inWork, random.int(0, 250)));
      if (hit) hits += 1;
      const found = listBackups(backups);
      expect(found.others, told).toEqual([]);
      for (const { path } of found.backups)
        expect((await verifyBackup(path, Date.now())).faults, told).toEqual([]);
    }
    expect(hits, `no kill hit: ${told}`).toBeGreaterThan(0);
    await prepare(dir, ['backup', 'create']);
    expect(inWork()).toBe(false);
    expect(listBackups(backups).backups.length).toBeGreaterThan(0);
  }, 120_000);

  test(`${kills} times in the middle of a restore leaves the old books or the new ones, whole`, async () => {
    const random = createRandom(seed);
    await prepare(dir, ['backup', 'create']);
    await prepare(dir, ['stock', 'receive', 'MUG', '2']);
    const file = listBackups(backups).backups[0]?.path ?? '';
    const staged = () => existsSync(join(dir, '.restore.part', 'invsync.db'));
    const swapping = () => readdirSync(dir).some((name) => name.includes('.before-restore-'));
    let hits = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const begun = kill % 2 === 0 ? staged : swapping;
      const within = kill % 2 === 0 ? 300 : 5;
      const args = ['backup', 'restore', file, '--yes'];
      if (await killWhen(dir, args, someTimeAfter(begun, random.int(0, within)))) hits += 1;
      expect(inspectDatabase(join(dir, 'invsync.db')).faults, told).toEqual([]);
      const { stdout } = await invsync(dir, ['stock', 'show', 'MUG', '--json']);
      const { available } = JSON.parse(stdout);
      expect([7, 9], told).toContain(available);
      if (available === 7) await prepare(dir, ['stock', 'receive', 'MUG', '2']);
      for (const name of readdirSync(dir).filter((each) => each.includes('.before-restore-')))
        expect(inspectDatabase(join(dir, name)).faults, told).toEqual([]);
      dropAside(dir);
    }
    expect(hits, `no kill hit: ${told}`).toBeGreaterThan(0);
    await prepare(dir, ['backup', 'restore', file, '--yes']);
    expect(existsSync(join(dir, '.restore.part'))).toBe(false);
    expect(await invsync(dir, ['db', 'check'])).toMatchObject({ code: 0 });
  }, 120_000);
});

/** Is there a program that shows which calls another one makes, and may it? */
function canTrace(): boolean {
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
}

/** Runs a command and answers its syncs (`sync PATH`) and renames (`rename FROM TO`) that succeeded, in their order. */
function traced(dir: string, args: string[]): string[] {
  const trace = join(dir, 'trace');
  const calls = 'trace=fsync,fdatasync,rename,renameat,renameat2';
  const command = [process.execPath, bin, ...args, '--config', join(dir, 'config.yaml')];
  const ran = spawnSync('strace', ['-f', '-y', '-s', '4096', '-e', calls, '-o', trace, ...command]);
  expect(ran.status, String(ran.stderr)).toBe(0);
  return readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const synced = /f(?:data)?sync\(\d+<([^>]+)>/.exec(line)?.[1];
      const renamed = /rename\w*\(.*?"([^"]+)".*?"([^"]+)"/.exec(line);
      if (synced !== undefined) return [`sync ${synced}`];
      return renamed === null ? [] : [`rename ${renamed[1]} ${renamed[2]}`];
    });
}

/** What a power cut leaves of a file under its new name is all of it, and the name is there once it was told. */
describe.skipIf(!canTrace())('before the power goes (needs strace)', () => {
  afterAll(forgetFolders);

  test('a backup and restored books are on disk before they get their name, and the name after it', async () => {
    const dir = newFolder();
    await stockUp(dir, 'shop', new Map([['MUG', 7]]));
    await configure(dir, { shop: memoryChannel });
    const made = traced(dir, ['backup', 'create']);
    const [file = ''] = readdirSync(join(dir, 'backups')).filter((name) => name.endsWith('.tar'));
    const backups = join(dir, 'backups');
    const unnamed = join(backups, `.${file}.part`, 'backup.tar');
    inOrder(made, [`sync ${unnamed}`, `rename ${unnamed} ${join(backups, file)}`, `sync ${backups}`]);
    const restored = traced(dir, ['backup', 'restore', file, '--yes']);
    const fresh = join(dir, '.restore.part', 'invsync.db');
    inOrder(restored, [`sync ${fresh}`, `rename ${fresh} ${join(dir, 'invsync.db')}`, `sync ${dir}`]);
  }, 60_000);
});

function inOrder(calls: readonly string[], wanted: readonly string[]): void {
  let at = -1;
  for (const call of wanted) {
    at = calls.indexOf(call, at + 1);
    expect(at, `${call} in its place of:\n${calls.join('\n')}`).toBeGreaterThan(-1);
  }
}

function dropAside(dir: string): void {
  for (const name of readdirSync(dir).filter((each) => each.includes('.before-restore-')))
    rmSync(join(dir, name));
}
