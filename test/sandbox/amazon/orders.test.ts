import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, NOON } from '../../kit/shop-stage.ts';
import { startWorld, US, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});

const list = '/orders/2026-01-01/orders';
const full = { includedData: 'FULFILLMENT,CANCELLATION' };

describe('an order', () => {
  const get = async (id: string, query: Record<string, string> = full) =>
    (await world.api('GET', `${list}/${id}`, { query })).body.order;
  const record = (id: string) => world.shop.records().orders.find((order) => order.order_id === id);

  test('is pending first, lowers the number at once, and is unshipped when the payment is through', async () => {
    const { orderId, lineId } = world.sell('SKU-1', 3);
    expect(orderId).toMatch(/^\d{3}-\d{7}-\d{7}$/);
    expect(await world.seen('SKU-1')).toBe(7);
    const pending = await get(orderId);
    expect(pending.fulfillment).toMatchObject({ fulfillmentStatus: 'PENDING', fulfilledBy: 'MERCHANT' });
    expect(pending.orderItems[0]).toMatchObject({
      orderItemId: lineId,
      quantityOrdered: 3,
      product: { sellerSku: 'SKU-1' },
      fulfillment: { quantityFulfilled: 0, quantityUnfulfilled: 3 },
    });
    expect(pending.orderItems[0].product.price).toBeUndefined();
    await world.shop.settle();
    expect((await get(orderId)).fulfillment.fulfillmentStatus).toBe('UNSHIPPED');
    expect(record(orderId)).toMatchObject({
      status: 'UNSHIPPED',
      lines: [{ line_id: lineId, sku: 'SKU-1', taken: 3, gone: 0 }],
    });
  });

  test('leaves the data sets out that nobody asked for', async () => {
    const { orderId } = world.sell('SKU-1', 1);
    const order = await get(orderId, {});
    expect(order.fulfillment).toBeUndefined();
    expect(order.orderItems[0].fulfillment).toBeUndefined();
    expect(order.orderItems[0].cancellation).toBeUndefined();
  });

  test('is spelt one way in the old API and another in the new one', async () => {
    const { orderId, lineId } = world.sell('SKU-1', 2);
    await world.shop.settle();
    world.shop.cancel({ order_id: orderId });
    expect((await get(orderId)).fulfillment.fulfillmentStatus).toBe('CANCELLED');
    expect((await get(orderId)).orderItems[0].cancellation.cancellationExecution.cancelledBy).toBe(
      'MERCHANT',
    );
    const old = await world.api('GET', `/orders/v0/orders/${orderId}`);
    expect(old.body.payload).toMatchObject({ OrderStatus: 'Canceled', FulfillmentChannel: 'MFN' });
    const items = await world.api('GET', `/orders/v0/orders/${orderId}/orderItems`);
    expect(items.body.payload).toMatchObject({
      AmazonOrderId: orderId,
      OrderItems: [{ OrderItemId: lineId, SellerSKU: 'SKU-1', QuantityShipped: 0 }],
    });
    expect(record(orderId)?.lines[0]).toMatchObject({ taken: 0, gone: 0 });
  });

  test('that is cancelled tells the ordered units in some cases and none in others', async () => {
    const told = new Set<number>();
    for (let turn = 0; turn < 12; turn += 1) {
      const { orderId } = world.sell('SKU-1', 2);
      world.shop.cancel({ order_id: orderId });
      told.add((await get(orderId)).orderItems[0].quantityOrdered);
    }
    expect(told).toEqual(new Set([0, 2]));
  });

  test('is never changed twice at one time: the wish to cancel is older than the cancellation', async () => {
    await world.register();
    const orderIds = Array.from({ length: 8 }, () => world.sell('SKU-1', 1).orderId);
    await world.shop.settle();
    await world.drain();
    for (const orderId of orderIds) world.shop.cancel({ order_id: orderId });
    await world.shop.settle();
    const told = (await world.drain()).map(({ Body }) => JSON.parse(Body));
    const timesOf = (type: string) =>
      new Map<string, number>(
        told
          .filter(({ Payload }) => Payload.OrderChangeNotification.OrderChangeType === type)
          .map(({ EventTime, Payload }) => [
            Payload.OrderChangeNotification.AmazonOrderId,
            Date.parse(EventTime),
          ]),
      );
    const wishes = timesOf('BuyerRequestedChange');
    const ends = timesOf('OrderStatusChange');
    expect(ends.size).toBe(8);
    expect(wishes.size).toBeGreaterThan(0);
    for (const [orderId, at] of wishes) expect(at).toBeLessThan(ends.get(orderId) ?? 0);
  });

  test('gives its units back when it is cancelled, but not when the seller has none, nor under number_not_restored', async () => {
    const cancel = async (restock: boolean) => {
      const { orderId } = world.sell('SKU-1', 1);
      await world.shop.settle();
      world.shop.cancel({ order_id: orderId, restock });
      return world.shown('SKU-1');
    };
    expect(await cancel(true)).toBe(10);
    expect(await cancel(false)).toBe(9);
    world.shop.fault({ name: 'number_not_restored', count: 1 });
    expect(await cancel(true)).toBe(8);
    // The buyer's cancellation of a pending order always restores.
    const { orderId } = world.sell('SKU-1', 1);
    world.shop.cancel({ order_id: orderId, restock: false });
    expect(world.shown('SKU-1')).toBe(8);
  });

  test('that cannot be paid ends cancelled by the platform, its units given back', async () => {
    world.shop.fault({ name: 'payment_failed', count: 1 });
    const { orderId } = world.sell('SKU-1', 2);
    await world.shop.settle();
    expect(record(orderId)?.status).toBe('CANCELLED');
    expect((await get(orderId)).orderItems[0].cancellation.cancellationExecution.cancelledBy).toBe('AMAZON');
    expect(world.shown('SKU-1')).toBe(10);
  });

  test('shrinks by an edit, ends with its last unit, and never grows', async () => {
    const { orderId, lineId } = world.sell('SKU-1', 3);
    world.shop.edit({ order_id: orderId, line_id: lineId, quantity: 2 });
    expect((await get(orderId)).orderItems[0].quantityOrdered).toBe(2);
    expect(world.shown('SKU-1')).toBe(8);
    world.shop.edit({ order_id: orderId, line_id: lineId, quantity: 5 });
    expect(world.shown('SKU-1')).toBe(8);
    world.shop.edit({ order_id: orderId, line_id: lineId, quantity: 0 });
    expect(record(orderId)).toMatchObject({ status: 'CANCELLED', lines: [{ taken: 0 }] });
    expect(world.shown('SKU-1')).toBe(10);
  });

  test('once shipped is final: refunds move money only, and nothing can be cancelled', async () => {
    const { orderId, lineId } = world.sell('SKU-1', 2);
    world.shop.ship({ order_id: orderId });
    world.tick(5_000);
    world.shop.refund({ order_id: orderId, line_id: lineId, quantity: 2, restock: true });
    expect(record(orderId)).toMatchObject({ status: 'SHIPPED', lines: [{ taken: 2, gone: 2 }] });
    expect(record(orderId)?.changed_at).toBe(NOON);
    expect((await get(orderId)).lastUpdatedTime).toBe('2026-11-23T12:00:05Z');
    expect(world.shown('SKU-1')).toBe(8);
    expect(() => world.shop.cancel({ order_id: orderId })).toThrow(/SHIPPED already/);
    expect(() => world.shop.refund({ order_id: orderId, quantity: 3, restock: false })).toThrow(
      /fewer units/,
    );
  });

  test('of several lines ships in two steps under partial_shipment', async () => {
    const sold = world.shop.sell({
      lines: [
        { sku: 'SKU-1', quantity: 1 },
        { sku: 'SKU-2', quantity: 1 },
      ],
    });
    const id = sold.sold ? sold.order_id : '';
    world.shop.fault({ name: 'partial_shipment', count: 1 });
    world.shop.ship({ order_id: id });
    expect(record(id)).toMatchObject({ status: 'PARTIALLY_SHIPPED', lines: [{ gone: 1 }, { gone: 0 }] });
    await world.shop.settle();
    expect(record(id)).toMatchObject({ status: 'SHIPPED', lines: [{ gone: 1 }, { gone: 1 }] });
  });

  test('of what the platform fulfils is nobody’s but the platform’s', async () => {
    world.shop.fault({ name: 'fba_orders', count: 1 });
    world.sell('SKU-1', 1);
    await world.shop.settle();
    const foreign = world.shop.records().orders.find(({ lines }) => lines[0]?.sku.startsWith('FBA-'));
    expect(foreign?.status).toBe('SHIPPED');
    expect((await get(foreign?.order_id ?? '')).fulfillment.fulfilledBy).toBe('AMAZON');
    const old = await world.api('GET', `/orders/v0/orders/${foreign?.order_id}`);
    expect(old.body.payload.FulfillmentChannel).toBe('AFN');
  });

  test('never shares the last block of its id with another', () => {
    const ids = Array.from({ length: 200 }, () => {
      const sold = world.shop.sell({ lines: [{ sku: 'SKU-1', quantity: 1 }], force: true });
      return sold.sold ? sold.order_id : '';
    });
    expect(new Set(ids.map((id) => id.slice(-7))).size).toBe(200);
    expect(world.shown('SKU-1')).toBe(0);
  });

  test('is 404 when it does not exist and 400 when it could not', async () => {
    expect((await world.api('GET', `${list}/111-1111111-1111111`)).status).toBe(404);
    const wrong = await world.api('GET', `${list}/1001`);
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ code: 'InvalidInput' }] } });
  });

  test('is not sold for SKUs that do not exist, parents, and more than there is', () => {
    const sell = (sku: string, quantity = 1) => world.shop.sell({ lines: [{ sku, quantity }] });
    expect(sell('NOTHING')).toEqual({ sold: false, reason: 'unknown_sku' });
    expect(sell('PARENT-1')).toEqual({ sold: false, reason: 'unknown_sku' });
    expect(sell('SKU-1', 11)).toEqual({ sold: false, reason: 'out_of_stock' });
  });
});

