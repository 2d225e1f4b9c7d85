import { describe, expect, test } from 'vitest';
import type { Channel, FetchedOrder, Json, OrderPage } from '../../../src/channels/channel.ts';
import type { OrderSnapshot } from '../../../src/stock/order.ts';
import { calm } from '../../kit/stage.ts';
import { channelAt, type Received, type Reply, startShop, testClock } from './scripted-shop.ts';

const noMore = { hasNextPage: false, endCursor: null };
const more = (endCursor: string) => ({ hasNextPage: true, endCursor });
const date = { date: 'Mon, 23 Nov 2026 10:00:05 GMT' };

function lineNode(n: number, over: Record<string, unknown> = {}) {
  return {
    id: `gid://shopify/LineItem/${n}`,
    sku: `S${n}`,
    quantity: 1,
    currentQuantity: 1,
    unfulfilledQuantity: 1,
    isGiftCard: false,
    vendor: 'Acme',
    variant: { id: `gid://shopify/ProductVariant/${n}` },
    ...over,
  };
}

function head(n: number, over: Record<string, unknown> = {}) {
  return {
    id: `gid://shopify/Order/${n}`,
    name: `#${n}`,
    createdAt: '2026-11-23T09:00:00Z',
    updatedAt: '2026-11-23T09:30:00Z',
    cancelledAt: null,
    displayFinancialStatus: 'PAID',
    ...over,
  };
}

function orderNode(n: number, over: Record<string, unknown> = {}) {
  return {
    ...head(n),
    lineItems: { nodes: [lineNode(n)], pageInfo: noMore },
    refunds: [],
    fulfillments: [],
    ...over,
  };
}

function refundNode(
  n: number,
  line: number,
  quantity: number,
  restockType: string,
  pageInfo: object = noMore,
) {
  const rows = [{ quantity, restockType, lineItem: { id: `gid://shopify/LineItem/${line}` } }];
  return {
    id: `gid://shopify/Refund/${n}`,
    createdAt: '2026-11-23T09:20:00Z',
    refundLineItems: { nodes: rows, pageInfo },
  };
}

async function pagesOf(pages: AsyncIterable<OrderPage>): Promise<OrderPage[]> {
  const all: OrderPage[] = [];
  for await (const page of pages) all.push(page);
  return all;
}

function snapshotOf(channel: Channel, item: Json | undefined): OrderSnapshot {
  const how = { obtained: 'fetched', askedAt: 1, answeredAt: 2, attempt: 1 } as const;
  const [snapshot] = channel.ordersIn(item ?? null, () => undefined, how).orders;
  if (snapshot === undefined) throw new Error('no snapshot');
  return snapshot;
}

function itemOf(fetched: FetchedOrder | undefined): Json {
  if (fetched === undefined || 'missing' in fetched) throw new Error('missing');
  return fetched.item;
}

