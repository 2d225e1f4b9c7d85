import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Addresses, type Daemon, invsync, startDaemon } from '../crash/daemon.ts';
import { memoryDelivery, post } from '../crash/deliveries.ts';
import { configure, forgetFolders, memoryChannel, newFolder, stockUp, withStore } from '../crash/folder.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('invsync serve as a process', () => {
  let dir: string;
  let at: Addresses;
  let daemon: Daemon;

  beforeEach(async () => {
    dir = newFolder();
    await stockUp(dir, 'shop', new Map([['MUG', 10]]));
    at = await configure(dir, { shop: memoryChannel });
    daemon = startDaemon(at);
    await daemon.ready();
  });
  afterEach(async () => {
    daemon.signal('SIGKILL');
    await daemon.ended;
  });
  afterAll(forgetFolders);

  test('takes a webhook in, absorbs its repeat, sells the unit once, counts both, and ends with 0 on SIGTERM', async () => {
    expect((await fetch(`${at.adminUrl}/healthz`)).status).toBe(200);
    const signed = memoryDelivery(1, 'MUG');
    const first = await post(`${at.publicUrl}/hooks/shop`, signed);
    expect([first.status, JSON.parse(first.text)]).toEqual([200, { status: 'accepted' }]);
    await until(async () => (await available()) === 9, 'the sale to reach the books');

    const again = await post(`${at.publicUrl}/hooks/shop`, signed);
    expect(again.status).toBe(200);
    expect(JSON.parse(again.text)).toMatchObject({ status: 'duplicate', first: 'applied' });
    const forged = { ...signed, headers: { ...signed.headers, 'x-memory-signature': '0'.repeat(64) } };
    expect((await post(`${at.publicUrl}/hooks/shop`, forged)).status).toBe(401);
    expect((await post(`${at.publicUrl}/hooks/nobody`, signed)).status).toBe(404);

    const metrics = await (await fetch(`${at.adminUrl}/metrics`)).text();
    expect(numberOf(metrics, 'invsync_deliveries_total{outcome="accepted"}')).toBe(1);
    expect(numberOf(metrics, 'invsync_deliveries_total{outcome="duplicate"}')).toBe(1);
    expect(await available()).toBe(9);

    daemon.signal('SIGTERM');
    expect(await daemon.ended, daemon.log()).toEqual({ code: 0, signal: null });
  });

  test('says at a start that the run before was cut off, and nothing of the kind after a clean end', async () => {
    const ended = async (signal: NodeJS.Signals) => {
      daemon.signal(signal);
      await daemon.ended;
      const before = daemon.log().length;
      daemon = startDaemon(at);
      await daemon.ready();
      return daemon.log().slice(before);
    };
    expect(await ended('SIGTERM')).not.toContain('cut off');
    const log = await ended('SIGKILL');
    const told = log.split('\n').find((line) => line.includes('cut off'));
    expect(JSON.parse(told ?? '{}')).toMatchObject({
      level: 'warn',
      since: expect.stringMatching(/^20.*Z$/),
      msg: expect.stringMatching(/^the last run was cut off/),
    });
  });

  test('is told to live by invsync health, with 7 once it is gone', async () => {
    const alive = await invsync(dir, ['health', '--json']);
    expect(alive.code).toBe(0);
    expect(JSON.parse(alive.stdout)).toEqual({ status: 'ok', url: `${at.adminUrl}/healthz`, warnings: [] });
    daemon.signal('SIGTERM');
    await daemon.ended;
    const gone = await invsync(dir, ['health']);
    expect([gone.code, gone.stdout]).toEqual([7, '']);
    expect(gone.stderr).toContain(`error: no daemon answers at ${at.adminUrl}/healthz`);
  });

  test('refuses a bad configuration on SIGHUP and keeps the old one; a good one it takes', async () => {
    const file = join(dir, 'config.yaml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace('mode: observe', 'mode: observing'));
    daemon.signal('SIGHUP');
    await until(
      async () => daemon.log().includes('the new configuration is refused'),
      'the refusal in the log',
    );
    expect(daemon.log()).toMatch(/observing|channels\.shop\.mode/);
    expect((await post(`${at.publicUrl}/hooks/shop`, memoryDelivery(2, 'MUG'))).status).toBe(200);

    writeFileSync(file, good.replace('shop:', 'market:').replace('platform: crash', 'platform: market'));
    daemon.signal('SIGHUP');
    await until(async () => daemon.log().includes('configuration read again'), 'the new configuration');
    expect((await post(`${at.publicUrl}/hooks/market`, memoryDelivery(3, 'MUG'))).status).toBe(200);
    expect((await post(`${at.publicUrl}/hooks/shop`, memoryDelivery(4, 'MUG'))).status).toBe(404);
  });

  test('follows a renamed channel by itself: what came between the new file and the command counts', async () => {
    await until(async () => (await channels())[0]?.accountId != null, 'the first contact');
    const file = join(dir, 'config.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('shop:', 'market:'));
    daemon.signal('SIGHUP');
    await until(async () => daemon.log().includes('configuration read again'), 'the new configuration');
    expect((await post(`${at.publicUrl}/hooks/market`, memoryDelivery(5, 'MUG'))).status).toBe(200);
    const refused = async () =>
      (await channels()).some((row) => row.name === 'market' && row.accountSeen !== null);
    await until(refused, 'the refusal of a second name');
    expect(await available()).toBe(10);
    await withStore(dir, (store) => store.channels.rename('shop', 'market', Date.now()));
    await until(async () => (await available()) === 9, 'the sale to reach the books');
    expect((await post(`${at.publicUrl}/hooks/market`, memoryDelivery(6, 'MUG'))).status).toBe(200);
    await until(async () => (await available()) === 8, 'the next sale to reach the books');
    expect(await channels()).toMatchObject([{ name: 'market', orphaned: false }]);
  });

  test('a second signal while it drains ends it at once', async () => {
    daemon.signal('SIGINT');
    daemon.signal('SIGINT');
    const { code } = await daemon.ended;
    expect([0, 130]).toContain(code);
  });

  const channels = () => withStore(dir, (store) => store.channels.list());

  async function available(): Promise<number> {
    const answer = await fetch(`${at.adminUrl}/api/v1/stock/MUG`);
    return ((await answer.json()) as { available: number }).available;
  }
});

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await pause(20);
  }
}

function numberOf(metrics: string, sample: string): number {
  const line = metrics.split('\n').find((text) => text.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1) ?? Number.NaN);
}
