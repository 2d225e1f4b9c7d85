import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type OrderPart, wooCase } from './woo.ts';

/** Inputs with their right values, and answers recorded from a real shop, through the adapter into the books. */

const shared = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '..', '..', '..', 'shared');
const found = existsSync(join(shared, 'cases', 'woocommerce'));
// biome-ignore lint/suspicious/noExplicitAny: each file has a form of its own, and the test reads it as it stands.
const read = (path: string): any => JSON.parse(readFileSync(join(shared, path), 'utf8'));

let shop: Awaited<ReturnType<typeof wooCase>> | null = null;
const open = async (given: Parameters<typeof wooCase>[0]) => {
  shop = await wooCase(given);
  return shop;
};
afterEach(async () => {
  await shop?.close();
  shop = null;
});

const line = (id: number, product: number, quantity: number, reduced = quantity) => ({
  id,
  product_id: product,
  quantity,
  meta_data: [{ key: '_reduced_stock', value: String(reduced) }],
});

describe.skipIf(!found)('cases of WooCommerce (needs the shared material)', () => {
  test('a quantity edited without the stock step: the units that the customer gets count, with a warning', async () => {
    const given = read('cases/woocommerce/line-quantity-raised.json');
    const woo = await open({ products: [{ ...given.product, stock_quantity: 10 }] });
    await woo.count({ A: 10 });
    await woo.order(given.step_1_order);
    expect(await woo.stock('A')).toMatchObject({ available: 9 });
    await woo.order(given.step_2_order);
    for (let looks = 0; looks < 2; looks += 1) await woo.wait(30_000);
    expect(await woo.stock('A')).toMatchObject({ available: given.expected.after_step_2.available });
    expect((await woo.warnings()).join()).toMatch(/2 units are ordered.*took 1.*2 counted/);
    await woo.order(given.step_3_order);
    for (let looks = 0; looks < 2; looks += 1) await woo.wait(30_000);
    expect(await woo.stock('A')).toMatchObject(given.expected.after_step_3);
  });

  test('a quantity lowered from 3 to 1 beside a record of 3 counts 1', async () => {
    const woo = await open({ products: [{ id: 11, sku: 'A', stock_quantity: 10 }] });
    await woo.count({ A: 10 });
    await woo.order({ id: 16, status: 'on-hold', line_items: [line(17, 11, 3)] });
    await woo.order({ id: 16, status: 'on-hold', line_items: [line(17, 11, 1, 3)] });
    for (let looks = 0; looks < 2; looks += 1) await woo.wait(30_000);
    expect(await woo.stock('A')).toMatchObject({ available: 9 });
  });

  test('an edit whose stock step comes a moment later is never counted twice nor told', async () => {
    const woo = await open({ products: [{ id: 11, sku: 'A', stock_quantity: 10 }] });
    await woo.count({ A: 10 });
    await woo.order({ id: 16, status: 'on-hold', line_items: [line(17, 11, 2, 1)] });
    woo.shows({ id: 16, status: 'on-hold', line_items: [line(17, 11, 2)] });
    await woo.wait(30_000);
    expect(await woo.stock('A')).toMatchObject({ available: 8 });
    expect(await woo.warnings()).toEqual([]);
  });

  test('a line added without the stock step counts after two looks of 30 s', async () => {
    const given = read('cases/woocommerce/line-added-without-reduction.json');
    const woo = await open({ products: given.products });
    await woo.count({ A: 10, B: 10 });
    await woo.order(given.order);
    for (let looks = 0; looks < 2; looks += 1) await woo.wait(30_000);
    expect(await woo.stock('A')).toMatchObject({ available: given.expected.A });
    expect(await woo.stock('B')).toMatchObject({ available: given.expected.B });
  });

  test('a line that was removed gives its units back, whether or not the shop raised its number', async () => {
    const given = read('cases/woocommerce/line-removed-shop-not-raised.json');
    const woo = await open({ products: [given.product] });
    await woo.count({ A: 10 });
    await woo.order(given.step_1_order);
    expect(await woo.stock('A')).toMatchObject({ available: 9 });
    await woo.order(given.step_2_order);
    expect(await woo.stock('A')).toMatchObject({ available: given.expected.available });
  });

  test("a plugin's status that means shipped takes the units from the shelf", async () => {
    const given = read('cases/woocommerce/status-shipped.json');
    const woo = await open({
      products: [{ id: 11, sku: 'A', stock_quantity: 10 }],
      config: given.config,
    });
    await woo.count({ A: 10 });
    for (const status of ['processing', 'shipped']) {
      await woo.order({ id: 16, status, line_items: [line(17, 11, 2)] });
    }
    await woo.wait(60_000);
    await woo.count({ A: 8 });
    expect(await woo.stock('A')).toMatchObject(given.expected);
  });

  test('half a unit that was sold counts whole, and a person can see the warning', async () => {
    const given = read('cases/woocommerce/fraction.json');
    const woo = await open({ products: [given.product] });
    await woo.count(given.books_before);
    await woo.order(given.order);
    expect(await woo.stock('B')).toMatchObject({ available: given.expected.available });
    expect((await woo.warnings()).join()).toMatch(/0\.5 units, counted as 1/);
  });

  test.each([
    ['was deleted', 'order-cancelled-product-deleted.json', null],
    ['is no longer tracked', 'order-cancelled-tracking-switched-off.json', false],
  ])('the units of a cancelled order whose product %s are free, as recorded', async (_, file, tracked) => {
    const { body } = read(`fixtures/woocommerce-live/${file}`).response as { body: OrderPart };
    const [sold] = body.line_items;
    const id = Number(sold?.['product_id']) || 34;
    const woo = await open({ products: [{ id, sku: 'CUP', stock_quantity: 10 }] });
    await woo.count({ CUP: 10 });
    const active = { ...body, status: 'processing', line_items: [{ ...sold, product_id: id }] };
    await woo.order(active);
    expect(await woo.stock('CUP')).toMatchObject({ committed: 2, available: 8 });
    if (tracked === null) woo.products.length = 0;
    else Object.assign(woo.products[0] ?? {}, { manage_stock: false, stock_quantity: null });
    await woo.order(body);
    expect(await woo.stock('CUP')).toMatchObject({ on_hand: 10, committed: 0, available: 10 });
    expect(await woo.warnings()).toEqual([]);
  });

  test('a signed error body of a rate limiter starts a pull, which finds the sale', async () => {
    const [delivery] = read('fixtures/woocommerce-live/delivery-error-body-429.json').deliveries;
    const woo = await open({ products: [{ id: 11, sku: 'A', stock_quantity: 10 }] });
    await woo.count({ A: 10 });
    const pulls: (number | null)[] = [];
    woo.engine.wakes.onPull((channelId) => pulls.push(channelId));
    expect(await woo.send(delivery.body)).toBe(200);
    expect(pulls).toEqual([woo.live.id]);
    expect((await woo.warnings('channel_notice')).join()).not.toMatch(/rights|user/);
    woo.shows({ id: 16, status: 'processing', line_items: [line(17, 11, 1)] });
    expect(await woo.pull()).toMatchObject({ complete: true, learned: ['16'] });
    expect(await woo.stock('A')).toMatchObject({ available: 9 });
  });
});
