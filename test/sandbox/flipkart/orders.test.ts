import { beforeEach, describe, expect, test } from 'vitest';
import { oddSkus } from '../../../src/sandbox/flipkart/shelves.ts';
import { type Loose, sell, shown } from '../../kit/shop-stage.ts';
import { look, place, type Stage, startShop, walk } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const record = (stage: Stage, id: string) => stage.shop.records().orders.find((one) => one.order_id === id);
const filter = (stage: Stage, body: Loose) => stage.call('POST', '/v3/shipments/filter', { filter: body });

/** Where a shipment is found: each list of a full poll by name. */
async function listsOf(stage: Stage, id: string): Promise<string[]> {
  const lists: Record<string, Loose> = {
    open: { type: 'preDispatch' },
    held: { type: 'preDispatch', hold: true },
    sent: { type: 'postDispatch' },
    bySeller: { type: 'cancelled', cancellationType: 'sellerCancellation' },
    byBuyer: { type: 'cancelled', cancellationType: 'buyerCancellation' },
    byMarketplace: { type: 'cancelled', cancellationType: 'marketplaceCancellation' },
  };
  const found: string[] = [];
  for (const [name, wish] of Object.entries(lists)) {
    if ((await walk(stage, wish)).ids.includes(id)) found.push(name);
  }
  return found;
}

describe('a shipment', () => {
  test('shows its lines, with ids beyond 2^53 and times in two zones', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3], ['SKU-005', 2]);
    expect(orderId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-\d{12}$/);
    for (const id of lineIds) expect(BigInt(id)).toBeGreaterThan(2n ** 53n);
    const shipment = await look(stage, orderId);
    expect(shipment).toMatchObject({
      shipmentId: orderId,
      locationId: stage.location,
      hold: false,
      mps: false,
      updatedAt: '2026-11-23T17:30:00.000+05:30',
      orderItems: [
        {
          orderItemId: lineIds[0],
          sku: 'SKU-001',
          quantity: 3,
          status: 'APPROVED',
          orderDate: '2026-11-23T12:00:00.000Z',
        },
        {
          orderItemId: lineIds[1],
          sku: 'SKU-005',
          quantity: 2,
          serviceProfile: 'Seller_Fulfilment',
          is_replacement: false,
        },
      ],
    });
    expect(shipment.orderItems[0].orderId).toMatch(/^OD\d{18}$/);
    expect(record(stage, orderId)).toMatchObject({
      status: 'approved',
      lines: [
        { line_id: lineIds[0], taken: 3, gone: 0 },
        { line_id: lineIds[1], taken: 2, gone: 0 },
      ],
      heard: false,
    });
  });

  test('has an id whose last digits never repeat', async () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 500 });
    const ids = Array.from({ length: 300 }, () => sell(stage, ['SKU-001', 1]).orderId);
    expect(new Set(ids.map((id) => /(\d+)\D*$/.exec(id)?.[1])).size).toBe(300);
  });

  test('is found by shipment, item and order ids, a hundred at once', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 1]);
    const { orderItems } = await look(stage, orderId);
    for (const query of [
      `shipmentIds=${orderId},none`,
      `orderItemIds=${lineIds[0]}`,
      `orderIds=${orderItems[0].orderId}`,
    ]) {
      const { json } = await stage.call('GET', `/v3/shipments?${query}`);
      expect(json.shipments.map((one: Loose) => one.shipmentId)).toEqual([orderId]);
    }
    const ids = Array.from({ length: 100 }, (_, at) => `none-${at}`);
    expect((await stage.call('GET', `/v3/shipments/${ids.join(',')}`)).json.shipments).toEqual([]);
    expect((await stage.call('GET', `/v3/shipments/${[...ids, 'one-more'].join(',')}`)).status).toBe(400);
    expect((await stage.call('GET', '/v3/shipments')).status).toBe(400);
  });

  test('of several locations is several, of one order; each follows its own way', async () => {
    const sold = sell(stage, ['SKU-001', 1], [oddSkus.elsewhere, 1]);
    const { orders } = stage.shop.records();
    expect(orders.map(({ lines }) => lines.map(({ sku }) => sku))).toEqual([
      ['SKU-001'],
      [oddSkus.elsewhere],
    ]);
    const other = orders[1]?.order_id ?? '';
    expect((await look(stage, other)).locationId).toBe(stage.shop.locations[1]);
    stage.shop.ship({ order_id: sold.orderId });
    expect(orders.map(({ order_id }) => record(stage, order_id)?.status)).toEqual(['shipped', 'approved']);
    const whole = (await look(stage, other)).orderItems[0].orderId;
    stage.shop.cancel({ order_id: whole });
    expect(record(stage, other)?.status).toBe('cancelled');
  });

  test('may be one for each line', async () => {
    stage.once('split_order');
    const sold = sell(stage, ['SKU-001', 2], ['SKU-002', 1]);
    expect(stage.shop.records().orders.length).toBe(2);
    stage.shop.edit({ order_id: sold.orderId, line_id: sold.lineIds[1] ?? '', quantity: 0 });
    expect(stage.shop.records().orders.map(({ status }) => status)).toEqual(['approved', 'cancelled']);
  });
});