describe('a search for orders', () => {
  const since = '2026-11-23T11:00:00Z';
  const search = (query: Record<string, string> = {}) =>
    world.api('GET', list, { query: { lastUpdatedAfter: since, ...query } });
  const ids = (body: Loose): string[] => body.orders.map((order: Loose) => order.orderId);

  test('knows nothing of the last two minutes, and says until when it knows', async () => {
    const { orderId } = world.sell('SKU-1', 1);
    world.tick(119_999);
    const early = await search();
    expect(early.body).toEqual({ orders: [], lastUpdatedBefore: '2026-11-23T11:59:59Z' });
    world.tick(1);
    const due = await search();
    expect(ids(due.body)).toEqual([orderId]);
    expect(due.body.lastUpdatedBefore).toBe('2026-11-23T12:00:00Z');
  });

  test('trails by two seconds at a time scale of 60', async () => {
    const fast = await startWorld({ timeScale: 60 });
    const { orderId } = fast.sell('SKU-1', 1);
    fast.tick(2_000);
    const { body } = await fast.api('GET', list, { query: { lastUpdatedAfter: since } });
    expect(ids(body)).toEqual([orderId]);
  });

  test('trails by what it was told instead of the two minutes', async () => {
    const prompt = await startWorld({ unsearchableMs: 10_000 });
    const { orderId } = prompt.sell('SKU-1', 1);
    const ask = () => prompt.api('GET', list, { query: { lastUpdatedAfter: since } });
    prompt.tick(9_999);
    expect(ids((await ask()).body)).toEqual([]);
    prompt.tick(1);
    expect(ids((await ask()).body)).toEqual([orderId]);
  });

  test('trails by more under order_lag', async () => {
    world.shop.fault({ name: 'order_lag', count: 1, ms: 600_000 });
    const { orderId } = world.sell('SKU-1', 1);
    world.tick(599_999);
    expect(ids((await search()).body)).toEqual([]);
    world.tick(1);
    expect(ids((await search()).body)).toEqual([orderId]);
  });

  test('pages by token through a span that is fixed, equal times included', async () => {
    const sold = Array.from({ length: 7 }, (_, index) => world.sell(`SKU-${index + 1}`, 1).orderId);
    world.tick(120_000);
    const found: string[] = [];
    let token = '';
    let befores = new Set<string>();
    do {
      const { body } = await search({
        maxResultsPerPage: '3',
        ...(token === '' ? {} : { paginationToken: token }),
      });
      found.push(...ids(body));
      befores = befores.add(body.lastUpdatedBefore);
      token = body.pagination?.nextToken ?? '';
      world.tick(1_000);
    } while (token !== '');
    expect(found).toHaveLength(7);
    expect(new Set(found)).toEqual(new Set(sold));
    expect(befores.size).toBe(1);
  });

  test('loses from its later pages whatever changes meanwhile', async () => {
    const sold = Array.from({ length: 4 }, (_, index) => world.sell(`SKU-${index + 1}`, 1).orderId);
    world.tick(120_000);
    const first = await search({ maxResultsPerPage: '2' });
    const rest = sold.filter((id) => !ids(first.body).includes(id));
    world.shop.ship({ order_id: rest[0] ?? '' });
    const second = await search({
      maxResultsPerPage: '2',
      paginationToken: first.body.pagination.nextToken,
    });
    expect(ids(second.body)).toEqual([rest[1]]);
  });

  test('filters by who fulfils and by status', async () => {
    world.shop.fault({ name: 'fba_orders', count: 1 });
    const { orderId } = world.sell('SKU-1', 1);
    const cancelled = world.sell('SKU-1', 1).orderId;
    world.shop.cancel({ order_id: cancelled });
    world.tick(120_000);
    expect((await search()).body.orders).toHaveLength(3);
    expect(new Set(ids((await search({ fulfilledBy: 'MERCHANT' })).body))).toEqual(
      new Set([orderId, cancelled]),
    );
    expect(ids((await search({ fulfillmentStatuses: 'CANCELLED,SHIPPED' })).body)).toEqual([cancelled]);
    expect(ids((await search({ marketplaceIds: 'A2EUQ1WTGCTBG2' })).body)).toEqual([]);
  });

  test.each([
    [{ createdAfter: since }],
    [{ lastUpdatedAfter: '' }],
    [{ createdBefore: since }],
    [{ lastUpdatedBefore: '2026-11-23T11:58:01Z' }],
    [{ lastUpdatedBefore: '2026-11-23T10:00:00Z' }],
    [{ maxResultsPerPage: '101' }],
    [{ paginationToken: 'x' }],
    [{ includedData: 'EVERYTHING' }],
    [{ fulfillmentStatuses: 'Canceled' }],
    [{ marketplaceIds: 'A1PA6795UKMFR9' }],
  ])('refuses %j', async (query) => {
    expect(await search(query)).toMatchObject({
      status: 400,
      body: { errors: [{ code: 'InvalidInput' }] },
    });
  });

  test('has twenty calls saved up and then one in three minutes', async () => {
    for (let turn = 0; turn < 20; turn += 1) expect((await search()).status).toBe(200);
    expect((await search()).status).toBe(429);
    world.tick(178_000);
    expect((await search()).status).toBe(429);
    world.tick(1_000);
    expect((await search()).status).toBe(200);
  });

  test('works in the old API likewise, behind payload and by its own names', async () => {
    const sold = Array.from({ length: 3 }, () => world.sell('SKU-1', 1).orderId);
    world.tick(120_000);
    const old = (query: Record<string, string>) =>
      world.api('GET', '/orders/v0/orders', { query: { MarketplaceIds: US, ...query } });
    const first = await old({ LastUpdatedAfter: since, MaxResultsPerPage: '2' });
    expect(first.body.payload.Orders).toHaveLength(2);
    expect(first.body.payload.LastUpdatedBefore).toBe('2026-11-23T12:00:00Z');
    const second = await old({ NextToken: first.body.payload.NextToken });
    expect(second.body.payload.Orders).toHaveLength(1);
    expect((await old({ AmazonOrderIds: sold[0] ?? '' })).body.payload.Orders).toHaveLength(1);
    expect((await world.api('GET', '/orders/v0/orders', { query: { CreatedAfter: since } })).status).toBe(
      400,
    );
    expect((await old({ CreatedAfter: since, OrderStatuses: 'Pending' })).body.payload.Orders).toHaveLength(
      3,
    );
    expect((await old({ CreatedAfter: since, OrderStatuses: 'CANCELLED' })).status).toBe(400);
  });
});

describe('the inventory that the platform keeps', () => {
  test('is told by marketplace, with a page token that dies after 30 seconds', async () => {
    const stock = Array.from({ length: 330 }, (_, index) => ({ sku: `S-${index}`, title: 'T', stock: 1 }));
    const world = await startWorld({ catalogue: stock });
    const ask = (query: Record<string, string> = {}) =>
      world.api('GET', '/fba/inventory/v1/summaries', {
        query: {
          details: 'true',
          granularityType: 'Marketplace',
          granularityId: US,
          marketplaceIds: US,
          ...query,
        },
      });
    const first = await ask();
    expect(first.body.payload.inventorySummaries).toHaveLength(50);
    expect(first.body.payload.inventorySummaries[0]).toMatchObject({
      sellerSku: 'FBA-S-5',
      inventoryDetails: { fulfillableQuantity: 25 },
    });
    const { nextToken } = first.body.pagination;
    expect((await ask({ nextToken })).body.payload.inventorySummaries).toHaveLength(5);
    world.tick(30_001);
    expect((await ask({ nextToken })).status).toBe(400);
    expect((await ask({ granularityId: 'X' })).status).toBe(400);
  });
});
