import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, listing, sell, shown } from '../../kit/shop-stage.ts';
import { catalogue, type RestWish, type Stage, startShop } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const base = '/sell/inventory/v1';
const bulk = (requests: unknown[], wish: RestWish = {}) =>
  stage.rest('POST', `${base}/bulk_update_price_quantity`, { body: { requests }, ...wish });
const row = (sku: string, quantity: unknown, more: Record<string, unknown> = {}) => ({
  sku,
  shipToLocationAvailability: { quantity },
  ...more,
});
const offerOf = async (sku: string) => (await stage.rest('GET', `${base}/offer?sku=${sku}`)).json.offers[0];
const writes = () => stage.shop.records().calls.filter((call) => call.kind === 'write');

describe('the catalogue over two models', () => {
  test('puts some items into each, some of them as variations, and shows each number once', () => {
    const ids = ['SKU-001', 'SKU-002', 'SKU-005', 'SKU-006', 'SKU-007', 'SKU-008'].map((sku) =>
      listing(stage, sku),
    );
    expect(ids[0]).toBe('SKU-001');
    expect(ids[1]).toMatch(/^110\d{9}$/);
    expect(ids.slice(2, 4)).toEqual(['SKU-005', 'SKU-006']);
    expect(ids[4]).toMatch(/^110\d{9}\/SKU-007$/);
    expect(ids[5]?.split('/')[0]).toBe(ids[4]?.split('/')[0]);
    const all = stage.shop.records().listings;
    expect(new Set(all.map((each) => each.listing_id)).size).toBe(all.length);
    for (const { sku } of catalogue(20)) expect(shown(stage, sku)).toBe(10);
  });

  test('comes out the same for the same seed', async () => {
    const twin = await startShop();
    expect(twin.shop.records().listings).toEqual(stage.shop.records().listings);
  });
});

describe('headers', () => {
  test.each([undefined, '*', 'english', ''])('Accept-Language %j is refused on reads too', async (value) => {
    const answer = await stage.rest('GET', `${base}/inventory_item`, {
      headers: { 'accept-language': value },
    });
    expect(answer.status).toBe(400);
    expect(answer.json.errors[0]).toMatchObject({
      errorId: 25709,
      domain: 'API_INVENTORY',
      category: 'REQUEST',
      message: 'Invalid value for header Accept-Language.',
    });
  });

  test('what Node’s fetch sends by itself is refused', async () => {
    const answer = await fetch(`${stage.shop.url}${base}/inventory_item`, {
      headers: { authorization: `Bearer ${await stage.user()}` },
    });
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as Loose).errors[0].errorId).toBe(25709);
  });

  test('Content-Language is wanted on writes and not on reads', async () => {
    const headers = { 'content-language': undefined };
    const answer = await bulk([row('SKU-001', 3)], { headers });
    expect([answer.status, answer.json.errors[0].errorId]).toEqual([400, 25709]);
    expect(shown(stage, 'SKU-001')).toBe(10);
    const body = { requests: [{ sku: 'SKU-001' }] };
    expect((await stage.rest('POST', `${base}/bulk_get_inventory_item`, { body, headers })).status).toBe(200);
  });

  test('a raw bracket in the address never reaches the API', async () => {
    const answer = await stage.rest('GET', `${base}/offer?sku={SKU-001}`);
    expect([answer.status, answer.json]).toEqual([400, null]);
  });
});

