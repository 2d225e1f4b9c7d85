import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { definitions } from '../../src/channels/registry.ts';
import { systemClock } from '../../src/clock.ts';
import { compose } from '../../src/compose.ts';
import { parseConfig } from '../../src/config/load.ts';
import { createPublicListener } from '../../src/http/public.ts';
import { silentLog } from '../../src/log.ts';
import type { Shop } from '../../src/sandbox/shop.ts';
import { createShopifyShop } from '../../src/sandbox/shopify/index.ts';
import { createWooShop } from '../../src/sandbox/woocommerce/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import { importCatalogue } from '../../src/sync/account/catalogue.ts';
import type { LiveChannel } from '../../src/sync/engine.ts';
import { createIngest } from '../../src/sync/inbound/ingest.ts';
import { pullOrders } from '../../src/sync/inbound/pull.ts';
import { createReceiver } from '../../src/sync/inbound/receive.ts';
import { createPusher } from '../../src/sync/outbound/push.ts';
import { reconcile } from '../../src/sync/reconcile/reconcile.ts';

/**
 * The engine with a real store, the real adapters and a shop of each kind, over HTTP. Nothing runs by a timer of ours:
 * each test drives what the duties would do, until what it waits for is there.
 */

const calm = new AbortController().signal;
const patienceMs = 15_000;
const catalogue = [
  { sku: 'MUG', title: 'Mug', stock: 5 },
  { sku: 'BOWL', title: 'Bowl', stock: 8 },
  { sku: 'LAST', title: 'The last one', stock: 1 },
];
const shared = { seed: 5, timeScale: 60, catalogue, port: 0 };

type World = Awaited<ReturnType<typeof openWorld>>;
let world: World | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

