import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRandom } from '../../src/sandbox/kit/random.ts';
import { createShop } from '../../src/sandbox/registry.ts';
import type { Shop } from '../../src/sandbox/shop.ts';
import { type Addresses, type Daemon, prepare, startDaemon } from './daemon.ts';
import { wooDelivery } from './deliveries.ts';
import { configure, forgetFolders, newFolder, withStore } from './folder.ts';
import { type Sender, startSender } from './sender.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const kills = Number(process.env['INVSYNC_KILLS'] ?? 10);
const perSecond = 200;
/** Every third SKU sells out, so that allocation and docket are in the way of the kills too. */
const catalogue = Array.from({ length: 24 }, (_, n) => ({
  sku: `KILL-${n}`,
  title: `Piece ${n}`,
  stock: n % 3 === 0 ? 15 : 5_000,
}));

describe('kill -9 of the real daemon under 200 webhooks a second', () => {
  let dir: string;
  let at: Addresses;
  let seller: Shop;
  let other: Shop;
  let daemon: Daemon | null = null;
  let sender: Sender | null = null;

  beforeEach(async () => {
    dir = newFolder();
    const options = { timeScale: 600, catalogue, port: 0 };
    seller = await createShop('woocommerce', { ...options, name: 'seller', seed: 1 });
    other = await createShop('shopify', { ...options, name: 'other', seed: 2 });
    await seller.start();
    await other.start();
    const soon = { poll: 'off', order_lag: '1s', settle: '100ms', max_execution: '1s', timeout: '2s' };
    at = await configure(dir, {
      seller: { ...seller.channelConfig(), ...soon, mode: 'observe' },
      other: { ...other.channelConfig(), ...soon, mode: 'live' },
    });
    writeFileSync(
      join(dir, 'stock.csv'),
      `sku,on_hand\n${catalogue.map((item) => `${item.sku},${item.stock}\n`).join('')}`,
    );
    await prepare(dir, ['stock', 'import', join(dir, 'stock.csv'), '--yes']);
    await prepare(dir, ['listings', 'import', 'seller']);
    await prepare(dir, ['listings', 'import', 'other']);
  });

  afterEach(async () => {
    await sender?.stop();
    daemon?.signal('SIGKILL');
    await daemon?.ended;
    await seller.stop();
    await other.stop();
  });
  afterAll(forgetFolders);

  test(`${kills} times in a row: every acknowledged webhook is there, once, and the books close`, async () => {
    const seed = Number(process.env['INVSYNC_SEED'] ?? Date.now() % 1_000_000);
    const random = createRandom(seed);
    const told = `INVSYNC_SEED=${seed}`;
    const listings = seller.records().listings.filter(({ sku }) => sku.startsWith('KILL-'));
    const secret = String(seller.channelConfig()['webhook_secret']);
    sender = startSender(`${at.publicUrl}/hooks/seller`, perSecond, (n) => {
      const { sku, listing_id: listingId } = listings[n % listings.length] ?? { sku: '', listing_id: '' };
      return wooDelivery(n, { sku, listingId }, { home: seller.url, secret });
    });

    daemon = startDaemon(at);
    for (let kill = 0; kill < kills; kill += 1) {
      // Under load, at any moment: the first, the fortieth acknowledgement of this life, and a little more.
      const wanted = sender.acknowledged.size + random.int(1, 40);
      await daemon.ready();
      for (let waits = 0; sender.acknowledged.size < wanted && waits < 1_000; waits += 1) await pause(5);
      expect(sender.acknowledged.size, `kill ${kill} comes under no load`).toBeGreaterThanOrEqual(wanted);
      await pause(random.int(0, 50));
      daemon.signal('SIGKILL');
      await daemon.ended;
      daemon = startDaemon(at);
    }
    await daemon.ready();
    await sender.finish(60_000);
    await untilDrained(at);
    daemon.signal('SIGTERM');
    expect(await daemon.ended, daemon.log().slice(-2_000)).toEqual({ code: 0, signal: null });

    const { sent, acknowledged } = sender;
    expect(sent.size).toBeGreaterThan(kills * 20);
    expect(sender.failures(), 'the kills hit nothing').toBeGreaterThan(0);
    expect(sender.duplicates(), 'no repeat was absorbed').toBeGreaterThan(0);
    await withStore(dir, async (store) => {
      const rows = await store.inbox.list({ limit: sent.size * 2 });
      const kept = new Map(rows.map((row) => [row.key, row]));
      const lost = [...acknowledged.keys()].filter((key) => !kept.has(key));
      expect(lost, told).toEqual([]);
      expect(rows.length, 'a delivery is there twice').toBe(sent.size);
      expect(new Set(rows.map((row) => row.status)), told).toEqual(new Set(['applied']));
      await everyUnitOnce(
        store,
        [...sent.values()].map(({ orderId }) => orderId),
      );
      const { open } = await store.reports.audit();
      expect(open, told).toEqual([]);
      for (const shown of other.records().listings) {
        const row = shown.sku.startsWith('KILL-') ? await store.stock.get(shown.sku) : null;
        if (row !== null) expect([shown.sku, shown.shown], told).toEqual([shown.sku, row.available]);
      }
    });
  }, 120_000);

  async function everyUnitOnce(
    store: Parameters<Parameters<typeof withStore>[1]>[0],
    orderIds: string[],
  ): Promise<void> {
    const orders = await store.orders.list({ limit: orderIds.length * 2 });
    expect(orders.map((order) => order.orderId).sort()).toEqual([...orderIds].sort());
    const sold = new Map<string, { taken: number; given: number }>();
    for (const line of orders.flatMap((order) => order.lines)) {
      const sum = sold.get(line.sku ?? '') ?? { taken: 0, given: 0 };
      sold.set(line.sku ?? '', { taken: sum.taken + line.taken, given: sum.given + line.given });
    }
    const total = [...sold.values()].reduce((sum, { taken }) => sum + taken, 0);
    expect(total, 'units sold').toBe(orderIds.length);
    for (const { sku, stock } of catalogue) {
      const { taken, given } = sold.get(sku) ?? { taken: 0, given: 0 };
      expect([sku, given], 'given is what was asked for, up to what was there').toEqual([
        sku,
        Math.min(taken, stock),
      ]);
    }
  }
});

interface Status {
  inbox: { pending: number; kept_aside: number };
  channels: { channel: string; due: number }[];
}

/** Nothing waits in the inbox and no push to the other shop is due. */
async function untilDrained(at: Addresses): Promise<void> {
  const until = Date.now() + 60_000;
  let quiet = 0;
  while (quiet < 5) {
    const answer = await fetch(`${at.adminUrl}/api/v1/status`);
    const status = (await answer.json()) as Status;
    const due = status.channels.find(({ channel }) => channel === 'other')?.due ?? 0;
    if (Date.now() > until) throw new Error(`the daemon did not come to rest: ${JSON.stringify(status)}`);
    const { pending, kept_aside: aside } = status.inbox;
    quiet = pending === 0 && aside === 0 && due === 0 ? quiet + 1 : 0;
    await pause(40);
  }
}
