import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Json } from '../channels/channel.ts';
import { createShop } from '../sandbox/registry.ts';
import type { CatalogueItem, Shop } from '../sandbox/shop.ts';
import { quantile } from './median.ts';
import type { Verbs } from './role.ts';

/** Sandbox shops in a process of their own: what they cost is not the daemon's. */
const openArgs = z.object({ types: z.array(z.string()), skus: z.int(), timeScale: z.number() });
const sellArgs = z.object({ perSecond: z.number(), ms: z.number(), shares: z.array(z.int()) });

interface Sold {
  shop: Shop;
  orderId: string;
  sku: string;
}

let shops: Shop[] = [];
let catalogue: CatalogueItem[] = [];
/** Which SKU the next order is for: each comes round again only after all others. */
let turn = 0;

export const shopsVerbs: Verbs = {
  /** Answers the channels block that reaches them, by shop name. */
  open: async (args) => {
    const { types, skus, timeScale } = openArgs.parse(args);
    catalogue = Array.from({ length: skus }, (_, n) => ({
      sku: `SKU-${n}`,
      title: `Piece ${n}`,
      stock: 10_000,
    }));
    shops = await Promise.all(
      types.map((type, n) =>
        createShop(type, { name: `${type}-${n}`, seed: n + 1, timeScale, catalogue, port: 0 }),
      ),
    );
    for (const shop of shops) await shop.start();
    return Object.fromEntries(shops.map((shop) => [shop.name, shop.channelConfig() as Json]));
  },
  catalogue: async () => catalogue.map(({ sku, stock }) => ({ sku, stock })),
  /** Orders of one unit at a fixed rate, spread over the shops by `shares`; answers when all calls were made. */
  sell: async (args) => {
    const { perSecond, ms, shares } = sellArgs.parse(args);
    const order = shares.flatMap((share, n) => Array.from({ length: share }, () => shops[n]));
    const began = performance.now();
    const sold: Sold[] = [];
    for (let n = 0; n < (ms / 1_000) * perSecond; n += 1) {
      const restMs = began + (n / perSecond) * 1_000 - performance.now();
      if (restMs > 0) await pause(restMs);
      sold.push(sell(order[n % order.length]));
    }
    while (shops.some((shop) => shop.pending() > 0)) await pause(20);
    await pause(1_000);
    return propagated(sold);
  },
  /** Edits so many numbers by hand, half of them up, half down. */
  edit: async (args) => {
    const { count } = z.object({ count: z.int() }).parse(args);
    for (let n = 0; n < count; n += 1) {
      const item = catalogue[Math.floor((n * catalogue.length) / count)];
      if (item !== undefined) shops[0]?.set({ sku: item.sku, quantity: item.stock + (n % 2 === 0 ? 3 : -3) });
    }
    return null;
  },
};

function sell(shop: Shop | undefined): Sold {
  const item = catalogue[turn % catalogue.length];
  turn += 1;
  if (shop === undefined || item === undefined) throw new Error('the shops are not open');
  const result = shop.sell({ lines: [{ sku: item.sku, quantity: 1 }] });
  if (!result.sold) throw new Error(`${item.sku} was not sold: ${result.reason}`);
  return { shop, orderId: result.order_id, sku: item.sku };
}

/**
 * From the first byte of the first call that told of an order to the last other shop having applied its write of
 * that SKU, as the shops themselves recorded it.
 */
function propagated(sold: readonly Sold[]): Json {
  const told = new Map<string, number>();
  const writes = new Map<string, number[]>();
  for (const shop of shops) {
    for (const call of shop.records().calls) {
      if (call.kind === 'webhook' && call.outcome === 'ok') {
        const key = `${shop.name} ${call.subject}`;
        if (!told.has(key)) told.set(key, call.at - call.ms);
      }
      if (call.kind !== 'write' || !call.applied) continue;
      const key = `${shop.name} ${call.sku}`;
      writes.set(key, [...(writes.get(key) ?? []), call.at]);
    }
  }
  const times: number[] = [];
  for (const { shop, orderId, sku } of sold) {
    const toldAt = told.get(`${shop.name} ${orderId}`) ?? Number.NaN;
    const others = shops.filter((other) => other !== shop);
    const applied = others.map(
      // The shops' own times are whole milliseconds.
      (other) => writes.get(`${other.name} ${sku}`)?.find((at) => at >= toldAt - 1) ?? Number.NaN,
    );
    const took = Math.max(...applied) - toldAt;
    if (Number.isFinite(took)) times.push(Math.max(0, took));
  }
  return {
    orders: sold.length,
    measured: times.length,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}
