import { beforeEach, describe, expect, test } from 'vitest';
import { send } from '../../kit/shop-stage.ts';
import { signedUrl } from './client.ts';
import { NOON, type Stage, startShop, stockOf } from './shops.ts';

describe('products over REST', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startShop();
  });

  test('drops a quantity in silence when the stock is not managed', async () => {
    const off = await stage.call('PUT', '/products/11', { manage_stock: false });
    expect(off.json).toMatchObject({ manage_stock: false, stock_quantity: null, stock_status: 'instock' });
    const put = await stage.call('PUT', '/products/11', { stock_quantity: 5 });
    expect(put.status).toBe(200);
    expect(put.json.stock_quantity).toBeNull();
    const on = await stage.call('PUT', '/products/11', { manage_stock: true });
    expect(on.json).toMatchObject({ stock_quantity: null, stock_status: 'outofstock' });
    const writes = stage.shop.records().calls.filter((call) => call.kind === 'write');
    expect(writes).toMatchObject([{ sku: 'A', from: null, to: 5, applied: false, answered: true }]);
  });

  test('refuses garbage for a quantity in a single PUT', async () => {
    for (const stock_quantity of [24.6, 'abc', {}, true]) {
      const answer = await stage.call('PUT', '/products/11', { stock_quantity });
      expect(answer.status, JSON.stringify(stock_quantity)).toBe(400);
      expect(answer.json.code).toBe('rest_invalid_param');
    }
    expect(await stockOf(stage, 11)).toBe(10);
    expect((await stage.call('PUT', '/products/11', { stock_quantity: '8' })).json.stock_quantity).toBe(8);
    expect((await stage.call('PUT', '/products/11', { stock_quantity: null })).json).toMatchObject({
      stock_quantity: 0,
      stock_status: 'outofstock',
    });
    expect((await stage.call('PUT', '/products/11', { stock_quantity: -4 })).json).toMatchObject({
      stock_quantity: -4,
      stock_status: 'outofstock',
    });
  });

  test('empties the shelf on garbage in a batch, without an error', async () => {
    const garbage: [unknown, number][] = [
      ['abc', 0],
      ['', 0],
      [null, 0],
      [7.9, 7],
      [true, 1],
      [[5], 1],
    ];
    for (const [stock_quantity, expected] of garbage) {
      const answer = await stage.call('POST', '/products/batch', { update: [{ id: 11, stock_quantity }] });
      expect(answer.status).toBe(200);
      expect(answer.json.update[0].error).toBeUndefined();
      expect(answer.json.update[0].stock_quantity, JSON.stringify(stock_quantity)).toBe(expected);
    }
  });

  test('answers a batch with 200 and an error per row, in order, the last of two equal ids winning', async () => {
    const update = [
      { id: 11, stock_quantity: 1 },
      { id: 999, stock_quantity: 1 },
      { stock_quantity: 1 },
      { id: 15, stock_quantity: 1 },
      { id: 11, stock_quantity: 2 },
    ];
    const { status, json } = await stage.call('POST', '/products/batch', { update });
    expect(status).toBe(200);
    expect(
      json.update.map((row: { id: unknown; error?: { code: string; data: { status: number } } }) => [
        row.id,
        row.error?.code,
        row.error?.data.status,
      ]),
    ).toEqual([
      [11, undefined, undefined],
      [999, 'woocommerce_rest_product_invalid_id', 400],
      [null, 'woocommerce_rest_product_invalid_id', 400],
      [15, 'woocommerce_rest_invalid_product_id', 404],
      [11, undefined, undefined],
    ]);
    expect(await stockOf(stage, 11)).toBe(2);
    const foreign = await stage.call('POST', '/products/14/variations/batch', {
      update: [
        { id: 11, stock_quantity: 9 },
        { id: 15, stock_quantity: 9 },
      ],
    });
    expect(foreign.json.update[0].error.code).toBe('woocommerce_rest_product_variation_invalid_id');
    expect(foreign.json.update[1].stock_quantity).toBe(9);
  });

  test('takes a hundred rows and not one more, and answers an empty batch with a list', async () => {
    const rows = Array.from({ length: 101 }, () => ({ id: 11, stock_quantity: 1 }));
    const answer = await stage.call('POST', '/products/batch', { update: rows });
    expect(answer.status).toBe(413);
    expect(answer.json.code).toBe('woocommerce_rest_request_entity_too_large');
    expect(await stockOf(stage, 11)).toBe(10);
    expect((await stage.call('POST', '/products/batch', { update: rows.slice(1) })).status).toBe(200);
    expect((await stage.call('POST', '/products/batch', {})).text).toBe('[]');
  });

  test('filters a batch by _fields on the top level only', async () => {
    const body = { update: [{ id: 11, stock_quantity: 3 }] };
    expect((await stage.call('POST', '/products/batch?_fields=id', body)).text).toBe('[]');
    expect((await stage.call('POST', '/products/batch?_fields=update.id', body)).text).toBe('{"update":[]}');
    const list = await stage.call('GET', '/products?_fields=id,sku&orderby=id&order=asc&per_page=2');
    expect(list.json).toEqual([
      { id: 11, sku: 'A' },
      { id: 12, sku: 'B' },
    ]);
  });

  test('reads a variation as a product but writes it only under its parent', async () => {
    expect((await stage.call('GET', '/products/15')).json).toMatchObject({
      type: 'variation',
      parent_id: 14,
    });
    const wrong = await stage.call('PUT', '/products/15', { stock_quantity: 1 });
    expect(wrong.status).toBe(404);
    expect(wrong.json.code).toBe('woocommerce_rest_invalid_product_id');
    const foreign = await stage.call('PUT', '/products/11/variations/15', { stock_quantity: 1 });
    expect(foreign.json.code).toBe('woocommerce_rest_product_variation_invalid_id');
    const right = await stage.call('PUT', '/products/14/variations/15', { stock_quantity: 1 });
    expect(right.json.stock_quantity).toBe(1);
  });

  test("shows the parent's number on variations that it manages, and ignores what is written to them", async () => {
    await stage.call('PUT', '/products/14', { manage_stock: true, stock_quantity: 40 });
    await stage.call('PUT', '/products/14/variations/15', { manage_stock: false });
    const answer = await stage.call('PUT', '/products/14/variations/15', { stock_quantity: 7 });
    expect(answer.json).toMatchObject({ manage_stock: 'parent', stock_quantity: 40 });
    expect((await stage.call('GET', '/products/14')).json.stock_quantity).toBe(40);
    expect(stage.shop.sell({ lines: [{ sku: 'SIZE-S', quantity: 2 }] }).sold).toBe(true);
    expect(await stockOf(stage, 14)).toBe(38);
  });

  test('lists variations of all parents, unless the shop is an old one', async () => {
    const all = await stage.call('GET', '/variations?per_page=100&_fields=id,parent_id&orderby=id&order=asc');
    expect(all.json).toEqual([
      { id: 15, parent_id: 14 },
      { id: 16, parent_id: 14 },
    ]);
    const old = await startShop({ flatVariations: false });
    const answer = await old.call('GET', '/variations');
    expect(answer.status).toBe(404);
    expect(answer.json.code).toBe('rest_no_route');
    expect((await old.call('GET', '/products/14/variations')).headers['x-wp-total']).toBe('2');
  });

  test('finds variations by SKU, whatever its case, but not by include', async () => {
    const found = await stage.call('GET', '/products?sku=size-s,a&orderby=id&order=asc&_fields=sku');
    expect(found.json).toEqual([{ sku: 'A' }, { sku: 'SIZE-S' }]);
    expect((await stage.call('GET', '/products?include=15')).json).toEqual([]);
    expect((await stage.call('GET', '/products?type=variation')).status).toBe(400);
  });

  test('pages from 1 to 100, and answers a page beyond the end with nothing', async () => {
    for (const per_page of [0, 101, 'x']) {
      expect((await stage.call('GET', `/products?per_page=${per_page}`)).status, String(per_page)).toBe(400);
    }
    const page = await stage.call('GET', '/products?per_page=3&page=2&orderby=id&order=asc&_fields=id');
    expect(page.json).toEqual([{ id: 14 }]);
    expect(page.headers['x-wp-total']).toBe('4');
    expect(page.headers['x-wp-totalpages']).toBe('2');
    expect(Date.parse(String(page.headers['date']))).toBe(NOON);
    const beyond = await stage.call('GET', '/products?per_page=3&page=9');
    expect([beyond.status, beyond.text]).toEqual([200, '[]']);
  });

  test('saves and dates a product even when nothing in the body is known', async () => {
    stage.tick(5000);
    const answer = await stage.call('PUT', '/products/11', { stok: 5 });
    expect(answer.json.stock_quantity).toBe(10);
    expect(answer.json.date_modified_gmt).toBe('2026-11-23T04:00:05');
    expect(answer.json.date_modified).toBe('2026-11-23T07:00:05');
  });

  test('reads no body of text/plain, and refuses one with a BOM', async () => {
    const put = (type: string, body: string) => {
      const timestamp = stage.now() / 1000;
      const url = signedUrl(stage.shop.url, 'PUT', '/wp-json/wc/v3/products/11', stage.credentials, {
        timestamp,
      });
      return send(url, { method: 'PUT', headers: { 'content-type': type }, body });
    };
    expect((await put('text/plain', '{"stock_quantity":1}')).json.stock_quantity).toBe(10);
    expect((await put('application/json', '\ufeff{"stock_quantity":1}')).json.code).toBe('rest_invalid_json');
    expect((await put('application/x-www-form-urlencoded', 'stock_quantity=6')).json.stock_quantity).toBe(6);
  });

  test('loses deltas that meet, but none that come one after another', async () => {
    await stage.call('PUT', '/products/11', { stock_quantity: 100 });
    await stage.call('PUT', '/products/11', { inventory_delta: -3 });
    expect((await stage.call('PUT', '/products/11', { inventory_delta: 1 })).json.stock_quantity).toBe(98);
    const both = await stage.call('PUT', '/products/11', { inventory_delta: 1, stock_quantity: 50 });
    expect(both.json.stock_quantity).toBe(50);
    const many = Array.from({ length: 20 }, () => stage.call('PUT', '/products/11', { inventory_delta: -1 }));
    await Promise.all(many);
    expect(await stockOf(stage, 11)).toBeGreaterThan(30);
  });

  test('shuffles related_ids, so that two reads of an unchanged product differ', async () => {
    const bodies = new Set<string>();
    for (let index = 0; index < 8; index += 1) bodies.add((await stage.call('GET', '/products/11')).text);
    expect(bodies.size).toBeGreaterThan(1);
  });

  test('recomputes the stock status with the threshold and backorders', async () => {
    const strict = await startShop({ noStockAmount: 2 });
    expect((await strict.call('PUT', '/products/11', { stock_quantity: 2 })).json.stock_status).toBe(
      'outofstock',
    );
    const backorder = await strict.call('PUT', '/products/11', { backorders: 'notify', stock_quantity: 0 });
    expect(backorder.json.stock_status).toBe('onbackorder');
    const told = await strict.call('PUT', '/products/11', {
      stock_status: 'outofstock',
      stock_quantity: 9,
    });
    expect(told.json.stock_status).toBe('instock');
  });

  test('trashes with the state before, still writes there, and removes for good by force', async () => {
    expect((await stage.call('DELETE', '/products/11')).json.status).toBe('publish');
    expect((await stage.call('GET', '/products/11')).json.status).toBe('trash');
    expect((await stage.call('PUT', '/products/11', { stock_quantity: 2 })).json.stock_quantity).toBe(2);
    await stage.call('DELETE', '/products/11?force=true');
    const gone = await stage.call('GET', '/products/11');
    expect([gone.status, gone.json.code]).toEqual([404, 'woocommerce_rest_product_invalid_id']);
  });

  test('names the owner of a SKU that is taken', async () => {
    const answer = await stage.call('POST', '/products', { name: 'Twin', sku: 'a' });
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code: 'product_invalid_sku', data: { resource_id: 11 } });
  });
});
