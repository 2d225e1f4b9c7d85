import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { definitions } from '../channels/registry.ts';
import { systemClock } from '../clock.ts';
import { compose } from '../compose.ts';
import { loadConfig } from '../config/load.ts';
import { silentLog } from '../log.ts';
import { openSqliteStore } from '../store/sqlite/index.ts';
import type { Store } from '../store/store.ts';

/** The one channel of the in-process measurements, of type `memory`. */
export const channelName = 'bench';
export const secret = 'a benchmark secret of some length';
export const skuCount = 2_000;
/** A webhook body as platforms send it is about so long. */
export const bodyBytes = 1_536;

const actor = { by: 'bench', reason: 'fixture' };

/** Name of the n-th SKU, which is also the id of its listing. */
export function skuName(n: number): string {
  return `SKU-${String(n % skuCount).padStart(5, '0')}`;
}

/** Its configuration: nothing is pushed. */
export const channel = { type: 'memory', mode: 'observe', platform: channelName, secret };

/** The real store and engine over a folder, as `serve` composes them, without its duties. */
export async function openEngine(dir: string, writer: 'own' | 'caller') {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'config.yaml');
  writeFileSync(file, stringify({ data_dir: '.', channels: { [channelName]: channel } }));
  const { config } = loadConfig(file, {}, await definitions(['memory']));
  const store = await openSqliteStore({ dataDir: dir, writer });
  const composition = await compose(config, store, { log: silentLog });
  const [live] = composition.engine.channels.values();
  if (live === undefined) throw new Error('the benchmark channel is missing');
  const close = async (): Promise<void> => {
    await composition.close();
    await store.close();
  };
  return { store, engine: composition.engine, live, close };
}

/** Parts of at most `size`, in order. */
export function chunksOf<T>(all: readonly T[], size: number): T[][] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, n) => all.slice(n * size, (n + 1) * size));
}

/** Counts what there is of each SKU. */
export async function countStock(
  store: Store,
  items: readonly { sku: string; stock: number }[],
): Promise<void> {
  const now = systemClock.now();
  const counted = {
    kind: 'count',
    basis: 'free',
    asOf: now,
    create: true,
    ref: null,
    presumeGoneMs: {},
  } as const;
  for (const some of chunksOf(items, 200)) {
    const changes = some.map(({ sku, stock }) => ({ ...counted, sku, quantity: stock }));
    await store.stock.change(changes, actor, now);
  }
}

/** Counts every SKU and lists each once on the channel, mapped. */
export async function stockUp(store: Store, channelId: number): Promise<void> {
  const now = systemClock.now();
  const skus = Array.from({ length: skuCount }, (_, n) => skuName(n));
  await countStock(
    store,
    skus.map((sku) => ({ sku, stock: 1_000_000 })),
  );
  const sound = { aliases: [], unwritable: null, ambiguous: false, shown: 1_000_000, facts: null };
  for (const some of chunksOf(skus, 200)) {
    const listings = some.map((sku) => ({
      ...{ listingId: sku, counterKey: sku, channelSku: sku, title: sku },
      ...sound,
    }));
    await store.listings.upsert(channelId, listings, now);
  }
  for (const match of await store.listings.matches(channelName, false, skuCount)) {
    await store.listings.map(match.listingRowId, [{ sku: match.sku, units: 1 }], actor, now);
  }
}

/** Body of an order of one unit, as long as a platform's. */
export function orderBody(n: number, placedAt: number): Buffer {
  const order = {
    id: `order-${String(n).padStart(9, '0')}`,
    number: `#${n}`,
    version: placedAt,
    status: 'open',
    placed_at: placedAt,
    changed_at: placedAt,
    lines: [
      {
        key: `line-${String(n).padStart(9, '0')}`,
        listing: skuName(n * 7_919),
        sku: skuName(n * 7_919),
        taken: 1,
        gone: 0,
        taken_at: placedAt,
      },
    ],
    padding: '',
  };
  const bare = Buffer.byteLength(JSON.stringify(order));
  return Buffer.from(JSON.stringify({ ...order, padding: 'x'.repeat(Math.max(0, bodyBytes - bare)) }));
}

/** Delivery keys as a platform that counts would make them. */
export function deliveryKey(n: number): string {
  return `delivery-${String(n).padStart(12, '0')}`;
}
