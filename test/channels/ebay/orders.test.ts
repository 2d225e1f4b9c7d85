import { describe, expect, test } from 'vitest';
import { type Json, UnreadableDelivery } from '../../../src/channels/channel.ts';
import { all, calm, factsIn, listed, noon, said } from '../../kit/stage.ts';
import { type Account, account, answers } from './catalogue.ts';
import { type Call, type Reply, stage } from './scripted-ebay.ts';

const orderPath = '/sell/fulfillment/v1/order';
const at = (ms: number) => new Date(noon + ms).toISOString();

/** An order as eBay shows it, with a buyer that nobody may keep. */
function order(id: string, change: Record<string, unknown> = {}, lines: Record<string, unknown>[] = [{}]) {
  return {
    orderId: id,
    creationDate: at(-3_600_000),
    lastModifiedDate: at(-3_000_000),
    orderPaymentStatus: 'PAID',
    orderFulfillmentStatus: 'NOT_STARTED',
    sellerId: 'myshop',
    buyer: { username: 'canary', buyerRegistrationAddress: { email: 'canary@example.com' } },
    cancelStatus: { cancelState: 'NONE_REQUESTED', cancelRequests: [] },
    lineItems: lines.map((own, index) => ({
      lineItemId: `100${id.replace(/\D/g, '')}${index}`,
      legacyItemId: '110000000001',
      sku: 'MUG',
      quantity: 2,
      lineItemFulfillmentStatus: 'NOT_STARTED',
      ...own,
    })),
    ...change,
  };
}

/** Orders in pages as the platform hands them out; `sort` as it likes. */
function orderList(orders: () => ReturnType<typeof order>[]) {
  return (call: Call): Reply | undefined => {
    if (call.path.startsWith(`${orderPath}/`)) {
      const found = orders().find(
        (each) => each.orderId === decodeURIComponent(call.path.split('/').at(-1) ?? ''),
      );
      return found === undefined ? { status: 404, json: { errors: [{ errorId: 32100 }] } } : { json: found };
    }
    if (call.path !== orderPath) return undefined;
    const ids = call.query.get('orderIds')?.split(',');
    const offset = Number(call.query.get('offset') ?? 0);
    const limit = Number(call.query.get('limit'));
    const found = ids === undefined ? orders() : orders().filter((each) => ids.includes(each.orderId));
    const more = offset + limit < found.length;
    return {
      json: {
        total: found.length,
        limit,
        offset,
        orders: found.slice(offset, offset + limit),
        ...(more ? { next: 'x' } : {}),
      },
    };
  };
}

async function snapshot(change: Record<string, unknown>, lines?: Record<string, unknown>[]) {
  const { channel } = await stage(orderList(() => [order('12-34567-89012', change, lines)]));
  const [fetched] = await channel.fetchOrders(['12-34567-89012'], calm);
  if (fetched === undefined || 'missing' in fetched) throw new Error('missing');
  const how = { obtained: 'fetched', askedAt: noon, answeredAt: noon, attempt: 0 } as const;
  const [one] = channel.ordersIn(fetched.item, () => undefined, how).orders;
  if (one === undefined) throw new Error('no snapshot');
  return one;
}

