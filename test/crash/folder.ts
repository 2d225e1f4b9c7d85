import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { Store } from '../../src/store/store.ts';
import { type Addresses, freeAddresses } from './daemon.ts';

export const memorySecret = 'a secret of the memory platform';

const folders: string[] = [];

/** A folder of its own; `forgetFolders` removes it. */
export function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'invsync-crash-'));
  folders.push(dir);
  return dir;
}

export function forgetFolders(): void {
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
}

/** Writes config.yaml with free addresses; nothing runs by the clock. */
export async function configure(
  dir: string,
  channels: Readonly<Record<string, Record<string, unknown>>>,
  dataDir = '.',
): Promise<Addresses> {
  const at = await freeAddresses(dir);
  const listen = (url: string) => ({ listen: url.replace('http://', '') });
  const config = {
    data_dir: dataDir,
    server: { ...listen(at.publicUrl), public_url: at.publicUrl },
    admin: listen(at.adminUrl),
    reconcile: { schedule: '13 3 * * *', max_change: '100%', max_zero: '100%' },
    channels,
  };
  writeFileSync(join(dir, 'config.yaml'), stringify(config));
  return at;
}

/** The entry of a memory channel, which takes real signed deliveries and pushes nowhere. */
export const memoryChannel = { type: 'memory', mode: 'observe', platform: 'crash', secret: memorySecret };

/** Opens the books in this process, hands them out, closes them. */
export async function withStore<T>(dataDir: string, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore({ dataDir, writer: 'caller' });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** Counts SKUs and lists each on the memory channel `name` under its own name, before any daemon runs. */
export async function stockUp(
  dataDir: string,
  name: string,
  stock: ReadonlyMap<string, number>,
): Promise<void> {
  const now = Date.now();
  const actor = { by: 'test', reason: 'start' };
  await withStore(dataDir, async (store) => {
    const setup = {
      name,
      type: 'memory',
      mode: 'observe' as const,
      offer: { buffer: 0, percent: 100, max: null },
      oversell: 'alert' as const,
      basis: 'net' as const,
      maxQuantity: 1_000_000,
      clockMarginMs: 0,
      presumeGoneMs: null,
    };
    const channel = (await store.channels.configure([setup], now)).find((row) => row.name === name);
    if (channel === undefined) throw new Error('no channel');
    for (const [sku, quantity] of stock) {
      const change = { kind: 'count' as const, basis: 'free' as const, asOf: now, create: true, ref: null };
      await store.stock.change([{ sku, quantity, ...change, presumeGoneMs: {} }], actor, now);
      const listing = { listingId: sku, counterKey: sku, channelSku: sku, title: sku, aliases: [] };
      await store.listings.upsert(
        channel.id,
        [{ ...listing, unwritable: null, ambiguous: false, shown: quantity, facts: null }],
        now,
      );
      const row = await store.listings.find(name, sku);
      if (row === null || row === 'ambiguous') throw new Error(`listing ${sku} is missing`);
      await store.listings.map(row.id, [{ sku, units: 1 }], actor, now);
    }
  });
}
