import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, sell, shown } from '../../kit/shop-stage.ts';
import { catalogue, place, products, row, type Stage, startShop, update, write } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const search = (query: Record<string, string>, body: Loose = {}) =>
  stage.call('POST', '/product/202502/products/search', { query, body });
const counts = (body: Loose) => stage.call('POST', '/product/202309/inventory/search', { body });
const writes = () => stage.shop.records().calls.filter((call) => call.kind === 'write');
const codesIn = (data: Loose) => (data.errors ?? []).map((error: Loose) => error.code);

describe('the catalogue', () => {
  test('lists every SKU once under its own SKU, some products with two', async () => {
    const all = await products(stage);
    const skus = all.flatMap((product) => product.skus);
    for (const { sku } of catalogue(20)) {
      const found = skus.filter((one) => one.seller_sku === sku);
      expect(found.length, sku).toBe(1);
      expect(found[0].inventory.reduce((sum: number, row: Loose) => sum + row.quantity, 0)).toBe(10);
      expect(found[0].id).toMatch(/^\d{19}$/);
    }
    expect(all.some((product) => product.skus.length === 2)).toBe(true);
    expect(skus.some((one) => one.inventory.length === 2)).toBe(true);
    expect(new Set(skus.map((one) => one.id)).size).toBe(skus.length);
  });

  test('has neighbours whose ids are the same double', async () => {
    const ids = (await products(stage)).flatMap((product) => product.skus.map((one: Loose) => one.id));
    expect(new Set(ids.map(Number)).size).toBeLessThan(ids.length);
  });

  test('walks pages by opaque tokens that must be encoded and fit the search they came from', async () => {
    const first = await search({ page_size: '7' });
    expect(first.data.products.length).toBe(7);
    const token = first.data.next_page_token;
    expect(token).toMatch(/^\+\/\+\//);
    const second = await search({ page_size: '7', page_token: token });
    const ids = [...first.data.products, ...second.data.products].map((product: Loose) => product.id);
    expect(new Set(ids).size).toBe(14);
    for (const page_token of ['nonsense', token.replaceAll('+', ' ')]) {
      expect((await search({ page_size: '7', page_token })).code).toBe(36009004);
    }
    const other = await search({ page_size: '7', page_token: token }, { status: 'ACTIVATE' });
    expect(other.code).toBe(36009004);
    expect((await search({ page_size: '101' })).code).toBe(36009004);
    expect((await search({ page_size: '0' })).code).toBe(36009004);
  });

  test('filters by state, SKU (ten at most) and time, ends included', async () => {
    const of = async (body: Loose) =>
      (await products(stage, body)).flatMap((product) => product.skus.map((one: Loose) => one.seller_sku));
    expect(await of({ status: 'FREEZE' })).toEqual(['FROZEN-1']);
    expect(await of({ seller_skus: ['DUP-1'] })).toEqual(['DUP-1', 'DUP-1']);
    const at = Math.floor(stage.now() / 1000);
    expect((await of({ update_time_ge: at, update_time_le: at })).length).toBeGreaterThan(20);
    expect(await of({ update_time_ge: at + 1 })).toEqual([]);
    const eleven = Array.from({ length: 11 }, (_, index) => `SKU-${index}`);
    expect((await search({ page_size: '10' }, { seller_skus: eleven })).code).toBe(12019027);
    expect((await search({ page_size: '10' }, { status: 'LIVE' })).code).toBe(36009023);
  });

  test('shows numbers as they were a moment ago, where the count endpoint is exact', async () => {
    stage.shop.fault({ name: 'search_lag', ms: 5_000 });
    sell(stage, ['SKU-001', 3]);
    const at = async () => {
      const [product] = await products(stage, { seller_skus: ['SKU-001'] });
      return product.skus[0].inventory[0].quantity;
    };
    const { skuId } = await place(stage, 'SKU-001');
    const { data } = await counts({ sku_ids: [skuId] });
    expect(data.inventory[0].skus[0].total_available_quantity).toBe(7);
    expect(await at()).toBe(10);
    stage.tick(5_001);
    expect(await at()).toBe(7);
  });

  test('stops at ten thousand rows', async () => {
    const big = await startShop({ catalogue: catalogue(12_600), rates: { read: fast, write: fast } });
    const far = async () => {
      let page_token = '';
      for (;;) {
        const answer = await big.call('POST', '/product/202502/products/search', {
          query: { page_size: '100', ...(page_token === '' ? {} : { page_token }) },
          body: {},
        });
        page_token = answer.data?.next_page_token ?? '';
        if (page_token === '') return answer.code;
      }
    };
    expect(await far()).toBe(12052180);
  });
});

const fast = { rate: 1_000, burst: 1_000 };

describe('counts', () => {
  test('tell available and committed by warehouse, and leave out what is deleted or unknown', async () => {
    sell(stage, ['SKU-005', 8]);
    const { skuId, productId, warehouses } = await place(stage, 'SKU-005');
    const gone = await place(stage, 'GONE-1');
    const { data } = await counts({ sku_ids: [skuId, gone.skuId, '9999999999999999999'] });
    expect(data.inventory.length).toBe(1);
    expect(data.inventory[0].product_id).toBe(productId);
    expect(data.inventory[0].skus[0]).toMatchObject({
      id: skuId,
      seller_sku: 'SKU-005',
      total_available_quantity: 2,
      total_committed_quantity: 8,
      warehouse_inventory: [
        { warehouse_id: warehouses[0], available_quantity: 0, committed_quantity: 7 },
        { warehouse_id: warehouses[1], available_quantity: 2, committed_quantity: 1 },
      ],
      total_available_inventory_distribution: { in_shop_inventory: { quantity: 2 } },
    });
  });

  test('go by product too; SKUs win; both have a most; an odd id fails the whole call', async () => {
    const one = await place(stage, 'SKU-001');
    const two = await place(stage, 'SKU-005');
    const byProduct = await counts({ product_ids: [two.productId, one.productId] });
    expect(byProduct.data.inventory.map((each: Loose) => each.skus.length)).toEqual([2, 1]);
    const both = await counts({ product_ids: [two.productId], sku_ids: [one.skuId] });
    expect(both.data.inventory.map((each: Loose) => each.product_id)).toEqual([one.productId]);
    const many = (length: number) => Array.from({ length }, (_, index) => String(index));
    expect((await counts({ sku_ids: many(600) })).code).toBe(0);
    expect((await counts({ sku_ids: many(601) })).code).not.toBe(0);
    expect((await counts({ product_ids: many(101) })).code).not.toBe(0);
    for (const odd of ['rubbish', '-1', 7]) {
      expect((await counts({ sku_ids: [one.skuId, odd] })).code).toBe(36009023);
    }
    expect((await counts({})).code).not.toBe(0);
  });

  test('contain what a campaign has reserved', async () => {
    stage.shop.fault({ name: 'campaign_reservation', count: 1 });
    await write(stage, 'SKU-001', 9);
    const { skuId } = await place(stage, 'SKU-001');
    const [sku] = (await counts({ sku_ids: [skuId] })).data.inventory[0].skus;
    expect(sku.total_available_quantity).toBe(9);
    expect(sku.total_available_inventory_distribution).toMatchObject({
      in_shop_inventory: { quantity: 6 },
      campaign_inventory: [{ quantity: 3 }],
    });
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 7 }] }).sold).toBe(false);
  });
});