describe('walking the orders', () => {
  test('all pages are read in order of change with a quoted UTC time, and the last one tells the clock of the beginning', async () => {
    const shop = await startShop({
      OrdersChanged: [
        { headers: date, data: { orders: { nodes: [orderNode(1), orderNode(2)], pageInfo: more('c1') } } },
        {
          headers: { date: 'Mon, 23 Nov 2026 11:00:00 GMT' },
          data: { orders: { nodes: [orderNode(3)], pageInfo: noMore } },
        },
      ],
    });
    const channel = channelAt(shop.url);
    const pages = await pagesOf(channel.ordersSince(Date.parse('2026-11-23T02:45:00.900Z'), calm));
    expect(
      shop.of('OrdersChanged').map((call) => [call.variables['after'], call.variables['query']]),
    ).toEqual([
      [null, "updated_at:>='2026-11-23T02:45:00Z'"],
      ['c1', "updated_at:>='2026-11-23T02:45:00Z'"],
    ]);
    expect(shop.of('OrdersChanged')[0]?.query).toContain('sortKey: UPDATED_AT');
    expect(pages.map((page) => page.items.length)).toEqual([2, 1]);
    expect(pages.map((page) => page.end)).toEqual([
      null,
      { channelClock: Date.parse('2026-11-23T10:00:05Z') },
    ]);
  });

  test('the sweep by creation time asks for created_at', async () => {
    const shop = await startShop({ OrdersCreated: [{ data: { orders: { nodes: [], pageInfo: noMore } } }] });
    const channel = channelAt(shop.url);
    const pages = await pagesOf(channel.ordersCreatedSince(Date.parse('2026-11-16T00:00:00Z'), calm));
    expect(shop.received[0]?.variables['query']).toBe("created_at:>='2026-11-16T00:00:00Z'");
    expect(pages).toHaveLength(1);
    expect(pages[0]?.end).not.toBeNull();
  });

  test('a page that is too costly is asked for again at half its size', async () => {
    const shop = await startShop({
      OrdersChanged: ({ variables }: Received): Reply =>
        Number(variables['first']) > 10
          ? { errors: [{ message: 'Query cost is 1200', extensions: { code: 'MAX_COST_EXCEEDED' } }] }
          : { data: { orders: { nodes: [orderNode(1)], pageInfo: noMore } } },
    });
    const channel = channelAt(shop.url);
    expect(await pagesOf(channel.ordersSince(0, calm))).toHaveLength(1);
    expect(shop.received.map((call) => call.variables['first'])).toEqual([25, 12, 6]);
  });

  test('a cursor that does not move ends the walk with an error instead of reading for ever', async () => {
    const shop = await startShop({
      OrdersChanged: [{ data: { orders: { nodes: [orderNode(1)], pageInfo: more('same') } } }],
    });
    const channel = channelAt(shop.url);
    await expect(pagesOf(channel.ordersSince(0, calm))).rejects.toMatchObject({ kind: 'retry' });
    expect(shop.received).toHaveLength(2);
  });

  test('an answer of an unexpected shape is an error of the read, and half an answer too', async () => {
    const shop = await startShop({
      OrdersChanged: [
        { data: { orders: { nodes: [{ id: 1 }], pageInfo: noMore } } },
        { data: { orders: { nodes: [], pageInfo: noMore } }, errors: [{ message: 'timeout' }] },
        { errors: 'Internal Server Error' },
      ],
    });
    const channel = channelAt(shop.url);
    for (let round = 0; round < 3; round += 1) {
      await expect(pagesOf(channel.ordersSince(0, calm))).rejects.toMatchObject({ kind: 'retry' });
    }
  });
});

