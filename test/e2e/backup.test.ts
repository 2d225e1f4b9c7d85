import { appendFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, expect, test } from 'vitest';
import { listBackups } from '../../src/backup/folder.ts';
import { verifyBackup } from '../../src/backup/verify.ts';
import { startDaemon } from '../crash/daemon.ts';
import { memoryDelivery } from '../crash/deliveries.ts';
import { configure, forgetFolders, memoryChannel, newFolder, stockUp } from '../crash/folder.ts';
import { type Sender, startSender } from '../crash/sender.ts';

let sender: Sender | null = null;
let daemon: ReturnType<typeof startDaemon> | null = null;
afterEach(async () => {
  await sender?.stop();
  daemon?.signal('SIGKILL');
  await daemon?.ended;
});
afterAll(forgetFolders);

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('the daemon makes scheduled backups under 200 webhooks a second, and acknowledges them meanwhile', async () => {
  const dir = newFolder();
  const backups = join(dir, 'backups');
  await stockUp(dir, 'shop', new Map([['MUG', 100_000]]));
  const at = await configure(dir, { shop: memoryChannel });
  appendFileSync(join(dir, 'config.yaml'), 'backup: { schedule: "*/2 * * * * *", keep: 2 }\n');
  const db = new Database(join(dir, 'invsync.db'));
  db.exec('create table ballast (text text); insert into ballast values (hex(randomblob(30000000)))');
  db.close();
  daemon = startDaemon(at);
  await daemon.ready();
  sender = startSender(`${at.publicUrl}/hooks/shop`, 200, (n) => memoryDelivery(n, 'MUG'));
  const { acknowledged } = sender;
  const atWork = () => existsSync(backups) && readdirSync(backups).some((name) => name.endsWith('.part'));
  let meanwhile = 0;
  let last = 0;
  for (const end = Date.now() + 30_000; Date.now() < end && listBackups(backups).backups.length < 2; ) {
    if (atWork()) meanwhile += acknowledged.size - last;
    last = acknowledged.size;
    await pause(5);
  }
  await sender.finish(15_000);
  expect(meanwhile, 'acknowledged while a backup was being made').toBeGreaterThan(20);
  expect(daemon.log()).toMatch(/backup made and checked/);
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code, daemon.log().slice(-2_000)).toBe(0);
  daemon = null;
  const { backups: made, others } = listBackups(backups);
  expect(others).toEqual([]);
  expect(made.length).toBeLessThanOrEqual(2);
  for (const { path, manifest } of made) {
    expect((await verifyBackup(path, Date.now())).faults).toEqual([]);
    expect(manifest.ledger_entry).toBeGreaterThan(0);
  }
}, 60_000);
