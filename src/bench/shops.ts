import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { Json } from '../channels/channel.ts';
import { createShop } from '../sandbox/registry.ts';
import type { CatalogueItem, Shop } from '../sandbox/shop.ts';
import { quantile } from './median.ts';
import type { Verbs } from './role.ts';

/** Sandbox shops in a process of their own: what they cost is not the daemon's. */
const openArgs = z.object({ types: z.array(z.string()), skus: z.int(), timeScale: z.number() });
const sellArgs = z.object({ perSecond: z.number(), ms: z.number() });

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
  /** Orders of one unit, one shop after the other, at a fixed rate; then until all is quiet. */
  sell: async (args) => {
    const { perSecond, ms } = sellArgs.parse(args);
    const began = performance.now();
    const since = Date.now();
    for (let sold = 0; sold < (ms / 1_000) * perSecond; sold += 1) {
      const restMs = began + (sold / perSecond) * 1_000 - performance.now();
      if (restMs > 0) await pause(restMs);
      sell();
    }
    await pause(1_000);
    return propagated(since);
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

function sell(): void {
  const shop = shops[turn % shops.length];
  const item = catalogue[turn % catalogue.length];
  turn += 1;
  if (shop === undefined || item === undefined) throw new Error('the shops are not open');
  const result = shop.sell({ lines: [{ sku: item.sku, quantity: 1 }] });
  if (!result.sold) throw new Error(`${item.sku} was not sold: ${result.reason}`);
}

/**
 * From the first byte of the first call that told of an order to the last other shop having applied its write of
 * that SKU, as the shops themselves recorded it.
 */
function propagated(since: number): Json {
  const sides = shops.map((shop) => ({ name: shop.name, ...shop.records() }));
  const writes = new Map<string, number[]>();
  for (const side of sides) {
    for (const call of side.calls) {
      if (call.kind !== 'write' || !call.applied || call.at < since) continue;
      const key = `${side.name} ${call.sku}`;
      writes.set(key, [...(writes.get(key) ?? []), call.at]);
    }
  }
  const times: number[] = [];
  let orders = 0;
  for (const side of sides) {
    const told = new Map<string, number>();
    for (const call of side.calls) {
      if (call.kind !== 'webhook' || call.outcome !== 'ok' || told.has(call.subject)) continue;
      told.set(call.subject, call.at - call.ms);
    }
    for (const order of side.orders) {
      const sku = order.lines[0]?.sku;
      if (order.placed_at < since) continue;
      orders += 1;
      const toldAt = told.get(order.order_id);
      if (toldAt === undefined) continue;
      const applied = sides
        .filter((other) => other !== side)
        .map((other) => writes.get(`${other.name} ${sku}`)?.find((at) => at >= toldAt - 1) ?? Number.NaN);
      const last = Math.max(...applied);
      if (Number.isFinite(last)) times.push(Math.max(0, last - toldAt));
    }
  }
  return { orders, measured: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}