describe('the way of a shipment', () => {
  test('goes from list to list', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    expect(await listsOf(stage, orderId)).toEqual(['open']);
    stage.shop.hold({ order_id: orderId });
    expect(await listsOf(stage, orderId)).toEqual(['held']);
    stage.shop.unhold({ order_id: orderId });
    stage.shop.ship({ order_id: orderId });
    expect(await listsOf(stage, orderId)).toEqual(['sent']);
    expect(record(stage, orderId)).toMatchObject({ status: 'shipped', lines: [{ taken: 1, gone: 1 }] });
    await stage.shop.settle();
    expect(await listsOf(stage, orderId)).toEqual(['sent']);
    expect((await look(stage, orderId)).orderItems[0].status).toBe('DELIVERED');
  });

  test('ends out of all lists when it is completed', async () => {
    stage.once('completed');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.ship({ order_id: orderId });
    await stage.shop.settle();
    expect(await listsOf(stage, orderId)).toEqual([]);
    expect((await look(stage, orderId)).orderItems[0].status).toBe('COMPLETED');
  });

  test('waits for a late courier, and fails a form', async () => {
    const stage = await startShop({ timeScale: 1 });
    stage.once('late_pickup');
    stage.once('form_failed');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.ship({ order_id: orderId });
    expect(record(stage, orderId)?.lines[0]).toMatchObject({ taken: 1, gone: 0 });
    expect(await listsOf(stage, orderId)).toEqual(['open']);
    await stage.shop.settle();
    expect(record(stage, orderId)?.lines[0]).toMatchObject({ taken: 1, gone: 1 });
  });

  test('is on hold for hours under the fault, and off it again', async () => {
    const stage = await startShop({ timeScale: 1 });
    stage.once('hold');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    expect(await listsOf(stage, orderId)).toEqual(['held']);
    expect(record(stage, orderId)?.status).toBe('on_hold');
    await stage.shop.settle();
    expect(await listsOf(stage, orderId)).toEqual(['open']);
  });
});