async function openWorld() {
  const dir = mkdtempSync(join(tmpdir(), 'invsync-shops-'));
  const shopify = createShopifyShop({ name: 'tea', ...shared });
  const woo = createWooShop({ name: 'wp', ...shared });
  const shops: Shop[] = [shopify, woo];
  for (const shop of shops) await shop.start();
  const text = stringify({
    data_dir: '.',
    reconcile: { max_change: '100%', max_zero: '100%' },
    channels: Object.fromEntries(
      shops.map((shop) => [
        shop.name,
        { ...shop.channelConfig(), order_lag: '1ms', index_lag: '1s', settle: '1ms', raise_after: '1ms' },
      ]),
    ),
  });
  const from = { file: join(dir, 'config.yaml'), env: {}, definitions: await definitions() };
  const { config } = parseConfig(text, from);
  const store = await openSqliteStore({ dataDir: dir, writer: 'caller' });
  const { engine, close } = await compose(config, store, { log: silentLog });
  const receiver = createReceiver(engine);
  const listener = createPublicListener(
    { clock: systemClock, log: silentLog, receiver },
    { host: '127.0.0.1', port: 0 },
  );
  await listener.start();
  const ingest = createIngest(engine);
  const pusher = createPusher(engine);
  const lives = [...engine.channels.values()];

  /** One turn of everything: what the shops owe, what they told, what we owe them. */
  const turn = async () => {
    await shopify.settle();
    while ((await woo.runQueue()) > 0);
    await receiver.drained();
    await ingest.runUntilIdle();
    await pusher.runUntilIdle();
  };

  return {
    engine,
    store,
    lives,
    shopify,
    woo,
    turn,
    async takeOver() {
      const by = { by: 'test', reason: null };
      const count = { kind: 'count', basis: 'shelf', create: true, ref: null, presumeGoneMs: {} } as const;
      const changes = catalogue.map(({ sku, stock }) => ({
        ...count,
        sku,
        quantity: stock,
        asOf: Date.now(),
      }));
      await store.stock.change(changes, by, Date.now());
      for (const live of lives) {
        expect(await importCatalogue(engine, live, () => undefined, calm)).toMatchObject({ mapped: 3 });
      }
      const outcome = await this.reconcile();
      expect(outcome.failed).toEqual([]);
      for (const live of lives) {
        await live.channel.webhooks?.ensure(`${listener.url}/hooks/${live.name}`, calm);
      }
    },
    reconcile: () =>
      reconcile(engine, { pusher }, { channels: null, skus: null, dryRun: false, waitMs: 0 }, calm),
    pull: async (live: LiveChannel) =>
      expect(await pullOrders(engine, live, { kind: 'changes' }, calm)).toMatchObject({ complete: true }),
    shown: (sku: string) =>
      shops.map((shop) => shop.records().listings.find((listing) => listing.sku === sku)?.shown ?? null),
    sell(shop: Shop, sku: string, quantity = 1): string {
      const sold = shop.sell({ lines: [{ sku, quantity }] });
      if (!sold.sold) throw new Error(`not sold: ${sold.reason}`);
      return sold.order_id;
    },
    /** Drives all of it until `look` holds. */
    async until(what: string, look: () => Promise<boolean> | boolean, also = async () => {}) {
      const end = Date.now() + patienceMs;
      while (!(await look())) {
        if (Date.now() > end) throw new Error(`never happened: ${what}`);
        await also();
        await turn();
      }
    },
    async close() {
      await pusher.stop();
      await ingest.stop();
      await listener.stop();
      await close();
      for (const shop of shops) await shop.stop();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function open(): Promise<World> {
  world = await openWorld();
  await world.takeOver();
  return world;
}

/** What our books give the lines of a SKU: units given and units short, all orders together, and the book audit. */
async function books({ store }: World, sku: string) {
  const orders = await store.orders.list({ limit: 100 });
  const lines = orders.flatMap((order) => order.lines).filter((line) => line.sku === sku);
  const { open: unbalanced } = await store.reports.audit();
  return {
    given: lines.map((line) => line.given).sort(),
    short: lines.map((line) => line.shortfall).sort(),
    available: (await store.stock.get(sku))?.available,
    unbalanced,
  };
}

describe('the engine between a Shopify and a WooCommerce shop', () => {
  test('sells the last unit once: one order gets it, the other is on the docket, both shops end at 0', async () => {
    const at = await open();
    at.sell(at.shopify, 'LAST');
    at.sell(at.woo, 'LAST');
    expect(at.shown('LAST')).toEqual([0, 0]);
    await at.until('both orders are booked', async () => (await books(at, 'LAST')).given.length === 2);
    await at.turn();
    expect(await books(at, 'LAST')).toEqual({ given: [0, 1], short: [0, 1], available: 0, unbalanced: [] });
    const docket = await at.store.reports.oversells({ limit: 10 });
    expect(docket).toMatchObject([{ sku: 'LAST', shortfall: 1, status: 'open', cause: 'sale' }]);
    expect(at.shown('LAST')).toEqual([0, 0]);
  });

  test('gives a unit that comes back to the order that waits for it, before a shop can show it', async () => {
    const at = await open();
    const orders = [at.sell(at.shopify, 'LAST'), at.sell(at.woo, 'LAST')];
    await at.until('both orders are booked', async () => (await books(at, 'LAST')).given.length === 2);
    const [held] = (await at.store.orders.list({ limit: 10 })).filter((order) => order.lines[0]?.given === 1);
    const shop = held?.channel === 'tea' ? at.shopify : at.woo;
    shop.cancel({ order_id: orders[shop === at.shopify ? 0 : 1] ?? '', restock: true });
    await at.until('the waiting order is filled', async () => {
      const [short] = await at.store.reports.oversells({ limit: 10 });
      return short?.status === 'filled';
    });
    // The shop raised its own number when it cancelled.
    await at.until('both shops show none', () => at.shown('LAST').every((shown) => shown === 0));
    expect(await books(at, 'LAST')).toEqual({ given: [0, 1], short: [0, 0], available: 0, unbalanced: [] });
  });

  test('brings a sale in one shop to the other, and a cancellation back', async () => {
    const at = await open();
    const order = at.sell(at.woo, 'MUG', 2);
    await at.until('both show 3', () => at.shown('MUG').every((shown) => shown === 3));
    at.sell(at.shopify, 'MUG', 1);
    await at.until('both show 2', () => at.shown('MUG').every((shown) => shown === 2));
    at.woo.cancel({ order_id: order, restock: true });
    await at.until(
      'both show 4',
      () => at.shown('MUG').every((shown) => shown === 4),
      // A rise waits for fresh feeds.
      async () => {
        for (const live of at.lives) await at.pull(live);
      },
    );
    expect((await books(at, 'MUG')).available).toBe(4);
    expect((await books(at, 'MUG')).unbalanced).toEqual([]);
  });

  test('finds the sales of which no webhook came', async () => {
    const at = await open();
    for (const shop of [at.shopify, at.woo]) shop.fault({ name: 'drop_webhook' });
    at.sell(at.shopify, 'BOWL', 3);
    at.sell(at.woo, 'BOWL', 2);
    await at.turn();
    expect((await books(at, 'BOWL')).available).toBe(8);
    await at.until(
      'both show 3',
      () => at.shown('BOWL').every((shown) => shown === 3),
      async () => {
        for (const live of at.lives) await at.pull(live);
      },
    );
    expect(await books(at, 'BOWL')).toEqual({ given: [2, 3], short: [0, 0], available: 3, unbalanced: [] });
  });

  test('counts a sale once, however often it is delivered and pulled', async () => {
    const at = await open();
    for (const shop of [at.shopify, at.woo]) shop.fault({ name: 'duplicate_webhook' });
    at.sell(at.shopify, 'BOWL', 1);
    at.sell(at.woo, 'BOWL', 1);
    await at.until('both show 6', () => at.shown('BOWL').every((shown) => shown === 6));
    for (const live of at.lives) await at.pull(live);
    await at.turn();
    expect(await books(at, 'BOWL')).toEqual({ given: [1, 1], short: [0, 0], available: 6, unbalanced: [] });
    expect(at.shown('BOWL')).toEqual([6, 6]);
  });

  test('does not overwrite a sale that slips in between its look and its write', async () => {
    const at = await open();
    at.shopify.fault({ name: 'sale_before_write', count: 1 });
    at.sell(at.woo, 'MUG', 1);
    await at.until('both sales are booked', async () => (await books(at, 'MUG')).given.length === 2);
    await at.until('both show 3', () => at.shown('MUG').every((shown) => shown === 3));
    expect((await books(at, 'MUG')).available).toBe(3);
  });

  test('has nothing to do in a reconcile right after all is quiet', async () => {
    const at = await open();
    at.sell(at.shopify, 'MUG', 1);
    at.sell(at.woo, 'BOWL', 2);
    await at.until('all is even', () => `${at.shown('MUG')} ${at.shown('BOWL')}` === '4,4 6,6');
    const writes = () =>
      [at.shopify, at.woo].flatMap((shop) => shop.records().calls.filter((call) => call.kind === 'write'));
    const before = writes().length;
    const outcome = await at.reconcile();
    await at.turn();
    expect(outcome.failed).toEqual([]);
    expect(writes().length).toBe(before);
  });
});