describe('reading one order', () => {
  test('a plain order needs one request, a refunded, cancelled or long one its details', async () => {
    const details = {
      ...head(2, { cancelledAt: '2026-11-23T09:20:00Z' }),
      lineItems: {
        nodes: [lineNode(2, { quantity: 3, currentQuantity: 0, unfulfilledQuantity: 0 })],
        pageInfo: noMore,
      },
      refunds: [refundNode(1, 2, 2, 'CANCEL'), refundNode(2, 2, 1, 'NO_RESTOCK')],
      fulfillments: [],
    };
    const shop = await startShop({
      OrdersById: [{ data: { nodes: [orderNode(1), orderNode(2, { refunds: [{ id: 'r' }] }), null] } }],
      OrderDetails: [{ data: { order: details } }],
    });
    const channel = channelAt(shop.url);
    const fetched = await channel.fetchOrders(['1', 'gid://shopify/Order/2', 'gid://shopify/Order/3'], calm);
    expect(fetched.map((order) => order.orderId)).toEqual([
      '1',
      'gid://shopify/Order/2',
      'gid://shopify/Order/3',
    ]);
    expect(fetched[2]).toEqual({ orderId: 'gid://shopify/Order/3', missing: true });
    expect(snapshotOf(channel, itemOf(fetched[0])).lines).toMatchObject([{ taken: 1, gone: 0 }]);
    expect(snapshotOf(channel, itemOf(fetched[1]))).toMatchObject({
      cancelled: true,
      lines: [{ taken: 1, gone: 1 }],
    });
    expect(shop.received.map((call) => call.operation)).toEqual(['OrdersById', 'OrderDetails']);
  });

  test('an order of 101 lines is read to the last line', async () => {
    const first = Array.from({ length: 100 }, (_, n) => lineNode(n + 1));
    const shop = await startShop({
      OrdersById: [
        {
          data: {
            nodes: [orderNode(1, { lineItems: { nodes: first.slice(0, 10), pageInfo: more('l10') } })],
          },
        },
      ],
      OrderDetails: [
        { data: { order: orderNode(1, { lineItems: { nodes: first, pageInfo: more('l100') } }) } },
      ],
      OrderLines: [
        {
          data: {
            order: { updatedAt: head(1).updatedAt, lineItems: { nodes: [lineNode(101)], pageInfo: noMore } },
          },
        },
      ],
    });
    const channel = channelAt(shop.url);
    const [fetched] = await channel.fetchOrders(['1'], calm);
    const snapshot = snapshotOf(channel, itemOf(fetched));
    expect(snapshot.lines).toHaveLength(101);
    expect(snapshot.complete).toBe(true);
    expect(shop.of('OrderLines')[0]?.variables).toMatchObject({ after: 'l100' });
  });

  test('more than fifty refunds, and a refund of many rows, are read to the end', async () => {
    const heads = Array.from({ length: 60 }, (_, n) => ({
      id: `gid://shopify/Refund/${n + 1}`,
      createdAt: '2026-11-23T09:20:00Z',
    }));
    const first = heads
      .slice(0, 15)
      .map((_, n) => refundNode(n + 1, 1, 1, 'CANCEL', n === 0 ? more('r10') : noMore));
    const shop = await startShop({
      OrdersById: [{ data: { nodes: [orderNode(1, { refunds: [{ id: 'r' }] })] } }],
      OrderDetails: [
        {
          data: {
            order: {
              ...orderNode(1, {
                lineItems: {
                  nodes: [lineNode(1, { quantity: 100, currentQuantity: 38, unfulfilledQuantity: 38 })],
                  pageInfo: noMore,
                },
              }),
              refunds: first,
            },
          },
        },
      ],
      OrderRefunds: [{ data: { order: { updatedAt: head(1).updatedAt, refunds: heads } } }],
      RefundRows: ({ variables }: Received): Reply => {
        const id = String(variables['id']);
        const isLong = id === 'gid://shopify/Refund/1';
        const isFirst = variables['after'] === null;
        const pageInfo = isLong && isFirst ? more('r100') : noMore;
        const quantity = isLong && isFirst ? 2 : 1;
        const nodes = [{ quantity, restockType: 'CANCEL', lineItem: { id: 'gid://shopify/LineItem/1' } }];
        return { data: { node: { id, refundLineItems: { nodes, pageInfo } } } };
      },
    });
    const channel = channelAt(shop.url);
    const [fetched] = await channel.fetchOrders(['1'], calm);
    expect(snapshotOf(channel, itemOf(fetched)).lines).toMatchObject([{ taken: 100 - 59 - 3, gone: 0 }]);
  });

  test('pages of two versions of an order are never put together', async () => {
    const node = (updatedAt: string) =>
      orderNode(1, { updatedAt, lineItems: { nodes: [lineNode(1)], pageInfo: more('l') } });
    const page = (updatedAt: string) => ({
      data: { order: { updatedAt, lineItems: { nodes: [lineNode(2)], pageInfo: noMore } } },
    });
    const [before, after] = ['2026-11-23T09:30:00Z', '2026-11-23T09:30:05Z'];
    const shop = await startShop({
      OrdersById: [{ data: { nodes: [node(before)] } }],
      OrderDetails: [{ data: { order: node(before) } }, { data: { order: node(after) } }],
      OrderLines: [page(after)],
    });
    const channel = channelAt(shop.url);
    const [fetched] = await channel.fetchOrders(['1'], calm);
    expect(snapshotOf(channel, itemOf(fetched)).version).toBe(Date.parse(after));
    expect(shop.of('OrderDetails')).toHaveLength(2);
  });

  test('an order that changes at every reading is tried again later', async () => {
    let version = 0;
    const updatedAt = () => {
      version += 1;
      return new Date(version * 1000).toISOString();
    };
    const shop = await startShop({
      OrdersById: [{ data: { nodes: [orderNode(1, { refunds: [{ id: 'r' }] })] } }],
      OrderDetails: () => ({
        data: {
          order: orderNode(1, {
            updatedAt: updatedAt(),
            lineItems: { nodes: [lineNode(1)], pageInfo: more('l') },
          }),
        },
      }),
      OrderLines: () => ({
        data: { order: { updatedAt: updatedAt(), lineItems: { nodes: [], pageInfo: noMore } } },
      }),
    });
    const channel = channelAt(shop.url);
    await expect(channel.fetchOrders(['1'], calm)).rejects.toMatchObject({ kind: 'retry' });
    expect(shop.of('OrderDetails')).toHaveLength(3);
  });

  test('a shipment tells what is gone and when, and a cancelled shipment does not count', async () => {
    const shipped = lineNode(1, { quantity: 2, currentQuantity: 2, unfulfilledQuantity: 0 });
    const fulfillments = [
      { status: 'CANCELLED', createdAt: '2026-11-23T09:10:00Z' },
      { status: 'SUCCESS', createdAt: '2026-11-23T09:20:00Z' },
    ];
    const shop = await startShop({
      OrdersById: [
        {
          data: {
            nodes: [orderNode(1, { lineItems: { nodes: [shipped], pageInfo: noMore }, fulfillments })],
          },
        },
      ],
    });
    const channel = channelAt(shop.url);
    const [fetched] = await channel.fetchOrders(['1'], calm);
    expect(snapshotOf(channel, itemOf(fetched)).lines).toMatchObject([
      { taken: 2, gone: 2, goneAt: Date.parse('2026-11-23T09:20:00Z') },
    ]);
  });

  test('of several shipments each line takes its own time', async () => {
    const lines = [lineNode(1, { unfulfilledQuantity: 0 }), lineNode(2, { unfulfilledQuantity: 0 })];
    const shipment = (line: number, createdAt: string) => ({
      status: 'SUCCESS',
      createdAt,
      fulfillmentLineItems: {
        nodes: [{ quantity: 1, lineItem: { id: `gid://shopify/LineItem/${line}` } }],
        pageInfo: noMore,
      },
    });
    const fulfillments = [shipment(1, '2026-11-23T09:10:00Z'), shipment(2, '2026-11-23T09:20:00Z')];
    const node = orderNode(1, { lineItems: { nodes: lines, pageInfo: noMore }, fulfillments });
    const shop = await startShop({
      OrdersById: [{ data: { nodes: [node] } }],
      OrderDetails: [{ data: { order: node } }],
    });
    const channel = channelAt(shop.url);
    const [fetched] = await channel.fetchOrders(['1'], calm);
    expect(snapshotOf(channel, itemOf(fetched)).lines.map((line) => line.goneAt)).toEqual([
      Date.parse('2026-11-23T09:10:00Z'),
      Date.parse('2026-11-23T09:20:00Z'),
    ]);
  });

  test('gift cards, tips and custom items of a pulled order are left out', async () => {
    const lines = [
      lineNode(1),
      lineNode(2, { isGiftCard: true }),
      lineNode(3, { variant: null, sku: null, vendor: null }),
      lineNode(4, { variant: null, sku: 'GONE' }),
    ];
    const shop = await startShop({
      OrdersById: [{ data: { nodes: [orderNode(1, { lineItems: { nodes: lines, pageInfo: noMore } })] } }],
    });
    const channel = channelAt(shop.url);
    const [fetched] = await channel.fetchOrders(['1'], calm);
    expect(
      snapshotOf(channel, itemOf(fetched)).lines.map((line) => [line.channelSku, line.listingId]),
    ).toEqual([
      ['S1', 'gid://shopify/ProductVariant/1'],
      ['GONE', null],
    ]);
  });
});

