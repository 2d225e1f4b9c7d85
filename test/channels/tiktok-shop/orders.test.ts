import { describe, expect, test } from 'vitest';
import type { OrderPage } from '../../../src/channels/channel.ts';
import { all, calm, noon, said } from '../../kit/stage.ts';
import { type Call, type Reply, stage } from './scripted-tiktok.ts';

const searchPath = '/order/202309/orders/search';
const cancelPath = '/return_refund/202309/cancellations/search';
const detailPath = '/order/202507/orders';
const hour = 3_600_000;

interface Row {
  id: string;
  create_time: number;
  update_time: number;
}

const row = (n: number, ago: number): Row => ({
  id: String(576486316948490000n + BigInt(n)),
  create_time: Math.floor((noon - ago) / 1000),
  update_time: Math.floor((noon - ago) / 1000),
});
const whole = (each: Row) => ({
  ...each,
  status: 'AWAITING_SHIPMENT',
  line_items: [{ id: '1', sku_id: '17', display_status: 'AWAITING_SHIPMENT' }],
});

/** A search by the documented filters, with a token that counts rows. */
function search(rows: Row[], { body, query }: Call): Reply {
  const field = 'create_time_ge' in body ? 'create_time' : 'update_time';
  const from = Number(body[`${field}_ge`]);
  const to = Number(body[`${field}_lt`] ?? Number.MAX_SAFE_INTEGER);
  const found = rows
    .filter((each) => each[field] >= from && each[field] < to)
    .sort((a, b) => a[field] - b[field]);
  const at = Number(query['page_token'] ?? 0);
  const size = Number(query['page_size']);
  const orders = found.slice(at, at + size).map(whole);
  const next = at + size < found.length ? String(at + size) : '';
  return { data: { orders, total_count: found.length, next_page_token: next } };
}

function ids(pages: OrderPage[]): string[] {
  return pages.flatMap((page) => page.items.map((item) => String((item as { orderId: string }).orderId)));
}

describe('orders by time of change', () => {
  test('are asked for in windows of a day with a half-open end, oldest change first, and one end', async () => {
    const rows = Array.from({ length: 230 }, (_, n) => row(n, (230 - n) * 1_000_000));
    const { channel, asked } = await stage((call) =>
      call.path === searchPath ? search(rows, call) : undefined,
    );
    const pages = await all(channel.ordersSince(noon - 70 * hour, calm));
    expect(ids(pages)).toEqual(rows.map(({ id }) => id));
    expect(pages.map((page) => page.end !== null)).toEqual([...pages.slice(1).map(() => false), true]);
    expect(pages.at(-1)?.end?.channelClock).toBe(noon);
    const bodies = asked(searchPath).map(({ body }) => body);
    expect(bodies[0]).toEqual({
      update_time_ge: (noon - 70 * hour) / 1000,
      update_time_lt: (noon - 46 * hour) / 1000,
    });
    expect(bodies.at(-1)).toEqual({ update_time_ge: (noon - 22 * hour) / 1000 });
    expect(asked(searchPath)[0]?.query).toMatchObject({
      page_size: '100',
      sort_field: 'update_time',
      sort_order: 'ASC',
    });
  });

  test('reach back 20 hours once an hour, and otherwise only as far as asked', async () => {
    const { channel, asked, pass } = await stage((call) =>
      call.path === searchPath ? search([], call) : undefined,
    );
    const begin = () => (noon - Number(asked(searchPath).at(-1)?.body['update_time_ge']) * 1000) / 60_000;
    await all(channel.ordersSince(noon - 5 * 60_000, calm));
    expect(begin()).toBe(1200);
    await all(channel.ordersSince(noon - 5 * 60_000, calm));
    expect(begin()).toBe(5);
    pass(hour);
    await all(channel.ordersSince(noon, calm));
    expect(begin()).toBe(1140);
  });

  test('are read again when one that changes meanwhile pushes another off its page', async () => {
    const rows = Array.from({ length: 150 }, (_, n) => row(n, (200 - n) * 1000));
    let searches = 0;
    const { channel } = await stage((call) => {
      if (call.path !== searchPath) return undefined;
      const reply = search(rows, call);
      searches += 1;
      const [moved] = rows;
      if (searches === 1 && moved !== undefined) moved.update_time = noon / 1000;
      return reply;
    });
    const found = ids(await all(channel.ordersSince(noon - hour, calm)));
    expect(new Set(found).size).toBe(150);
    expect(found.at(-1)).toBe(row(0, 0).id);
  });

  test('from the future bring nothing and the end of a walk; from the beginning of time end too', async () => {
    const { channel } = await stage((call) =>
      call.path === searchPath ? search([row(1, 5_000)], call) : undefined,
    );
    const none = await all(channel.ordersSince(noon + hour, calm));
    expect(none).toMatchObject([{ items: [], end: { channelClock: noon } }]);
    expect(ids(await all(channel.ordersSince(0, calm)))).toEqual([row(1, 0).id]);
  });

  test('of which a part was cancelled are fetched, because their time of change may stand still', async () => {
    const old = row(7, 90 * hour);
    const { channel, asked } = await stage((call) => {
      if (call.path === searchPath) return search([row(1, 5_000)], call);
      if (call.path === detailPath) return { data: { orders: [whole(old)] } };
      if (call.path !== cancelPath) return undefined;
      const rows = [
        { order_id: old.id, cancel_status: 'CANCELLATION_REQUEST_SUCCESS' },
        { order_id: row(1, 0).id },
        5,
      ];
      return { data: { total_count: 3, next_page_token: '', cancellations: rows } };
    });
    expect(ids(await all(channel.ordersSince(noon - hour, calm)))).toEqual([old.id, row(1, 0).id]);
    expect(asked(detailPath).map(({ query }) => query['ids'])).toEqual([old.id]);
  });

  test('go on without the scope for cancellations', async () => {
    const { channel } = await stage((call) => {
      if (call.path === searchPath) return search([row(1, 5_000)], call);
      return call.path === cancelPath ? { code: 105005, message: 'no scope' } : undefined;
    });
    expect(ids(await all(channel.ordersSince(noon - hour, calm)))).toEqual([row(1, 0).id]);
  });

  test('hand a row of wrong types on as unreadable, by its id to the last digit', async () => {
    const good = JSON.stringify(whole(row(2, 5_000)));
    const text = `{"code":0,"data":{"orders":[{"id":576486316948490001,"status":5},${good}],"total_count":2}}`;
    const { channel } = await stage((call) => (call.path === searchPath ? { text } : undefined));
    const [page] = await all(channel.ordersSince(noon - hour, calm));
    expect(ids(page === undefined ? [] : [page])).toEqual(['576486316948490001', row(2, 0).id]);
    expect(() => said(channel, page?.items[0] ?? null)).toThrow(/cannot be read/);
  });
});

