import { beforeEach, describe, expect, test } from 'vitest';
import { oddSkus } from '../../../src/sandbox/flipkart/shelves.ts';
import { type Loose, sell, shown } from '../../kit/shop-stage.ts';
import { catalogue, place, row, type Stage, startShop, write } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const search = (stage: Stage, body: Loose = {}) => stage.call('POST', '/listings/v3/search', body);
const skusOf = (listings: Loose[]) => listings.map((one) => one.sku_id);

describe('the search', () => {
  test('walks all listings with ids only, page by page', async () => {
    const stage = await startShop({ catalogue: catalogue(25), listingsPerPage: 10 });
    const skus: string[] = [];
    let pageId: string | null = null;
    for (let more = true; more; ) {
      const { json }: { json: Loose } = await search(stage, { page_id: pageId });
      for (const listing of json.listings)
        expect(Object.keys(listing)).toEqual(['listing_id', 'product_id', 'sku_id']);
      skus.push(...skusOf(json.listings));
      more = json.has_more;
      pageId = json.next_page_id;
      expect(pageId === null).toBe(!more);
    }
    expect(skus).toEqual(expect.arrayContaining(catalogue(25).map(({ sku }) => sku)));
    expect(new Set(skus).size).toBe(skus.length);
    expect(skus).toEqual(expect.arrayContaining([oddSkus.platform, oddSkus.archived, '__proto__']));
  });

  test('gives 500 a page, products of 16 characters, and ids that end in digits', async () => {
    const stage = await startShop({ catalogue: catalogue(501) });
    const { json } = await search(stage);
    expect([json.listings.length, json.has_more]).toEqual([500, true]);
    for (const { product_id, listing_id } of json.listings) {
      expect(product_id).toMatch(/^[A-Z0-9]{16}$/);
      expect(listing_id).toMatch(/^LST[A-Z0-9]+\d{4}$/);
    }
  });

  test('obeys the misspelt filter of the schema and not that of the text, and the fault turns it round', async () => {
    const archived = async (filters: Loose) =>
      skusOf((await search(stage, { filters })).json.listings).includes(oddSkus.archived);
    expect(await archived({ listing_status: 'ACTIVE' })).toBe(true);
    expect(await archived({ lisitng_status: 'ACTIVE' })).toBe(false);
    stage.shop.fault({ name: 'filter_spelling' });
    expect(await archived({ listing_status: 'ACTIVE' })).toBe(false);
    expect(await archived({ lisitng_status: 'ACTIVE' })).toBe(true);
  });

  test('refuses a page of another search, and one that it never gave out', async () => {
    const stage = await startShop({ listingsPerPage: 5 });
    const { json } = await search(stage);
    const other = { filters: { lisitng_status: 'ACTIVE' }, page_id: json.next_page_id };
    expect((await search(stage, other)).status).toBe(400);
    expect((await search(stage, { page_id: 'x' })).status).toBe(400);
    expect((await search(stage, { page_id: 5 })).status).toBe(400);
  });

  test('may list an object of rows', async () => {
    stage.once('listings_as_object');
    const { json } = await search(stage);
    expect(json.listings['0']).toMatchObject({ sku_id: 'SKU-001' });
    expect(Array.isArray(json.listings)).toBe(false);
  });
});