describe('a cancellation', () => {
  test('by the buyer frees the units and restores the number', async () => {
    const { orderId } = sell(stage, ['SKU-001', 3]);
    stage.shop.cancel({ order_id: orderId });
    expect(await listsOf(stage, orderId)).toEqual(['byBuyer']);
    const [item] = (await look(stage, orderId)).orderItems;
    expect(item).toMatchObject({
      status: 'CANCELLED',
      quantity: 3,
      cancellationReason: 'buyer_cancellation',
    });
    expect(record(stage, orderId)).toMatchObject({ status: 'cancelled', lines: [{ taken: 0, gone: 0 }] });
    expect(shown(stage, 'SKU-001')).toBe(10);
    stage.shop.cancel({ order_id: orderId });
    stage.shop.ship({ order_id: orderId });
    expect([shown(stage, 'SKU-001'), record(stage, orderId)?.status]).toEqual([10, 'cancelled']);
  });

  test('of one item leaves the shipment in two lists, with all items in both', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 2], ['SKU-002', 1]);
    stage.shop.edit({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 0 });
    expect(await listsOf(stage, orderId)).toEqual(['open', 'byBuyer']);
    const { orderItems } = await look(stage, orderId);
    expect(orderItems.map((one: Loose) => [one.status, one.quantity])).toEqual([
      ['CANCELLED', 2],
      ['APPROVED', 1],
    ]);
  });

  test('of single units lowers the quantity, and a higher one changes nothing', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    const line = { order_id: orderId, line_id: lineIds[0] ?? '' };
    stage.shop.edit({ ...line, quantity: 1 });
    stage.shop.edit({ ...line, quantity: 5 });
    expect((await look(stage, orderId)).orderItems[0]).toMatchObject({ status: 'APPROVED', quantity: 1 });
    expect([shown(stage, 'SKU-001'), record(stage, orderId)?.lines[0]?.taken]).toEqual([9, 1]);
  });

  test('may be the marketplace’s, and may leave the number down', async () => {
    stage.once('marketplace_cancel');
    stage.once('number_not_restored');
    const { orderId } = sell(stage, ['SKU-001', 3]);
    stage.shop.cancel({ order_id: orderId });
    expect(await listsOf(stage, orderId)).toEqual(['byMarketplace']);
    expect(shown(stage, 'SKU-001')).toBe(7);
  });

  test('of what was sold by force gives back no more than was there', async () => {
    const sold = stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 12 }], force: true });
    expect([sold.sold, shown(stage, 'SKU-001')]).toEqual([true, 0]);
    if (sold.sold) stage.shop.cancel({ order_id: sold.order_id });
    expect(shown(stage, 'SKU-001')).toBe(10);
  });

  test('by the API is the seller’s, before packing only, twenty-five at most, each row for itself', async () => {
    const [one, packed] = [sell(stage, ['SKU-001', 2]), sell(stage, ['SKU-002', 1])];
    stage.shop.ship({ order_id: packed.orderId });
    const cancelRow = (shipmentId: string, changes: Loose = {}) => ({
      shipmentId,
      reason: 'not_enough_inventory',
      locationId: stage.location,
      ...changes,
    });
    const post = (shipments: Loose[]) => stage.call('POST', '/v3/shipments/cancel', { shipments });
    const wrong = cancelRow(one.orderId, { locationId: 'LOCx' });
    const group = cancelRow(one.orderId, { cancellationGroupIds: ['none'] });
    const { json } = await post([
      wrong,
      group,
      cancelRow(one.orderId),
      cancelRow(one.orderId),
      cancelRow(packed.orderId),
      cancelRow('x'),
    ]);
    expect(json.shipments.map((row: Loose) => row.errorCode)).toEqual([
      'LOCATION_MISMATCH',
      'INVALID_GROUP',
      '',
      'ALREADY_CANCELLED',
      'INVALID_STATE',
      'SHIPMENT_NOT_FOUND',
    ]);
    expect(await listsOf(stage, one.orderId)).toEqual(['bySeller']);
    expect(shown(stage, 'SKU-001')).toBe(0);
    expect((await post([])).status).toBe(400);
    expect((await post(Array.from({ length: 26 }, () => cancelRow('x')))).status).toBe(400);
  });
});

describe('what comes back', () => {
  const returns = (stage: Stage, query: string) => stage.call('GET', `/v2/returns?${query}`);

  test('is one return for each unit, frees nothing and moves no number', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    stage.shop.ship({ order_id: orderId });
    stage.shop.refund({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 2, restock: true });
    const { json } = await returns(stage, 'source=customer_return&modifiedAfter=2026-11-23T12:00:00Z');
    expect(json.returnItems).toMatchObject([
      {
        shipmentId: orderId,
        orderItemId: lineIds[0],
        quantity: 1,
        status: 'CREATED',
        type: 'customer_return',
      },
      { quantity: 1 },
    ]);
    expect((await look(stage, orderId)).orderItems[0].status).toBe('RETURN_REQUESTED');
    await stage.shop.settle();
    expect((await returns(stage, 'source=customer_return')).json.returnItems[0].status).toBe('COMPLETED');
    expect((await look(stage, orderId)).orderItems[0].status).toBe('DELIVERED');
    stage.shop.refund({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 2, restock: true });
    await stage.shop.settle();
    expect((await returns(stage, 'source=customer_return')).json.returnItems.length).toBe(3);
    expect((await look(stage, orderId)).orderItems[0].status).toBe('RETURNED');
    expect(record(stage, orderId)?.lines[0]).toMatchObject({ taken: 3, gone: 3 });
    expect(shown(stage, 'SKU-001')).toBe(7);
  });

  test('is the courier’s when a shipment under way is called off', async () => {
    stage.once('return_cancelled');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.ship({ order_id: orderId });
    stage.shop.cancel({ order_id: orderId });
    expect((await returns(stage, 'source=customer_return')).json.returnItems).toEqual([]);
    expect((await returns(stage, 'source=courier_return')).json.returnItems.length).toBe(1);
    expect((await look(stage, orderId)).orderItems[0].courierReturn).toBe(true);
    await stage.shop.settle();
    expect((await returns(stage, 'source=courier_return')).json.returnItems[0].status).toBe('CANCELLED');
    expect((await look(stage, orderId)).orderItems[0].status).toBe('DELIVERED');
  });

  test('before shipping are units called off; without restock it is money alone', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    const wish = { order_id: orderId, line_id: lineIds[0] ?? '', quantity: 1 };
    const before = await look(stage, orderId);
    stage.shop.refund({ ...wish, restock: false });
    expect(await look(stage, orderId)).toEqual(before);
    stage.shop.refund({ ...wish, restock: true });
    expect((await look(stage, orderId)).orderItems[0].quantity).toBe(2);
    expect(() => stage.shop.refund({ ...wish, quantity: 9, restock: true })).toThrow('fewer units');
  });

  test('comes in pages and by ids, and needs a source', async () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 50 });
    const { orderId } = sell(stage, ['SKU-001', 45]);
    stage.shop.ship({ order_id: orderId });
    stage.shop.refund({ order_id: orderId, quantity: 45, restock: true });
    const ids: string[] = [];
    let answer = await returns(stage, 'source=customer_return');
    for (;;) {
      ids.push(...answer.json.returnItems.map((one: Loose) => one.returnId));
      if (answer.json.hasMore !== true) break;
      answer = await stage.call('GET', answer.json.nextUrl);
    }
    expect(new Set(ids).size).toBe(45);
    expect((await returns(stage, `returnIds=${ids.slice(0, 25).join(',')}`)).json.hasMore).toBe(true);
    expect((await returns(stage, `returnIds=${ids.slice(0, 26).join(',')}`)).status).toBe(400);
    expect((await returns(stage, 'modifiedAfter=2026-11-23T12:00:00Z')).status).toBe(400);
    expect((await returns(stage, 'source=customer_return&createdAfter=2026-11-23')).status).toBe(400);
  });
});

