import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definitions } from '../../src/channels/registry.ts';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config/load.ts';
import { silentLog } from '../../src/log.ts';
import { createShopifyShop } from '../../src/sandbox/shopify/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { importCatalogue } from '../../src/sync/catalogue.ts';
import { pullOrders } from '../../src/sync/pull.ts';
import { createPusher } from '../../src/sync/push.ts';
import { reconcile } from '../../src/sync/reconcile.ts';

const signal = new AbortController().signal;

/** A sandbox shop of Shopify that has been taken over, behind the real adapter and store; everything is driven by hand. */
export async function shopifyCase(books: Record<string, number>) {
  const catalogue = Object.entries(books).map(([sku, stock]) => ({ sku, title: sku, stock }));
  const shop = createShopifyShop({ name: 'tea', seed: 5, timeScale: 60, catalogue, port: 0 });
  await shop.start();
  const dir = mkdtempSync(join(tmpdir(), 'invsync-case-'));
  const quick = { order_lag: '1ms', index_lag: '1s', settle: '1ms', raise_after: '1ms', webhooks: false };
  const config = { data_dir: '.', channels: { tea: { ...shop.channelConfig(), ...quick } } };
  const from = { file: join(dir, 'config.yaml'), env: {}, definitions: await definitions() };
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  const parsed = parseConfig(JSON.stringify(config), from).config;
  const { engine, close } = await compose(parsed, store, { log: silentLog });
  const [live] = engine.channels.values();
  if (live === undefined) throw new Error('no channel');
  const pusher = createPusher(engine);
  const run = async () => {
    await shop.settle();
    const wish = { channels: null, skus: null, dryRun: false, waitMs: 0 };
    await reconcile(engine, { pusher }, wish, signal);
    await pusher.runUntilIdle();
  };
  const changes = catalogue.map(({ sku, stock }) => ({
    sku,
    kind: 'count' as const,
    quantity: stock,
    basis: 'shelf' as const,
    // The shop tells whole seconds: what happens in the second of a count would be older than the count.
    asOf: Date.now() - 60_000,
    create: true,
    ref: null,
    presumeGoneMs: {},
  }));
  await store.stock.change(changes, { by: 'test', reason: null }, Date.now());
  await importCatalogue(engine, live, () => undefined, signal);
  await run();
  return {
    shop,
    reconcile: run,
    async pull() {
      await shop.settle();
      await pullOrders(engine, live, { kind: 'changes' }, signal);
    },
    sell(sku: string): string {
      const sold = shop.sell({ lines: [{ sku, quantity: 1 }] });
      if (!sold.sold) throw new Error(`not sold: ${sold.reason}`);
      return sold.order_id;
    },
    available: async (sku: string) => (await store.stock.get(sku))?.available ?? null,
    shown: (sku: string) => shop.records().listings.find((listing) => listing.sku === sku)?.shown ?? null,
    told: async () =>
      (await store.duties.alerts(true, 100))
        .filter(({ kind }) => kind === 'unexplained_rise')
        .map(({ message }) => message),
    async close() {
      await pusher.stop();
      await close();
      await shop.stop();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