describe('the state of an order', () => {
  const open = 'NOT_STARTED';
  const done = 'FULFILLED';
  test.each([
    ['paid and waiting', 'PAID', open, 'NONE_REQUESTED', [2, 0], false],
    ['not paid yet', 'PENDING', open, 'NONE_REQUESTED', [2, 0], false],
    ['whose payment failed', 'FAILED', open, 'NONE_REQUESTED', [2, 0], false],
    ['shipped', 'PAID', done, 'NONE_REQUESTED', [2, 2], false],
    ['whose cancellation is under way', 'PAID', open, 'IN_PROGRESS', [2, 0], false],
    ['cancelled', 'FULLY_REFUNDED', open, 'CANCELED', [0, 0], true],
    ['cancelled after it was shipped', 'FULLY_REFUNDED', done, 'CANCELED', [2, 2], true],
    ['refunded in part', 'PARTIALLY_REFUNDED', open, 'NONE_REQUESTED', [2, 0], false],
    ['refunded in full but not cancelled', 'FULLY_REFUNDED', open, 'NONE_REQUESTED', [2, 0], false],
  ])('%s', async (name, payment, fulfilment, cancelState, [taken, gone], cancelled) => {
    const one = await snapshot(
      { orderPaymentStatus: payment, cancelStatus: { cancelState, cancelRequests: [] } },
      [{ lineItemFulfillmentStatus: fulfilment }],
    );
    expect(one).toMatchObject({
      cancelled,
      complete: true,
      version: noon - 3_000_000,
      placedAt: noon - 3_600_000,
    });
    expect(one.lines).toMatchObject([
      { taken, gone, lineKey: '10012345678901' + '20', listingId: '110000000001/MUG' },
    ]);
    expect(one.warnings !== undefined).toBe(name === 'refunded in full but not cancelled');
  });

  test.each([
    ['OUT_OF_STOCK_OR_CANNOT_FULFILL', 'NOT_STARTED', 2],
    ['OUT_OF_STOCK_OR_CANNOT_FULFILL', 'FULFILLED', undefined],
    ['BUYER_ASKED_CANCEL', 'NOT_STARTED', undefined],
    ['ADDRESS_ISSUES', 'NOT_STARTED', undefined],
  ])('cancelled for %s and %s doubts %s units', async (cancelReason, fulfilment, doubted) => {
    const one = await snapshot(
      { cancelStatus: { cancelState: 'CANCELED', cancelRequests: [{ cancelReason }] } },
      [{ lineItemFulfillmentStatus: fulfilment }],
    );
    expect(one.lines[0]?.doubted).toBe(doubted);
  });

  test('cancelled, from a list, is asked for by itself, because lists never tell the reason', async () => {
    const cancelled = order(
      '12-34567-89012',
      { cancelStatus: { cancelState: 'CANCELED', cancelRequests: [] } },
      [{}],
    );
    const { channel } = await stage(orderList(() => [cancelled]));
    const items: Json[] = [];
    for await (const page of channel.ordersSince(noon - 86_400_000, calm)) items.push(...page.items);
    const how = { obtained: 'listed', askedAt: noon, answeredAt: noon, attempt: 0 } as const;
    const [content] = items.map((item) => channel.ordersIn(item, () => undefined, how));
    expect(content).toMatchObject({ orders: [], fetch: ['12-34567-89012'] });
  });

  test('of several lines is told per line, and the order’s word counts where a line has none', async () => {
    const one = await snapshot({ orderFulfillmentStatus: 'IN_PROGRESS' }, [
      { lineItemFulfillmentStatus: 'FULFILLED' },
      { lineItemFulfillmentStatus: 'NOT_STARTED', quantity: 5 },
      { lineItemFulfillmentStatus: 'IN_PROGRESS' },
    ]);
    expect(one.lines.map(({ taken, gone }) => [taken, gone])).toEqual([
      [2, 2],
      [5, 0],
      [2, 0],
    ]);
    const whole = await snapshot({ orderFulfillmentStatus: 'FULFILLED' }, [
      { lineItemFulfillmentStatus: undefined },
    ]);
    expect(whole.lines[0]?.gone).toBe(2);
  });

  test('partly shipped and cancelled lets go of what was not shipped', async () => {
    const one = await snapshot({ cancelStatus: { cancelState: 'CANCELED' } }, [
      { lineItemFulfillmentStatus: 'FULFILLED' },
      { lineItemFulfillmentStatus: 'NOT_STARTED' },
    ]);
    expect(one.lines.map(({ taken, gone }) => [taken, gone])).toEqual([
      [2, 2],
      [0, 0],
    ]);
  });

  test('keeps its lines’ keys when a combined invoice puts them into another order', async () => {
    const line = { lineItemId: '10012345678901' };
    const before = await snapshot({}, [line]);
    const { channel } = await stage(
      orderList(() => [order('99-00000-00001', {}, [line, { lineItemId: '7' }])]),
    );
    const [pages] = await all(channel.ordersSince(noon - 86_400_000, calm));
    const [after] = said(channel, pages?.items[0] ?? null).orders;
    expect(after?.orderId).toBe('99-00000-00001');
    expect(after?.lines.map(({ lineKey }) => lineKey)).toEqual([before.lines[0]?.lineKey, '7']);
  });

  test('keeps nothing of the buyer', async () => {
    const { channel } = await stage(orderList(() => [order('12-34567-89012')]));
    const pages = await all(channel.ordersSince(0, calm));
    expect(JSON.stringify(pages)).not.toContain('canary');
  });
});

