import { describe, expect, test } from 'vitest';
import { capabilities } from '../../../src/channels/amazon/capabilities.ts';
import { UnreadableDelivery } from '../../../src/channels/channel.ts';
import { all, calm } from '../../kit/stage.ts';
import {
  apiOrder,
  france,
  germany,
  type Received,
  type Reply,
  refusal,
  scripted,
  testStart,
} from './scripted-amazon.ts';

const at = (minutes: number) => new Date(testStart + minutes * 60_000).toISOString();
const dated = { headers: { date: new Date(testStart).toUTCString() } };

/** So many orders, a hundred a page; the token is the next row. */
function book(count: number) {
  const orders = Array.from({ length: count }, (_, index) =>
    apiOrder({
      orderId: `111-2222222-${String(3_000_000 + index)}`,
      updated: at(-count + index - 10),
      created: at(-count + index - 20),
    }),
  );
  return (received: Received): Reply => {
    const from = Number(received.query.get('paginationToken') ?? 0);
    const next = from + 100 < count ? { pagination: { nextToken: String(from + 100) } } : {};
    return { ...dated, json: { orders: orders.slice(from, from + 100), lastUpdatedBefore: at(-2), ...next } };
  };
}

describe('orders since a time', () => {
  test('are asked for by change, of all marketplaces, merchant-fulfilled, in every status, without the buyer', async () => {
    const { channel, of } = await scripted(
      { searchOrders: book(0) },
      { config: { marketplaces: [germany, france] } },
    );
    await all(channel.ordersSince(testStart - 3_600_000, calm));
    expect(Object.fromEntries(of('searchOrders')[0]?.query ?? [])).toEqual({
      lastUpdatedAfter: at(-60),
      marketplaceIds: `${germany},${france}`,
      fulfilledBy: 'MERCHANT',
      includedData: 'FULFILLMENT,CANCELLATION',
      maxResultsPerPage: '100',
    });
  });

  test('come page by page, every later page with the same question, and the end on the last', async () => {
    const { channel, of } = await scripted({ searchOrders: book(230) });
    const pages = await all(channel.ordersSince(0, calm));
    expect(pages.map((page) => page.items.length)).toEqual([100, 100, 30]);
    expect(pages.map((page) => page.end !== null)).toEqual([false, false, true]);
    const asked = of('searchOrders').map(({ query }) => {
      const { paginationToken, ...rest } = Object.fromEntries(query);
      return [paginationToken, JSON.stringify(rest)];
    });
    expect(asked.map(([token]) => token)).toEqual([undefined, '100', '200']);
    expect(new Set(asked.map(([, rest]) => rest)).size).toBe(1);
  });

  test('come oldest change first within a page, in whatever order Amazon tells them', async () => {
    const orders = [-20, -40, -30].map((minutes) =>
      apiOrder({ orderId: `111-2222222-30000${-minutes}`, updated: at(minutes) }),
    );
    const { channel } = await scripted({ searchOrders: [{ ...dated, json: { orders } }] });
    const items = (await all(channel.ordersSince(0, calm))).flatMap((page) => page.items);
    const how = { obtained: 'listed', askedAt: 1, answeredAt: 2, attempt: 0 } as const;
    const ids = items.flatMap((item) => channel.ordersIn(item, () => undefined, how).orders);
    expect(ids.map(({ orderId }) => orderId.slice(-2))).toEqual(['40', '30', '20']);
  });

  test('never move the watermark past what the answer says it reaches to', async () => {
    const late = await scripted({
      searchOrders: [{ ...dated, json: { orders: [], lastUpdatedBefore: at(-45) } }],
    });
    const [page] = await all(late.channel.ordersSince(0, calm));
    expect((page?.end?.channelClock ?? 0) - capabilities.indexLagMs).toBe(Date.parse(at(-45)));
    const usual = await scripted({ searchOrders: book(0) });
    const [other] = await all(usual.channel.ordersSince(0, calm));
    expect(other?.end?.channelClock).toBe(testStart);
    expect((other?.end?.channelClock ?? 0) - capabilities.indexLagMs).toBeLessThanOrEqual(Date.parse(at(-2)));
  });

  test('never ask for the last two minutes, which Amazon refuses', async () => {
    const { channel, of } = await scripted({ searchOrders: book(3) });
    const pages = await all(channel.ordersSince(testStart + 3_600_000, calm));
    const asked = Date.parse(of('searchOrders')[0]?.query.get('lastUpdatedAfter') ?? '');
    expect(asked).toBeLessThanOrEqual(testStart - 120_000);
    expect(pages.flatMap((page) => page.items)).toEqual([]);
    expect(pages.at(-1)?.end).not.toBeNull();
  });

  test('walk on at the rate of Amazon when the saved-up calls are used: pages are waited for, not begun again', async () => {
    const { channel, clock, of } = await scripted({ searchOrders: book(2_300) });
    const pages = await all(channel.ordersSince(0, calm));
    expect(pages.flatMap((page) => page.items).length).toBe(2_300);
    expect(of('searchOrders').length).toBe(23);
    expect(clock.slept.length).toBe(3);
    for (const ms of clock.slept) expect(ms).toBeGreaterThan(170_000);
  });

  test('an hourly pull of a few pages is never throttled', async () => {
    const { channel, clock } = await scripted({ searchOrders: book(300) });
    for (let hour = 0; hour < 24; hour += 1) {
      await all(channel.ordersSince(0, calm));
      clock.pass(3_600_000);
    }
    expect(clock.slept).toEqual([]);
  });

  test('that cannot be read do not hide their neighbours and end where people see them', async () => {
    const good = apiOrder({ updated: at(-30) });
    const { fulfillment: _, ...withheld } = apiOrder({ orderId: '111-2222222-4444444', updated: at(-29) });
    const { channel } = await scripted({ searchOrders: [{ ...dated, json: { orders: [withheld, good] } }] });
    const items = (await all(channel.ordersSince(0, calm))).flatMap((page) => page.items);
    expect(items.length).toBe(2);
    const how = { obtained: 'listed', askedAt: 1, answeredAt: 2, attempt: 0 } as const;
    const read = items.map((item) => {
      try {
        return channel.ordersIn(item, () => undefined, how).orders.length;
      } catch (error) {
        return error;
      }
    });
    expect(read).toContain(1);
    expect(read.some((each) => each instanceof UnreadableDelivery && each.message.includes('4444444'))).toBe(
      true,
    );
  });

  test('a token that repeats ends the walk with an error instead of never', async () => {
    const { channel } = await scripted({
      searchOrders: [{ json: { orders: [], pagination: { nextToken: 'again' } } }],
    });
    await expect(all(channel.ordersSince(0, calm))).rejects.toMatchObject({ kind: 'retry' });
  });
});