describe('reading', () => {
  test('pages by the number of the page, 25 by default and 200 at most, and lists inventory items only', async () => {
    const big = await startShop({ catalogue: catalogue(120) });
    const first = (await big.rest('GET', `${base}/inventory_item`)).json;
    expect([first.size, first.limit, first.total]).toEqual([25, 25, 51]);
    expect(first.next).toBe(`${base}/inventory_item?limit=25&offset=1`);
    const seen: string[] = [];
    let path: string | undefined = `${base}/inventory_item?limit=20`;
    while (path !== undefined) {
      const { json } = await big.rest('GET', path);
      seen.push(...json.inventoryItems.map((item: { sku: string }) => item.sku));
      path = json.next;
    }
    expect(seen).toHaveLength(51);
    expect(new Set(seen).size).toBe(51);
    expect(seen).not.toContain('SKU-002');
    expect(seen).toEqual(expect.arrayContaining(['SKU-001', 'LOOSE-1', 'DRAFT-1', 'WAREHOUSE-1']));
    expect((await big.rest('GET', `${base}/inventory_item?limit=201`)).status).toBe(400);
  });

  test('reads 25 at once, each with its own status', async () => {
    const body = { requests: [{ sku: 'SKU-001' }, { sku: 'SKU-002' }, { sku: 'SKU-005' }] };
    const { status, json } = await stage.rest('POST', `${base}/bulk_get_inventory_item`, { body });
    expect(status).toBe(207);
    expect(json.responses.map((each: Loose) => [each.sku, each.statusCode])).toEqual([
      ['SKU-001', 200],
      ['SKU-002', 404],
      ['SKU-005', 200],
    ]);
    expect(json.responses[1].errors[0].errorId).toBe(25702);
    expect(json.responses[2].inventoryItem).toMatchObject({
      groupIds: ['SET-1'],
      product: { title: 'Thing 5' },
    });
    const many = { requests: Array.from({ length: 26 }, () => ({ sku: 'SKU-001' })) };
    expect((await stage.rest('POST', `${base}/bulk_get_inventory_item`, { body: many })).status).toBe(400);
  });

  test('shows offers by SKU only; an item that was never offered has none', async () => {
    expect(await offerOf('SKU-001')).toMatchObject({
      sku: 'SKU-001',
      marketplaceId: 'EBAY_US',
      status: 'PUBLISHED',
      availableQuantity: 10,
      listing: { listingStatus: 'ACTIVE', soldQuantity: 0 },
    });
    expect(await offerOf('SKU-004')).not.toHaveProperty('availableQuantity');
    expect(await offerOf('DRAFT-1')).toMatchObject({ status: 'UNPUBLISHED' });
    const loose = await stage.rest('GET', `${base}/offer?sku=LOOSE-1`);
    expect([loose.status, loose.json.errors[0].errorId]).toEqual([404, 25713]);
    expect((await stage.rest('GET', `${base}/offer`)).json.errors[0].errorId).toBe(25709);
    stage.shop.fault({ name: 'sku_refused', count: 1 });
    expect((await stage.rest('GET', `${base}/offer?sku=SKU-001`)).json.errors[0].errorId).toBe(25707);
  });

  test('names the members of a group, which share one listing', async () => {
    const { json } = await stage.rest('GET', `${base}/inventory_item_group/SET-1`);
    expect(json.variantSKUs).toEqual(['SKU-005', 'SKU-006']);
    const offers = [await offerOf('SKU-005'), await offerOf('SKU-006')];
    expect(offers[0].listing.listingId).toBe(offers[1].listing.listingId);
    expect(offers[0].offerId).not.toBe(offers[1].offerId);
  });

  test('trails a write while read_lag is armed', async () => {
    stage.shop.fault({ name: 'read_lag', count: 1, ms: 500 });
    await bulk([row('SKU-004', 3)]);
    const read = async () =>
      (await stage.rest('GET', `${base}/inventory_item/SKU-004`)).json.availability.shipToLocationAvailability
        .quantity;
    expect(shown(stage, 'SKU-004')).toBe(3);
    expect(await read()).toBe(10);
    stage.tick(501);
    expect(await read()).toBe(3);
  });
});