describe('a line leads to its listing', () => {
  const state: Account = account({
    skus: [{ sku: 'MUG', quantity: 5, itemId: '110000000001' }],
    made: [
      { itemId: '220000000001', available: 5 },
      { itemId: '220000000002', sku: 'MUG', available: 5 },
      {
        itemId: '220000000003',
        variations: [
          { sku: 'S-R', color: 'Red', available: 5 },
          { color: 'Blue', available: 5 },
        ],
      },
    ],
  });
  test.each([
    ['of the Inventory API', { legacyItemId: '110000000001', sku: 'MUG' }, 'MUG'],
    ['of the Inventory API that was published anew', { legacyItemId: '110000000099', sku: 'MUG' }, 'MUG'],
    ['without a SKU', { legacyItemId: '220000000001', sku: undefined }, '220000000001'],
    ['whose SKU another listing has too', { legacyItemId: '220000000002', sku: 'MUG' }, '220000000002'],
    [
      'by the SKU of a variation',
      { legacyItemId: '220000000003', sku: 'S-R', legacyVariationId: '4' },
      '220000000003/S-R',
    ],
    [
      'by the aspects of a variation without SKU',
      {
        legacyItemId: '220000000003',
        sku: undefined,
        legacyVariationId: '5',
        variationAspects: [{ name: 'Color', value: 'Blue' }],
      },
      '220000000003#Color=Blue',
    ],
  ])('%s', async (_, own, listingId) => {
    const list = orderList(() => [order('12-34567-89012', {}, [own])]);
    const catalogue = answers(state);
    const { channel } = await stage((call) => list(call) ?? catalogue(call));
    const facts = factsIn(await listed(channel));
    const [fetched] = await channel.fetchOrders(['12-34567-89012'], calm);
    if (fetched === undefined || 'missing' in fetched) throw new Error('missing');
    const [one] = said(channel, fetched.item, facts).orders;
    const ref = one?.lines[0]?.listingId ?? '';
    expect(facts(ref)?.listingId).toBe(listingId);
    expect(channel.refsIn(fetched.item)).toContain(ref);
    // A sale of a listing that is not known yet keeps a name under which a later import finds it.
    const [unmapped] = said(channel, fetched.item).orders;
    const later = facts(unmapped?.lines[0]?.listingId ?? '')?.listingId;
    if (own.legacyItemId !== '110000000099') expect(later).toBe(listingId);
  });
});

