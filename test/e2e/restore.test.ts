import { chmodSync, cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import {
  dropMemoryPlatform,
  type MemoryPlatform,
  memoryPlatform,
} from '../../src/channels/memory/platform.ts';
import { definitions } from '../../src/channels/registry.ts';
import type { Config } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/load.ts';
import { type Daemon, startDaemon } from '../../src/daemon.ts';
import { silentLog } from '../../src/log.ts';
import { createShop } from '../../src/sandbox/registry.ts';
import type { Shop, ShopCall } from '../../src/sandbox/shop.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { invsync, prepare, startDaemon as startProcess } from '../crash/daemon.ts';
import { configure } from '../crash/folder.ts';

let dir = '';
let daemon: Daemon | null = null;
const names = ['restore-amazon', 'restore-shop'];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'invsync-restore-'));
});
afterEach(async () => {
  await daemon?.stop();
  daemon = null;
  for (const name of names) dropMemoryPlatform(name);
  rmSync(dir, { recursive: true, force: true });
});

const by = { by: 'test', reason: null };

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === 'object' ? address.port : 0;
}

async function configuration(): Promise<Config> {
  const facts = { poll: '1s', order_lag: '1ms', settle: '1ms', raise_after: '1s' };
  const channels = Object.fromEntries(
    names.map((name) => [
      name,
      { type: 'memory', mode: 'live', platform: name, secret: 'made up', ...facts },
    ]),
  );
  const text = stringify({
    data_dir: '.',
    server: { listen: `127.0.0.1:${await freePort()}` },
    admin: { listen: `127.0.0.1:${await freePort()}` },
    channels,
  });
  const file = join(dir, 'config.yaml');
  writeFileSync(file, text);
  return parseConfig(text, { file, env: {}, definitions: await definitions() }).config;
}

async function withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 25_000;
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function receive(quantity: number): Promise<unknown> {
  const change = { sku: 'MUG', kind: 'receive', basis: 'shelf', create: true, ref: null } as const;
  return withStore((store) =>
    store.stock.change([{ ...change, quantity, asOf: Date.now(), presumeGoneMs: {} }], by, Date.now()),
  );
}

/** Each channel was read by a reconcile run since then. */
async function readSince(at: number): Promise<boolean> {
  const views = await withStore((store) => store.reports.countersOfSku('MUG'));
  return views.length === names.length && views.every((view) => (view.lastRead?.askedAt ?? 0) >= at);
}

test("yesterday's database against today's shops changes nothing until a person confirms, and ends right", async () => {
  const shops: MemoryPlatform[] = names.map((name) => memoryPlatform(name));
  for (const shop of shops) shop.list({ sku: 'MUG', shown: 24 });
  const shown = (quantity: number) => shops.every((shop) => shop.shown('MUG') === quantity);
  const config = await configuration();

  await receive(24);
  daemon = await startDaemon(config, 'test', silentLog);
  for (const name of names)
    await withStore((store) => store.duties.ask('listings.import', { channel: name }, Date.now()));
  await until('both listings are mapped', async () => {
    const rows = await withStore((store) => store.listings.list({ limit: 10 }));
    return rows.filter((row) => row.parts.length > 0).length === names.length;
  });
  await until('both shops are in sync', () => readSince(0));
  await daemon.stop();
  cpSync(join(dir, 'invsync.db'), join(dir, 'yesterday.db'));

  daemon = await startDaemon(config, 'test', silentLog);
  await receive(10);
  await until('today both show 34', () => shown(34));
  await daemon.stop();

  for (const end of ['-wal', '-shm']) rmSync(join(dir, `invsync.db${end}`), { force: true });
  cpSync(join(dir, 'yesterday.db'), join(dir, 'invsync.db'));
  const writes = () => shops.flatMap((shop) => shop.writes()).length;
  const before = writes();
  const restoredAt = Date.now();
  daemon = await startDaemon(config, 'test', silentLog);
  shops[1]?.sell({ lines: [{ ref: 'MUG', quantity: 3 }] });
  await until('the sale is pulled', async () => {
    const row = await withStore((store) => store.stock.get('MUG'));
    return row?.available === 21;
  });
  await until('both shops were compared', () => readSince(restoredAt));
  expect(writes()).toBe(before);
  expect(shops.map((shop) => shop.shown('MUG'))).toEqual([34, 31]);
  const [alert] = await withStore((store) => store.duties.alerts(true, 10));
  expect(alert).toMatchObject({ kind: 'restored' });
  expect(alert?.message).toMatch(/invsync channels mode restore-shop live$/);
  expect((await withStore((store) => store.channels.list())).map((row) => row.mode)).toEqual([
    'observe',
    'observe',
  ]);

  await receive(10);
  for (const name of names) await withStore((store) => store.channels.setMode(name, 'live', by, Date.now()));
  await until('both show what is there', () => shown(31));
  expect(new Set(shops.flatMap((shop) => shop.writes().slice()).map((write) => write.to))).toEqual(
    new Set([34, 31]),
  );
  expect(await withStore((store) => store.duties.alerts(true, 10))).toEqual([]);
});