describe('writing in bulk', () => {
  test('is done when it is answered, row by row, and hides failures in a 200 or a 207', async () => {
    const statuses = new Set<number>();
    for (let turn = 0; turn < 12; turn += 1) {
      const { status, json } = await bulk([row('SKU-004', turn), row('SKU-002', 1), row('SKU-006', 2.5)]);
      statuses.add(status);
      expect(
        json.responses.map((each: Loose) => [each.sku, each.statusCode, each.errors[0]?.errorId]),
      ).toEqual([
        ['SKU-004', 200, undefined],
        ['SKU-002', 404, 25702],
        ['SKU-006', 400, 25004],
      ]);
      expect(shown(stage, 'SKU-004')).toBe(turn);
    }
    expect(statuses).toEqual(new Set([200, 207]));
    expect([shown(stage, 'SKU-002'), shown(stage, 'SKU-006')]).toEqual([10, 10]);
  });

  test('is pinned by an offer that carries a number, until both are set', async () => {
    expect((await bulk([row('SKU-001', 25)])).json.responses[0].statusCode).toBe(200);
    const read = await stage.rest('GET', `${base}/inventory_item/SKU-001`);
    expect(read.json.availability.shipToLocationAvailability.quantity).toBe(25);
    expect(shown(stage, 'SKU-001')).toBe(10);
    const { offerId } = await offerOf('SKU-001');
    await bulk([row('SKU-001', 25, { offers: [{ offerId, availableQuantity: 25 }] })]);
    expect(shown(stage, 'SKU-001')).toBe(25);
    await bulk([row('SKU-001', 4)]);
    expect(shown(stage, 'SKU-001')).toBe(4);
    const wrong = await bulk([row('SKU-001', 9, { offers: [{ offerId: '1', availableQuantity: 9 }] })]);
    expect(wrong.json.responses[0]).toMatchObject({ statusCode: 404, errors: [{ errorId: 25713 }] });
    expect(shown(stage, 'SKU-001')).toBe(4);
  });

  test('takes 25 rows, no SKU twice, and one row only while that fault is on', async () => {
    const rows = Array.from({ length: 26 }, (_, index) => row(`NO-${index}`, 1));
    expect((await bulk(rows)).status).toBe(400);
    expect((await bulk([])).status).toBe(400);
    expect((await bulk([row('SKU-001', 1), row('SKU-001', 2)])).status).toBe(400);
    stage.shop.fault({ name: 'batch_of_one' });
    expect((await bulk([row('SKU-001', 1), row('SKU-004', 2)])).json.errors[0].errorId).toBe(25002);
    expect((await bulk([row('SKU-001', 1)])).json.responses[0].statusCode).toBe(200);
  });

  test.each([-1, 1.5, '3', null, 2 ** 31])('refuses the quantity %j', async (quantity) => {
    const { json } = await bulk([row('SKU-004', quantity)]);
    expect(json.responses[0]).toMatchObject({ statusCode: 400, errors: [{ errorId: 25004 }] });
    expect(shown(stage, 'SKU-004')).toBe(10);
  });

  test('meets another write on the same item or group: 25025 for the later one', async () => {
    const [first, second, other] = await Promise.all([
      bulk([row('SKU-005', 3)]),
      bulk([row('SKU-006', 4)]),
      bulk([row('SKU-004', 5)]),
    ]);
    const failed = [first, second].filter(({ status }) => status === 500);
    expect(failed).toHaveLength(1);
    expect(failed[0]?.json.errors[0]).toMatchObject({ errorId: 25025, category: 'APPLICATION' });
    expect(other.json.responses[0].statusCode).toBe(200);
    expect([shown(stage, 'SKU-005'), shown(stage, 'SKU-006')].sort()).toEqual(
      [failed[0] === first ? 10 : 3, failed[0] === first ? 4 : 10].sort(),
    );
    expect(
      (await bulk([row('SKU-005', 1), row('SKU-006', 1)])).json.responses.map(
        (each: Loose) => each.statusCode,
      ),
    ).toEqual([200, 200]);
  });

  test('says per row that an item is busy when others are not', async () => {
    stage.shop.fault({ name: 'concurrent_access', count: 1 });
    const { status, json } = await bulk([row('SKU-001', 1), row('SKU-004', 2)]);
    expect([200, 207]).toContain(status);
    expect(json.responses[0]).toMatchObject({ statusCode: 500, errors: [{ errorId: 25025 }] });
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-004')]).toEqual([10, 2]);
  });

  test('refuses what is on hold, beyond the selling limit, or spread over warehouses', async () => {
    stage.shop.fault({ name: 'on_hold', count: 1 });
    expect((await bulk([row('SKU-004', 3)])).json.responses[0].errors[0].errorId).toBe(25097);
    stage.shop.fault({ name: 'selling_limit', count: 1 });
    expect((await bulk([row('SKU-004', 11)])).json.responses[0].errors[0].errorId).toBe(25026);
    expect((await bulk([row('WAREHOUSE-1', 3)])).json.responses[0].errors[0].errorId).toBe(25002);
    const availabilityDistributions = [
      { merchantLocationKey: 'north', quantity: 1 },
      { merchantLocationKey: 'south', quantity: 2 },
    ];
    const spread = { sku: 'WAREHOUSE-1', shipToLocationAvailability: { availabilityDistributions } };
    expect((await bulk([spread])).json.responses[0].statusCode).toBe(200);
    expect(shown(stage, 'WAREHOUSE-1')).toBe(3);
    sell(stage, ['WAREHOUSE-1', 2]);
    const { json } = await stage.rest('GET', `${base}/inventory_item/WAREHOUSE-1`);
    const { quantity, availabilityDistributions: left } = json.availability.shipToLocationAvailability;
    expect(left.reduce((sum: number, each: Loose) => sum + each.quantity, 0)).toBe(quantity);
    expect(quantity).toBe(1);
  });

  test('may change a listing 250 times a day, all its variations together', async () => {
    for (let turn = 0; turn < 125; turn += 1) {
      const { json } = await bulk([row('SKU-005', turn), row('SKU-006', turn)]);
      expect(json.responses.map((each: Loose) => each.statusCode)).toEqual([200, 200]);
    }
    const spent = await bulk([row('SKU-006', 7), row('SKU-004', 7)]);
    expect(spent.json.responses.map((each: Loose) => each.errors[0]?.errorId)).toEqual([25019, undefined]);
    expect(spent.json.responses[0].errors[0].message).toContain('250');
    expect([shown(stage, 'SKU-006'), shown(stage, 'SKU-004')]).toEqual([124, 7]);
    stage.tick(86_400);
    expect((await bulk([row('SKU-006', 7)])).json.responses[0].statusCode).toBe(200);
    stage.shop.fault({ name: 'revision_limit', count: 1 });
    expect((await bulk([row('SKU-001', 1)])).json.responses[0].errors[0].errorId).toBe(25019);
    expect((await bulk([row('SKU-001', 1)])).json.responses[0].errors[0].errorId).toBe(25019);
  });

  test('keeps a listing at 0 as OUT_OF_STOCK and brings it back', async () => {
    stage.shop.fault({ name: 'out_of_stock_control_off' });
    await bulk([row('SKU-004', 0)]);
    expect((await offerOf('SKU-004')).listing.listingStatus).toBe('OUT_OF_STOCK');
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-004', quantity: 1 }] })).toEqual({
      sold: false,
      reason: 'out_of_stock',
    });
    await bulk([row('SKU-004', 2)]);
    expect((await offerOf('SKU-004')).listing.listingStatus).toBe('ACTIVE');
    sell(stage, ['SKU-004', 1]);
    expect(shown(stage, 'SKU-004')).toBe(1);
  });

  test('is on record, refused ones too', async () => {
    await bulk([row('SKU-004', 3)]);
    stage.shop.fault({ name: 'on_hold', count: 1 });
    await bulk([row('SKU-004', 2)]);
    expect(writes()).toMatchObject([
      { sku: 'SKU-004', from: 10, to: 3, applied: true, answered: true, key: null },
      { sku: 'SKU-004', from: 3, to: 2, applied: false, answered: true },
    ]);
  });
});