describe('one order by webhook and by pull', () => {
  test('the same state gives the same snapshot, so a poll after a webhook changes nothing', async () => {
    const node = orderNode(1, {
      lineItems: {
        nodes: [lineNode(7, { quantity: 3, currentQuantity: 3, unfulfilledQuantity: 3 })],
        pageInfo: noMore,
      },
    });
    const shop = await startShop({ OrdersById: [{ data: { nodes: [node] } }] });
    const channel = channelAt(shop.url, { clock: testClock() });
    const [fetched] = await channel.fetchOrders(['1'], calm);
    const body = {
      id: 1,
      name: '#1',
      created_at: '2026-11-23T04:00:00-05:00',
      updated_at: '2026-11-23T04:30:00-05:00',
      cancelled_at: null,
      financial_status: 'paid',
      line_items: [
        {
          id: 7,
          variant_id: 7,
          sku: 'S7',
          quantity: 3,
          current_quantity: 3,
          fulfillable_quantity: 3,
          vendor: 'Acme',
        },
      ],
      refunds: [],
    };
    const fields = channel.fieldsOf({
      key: 'k',
      kind: 'orders/create',
      meta: null,
      body: Buffer.from(JSON.stringify(body)),
    });
    expect(snapshotOf(channel, fields)).toEqual(snapshotOf(channel, itemOf(fetched)));
  });
});