describe('other lists of orders', () => {
  test('by creation, for the daily sweep', async () => {
    const { channel, of } = await scripted({ searchOrders: book(5) });
    const pages = await all(channel.ordersCreatedSince(testStart - 7 * 86_400_000, calm));
    expect(pages.flatMap((page) => page.items).length).toBe(5);
    expect(of('searchOrders')[0]?.query.get('createdAfter')).toBe(
      new Date(testStart - 7 * 86_400_000).toISOString(),
    );
    expect(of('searchOrders')[0]?.query.has('lastUpdatedAfter')).toBe(false);
  });

  test('open ones are those that hold stock and did not leave', async () => {
    const { channel, of } = await scripted({ searchOrders: book(5) });
    if (channel.openOrders === undefined) throw new Error('no openOrders');
    await all(channel.openOrders(calm));
    expect(of('searchOrders')[0]?.query.get('fulfillmentStatuses')).toBe(
      'PENDING,UNSHIPPED,PARTIALLY_SHIPPED',
    );
  });
});

describe('orders by id', () => {
  test('come in the order asked; unknown ones and what is no id of Amazon are missing', async () => {
    const { channel, of } = await scripted({
      getOrder: ({ path }) =>
        path.endsWith('3333333')
          ? { json: { order: apiOrder({}) } }
          : { status: 404, json: refusal('NotFound', 'no such order') },
    });
    const ids = ['111-2222222-9999999', '111-2222222-3333333', '../../x', '111-2222222-3333333'];
    const found = await channel.fetchOrders(ids, calm);
    expect(found.map((each) => ('missing' in each ? 'missing' : each.orderId))).toEqual([
      'missing',
      '111-2222222-3333333',
      'missing',
      '111-2222222-3333333',
    ]);
    // An id that is wanted twice is read once.
    expect(of('getOrder').length).toBe(2);
    expect(of('getOrder')[0]?.query.get('includedData')).toBe('FULFILLMENT,CANCELLATION');
    expect(await channel.fetchOrders([], calm)).toEqual([]);
  });

  test('beyond the thirty that are saved up wait for Amazon’s rate', async () => {
    const { channel, clock } = await scripted({ getOrder: [{ json: { order: apiOrder({}) } }] });
    await channel.fetchOrders(
      Array.from({ length: 33 }, (_, at) => `111-2222222-33333${10 + at}`),
      calm,
    );
    expect(clock.slept).toEqual([2_000, 2_000, 2_000]);
  });
});