describe('the traps beside the bulk call', () => {
  test('replacing an item deletes what is left out, its title and its number', async () => {
    const answer = await stage.rest('PUT', `${base}/inventory_item/SKU-004`, { body: { condition: 'NEW' } });
    expect(answer.status).toBe(204);
    const { json } = await stage.rest('GET', `${base}/inventory_item/SKU-004`);
    expect(json).toMatchObject({
      product: { title: '' },
      availability: { shipToLocationAvailability: { quantity: 0 } },
    });
  });

  test('replacing an offer without a number unpins the listing', async () => {
    const { offerId } = await offerOf('SKU-001');
    await bulk([row('SKU-001', 30)]);
    await stage.rest('PUT', `${base}/offer/${offerId}`, { body: { marketplaceId: 'EBAY_US' } });
    expect(shown(stage, 'SKU-001')).toBe(30);
  });

  test('withdrawing and publishing mints a new listing; without a body it is 411; twice is a warning', async () => {
    const { offerId, listing: before } = await offerOf('SKU-004');
    expect((await stage.rest('POST', `${base}/offer/${offerId}/withdraw`)).status).toBe(411);
    expect((await stage.rest('POST', `${base}/offer/${offerId}/publish`, { body: {} })).json).toMatchObject({
      listingId: before.listingId,
      warnings: [{ errorId: 25402 }],
    });
    expect((await stage.rest('POST', `${base}/offer/${offerId}/withdraw`, { body: {} })).status).toBe(200);
    expect(shown(stage, 'SKU-004')).toBeNull();
    const { json } = await stage.rest('POST', `${base}/offer/${offerId}/publish`, { body: {} });
    expect(json.listingId).not.toBe(before.listingId);
    expect(shown(stage, 'SKU-004')).toBe(10);
  });

  test('an unknown item is 404, with the wrong method 405', async () => {
    expect((await stage.rest('GET', `${base}/inventory_item/NO-1`)).json.errors[0].errorId).toBe(25710);
    expect((await stage.rest('DELETE', `${base}/inventory_item`)).status).toBe(405);
    expect((await stage.rest('GET', `${base}/nothing`)).status).toBe(404);
  });
});