describe('the stock call', () => {
  test('tells numbers by SKU and location, with a bare number beside them', async () => {
    sell(stage, ['SKU-001', 3]);
    const { json } = await stage.call('GET', `/listings/v3/SKU-001,${oddSkus.twoPlaces},NONE,%20bad`);
    expect(json.available['SKU-001']).toMatchObject({
      listing_status: 'ACTIVE',
      fulfillment_profile: 'NON_FBF',
      archived_status: 'NONE',
      locations: [{ id: stage.location, status: 'ENABLED', inventory: 7, pending_inventory: 3 }],
    });
    expect(json.available[oddSkus.twoPlaces].locations.map((one: Loose) => one.inventory)).toEqual([3, 5]);
    expect(json.available['orders_to_be_fulfilled']).toBe(3);
    expect([json.unavailable, json.invalid]).toEqual([['NONE'], [' bad']]);
  });

  test('takes ten SKUs and no more', async () => {
    const skus = catalogue(11).map(({ sku }) => sku);
    const ten = await stage.call('GET', `/listings/v3/${skus.slice(0, 10).join(',')}`);
    expect(Object.keys(ten.json.available).length).toBe(11);
    expect((await stage.call('GET', `/listings/v3/${skus.join('%2C')}`)).status).toBe(400);
  });

  test('cannot name a SKU with a comma or a slash, and can name __proto__', async () => {
    const comma = await stage.call('GET', `/listings/v3/${encodeURIComponent('PAIR,SET')}`);
    expect(comma.json).toMatchObject({ available: {}, unavailable: ['PAIR', 'SET'] });
    expect((await stage.call('GET', `/listings/v3/${encodeURIComponent('HALF/HALF')}`)).status).toBe(404);
    const { json } = await stage.call('GET', '/listings/v3/__proto__');
    expect(Object.hasOwn(json.available, '__proto__')).toBe(true);
  });

  test('shows what may not be written for what it is', async () => {
    const odd = [oddSkus.platform, oddSkus.archived, oddSkus.disabled, oddSkus.elsewhere];
    const { json } = await stage.call('GET', `/listings/v3/${odd.join(',')}`);
    expect(json.available[oddSkus.platform]).toMatchObject({ fulfillment_profile: 'FBF', locations: [] });
    expect(json.available[oddSkus.archived]).toMatchObject({
      listing_status: 'INACTIVE',
      archived_status: 'ARCHIVED',
    });
    expect(json.available[oddSkus.disabled].locations[0].status).toBe('DISABLED');
    expect(json.available[oddSkus.elsewhere].locations[0].id).toBe(stage.shop.locations[1]);
    expect(stage.shop.sell({ lines: [{ sku: oddSkus.disabled, quantity: 1 }] }).sold).toBe(false);
    expect([shown(stage, oddSkus.platform), shown(stage, oddSkus.elsewhere)]).toEqual([null, null]);
  });

  test('trails a write for minutes under read_lag', async () => {
    stage.once('read_lag', 60_000);
    await write(stage, { 'SKU-001': await row(stage, 'SKU-001', 4) });
    expect([(await place(stage, 'SKU-001')).inventory, shown(stage, 'SKU-001')]).toEqual([10, 4]);
    stage.tick(60_000);
    expect((await place(stage, 'SKU-001')).inventory).toBe(4);
  });
});

