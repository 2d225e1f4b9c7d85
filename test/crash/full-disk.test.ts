import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Addresses, type Daemon, startDaemon } from './daemon.ts';
import { memoryDelivery, post } from './deliveries.ts';
import { configure, forgetFolders, memoryChannel, newFolder, stockUp, withStore } from './folder.ts';
import { buildPower, canPreload } from './preload.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const stock = new Map([
  ['FULL-1', 100_000],
  ['FULL-2', 100_000],
]);
let mounted: string | null = null;

/** Runs a program of the system; throws when it fails. */
function system(program: string, args: string[]): void {
  execFileSync(program, args, { stdio: 'pipe' });
}

/** A disk of its own that can really be full; only root may have one. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const probe = newFolder();
  try {
    system('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe]);
    system('umount', [probe]);
    return true;
  } catch {
    return false;
  }
}

describe('a full disk: 503, and nothing that was acknowledged is lost', () => {
  let daemon: Daemon | null = null;
  let sent = 0;

  afterAll(async () => {
    daemon?.signal('SIGKILL');
    await daemon?.ended;
    if (mounted !== null) system('umount', ['-l', mounted]);
    forgetFolders();
  });

  test.skipIf(!canMount())('on a small file system (needs Linux and root)', async () => {
    const dir = newFolder();
    mounted = join(dir, 'data');
    mkdirSync(mounted);
    system('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', mounted]);
    const ballast = join(mounted, 'ballast');
    await fillAndFree(dir, mounted, {}, { fill: () => fillUp(ballast), free: () => rmSync(ballast) });
  });

  test.skipIf(!canPreload())(
    'where every write answers ENOSPC (needs Linux and a C compiler, cc)',
    async () => {
      const dir = newFolder();
      const flag = join(dir, 'full');
      const env = {
        LD_PRELOAD: buildPower(dir) ?? '',
        POWER_DB: join(dir, 'invsync.db'),
        POWER_FULL: flag,
      };
      await fillAndFree(dir, dir, env, { fill: () => writeFileSync(flag, ''), free: () => rmSync(flag) });
    },
  );

  async function fillAndFree(
    dir: string,
    dataDir: string,
    env: Readonly<Record<string, string>>,
    disk: { fill(): void; free(): void },
  ): Promise<void> {
    await stockUp(dataDir, 'shop', stock);
    const at = await configure(dir, { shop: memoryChannel }, dataDir);
    daemon = startDaemon(at, env);
    await daemon.ready();
    const acknowledged = new Set<string>();
    expect(await sendUntil(at, 200, acknowledged)).toBe(true);
    disk.fill();
    expect(await sendUntil(at, 503, acknowledged), 'a full disk was answered 2xx').toBe(true);
    const ready = await fetch(`${at.adminUrl}/readyz`);
    expect(ready.status, 'ready although nothing can be written').toBe(503);
    disk.free();
    expect(await sendUntil(at, 200, acknowledged), 'it did not recover by itself').toBe(true);
    daemon.signal('SIGTERM');
    expect(await daemon.ended, daemon.log().slice(-2_000)).toEqual({ code: 0, signal: null });
    await withStore(dataDir, async (store) => {
      const rows = await store.inbox.list({ limit: 1_000_000 });
      const kept = new Set(rows.map((row) => row.key));
      expect([...acknowledged].filter((key) => !kept.has(key))).toEqual([]);
      expect((await store.reports.audit()).open).toEqual([]);
    });
  }

  /** Sends new deliveries until ten in a row are answered so; the answer says whether that happened. */
  async function sendUntil(at: Addresses, wanted: number, acknowledged: Set<string>): Promise<boolean> {
    let inRow = 0;
    for (let tries = 0; tries < 20_000 && inRow < 10; tries += 1) {
      sent += 1;
      const signed = memoryDelivery(sent, sent % 2 === 0 ? 'FULL-1' : 'FULL-2');
      const { status } = await post(`${at.publicUrl}/hooks/shop`, signed);
      if (status === 200) acknowledged.add(signed.key);
      inRow = status === wanted ? inRow + 1 : 0;
      if (status !== wanted && wanted === 200) await pause(20);
    }
    return inRow === 10;
  }
});

/** Writes until the file system says that it is full. */
function fillUp(path: string): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(64 * 1_024, 'b');
  try {
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}