/** The document of a command of the real program. */
async function document(code: number, ...args: string[]) {
  const ran = await invsync(dir, [...args, '--json']);
  if (ran.code !== code)
    throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`);
  return JSON.parse(ran.stdout);
}

type Write = Extract<ShopCall, { kind: 'write' }>;

describe("invsync backup restore of yesterday's books into today's shops", () => {
  let shops: Shop[] = [];
  let child: ReturnType<typeof startProcess> | null = null;

  afterEach(async () => {
    child?.signal('SIGKILL');
    await child?.ended;
    for (const shop of shops) await shop.stop();
  });

  const shown = (shop: Shop | undefined, sku: string) =>
    shop?.records().listings.find((listing) => listing.sku === sku)?.shown;
  /** What a shop itself recorded of our writes, oldest first. */
  const writesOf = (shop: Shop) =>
    shop.records().calls.filter((call): call is Write => call.kind === 'write');
  const available = (sku: string) => withStore(async (store) => (await store.stock.get(sku))?.available);

  async function stop(): Promise<void> {
    child?.signal('SIGTERM');
    expect((await child?.ended)?.code, child?.log().slice(-2_000)).toBe(0);
    child = null;
  }

  test('pulls the sales since, writes nothing before a yes, and then only what is right', async () => {
    const catalogue = [
      { sku: 'MUG', title: 'Mug', stock: 24 },
      { sku: 'BOWL', title: 'Bowl', stock: 8 },
    ];
    const options = { timeScale: 600, catalogue, port: 0 };
    const tea = await createShop('shopify', { ...options, name: 'tea', seed: 1 });
    const wp = await createShop('woocommerce', { ...options, name: 'wp', seed: 2 });
    shops = [tea, wp];
    for (const shop of shops) await shop.start();
    const soon = {
      mode: 'live',
      poll: '1s',
      order_lag: '1s',
      settle: '100ms',
      max_execution: '1s',
      timeout: '5s',
    };
    const at = await configure(
      dir,
      Object.fromEntries(shops.map((shop) => [shop.name, { ...shop.channelConfig(), ...soon }])),
    );
    writeFileSync(join(dir, 'stock.csv'), 'sku,on_hand\nMUG,24\nBOWL,8\n');
    await prepare(dir, ['stock', 'import', join(dir, 'stock.csv'), '--yes']);
    for (const { name } of shops) await prepare(dir, ['listings', 'import', name]);

    chmodSync(join(dir, 'invsync.db'), 0o644);
    child = startProcess(at);
    await child.ready();
    expect(statSync(join(dir, 'invsync.db')).mode & 0o777).toBe(0o600);
    expect(child.log()).toMatch(/invsync.db \(644\).*others could read these; now only their owner can/);
    tea.sell({ lines: [{ sku: 'MUG', quantity: 2 }] });
    await until('yesterday wp shows 22', () => shown(wp, 'MUG') === 22);
    const { backup } = await document(0, 'backup', 'create');

    tea.sell({ lines: [{ sku: 'MUG', quantity: 15 }] });
    await prepare(dir, ['stock', 'receive', 'BOWL', '4', '--reason', 'from the kiln']);
    await until('today wp shows 7', () => shown(wp, 'MUG') === 7);
    await until('today both show 12 bowls', () => shops.every((shop) => shown(shop, 'BOWL') === 12));
    const refused = await document(7, 'backup', 'restore', backup.file, '--yes');
    expect(refused).toMatchObject({ error: { code: 'already_running' } });
    await stop();

    const { error } = await document(2, 'backup', 'restore', backup.file);
    expect(error).toMatchObject({ code: 'needs_yes', plan: { orders_since: 1, changes_since: 1 } });
    expect(await available('BOWL')).toBe(12);
    const restored = await document(0, 'backup', 'restore', backup.file, '--yes');
    expect(restored.changes).toMatchObject([{ sku: 'BOWL', delta: 4, reason: 'from the kiln' }]);
    expect([await available('MUG'), await available('BOWL')]).toEqual([22, 8]);

    wp.sell({ lines: [{ sku: 'MUG', quantity: 1 }] });
    const before = new Map(shops.map((shop) => [shop, writesOf(shop).length]));
    const writesSince = () => shops.flatMap((shop) => writesOf(shop).slice(before.get(shop)));
    const begun = Date.now();
    child = startProcess(at);
    await child.ready();
    await until('the sales since are pulled', async () => (await available('MUG')) === 6);
    await until('both shops were compared', async () => {
      const rows = await withStore((store) => store.channels.list());
      return rows.every((row) => (row.reconciledAt ?? 0) >= begun);
    });
    expect(writesSince()).toEqual([]);
    const { channels } = await document(0, 'channels', 'list');
    expect(channels.map((row: { mode: string }) => row.mode)).toEqual(['observe', 'observe']);
    const { alerts } = await document(0, 'alerts', 'list');
    expect(alerts).toMatchObject([{ kind: 'restored' }]);
    expect(alerts[0].message).toContain(`it was restored from the backup of ${backup.created_at}`);

    await prepare(dir, ['stock', 'receive', 'BOWL', '4', '--reason', 'entered again']);
    for (const { name } of shops) await prepare(dir, ['channels', 'mode', name, 'live', '--yes']);
    await until('tea shows what is there', () => shown(tea, 'MUG') === 6);
    await until(
      'nothing stands any more',
      async () => (await document(0, 'alerts', 'list')).alerts.length === 0,
    );
    await stop();
    const right: Record<string, number> = { MUG: 6, BOWL: 12 };
    expect(writesSince().length).toBeGreaterThan(0);
    for (const { sku, to } of writesSince()) expect([sku, to]).toEqual([sku, right[sku]]);
    for (const [sku, units] of Object.entries(right))
      expect(shops.map((shop) => shown(shop, sku))).toEqual([units, units]);
    expect(await document(0, 'db', 'check')).toMatchObject({ ok: true });
  }, 90_000);
});