describe('orders by time', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      order(`12-34567-${String(n).padStart(5, '0')}`, {
        lastModifiedDate: at(-1_000 * ((n * 7) % count) - 60_000),
      }),
    );

  test('are asked for with an open end and an encoded filter, counted by orders, and handed out oldest change first', async () => {
    const orders = many(450);
    const { channel, asked } = await stage(orderList(() => orders));
    const pages = await all(channel.ordersSince(noon - 3_600_000, calm));
    expect(pages.map(({ items, end }) => [items.length, end])).toEqual([
      [200, null],
      [200, null],
      [50, { channelClock: noon }],
    ]);
    const times = pages.flatMap(({ items }) =>
      items.map((item) => said(channel, item).orders[0]?.changedAt ?? 0),
    );
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(new Set(times).size).toBe(450);
    expect(asked(orderPath).map(({ query }) => query.get('offset'))).toEqual(['0', '200', '400']);
    expect(asked(orderPath)[0]?.query.get('filter')).toBe('lastmodifieddate:[2026-11-23T11:00:00.000Z..]');
    for (const { query } of asked(orderPath)) expect(query.get('filter')).not.toMatch(/creationdate/);
  });

  test('that a moving list skipped are found by a second pass', async () => {
    const orders = many(250);
    let calls = 0;
    const { channel, asked } = await stage((call) => {
      const reply = orderList(() => orders)(call);
      calls += call.path === orderPath ? 1 : 0;
      // The first order changes while we walk and goes to the end: one row slips over the page's edge.
      if (calls === 1) orders.push(...orders.splice(0, 1));
      return reply;
    });
    const pages = await all(channel.ordersSince(noon - 3_600_000, calm));
    expect(pages.flatMap(({ items }) => items).length).toBe(250);
    expect(asked(orderPath).length).toBe(4);
  });

  test('since the beginning or the future ask for nothing that eBay refuses', async () => {
    const { channel, asked } = await stage(orderList(() => many(1)));
    expect((await all(channel.ordersCreatedSince(0, calm)))[0]?.items.length).toBe(1);
    expect(await all(channel.ordersSince(noon + 7_200_000, calm))).toMatchObject([
      { items: [], end: { channelClock: noon } },
    ]);
    const [oldest, future] = asked(orderPath).map(
      ({ query }) => /\[(.*)\.\.\]/.exec(query.get('filter') ?? '')?.[1] ?? '',
    );
    expect(Date.parse(oldest ?? '')).toBeGreaterThan(noon - 730 * 86_400_000);
    expect(Date.parse(future ?? '')).toBeLessThan(noon);
  });

  test('that cannot be read are told apart and hurt no neighbour', async () => {
    const broken = { ...order('12-34567-00001'), lineItems: 'none' };
    const { channel } = await stage(orderList(() => [order('12-34567-00002'), broken as never]));
    const items = (await all(channel.ordersSince(0, calm))).flatMap((page) => page.items);
    expect(items.length).toBe(2);
    const results = items.map((item) => {
      try {
        return said(channel, item).orders.length;
      } catch (error) {
        return error instanceof UnreadableDelivery ? 'unreadable' : 'other';
      }
    });
    expect(results.sort()).toEqual([1, 'unreadable']);
  });
});

describe('orders by id', () => {
  test('come in the order asked, 50 a call, and only those that a second look misses are missing', async () => {
    const orders = Array.from({ length: 60 }, (_, n) => order(`12-34567-${String(n).padStart(5, '0')}`));
    const { channel, asked } = await stage(orderList(() => orders));
    const ids = [...orders.map(({ orderId }) => orderId), '99-99999-99999', '12-34567-00003'];
    const found = await channel.fetchOrders(ids, calm);
    expect(found.map(({ orderId }) => orderId)).toEqual(ids);
    expect(found.filter((each) => 'missing' in each)).toEqual([{ orderId: '99-99999-99999', missing: true }]);
    expect(asked(orderPath).map(({ query }) => query.get('orderIds')?.split(',').length)).toEqual([50, 11]);
    expect(await channel.fetchOrders([], calm)).toEqual([]);
  });

  test('are asked for one by one when one of them spoils the call', async () => {
    const list = orderList(() => [order('12-34567-89012')]);
    const { channel } = await stage((call) =>
      call.query.has('orderIds') ? { status: 400, json: { errors: [{ errorId: 30810 }] } } : list(call),
    );
    const found = await channel.fetchOrders(['12-34567-89012', 'nonsense'], calm);
    expect(found.map((each) => 'missing' in each)).toEqual([false, true]);
  });
});
