import { describe, expect, test } from 'vitest';
import { deliveryOf } from '../../../src/channels/amazon/notification.ts';
import type { DeliveryContent, Obtaining } from '../../../src/channels/channel.ts';
import type { OrderSnapshot } from '../../../src/stock/order.ts';
import { digestOf, verdictOn } from '../../../src/stock/snapshot.ts';
import { calm } from '../../kit/stage.ts';
import { apiItem, apiOrder, bytesOf, orderChange, scripted } from './scripted-amazon.ts';

const how: Obtaining = { obtained: 'delivered', askedAt: 5, answeredAt: 6, attempt: 0 };
const item = (quantity: number, shipped = 0) => [
  { OrderItemId: '70001', SellerSKU: 'MUG-RED', Quantity: quantity, QuantityShipped: shipped },
];

async function told(body: unknown): Promise<DeliveryContent> {
  const { channel } = await scripted({});
  return channel.ordersIn(channel.fieldsOf(deliveryOf(bytesOf(body))), () => undefined, how);
}

async function only(body: unknown): Promise<OrderSnapshot> {
  const [snapshot] = (await told(body)).orders;
  if (snapshot === undefined) throw new Error('says nothing');
  return snapshot;
}

async function fetched(order: unknown): Promise<DeliveryContent> {
  const { channel } = await scripted({ getOrder: [{ json: { order } }] });
  const [found] = await channel.fetchOrders(['111-2222222-3333333'], calm);
  if (found === undefined || 'missing' in found) throw new Error('missing');
  return channel.ordersIn(found.item, () => undefined, { ...how, obtained: 'fetched' });
}

function held(snapshot: OrderSnapshot | undefined): [number, number][] {
  return (snapshot?.lines ?? []).map(({ taken, gone }) => [taken, gone]);
}

describe('what an order holds, by notification', () => {
  test.each([
    ['Pending', item(2), [2, 0], false],
    ['PendingAvailability', item(2), [0, 0], false],
    ['Unshipped', item(2), [2, 0], false],
    ['PartiallyShipped', item(3, 1), [3, 1], false],
    ['Shipped', item(2, 2), [2, 2], false],
    ['Shipped', item(2), [2, 2], false],
    ['InvoiceUnconfirmed', item(2), [2, 2], false],
    ['Canceled', item(2), [0, 0], true],
    ['Canceled', item(0), [0, 0], true],
    ['Canceled', item(0, 1), [1, 1], true],
    ['SomethingNew', item(2), [2, 0], false],
  ] as const)('%s with %j holds %j', async (status, items, wanted, cancelled) => {
    const snapshot = await only(orderChange({ status, items: [...items] }));
    expect(held(snapshot)).toEqual([wanted]);
    expect(snapshot.cancelled).toBe(cancelled);
    expect(snapshot.complete).toBe(true);
    expect((snapshot.warnings ?? []).some((text) => text.includes('unknown status'))).toBe(
      status === 'SomethingNew',
    );
  });

  test.each([
    [{ fulfillment: 'AFN' }, 'fulfilled by Amazon'],
    [{ status: 'Unfulfillable' }, 'status UNFULFILLABLE'],
  ])('orders that Amazon ships itself hold nothing of the merchant’s: %j', async (over, ignored) => {
    expect(await told(orderChange(over))).toMatchObject({ orders: [], fetch: [], ignored, alert: null });
  });

  test('a pending order of Amazon’s own network looks like any other of its network and is ignored', async () => {
    const content = await told(orderChange({ fulfillment: 'AFN', status: 'Pending' }));
    expect(content).toMatchObject({ orders: [], ignored: 'fulfilled by Amazon' });
  });

  test('a buyer’s wish to cancel is no cancellation', async () => {
    const snapshot = await only(orderChange({ status: 'Unshipped', type: 'BuyerRequestedChange' }));
    expect(held(snapshot)).toEqual([[2, 0]]);
  });

  test('a notification about one item is not the whole order: nothing is released by absence', async () => {
    const snapshot = await only(
      orderChange({ level: 'OrderItemLevel', status: 'PartiallyShipped', items: item(2, 2) }),
    );
    expect(snapshot.complete).toBe(false);
    expect(held(snapshot)).toEqual([[2, 2]]);
  });

  test('one item of a cancelled order says nothing about the others: the order is fetched', async () => {
    const content = await told(orderChange({ level: 'OrderItemLevel', status: 'Canceled' }));
    expect(content).toMatchObject({ orders: [], fetch: ['111-2222222-3333333'] });
  });

  test('lines are known by order and order item, and named by their SKU', async () => {
    const snapshot = await only(orderChange({}));
    expect(snapshot).toMatchObject({ orderId: '111-2222222-3333333', number: null, obtained: 'delivered' });
    expect(snapshot.lines).toMatchObject([
      { lineKey: '111-2222222-3333333/70001', listingId: 'MUG-RED', channelSku: 'MUG-RED' },
    ]);
    const { channel } = await scripted({});
    expect(channel.refsIn(channel.fieldsOf(deliveryOf(bytesOf(orderChange({})))))).toEqual(['MUG-RED']);
  });

  test('an order of another seller is not counted, and somebody is told', async () => {
    const content = await told(orderChange({ seller: 'A2OTHER' }));
    expect(content).toMatchObject({ orders: [], fetch: [], alert: expect.stringContaining('A2OTHER') });
  });
});

