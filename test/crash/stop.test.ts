import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Daemon, invsync, startDaemon } from './daemon.ts';
import { memoryDelivery } from './deliveries.ts';
import { configure, forgetFolders, memoryChannel, newFolder, stockUp, withStore } from './folder.ts';
import { type Sender, startSender } from './sender.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const skus = ['STOP-1', 'STOP-2', 'STOP-3'];

describe('ends and beginnings of the daemon', () => {
  let daemon: Daemon | null = null;
  let sender: Sender | null = null;

  afterEach(async () => {
    await sender?.stop();
    daemon?.signal('SIGKILL');
    await daemon?.ended;
    sender = null;
    daemon = null;
  });
  afterAll(forgetFolders);

  test('SIGTERM under load: it drains, exits 0, and every acknowledged delivery is there', async () => {
    const dir = newFolder();
    await stockUp(dir, 'shop', new Map(skus.map((sku) => [sku, 100_000])));
    const at = await configure(dir, { shop: memoryChannel });
    daemon = startDaemon(at);
    await daemon.ready();
    sender = startSender(`${at.publicUrl}/hooks/shop`, 200, (n) => memoryDelivery(n, skus[n % 3] ?? ''));
    for (let waits = 0; sender.acknowledged.size < 100 && waits < 1_000; waits += 1) await pause(10);
    expect(sender.acknowledged.size).toBeGreaterThanOrEqual(100);
    daemon.signal('SIGTERM');
    expect(await daemon.ended, daemon.log().slice(-2_000)).toEqual({ code: 0, signal: null });
    await sender.stop();
    const { acknowledged } = sender;
    await withStore(dir, async (store) => {
      const rows = await store.inbox.list({ limit: 1_000_000 });
      const kept = new Set(rows.map((row) => row.key));
      expect([...acknowledged.keys()].filter((key) => !kept.has(key))).toEqual([]);
      expect((await store.reports.audit()).open).toEqual([]);
    });
  });

  test('a second daemon on the same folder ends with 7 and leaves the first alone', async () => {
    const dir = newFolder();
    const at = await configure(dir, { shop: memoryChannel });
    daemon = startDaemon(at);
    await daemon.ready();
    const second = await invsync(dir, ['serve']);
    expect(second.code).toBe(7);
    expect(second.stderr).toMatch(/another invsync works on/);
    expect((await fetch(`${at.adminUrl}/readyz`)).status).toBe(200);
  });

  test('a database from a newer version is refused in words with 2, and left as it is', async () => {
    const dir = newFolder();
    await stockUp(dir, 'shop', new Map([['STOP-1', 3]]));
    const db = new Database(join(dir, 'invsync.db'));
    db.pragma('user_version = 999');
    db.close();
    await configure(dir, { shop: memoryChannel });
    const refused = await invsync(dir, ['serve']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/has schema 999, this invsync knows \d+/);
    expect(refused.stderr).toMatch(/install the newer invsync/);
    const after = new Database(join(dir, 'invsync.db'), { readonly: true });
    expect(after.pragma('user_version', { simple: true })).toBe(999);
    after.close();
  });
});