describe('the filter', () => {
  const range = (from: string, to: string) => ({ from: `2026-11-23T${from}`, to: `2026-11-23T${to}` });

  test.each([
    ['no type', {}],
    ['an unknown type', { type: 'all' }],
    ['states of another type', { type: 'preDispatch', states: ['SHIPPED'] }],
    ['completed ones', { type: 'postDispatch', states: ['COMPLETED'] }],
    ['no states', { type: 'preDispatch', states: [] }],
    ['cancelled ones of nobody', { type: 'cancelled' }],
    ['held ones that were sent', { type: 'postDispatch', hold: true }],
    ['a range without an end', { type: 'preDispatch', modifiedDate: { from: '2026-11-23T12:00:00Z' } }],
    ['a time without a zone', { type: 'preDispatch', orderDate: range('12:00:00', '13:00:00Z') }],
    ['a range backwards', { type: 'preDispatch', orderDate: range('13:00:00Z', '12:00:00Z') }],
    [
      'a cancellation date of open ones',
      { type: 'preDispatch', cancellationDate: range('12:00:00Z', '13:00:00Z') },
    ],
    ['an unknown warehouse', { type: 'preDispatch', serviceProfiles: ['MOON'] }],
  ])('refuses %s', async (_, wish) => {
    expect((await filter(stage, wish)).status).toBe(400);
  });

  test('goes by whole seconds, both ends in, whatever the zone', async () => {
    stage.tick(700);
    const { orderId } = sell(stage, ['SKU-001', 1]);
    const found = async (from: string, to: string) =>
      (await walk(stage, { type: 'preDispatch', modifiedDate: range(from, to) })).ids.includes(orderId);
    expect(await found('12:00:00Z', '12:00:00Z')).toBe(true);
    expect(await found('17:30:00+05:30', '17:30:00+05:30')).toBe(true);
    expect(await found('12:00:00.500Z', '12:00:09Z')).toBe(false);
    expect(await found('12:00:01Z', '12:00:09Z')).toBe(false);
  });

  test('knows the other filters', async () => {
    const one = sell(stage, ['SKU-001', 1]).orderId;
    stage.tick(10_000);
    stage.once('mps');
    const two = sell(stage, ['SKU-002', 1]).orderId;
    stage.once('fbf_orders');
    const three = sell(stage, [oddSkus.elsewhere, 1]).orderId;
    const ids = async (wish: Loose) => (await walk(stage, { type: 'preDispatch', ...wish })).ids;
    expect(await ids({})).toEqual([one, two, three]);
    expect(await ids({ sku: ['SKU-002'] })).toEqual([two]);
    expect(await ids({ mps: true })).toEqual([two]);
    expect(await ids({ locationId: stage.shop.locations[1] })).toEqual([three]);
    expect(await ids({ orderDate: range('12:00:05Z', '13:00:00Z') })).toEqual([two, three]);
    const [fbf] = await ids({ serviceProfiles: ['FBF'] });
    expect((await look(stage, fbf ?? '')).orderItems[0].serviceProfile).toBe('Flipkart_Fulfilment');
  });

  test('gives twenty a page at most, oldest change first, and its links know the rest', async () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 500 });
    const sold = Array.from({ length: 45 }, () => sell(stage, ['SKU-001', 1]).orderId);
    stage.tick(5_000);
    stage.shop.hold({ order_id: sold[3] ?? '' });
    stage.shop.unhold({ order_id: sold[3] ?? '' });
    const walked = await walk(stage, { type: 'preDispatch' }, 100);
    expect(walked).toEqual({ ids: [...sold.filter((_, at) => at !== 3), sold[3]], pages: 3 });
    const { json } = await filter(stage, { type: 'preDispatch' });
    expect(json.nextPageUrl).toMatch(/^\/v3\/shipments\/filter\?next_token=[0-9a-f]{32}$/);
    expect((await stage.call('GET', `${json.nextPageUrl}&hold=true`)).status).toBe(400);
    expect((await stage.call('GET', '/v3/shipments/filter?next_token=x')).status).toBe(400);
    const slash = { filter: { type: 'preDispatch' }, sort: { field: 'orderDate', order: 'desc' } };
    const { json: backwards } = await stage.call('POST', '/v3/shipments/filter/', slash);
    expect(backwards.shipments[0].shipmentId).toBe(sold[44]);
  });

  test('pushes nobody off a page when others leave the list', async () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 500 });
    const sold = Array.from({ length: 45 }, () => sell(stage, ['SKU-001', 1]).orderId);
    const ids: string[] = [];
    let answer = await filter(stage, { type: 'preDispatch' });
    for (let page = 0; ; page += 1) {
      ids.push(...answer.json.shipments.map((one: Loose) => one.shipmentId));
      stage.shop.cancel({ order_id: sold[page] ?? '' });
      if (answer.json.hasMore !== true) break;
      answer = await stage.call('GET', answer.json.nextPageUrl);
    }
    expect(ids).toEqual(sold);
  });

  test('is late under order_lag, when a look-up is not', async () => {
    stage.once('order_lag', 60_000);
    const { orderId } = sell(stage, ['SKU-001', 1]);
    expect(await listsOf(stage, orderId)).toEqual([]);
    expect((await look(stage, orderId)).shipmentId).toBe(orderId);
    stage.tick(60_000);
    expect(await listsOf(stage, orderId)).toEqual(['open']);
  });
});