describe('what an order holds, by the Orders API', () => {
  test.each([
    ['PENDING', [apiItem({})], [[2, 0]]],
    ['PENDING_AVAILABILITY', [apiItem({})], [[0, 0]]],
    ['UNSHIPPED', [apiItem({})], [[2, 0]]],
    ['PARTIALLY_SHIPPED', [apiItem({ ordered: 3, shipped: 1 })], [[3, 1]]],
    ['SHIPPED', [apiItem({ shipped: 2 })], [[2, 2]]],
    ['CANCELLED', [apiItem({})], [[0, 0]]],
    ['CANCELLED', [apiItem({ ordered: 0 })], [[0, 0]]],
    ['CANCELLED', [apiItem({ shipped: 1, open: 0 })], [[1, 1]]],
    [
      'UNSHIPPED',
      [apiItem({}), apiItem({ id: '70002', open: 0, cancelledBy: 'BUYER' })],
      [
        [2, 0],
        [0, 0],
      ],
    ],
    ['UNSHIPPED', [apiItem({ ordered: 1, cancelledBy: 'MERCHANT' })], [[1, 0]]],
    ['PARTIALLY_SHIPPED', [apiItem({ ordered: 3, shipped: 1, open: 0, cancelledBy: 'MERCHANT' })], [[1, 1]]],
  ] as const)('%s with %j holds %j', async (status, items, wanted) => {
    const content = await fetched(apiOrder({ status, items: [...items] }));
    expect(held(content.orders[0])).toEqual(wanted);
    expect(content.orders[0]).toMatchObject({
      complete: true,
      obtained: 'fetched',
      cancelled: status === 'CANCELLED',
    });
  });

  test.each([
    [{ cancelledBy: 'MERCHANT', cancelReason: 'NoInventory' }, 2],
    [{ cancelledBy: 'MERCHANT', cancelReason: 'Out of stock' }, 2],
    [{ cancelledBy: 'MERCHANT' }, 2],
    [{ cancelledBy: 'MERCHANT', shipped: 1 }, 1],
    [{ cancelledBy: 'MERCHANT', cancelAsked: true }, undefined],
    [{ cancelledBy: 'MERCHANT', cancelReason: 'Buyer requested cancellation' }, undefined],
    [{ cancelledBy: 'BUYER' }, undefined],
    [{ cancelledBy: 'AMAZON' }, undefined],
  ] as const)('a cancelled item with %j doubts %s units', async (over, doubted) => {
    const { orders } = await fetched(apiOrder({ status: 'CANCELLED', items: [apiItem(over)] }));
    expect(orders[0]?.lines[0]?.doubted).toBe(doubted);
    expect(orders[0]?.warnings).toBeUndefined();
  });

  test('units that the seller did not have and Amazon does not number ask for a count', async () => {
    const item = apiItem({ ordered: 0, cancelledBy: 'MERCHANT', cancelReason: 'NoInventory' });
    const { orders } = await fetched(apiOrder({ status: 'CANCELLED', items: [item] }));
    expect(orders[0]?.warnings?.[0]).toMatch(/invsync stock count MUG-RED N/);
  });

  test('a notification of a cancelled order has the order fetched, which tells who cancelled it', async () => {
    const content = await told(orderChange({ status: 'Canceled', items: item(2) }));
    expect(content.fetch).toEqual(['111-2222222-3333333']);
  });

  test('both spellings of cancelled are one', async () => {
    const notified = await only(orderChange({ status: 'Canceled' }));
    const [read] = (await fetched(apiOrder({ status: 'CANCELLED' }))).orders;
    expect([notified.status, notified.cancelled]).toEqual([read?.status, read?.cancelled]);
  });

  test('numbers that do not add up hold more rather than less, with a warning', async () => {
    const content = await fetched(apiOrder({ items: [apiItem({ ordered: 5, shipped: 1, open: 2 })] }));
    expect(held(content.orders[0])).toEqual([[5, 1]]);
    expect(content.orders[0]?.warnings?.[0]).toContain('5 ordered');
  });

  test('an order that Amazon fulfils is ignored also when it is asked for by id', async () => {
    expect(await fetched(apiOrder({ by: 'AMAZON' }))).toMatchObject({
      orders: [],
      ignored: 'fulfilled by Amazon',
    });
  });
});