describe('a write', () => {
  test('is absolute, answered row by row, and on record', async () => {
    const rows = { 'SKU-001': await row(stage, 'SKU-001', 4), 'SKU-002': await row(stage, 'SKU-002', 0) };
    const answer = await write(stage, rows);
    const good = { status: 'SUCCESS', errors: [], attribute_errors: [] };
    expect([answer.status, answer.json]).toEqual([200, { 'SKU-001': good, 'SKU-002': good }]);
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-002')]).toEqual([4, 0]);
    const writes = stage.shop.records().calls.filter((call) => call.kind === 'write');
    expect(writes).toMatchObject([
      { sku: 'SKU-001', from: 10, to: 4, applied: true, answered: true, key: null },
      { sku: 'SKU-002', from: 10, to: 0, applied: true, answered: true },
    ]);
  });

  test('fails single rows under HTTP 200, and the others stand', async () => {
    const main = stage.location;
    const good = await row(stage, 'SKU-001', 4);
    const { status, json } = await write(stage, {
      'SKU-001': good,
      NONE: { ...good },
      'SKU-002': { ...(await row(stage, 'SKU-002', 3)), product_id: good.product_id },
      'SKU-003': { locations: [{ id: main, inventory: 1 }] },
      'SKU-004': await row(stage, 'SKU-004', -1),
      'SKU-005': await row(stage, 'SKU-005', 1, { locations: [{ id: 'LOCnowhere', inventory: 1 }] }),
      'SKU-006': await row(stage, 'SKU-006', 1, { locations: [{ id: main }] }),
      [oddSkus.platform]: await row(stage, oddSkus.platform, 3),
      [oddSkus.archived]: await row(stage, oddSkus.archived, 3),
    });
    expect(status).toBe(200);
    expect(Object.entries(json).map(([sku, one]: [string, Loose]) => [sku, one.status])).toEqual([
      ['SKU-001', 'SUCCESS'],
      ...[
        'NONE',
        'SKU-002',
        'SKU-003',
        'SKU-004',
        'SKU-005',
        'SKU-006',
        oddSkus.platform,
        oddSkus.archived,
      ].map((sku) => [sku, 'FAILURE']),
    ]);
    expect(json.NONE.errors[0]).toMatchObject({ severity: 'ERROR', code: expect.any(Number) });
    const named = ['SKU-002', 'SKU-003', 'SKU-004', 'SKU-005', 'SKU-006'].map(
      (sku) => json[sku].attribute_errors[0].attribute,
    );
    expect(named).toEqual(['product_id', 'product_id', 'inventory', 'locations', 'inventory']);
    for (const item of catalogue(6).slice(1)) expect(shown(stage, item.sku)).toBe(10);
  });

  test.each([
    ['no SKU', {}],
    ['a decimal', { 'SKU-001': 1.5 }],
    ['a text for a number', { 'SKU-001': '4' }],
    ['more than an int32', { 'SKU-001': 2 ** 31 }],
  ])('with %s is 400 as a whole', async (_, numbers: Record<string, unknown>) => {
    const rows: Loose = {};
    for (const [sku, inventory] of Object.entries(numbers)) rows[sku] = await row(stage, sku, inventory);
    if (Object.keys(rows).length > 0) rows['SKU-002'] = await row(stage, 'SKU-002', 5);
    expect((await write(stage, rows)).status).toBe(400);
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-002')]).toEqual([10, 10]);
  });

  test('of ten SKUs is taken, of eleven refused', async () => {
    const rows: Loose = {};
    for (const { sku } of catalogue(10)) rows[sku] = await row(stage, sku, 3);
    expect((await write(stage, rows)).status).toBe(200);
    rows['SKU-011'] = await row(stage, 'SKU-011', 3);
    expect((await write(stage, rows)).status).toBe(400);
    expect(shown(stage, 'SKU-011')).toBe(10);
  });

  test('keeps the highest int32 exactly, and leaves other locations alone', async () => {
    const sku = oddSkus.twoPlaces;
    await write(stage, {
      [sku]: await row(stage, sku, 2 ** 31 - 1),
      'SKU-001': await row(stage, 'SKU-001', 26),
    });
    expect((await place(stage, sku)).inventory).toBe(2 ** 31 - 1);
    expect((await place(stage, sku, stage.shop.locations[1])).inventory).toBe(5);
  });

  test('changes the status of a location only when it says one', async () => {
    const sku = oddSkus.disabled;
    await write(stage, { [sku]: await row(stage, sku, 9) });
    expect(await place(stage, sku)).toMatchObject({ status: 'DISABLED', inventory: 9 });
    const locations = [{ id: stage.location, inventory: 9, status: 'ENABLED' }];
    await write(stage, { [sku]: await row(stage, sku, 9, { locations }) });
    expect(stage.shop.sell({ lines: [{ sku, quantity: 1 }] }).sold).toBe(true);
  });

  test('of __proto__ works like any other', async () => {
    const { product_id, locations } = await row(stage, '__proto__', 8);
    const answer = await write(stage, `{"__proto__":${JSON.stringify({ product_id, locations })}}`);
    expect(answer.text).toBe('{"__proto__":{"status":"SUCCESS","errors":[],"attribute_errors":[]}}');
    expect(shown(stage, '__proto__')).toBe(8);
  });
});

