import { describe, expect, test } from 'vitest';
import { createRandom } from '../../../src/sandbox/kit/random.ts';
import { defaultVariables } from '../../../src/sandbox/woocommerce/catalogue.ts';
import { RestProblem } from '../../../src/sandbox/woocommerce/problem.ts';
import { startReceiver, until } from '../../kit/shop-stage.ts';
import { startShop, subscribe } from './shops.ts';

const CATALOGUE = Array.from({ length: 12 }, (_, index) => ({
  sku: `S-${index + 1}`,
  title: `Item ${index + 1}`,
  stock: 40,
}));

describe("the shop's own books", () => {
  test.each([1, 2, 3])(
    'close after four hundred random sales, edits, refunds, cancellations and shipments (seed %i)',
    async (seed) => {
      const stage = await startShop({ catalogue: CATALOGUE, variables: [], seed });
      const random = createRandom(seed);
      const { shop } = stage;
      for (let turn = 0; turn < 400; turn += 1) {
        stage.tick(random.int(0, 1500));
        const open = shop.records().orders.filter((order) => order.lines.length > 0);
        const order = open.length > 0 && random.chance(0.5) ? random.pick(open) : undefined;
        const line = order === undefined ? undefined : random.pick(order.lines);
        if (order === undefined || line === undefined) {
          shop.sell({
            lines: [
              { sku: random.pick(CATALOGUE).sku, quantity: random.int(1, 3) },
              { sku: random.pick(CATALOGUE).sku, quantity: 1 },
            ],
          });
          continue;
        }
        const { order_id } = order;
        const { line_id } = line;
        try {
          random.pick([
            () => shop.ship({ order_id }),
            () => shop.cancel({ order_id }),
            () => shop.cancel({ order_id, restock: false }),
            () => shop.refund({ order_id, line_id, quantity: 1, restock: random.chance(0.5) }),
            () => shop.edit({ order_id, line_id, quantity: random.chance(0.3) ? 0 : random.int(4, 6) }),
          ])();
        } catch (error) {
          // The money or the units of an order are used up: the merchant hears it and nothing happens.
          if (!(error instanceof RestProblem) && !String(error).includes('fewer units')) throw error;
        }
      }
      const records = shop.records();
      const taken = new Map<string, number>();
      for (const { sku, taken: units } of records.orders.flatMap((order) => order.lines)) {
        taken.set(sku, (taken.get(sku) ?? 0) + units);
      }
      expect(records.orders.length).toBeGreaterThan(100);
      for (const { sku, shown } of records.listings) {
        expect(shown, sku).toBe(40 - (taken.get(sku) ?? 0));
      }
      for (const order of records.orders) {
        for (const line of order.lines) expect(line.gone).toBeLessThanOrEqual(line.taken);
      }
    },
  );

  test('puts every fifth item under a variable product by default, and sells it like any other', async () => {
    const { shop, call } = await startShop({ catalogue: CATALOGUE, variables: defaultVariables(CATALOGUE) });
    const variations = (await call('GET', '/variations?orderby=id&order=asc&_fields=sku,parent_id')).json;
    expect(variations.map((one: { sku: string }) => one.sku)).toEqual(['S-5', 'S-10']);
    const parent = (await call('GET', `/products/${variations[0].parent_id}`)).json;
    expect(parent).toMatchObject({ type: 'variable', manage_stock: false, stock_quantity: null });
    expect(parent.variations).toHaveLength(2);
    expect(shop.sell({ lines: [{ sku: 'S-10', quantity: 40 }] }).sold).toBe(true);
    expect(shop.sell({ lines: [{ sku: 'S-10', quantity: 1 }] }).sold).toBe(false);
    expect(
      shop
        .records()
        .listings.map((listing) => listing.sku)
        .sort(),
    ).toEqual(CATALOGUE.map((item) => item.sku).sort());
  });

  test('is the same shop for the same seed', async () => {
    const run = async () => {
      const stage = await startShop({ seed: 5 });
      stage.shop.fault({ name: 'checkout_draft', rate: 0.3 });
      for (let index = 0; index < 20; index += 1)
        stage.shop.sell({ lines: [{ sku: 'B', quantity: 1 }], force: true });
      const { orders } = stage.shop.records();
      await stage.shop.stop();
      return { orders, config: { ...stage.shop.channelConfig(), url: '' } };
    };
    expect(await run()).toEqual(await run());
  });

  test('survives weather of every kind at once, and is quiet afterwards', async () => {
    const stage = await startShop({ timeScale: 6000, now: Date.now });
    const listener = await startReceiver('');
    await subscribe(stage, listener.url, [
      'order.created',
      'order.updated',
      'order.deleted',
      'product.updated',
    ]);
    const kinds = [
      'drop_webhook',
      'duplicate_webhook',
      'reorder_webhook',
      'apply_then_timeout',
      'late_apply',
      'error_500',
      'error_500_after',
      'throttle',
      'timeout',
      'half_batch_504',
      'sale_before_write',
      'late_reduced_stock',
      'php_notice',
    ];
    for (const name of kinds) stage.shop.fault({ name, rate: 0.15, ms: 3 });
    const calls = Array.from({ length: 120 }, (_, index) => {
      if (index % 3 === 0) stage.shop.sell({ lines: [{ sku: 'A', quantity: 1 }], force: true });
      const update = [
        { id: 11, stock_quantity: index },
        { id: 12, stock_quantity: index },
      ];
      return stage.call('POST', '/products/batch', { update }).catch(() => null);
    });
    await Promise.all(calls);
    stage.shop.fault({ clear: true });
    await until(async () => {
      await stage.shop.runQueue();
      return stage.shop.pending() === 0;
    });
    const { calls: log, orders } = stage.shop.records();
    expect(orders.length).toBeGreaterThanOrEqual(40);
    expect(new Set(log.map((call) => call.kind))).toEqual(new Set(['request', 'write', 'webhook']));
    expect(log.some((call) => call.kind === 'write' && call.applied && !call.answered)).toBe(true);
    expect(log.some((call) => call.kind === 'write' && !call.applied && !call.answered)).toBe(true);
  });
});