describe('orders by time of creation', () => {
  test('use the filter and the sorting of creation', async () => {
    const { channel, asked } = await stage((call) =>
      call.path === searchPath ? search([row(1, 5 * hour), row(2, 50 * hour)], call) : undefined,
    );
    expect(ids(await all(channel.ordersCreatedSince(noon - 10 * hour, calm)))).toEqual([row(1, 0).id]);
    expect(asked(searchPath)[0]).toMatchObject({
      body: { create_time_ge: (noon - 10 * hour) / 1000 },
      query: { sort_field: 'create_time' },
    });
    expect(asked(cancelPath)).toEqual([]);
  });

  test('are asked for in windows shorter than a week, each beginning where the one before ends', async () => {
    const { channel, asked } = await stage((call) =>
      call.path === searchPath ? search([row(1, 5 * hour)], call) : undefined,
    );
    expect(ids(await all(channel.ordersCreatedSince(0, calm)))).toEqual([row(1, 0).id]);
    const bodies = asked(searchPath).map(({ body }) => body);
    // Half a year back, which is as far as is read.
    expect(bodies.length).toBe(30);
    for (const [at, body] of bodies.entries()) {
      const next = bodies[at + 1];
      expect(body['create_time_lt']).toBe(next?.['create_time_ge']);
      if (next === undefined) continue;
      expect(Number(body['create_time_lt']) - Number(body['create_time_ge'])).toBe(6 * 86_400);
    }
  });
});

describe('orders by id', () => {
  const script = (known: Row[]) => (call: Call) => {
    if (call.path !== detailPath) return undefined;
    const wanted = (call.query['ids'] ?? '').split(',');
    if (wanted.length > 50) return { code: 36009004, message: 'too many ids' };
    return {
      data: {
        orders: known
          .filter(({ id }) => wanted.includes(id))
          .map(whole)
          .reverse(),
      },
    };
  };

  test('are asked for by 50, signed as they are joined, in the order asked; those left out are asked for alone', async () => {
    const known = Array.from({ length: 60 }, (_, n) => row(n, 5_000));
    const { channel, asked } = await stage(script(known));
    const wanted = [...known.map(({ id }) => id), '999', known[3]?.id ?? ''];
    const found = await channel.fetchOrders(wanted, calm);
    expect(found.map(({ orderId }) => orderId)).toEqual(wanted);
    expect(found.filter((each) => 'missing' in each)).toEqual([{ orderId: '999', missing: true }]);
    expect(asked(detailPath).map(({ query }) => (query['ids'] ?? '').split(',').length)).toEqual([50, 11, 1]);
  });

  test('of no sound form are missing without a call, and never widen a question', async () => {
    const { channel, asked } = await stage(script([]));
    const found = await channel.fetchOrders(['1,2', '', '../x'], calm);
    expect(found.every((each) => 'missing' in each)).toBe(true);
    expect(asked(detailPath)).toEqual([]);
  });

  test.each([
    ['one that TikTok says does not exist', { code: 11001001, message: 'order does not exist' }, 'missing'],
    ['a bad version', { code: 36009014, message: 'version not found' }, 'rejected'],
    ['another refusal', { code: 11001002, message: 'strange' }, 'rejected'],
  ])('after %s tell what it means', async (_, reply, wanted) => {
    const { channel } = await stage((call) => (call.path === detailPath ? reply : undefined));
    const told = await channel.fetchOrders(['12'], calm).then(
      ([found]) => (found !== undefined && 'missing' in found ? 'missing' : 'found'),
      (error: { kind?: string }) => error.kind,
    );
    expect(told).toBe(wanted);
  });
});
