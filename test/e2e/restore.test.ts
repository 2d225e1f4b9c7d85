import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
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
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';

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