describe('odd rows', () => {
  test('fail, warn or vanish one at a time', async () => {
    const rows = { 'SKU-001': await row(stage, 'SKU-001', 4), 'SKU-002': await row(stage, 'SKU-002', 4) };
    const struck = async (name: string) => {
      stage.shop.set({ sku: 'SKU-001', quantity: 10 });
      stage.shop.set({ sku: 'SKU-002', quantity: 10 });
      stage.once(name);
      const { json } = await write(stage, rows);
      const told = Object.values(json).map((one: Loose) => one.status);
      return [told.sort(), [shown(stage, 'SKU-001'), shown(stage, 'SKU-002')].sort()];
    };
    expect(await struck('row_failure')).toEqual([
      ['FAILURE', 'SUCCESS'],
      [10, 4],
    ]);
    expect(await struck('row_warning')).toEqual([
      ['SUCCESS', 'WARNING'],
      [4, 4],
    ]);
    expect(await struck('row_missing')).toEqual([['SUCCESS'], [10, 4]]);
  });

  test('poison every batch that they are in until faults are cleared', async () => {
    stage.once('poison_sku');
    const one = { 'SKU-001': await row(stage, 'SKU-001', 4) };
    expect((await write(stage, one)).status).toBe(400);
    expect((await write(stage, { ...one, 'SKU-002': await row(stage, 'SKU-002', 4) })).status).toBe(400);
    expect((await write(stage, { 'SKU-002': await row(stage, 'SKU-002', 4) })).status).toBe(200);
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-002')]).toEqual([10, 4]);
    stage.shop.fault({ clear: true });
    expect((await write(stage, one)).status).toBe(200);
  });

  test('are taken with 202 and obeyed minutes later', async () => {
    const stage = await startShop({ timeScale: 1 });
    stage.once('accepted_202');
    const answer = await write(stage, { 'SKU-001': await row(stage, 'SKU-001', 4) });
    expect([answer.status, answer.json['SKU-001'].status]).toEqual([202, 'SUCCESS']);
    expect([shown(stage, 'SKU-001'), stage.shop.pending()]).toEqual([10, 1]);
    await stage.shop.settle();
    expect([shown(stage, 'SKU-001'), stage.shop.pending()]).toEqual([4, 0]);
  });
});

describe('the meaning of the number', () => {
  const life = async (basis: 'net' | 'gross') => {
    const stage = await startShop({ basis });
    const seen: number[][] = [];
    const note = async () => {
      const { inventory, pending_inventory: pending } = await place(stage, 'SKU-001');
      seen.push([inventory, pending]);
    };
    const kept = sell(stage, ['SKU-001', 3]);
    await note();
    const dropped = sell(stage, ['SKU-001', 2]);
    await note();
    stage.shop.cancel({ order_id: dropped.orderId });
    await note();
    stage.shop.ship({ order_id: kept.orderId });
    await note();
    return { stage, seen };
  };

  test('is net where a sale lowers it, and shipping changes nothing', async () => {
    const { seen } = await life('net');
    expect(seen).toEqual([
      [7, 3],
      [5, 5],
      [7, 3],
      [7, 0],
    ]);
  });

  test('is gross where a sale leaves it, and shipping lowers it', async () => {
    const { seen } = await life('gross');
    expect(seen).toEqual([
      [10, 3],
      [10, 5],
      [10, 3],
      [7, 0],
    ]);
  });

  test('is gross unless told otherwise, and the configuration says which', async () => {
    const { createFlipkartShop } = await import('../../../src/sandbox/flipkart/index.ts');
    const shop = createFlipkartShop({ name: 's', seed: 1, timeScale: 1, port: 0, catalogue: catalogue(1) });
    expect([shop.basis, shop.channelConfig()['basis']]).toEqual(['gross', 'gross']);
  });

  test('bounds what buyers can have by the open orders on the gross basis', async () => {
    const stage = await startShop({ basis: 'gross' });
    sell(stage, ['SKU-001', 8]);
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 3 }] })).toEqual({
      sold: false,
      reason: 'out_of_stock',
    });
    await write(stage, { 'SKU-001': await row(stage, 'SKU-001', 8) });
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 1 }] }).sold).toBe(false);
    await write(stage, { 'SKU-001': await row(stage, 'SKU-001', 11) });
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 3 }] }).sold).toBe(true);
  });

  test('is 0 after the seller called an order off for want of stock', async () => {
    for (const basis of ['net', 'gross'] as const) {
      const stage = await startShop({ basis });
      const { orderId } = sell(stage, ['SKU-001', 2]);
      stage.shop.cancel({ order_id: orderId, restock: false });
      expect(await place(stage, 'SKU-001')).toMatchObject({ inventory: 0, pending_inventory: 0 });
      expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 1 }] }).sold).toBe(false);
    }
  });
});