describe('clocks', () => {
  test('a notification and a fetch are of different clocks, and an EventTime is a third', async () => {
    const first = await only(orderChange({ at: '2026-11-23T09:00:00.000Z' }));
    const second = await only(orderChange({ at: null, eventTime: '2026-11-23T09:00:05.000Z' }));
    const [third] = (await fetched(apiOrder({}))).orders;
    expect(new Set([first.clock, second.clock, third?.clock]).size).toBe(3);
    expect(second.version).toBe(Date.parse('2026-11-23T09:00:05.000Z'));
    expect(third?.version).toBe(Date.parse('2026-11-23T09:00:00Z'));
  });

  test('a cancellation that was fetched wins over a notification whose event time is later', async () => {
    const stored = await only(orderChange({ at: null, eventTime: '2026-11-23T09:00:05.000Z' }));
    const [read] = (await fetched(apiOrder({ status: 'CANCELLED', updated: '2026-11-23T09:00:02Z' }))).orders;
    if (read === undefined) throw new Error('nothing read');
    const head = { ...stored, digest: digestOf(stored) };
    expect(verdictOn(head, { ...read, askedAt: 100, answeredAt: 101 }, digestOf(read))).toBe('apply');
    expect(verdictOn(head, { ...read, obtained: 'listed', askedAt: 100 }, digestOf(read))).toBe('fetch');
  });

  test('pending, unshipped and shipped in any order and any number of copies end as shipped', async () => {
    const states = await Promise.all([
      only(orderChange({ id: '1', status: 'Pending', at: '2026-11-23T09:00:00.000Z' })),
      only(orderChange({ id: '2', status: 'Unshipped', at: '2026-11-23T09:05:00.000Z' })),
      only(orderChange({ id: '3', status: 'Shipped', at: '2026-11-23T10:00:00.000Z', items: item(2, 2) })),
    ]);
    for (const order of permutations([...states, ...states])) {
      let stored: OrderSnapshot | null = null;
      for (const next of order) {
        const head: Parameters<typeof verdictOn>[0] =
          stored === null ? null : { ...stored, digest: digestOf(stored) };
        const verdict = verdictOn(head, next, digestOf(next));
        expect(verdict).not.toBe('fetch');
        if (verdict === 'apply') stored = next;
      }
      expect(held(stored ?? undefined)).toEqual([[2, 2]]);
    }
  });
});

function permutations<T>(things: T[]): T[][] {
  if (things.length <= 1) return [things];
  return things.flatMap((thing, at) =>
    permutations([...things.slice(0, at), ...things.slice(at + 1)]).map((rest) => [thing, ...rest]),
  );
}