describe('a test order', () => {
  test('sells by listing id, gifts included, and calibrates the basis', async () => {
    const stage = await startShop({ basis: 'gross' });
    const { listings } = stage.shop.records();
    const idOf = (sku: string) => listings.find((one) => one.sku === sku)?.listing_id;
    const body = {
      shipmentType: 'NORMAL',
      locationId: stage.location,
      orderItems: [{ listingId: idOf('SKU-001'), quantity: 2, subItem: { listingId: idOf('SKU-002') } }],
    };
    const { json } = await stage.call('POST', '/orders/sandbox/test_orders', body);
    expect(json.orderId).toMatch(/^OD/);
    expect(json.orderItems.length).toBe(2);
    expect(await place(stage, 'SKU-001')).toMatchObject({ inventory: 10, pending_inventory: 2 });
    const [order] = stage.shop.records().orders;
    expect(order?.lines.map(({ sku, taken }) => [sku, taken])).toEqual([
      ['SKU-001', 2],
      ['SKU-002', 2],
    ]);
    const { orderItems } = await look(stage, order?.order_id ?? '');
    expect(new Set(orderItems.map((one: Loose) => one.cancellationGroupId)).size).toBe(1);
    const wrong = { ...body, orderItems: [{ listingId: 'LSTNONE', quantity: 1 }] };
    expect((await stage.call('POST', '/orders/sandbox/test_orders', wrong)).status).toBe(400);
  });

  test('has odd kin: replacements that nobody pays', async () => {
    stage.once('replacement');
    const { orderId } = sell(stage, ['SKU-001', 1]);
    const [item] = (await look(stage, orderId)).orderItems;
    expect(item).toMatchObject({ is_replacement: true, priceComponents: { totalPrice: 0 } });
    expect(record(stage, orderId)?.lines[0]?.taken).toBe(1);
  });
});
