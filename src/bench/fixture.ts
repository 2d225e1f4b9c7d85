import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { definitions } from '../channels/registry.ts';
import { systemClock } from '../clock.ts';
import { type Composition, compose } from '../compose.ts';
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

/** Writes a config.yaml with the one channel; nothing is pushed unless it is live. */
export function writeConfig(dir: string): string {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, 'config.yaml');
  const lines = [
    'data_dir: .',
    'channels:',
    `  ${channelName}: { type: memory, mode: observe, platform: ${channelName}, secret: "${secret}" }`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** The real store and engine over a folder, as `serve` composes them, without its duties. */
export async function openEngine(
  dir: string,
  writer: 'own' | 'caller',
): Promise<{ store: Store; composition: Composition; channelId: number }> {
  const { config } = loadConfig(writeConfig(dir), {}, await definitions(['memory']));
  const store = await openSqliteStore({ dataDir: dir, writer });
  const composition = await compose(config, store, { log: silentLog });
  const [channelId] = composition.engine.channels.keys();
  if (channelId === undefined) throw new Error('the benchmark channel is missing');
  return { store, composition, channelId };
}

/** Counts every SKU and lists each once on the channel, mapped. */
export async function stockUp(store: Store, channelId: number): Promise<void> {
  const now = systemClock.now();
  for (let from = 0; from < skuCount; from += 200) {
    const skus = Array.from({ length: 200 }, (_, index) => skuName(from + index));
    await store.stock.change(
      skus.map((sku) => ({
        sku,
        kind: 'count',
        quantity: 1_000_000,
        basis: 'free',
        asOf: now,
        create: true,
        ref: null,
        presumeGoneMs: {},
      })),
      actor,
      now,
    );
    await store.listings.upsert(
      channelId,
      skus.map((sku) => ({
        listingId: sku,
        counterKey: sku,
        channelSku: sku,
        title: sku,
        aliases: [],
        unwritable: null,
        ambiguous: false,
        shown: 1_000_000,
        facts: null,
      })),
      now,
    );
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