describe('a write', () => {
  test('sets available at once and leaves what is committed', async () => {
    sell(stage, ['SKU-001', 3]);
    expect(await write(stage, 'SKU-001', 20)).toMatchObject({ status: 200, code: 0, data: {} });
    expect(stage.shop.stockOf('SKU-001')).toEqual({ Main: { available: 20, committed: 3 } });
    expect(writes()).toMatchObject([{ sku: 'SKU-001', from: 7, to: 20, applied: true, answered: true }]);
  });

  test('re-adds a unit that was sold between look and write: nothing compares', async () => {
    await place(stage, 'SKU-001');
    stage.shop.fault({ name: 'sale_before_write', count: 1 });
    expect((await write(stage, 'SKU-001', 10)).code).toBe(0);
    expect(shown(stage, 'SKU-001')).toBe(10);
    expect(stage.shop.records().orders.length).toBe(1);
  });

  test('takes all SKUs of one product in one call, and those of no other', async () => {
    const five = await place(stage, 'SKU-005');
    const six = await place(stage, 'SKU-006');
    const one = await place(stage, 'SKU-001');
    expect(six.productId).toBe(five.productId);
    const both = [row(five.skuId, five.warehouses, 4), row(six.skuId, six.warehouses, 5)];
    expect((await update(stage, five.productId, both)).code).toBe(0);
    expect([shown(stage, 'SKU-005'), shown(stage, 'SKU-006')]).toEqual([4, 5]);
    const foreign = [row(six.skuId, six.warehouses, 1), row(one.skuId, one.warehouses, 1)];
    expect(await update(stage, five.productId, foreign)).toMatchObject({ status: 200, code: 12052557 });
    expect(shown(stage, 'SKU-006')).toBe(5);
  });

  test('wants every warehouse that holds the SKU; none may be left out but a single default one', async () => {
    const { productId, skuId, warehouses } = await place(stage, 'SKU-005');
    const part = await update(stage, productId, [row(skuId, warehouses.slice(0, 1), 1)]);
    expect(part).toMatchObject({ code: 12052037, data: null });
    const unnamed = { id: skuId, inventory: [{ quantity: 4 }] };
    expect((await update(stage, productId, [unnamed])).code).toBe(12052037);
    expect(shown(stage, 'SKU-005')).toBe(10);
    const one = await place(stage, 'SKU-001');
    const alone = { id: one.skuId, inventory: [{ quantity: 4 }] };
    expect((await update(stage, one.productId, [alone])).code).toBe(0);
    expect(shown(stage, 'SKU-001')).toBe(4);
  });

  test.each([-1, 1.5, 100_000])('of %d is 12052055, and of no number a bad body', async (quantity) => {
    expect((await write(stage, 'SKU-001', quantity)).code).toBe(12052055);
    const { productId, skuId } = await place(stage, 'SKU-001');
    const text = { id: skuId, inventory: [{ quantity: '4' }] };
    expect((await update(stage, productId, [text])).code).toBe(36009023);
    expect((await update(stage, productId, [])).code).toBe(36009023);
    expect((await write(stage, 'SKU-001', 99_999)).code).toBe(0);
  });

  test('fails inside code 0 for a wrong warehouse, its neighbour is written', async () => {
    const five = await place(stage, 'SKU-005');
    const six = await place(stage, 'SKU-006');
    const listed = (await stage.call('GET', '/logistics/202309/warehouses')).data.warehouses;
    const named = (name: string, type: string) =>
      listed.find((one: Loose) => one.name === name && one.type === type).id;
    const cases = [
      ['7068000000000000000', 12052097],
      [named('Main', 'RETURN_WAREHOUSE'), 12052532],
      [named('Old cellar', 'SALES_WAREHOUSE'), 12052531],
    ] as const;
    for (const [index, [warehouse, code]] of cases.entries()) {
      const {
        status,
        code: whole,
        data,
      } = await update(stage, five.productId, [
        row(five.skuId, [warehouse], 1),
        row(six.skuId, six.warehouses, index),
      ]);
      expect([status, whole, codesIn(data)]).toEqual([200, 0, [code]]);
      expect(data.errors[0].detail).toMatchObject({
        sku_id: five.skuId,
        extra_errors: [{ warehouse_id: warehouse, code }],
      });
      expect([shown(stage, 'SKU-005'), shown(stage, 'SKU-006')]).toEqual([10, index]);
    }
  });

  test.each([
    ['DRAFT-1', 12052048, 'inside'],
    ['FROZEN-1', 12052048, 'inside'],
    ['GONE-1', 12052048, 'inside'],
    ['COMBO-1', 12052850, 'inside'],
    ['PLATFORM-1', 12052144, 'whole'],
    ['GLOBAL-1', 12052141, 'whole'],
    ['TWIN-A', 12052503, 'whole'],
  ] as const)('of %s is refused with %i', async (sku, code, where) => {
    const before = shown(stage, sku);
    const answer = await write(stage, sku, 3);
    expect(where === 'inside' ? codesIn(answer.data) : [answer.code]).toEqual([code]);
    expect(shown(stage, sku)).toBe(before);
    expect(writes()).toEqual([]);
  });

  test('of SKUs that share stock goes when both have one number; global products have their own path', async () => {
    const [a, b] = [await place(stage, 'TWIN-A'), await place(stage, 'TWIN-B')];
    const both = [row(a.skuId, a.warehouses, 5), row(b.skuId, b.warehouses, 5)];
    expect((await update(stage, a.productId, both)).code).toBe(0);
    sell(stage, ['TWIN-A', 1]);
    expect([shown(stage, 'TWIN-A'), shown(stage, 'TWIN-B')]).toEqual([4, 4]);
    const { productId, skuId, warehouses } = await place(stage, 'GLOBAL-1');
    const inventory = [{ global_warehouse_id: warehouses[0], quantity: 2 }];
    const path = `/product/202309/global_products/${productId}/inventory/update`;
    const { code } = await stage.call('POST', path, { body: { skus: [{ id: skuId, inventory }] } });
    expect([code, shown(stage, 'GLOBAL-1')]).toEqual([0, 2]);
  });

  test('of a product that nobody has, or of no number at all, is refused', async () => {
    expect((await update(stage, '1729999999999999999', [row('1', ['2'], 1)])).code).toBe(12052032);
    expect((await update(stage, 'rubbish', [row('1', ['2'], 1)])).code).toBe(36009004);
  });

  test('of a combo’s parts moves the combo, and selling it takes them', async () => {
    expect(shown(stage, 'COMBO-1')).toBe(4);
    await write(stage, 'PART-2', 2);
    expect(shown(stage, 'COMBO-1')).toBe(2);
    sell(stage, ['COMBO-1', 1]);
    expect([shown(stage, 'PART-1'), shown(stage, 'PART-2')]).toEqual([7, 1]);
  });

  test('is throttled when calls come faster than the shop allows, and goes on later', async () => {
    const { productId, skuId, warehouses } = await place(stage, 'SKU-001');
    const codes = new Set<number>();
    for (let tries = 0; tries < 31; tries += 1) {
      codes.add((await update(stage, productId, [row(skuId, warehouses, tries)])).code);
    }
    expect([...codes]).toEqual([0, 36009002]);
    stage.tick(1_000);
    expect((await update(stage, productId, [row(skuId, warehouses, 1)])).code).toBe(0);
  });

  test('of a product that was taken off sale is refused until its audit is done', async () => {
    const { productId } = await place(stage, 'SKU-001');
    const move = (verb: string) =>
      stage.call('POST', `/product/202309/products/${verb}`, { body: { product_ids: [productId] } });
    await move('deactivate');
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 1 }] }).sold).toBe(false);
    expect(codesIn((await write(stage, 'SKU-001', 3)).data)).toEqual([12052048]);
    await move('activate');
    expect(codesIn((await write(stage, 'SKU-001', 3)).data)).toEqual([12052048]);
    await stage.shop.settle();
    expect((await write(stage, 'SKU-001', 3)).data).toEqual({});
  });
});
