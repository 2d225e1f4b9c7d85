import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/channels/channel.ts';
import { all, noon, type Reply } from '../../kit/stage.ts';
import { type Call, scripted, signal } from './scripted-shop.ts';

interface Row {
  id: number;
  modified: number;
  created: number;
  status?: string;
}

const second = 1000;
const gmt = (at: number) => new Date(at).toISOString().slice(0, 19);

function orderRow({ id, modified, created, status = 'processing' }: Row) {
  const line = { id: id * 10, product_id: 11, variation_id: 0, quantity: 1, sku: 'A', meta_data: [] };
  return {
    id,
    number: String(id),
    status,
    date_created_gmt: gmt(created),
    date_modified_gmt: gmt(modified),
    line_items: [line],
    refunds: [],
    ...(status === 'trash' ? { meta_data: [{ key: '_wp_trash_meta_status', value: 'wc-processing' }] } : {}),
  };
}

/** The documented list: strictly greater, whole seconds, site time (+03) unless told, `any` without the trash. */
function list(rows: readonly Row[], call: Call): Reply {
  const { query } = call;
  const axis = query.get('orderby') === 'modified' ? 'modified' : 'created';
  const bound = query.get(axis === 'modified' ? 'modified_after' : 'after');
  const zone = query.get('dates_are_gmt') === 'true' ? 0 : 3 * 3_600_000;
  const after = bound === null ? Number.NEGATIVE_INFINITY : Date.parse(`${bound}Z`) - zone;
  const statuses = (query.get('status') ?? 'any').split(',');
  const matching = rows
    .filter((row) => row[axis] > after)
    .filter(({ status = 'processing' }) =>
      statuses.includes('any') ? status !== 'trash' : statuses.includes(status),
    )
    .sort((a, b) => a[axis] - b[axis] || a.id - b.id);
  const offset = Number(query.get('offset'));
  const perPage = Number(query.get('per_page'));
  return {
    json: matching.slice(offset, offset + perPage).map(orderRow),
    headers: {
      'x-wp-total': String(matching.length),
      'x-wp-totalpages': String(Math.ceil(matching.length / perPage)),
    },
  };
}

function idsIn(pages: readonly { items: Json[] }[]): string[] {
  return pages.flatMap(({ items }) => items.map((item) => String((item as { id: string }).id)));
}

describe('walking orders', () => {
  test('150 orders of one second are all brought, once, beside their neighbours', async () => {
    const base = noon - 600 * second;
    const rows = Array.from({ length: 190 }, (_, at): Row => {
      const modified = at < 30 ? base - (30 - at) * second : at < 180 ? base : base + (at - 179) * second;
      return { id: at + 1, modified, created: modified };
    });
    const { channel } = await scripted((call) => list(rows, call));
    const ids = idsIn(await all(channel.ordersSince(base - 3600 * second, signal)));
    expect(ids).toEqual(rows.map(({ id }) => String(id)));
  });

  test('orders that change while we page push no other order off its page', async () => {
    const rows = Array.from({ length: 250 }, (_, at): Row => {
      const modified = noon - (1000 - at) * second;
      return { id: at + 1, modified, created: modified };
    });
    let calls = 0;
    const { channel } = await scripted((call) => {
      const reply = list(rows, call);
      calls += 1;
      if (calls === 1) for (const row of rows.slice(0, 40)) row.modified = noon;
      return reply;
    });
    const ids = idsIn(await all(channel.ordersSince(noon - 2000 * second, signal)));
    expect(new Set(ids)).toEqual(new Set(rows.map(({ id }) => String(id))));
    expect(ids.filter((id) => Number(id) <= 40).length).toBe(80);
  });

  test.each([1, 19, 60, 130])(
    '%i orders that leave a second of 400 while we page in it push no other order off its page',
    async (leaving) => {
      const base = noon - 600 * second;
      const rows = Array.from(
        { length: 400 },
        (_, at): Row => ({ id: at + 1, modified: base, created: base }),
      );
      let calls = 0;
      const { channel } = await scripted((call) => {
        const reply = list(rows, call);
        calls += 1;
        if (calls <= 2) for (const row of rows.slice(0, leaving * calls)) row.modified = noon;
        return reply;
      });
      const pages = await all(channel.ordersSince(base, signal));
      const ids = idsIn(pages);
      expect(new Set(ids)).toEqual(new Set(rows.map(({ id }) => String(id))));
      expect(pages.map(({ end }) => end !== null)).toEqual(pages.map((_, at) => at === pages.length - 1));
    },
  );

  test('the search is inclusive of its second and in UTC whatever the zone of the shop', async () => {
    const rows: Row[] = [
      { id: 1, modified: noon - 2 * second, created: noon },
      { id: 2, modified: noon - second, created: noon },
      { id: 3, modified: noon, created: noon },
    ];
    const { channel, calls } = await scripted((call) => list(rows, call));
    const ids = idsIn(await all(channel.ordersSince(noon - second + 400, signal)));
    expect(ids).toEqual(['2', '3']);
    expect(calls[0]?.query.get('dates_are_gmt')).toBe('true');
    expect(calls[0]?.query.get('modified_after')).toBe('2026-11-23T11:59:58');
    expect(calls[0]?.query.get('status')).toBe('any');
    expect(calls[0]?.query.get('_fields')).toMatch(/^id,/);
  });

  test('the end carries the clock of the shop when the walk began', async () => {
    const { channel } = await scripted(() => ({
      json: [],
      headers: { date: new Date(noon - 7 * second).toUTCString() },
    }));
    const pages = await all(channel.ordersSince(0, signal));
    expect(pages).toMatchObject([{ items: [], end: { channelClock: noon - 7 * second } }]);
  });

  test('a page shortened by a plugin is not taken for the last one', async () => {
    const rows = Array.from({ length: 130 }, (_, at): Row => {
      const modified = noon - (1000 - at) * second;
      return { id: at + 1, modified, created: modified };
    });
    const { channel } = await scripted((call) => {
      const reply = list(rows, call);
      const shown = (reply.json as { id: number }[]).filter(({ id }) => id % 2 === 0);
      return { ...reply, json: shown };
    });
    const ids = idsIn(await all(channel.ordersSince(0, signal)));
    expect(ids.length).toBe(65);
  });

  test('the sweep by creation time brings the trash too', async () => {
    const rows: Row[] = [
      { id: 1, modified: noon, created: noon - 5 * second },
      { id: 2, modified: noon, created: noon - 4 * second, status: 'trash' },
    ];
    const { channel } = await scripted((call) => list(rows, call));
    const pages = await all(channel.ordersCreatedSince(noon - 10 * second, signal));
    expect(idsIn(pages)).toEqual(['1', '2']);
    expect(pages.map(({ end }) => end !== null)).toEqual([false, true]);
    expect(pages[1]?.items[0]).toMatchObject({ status: 'trash', trashedFrom: 'processing' });
  });

  test('orders in statuses of plugins count as open at the take-over', async () => {
    const rows: Row[] = [
      { id: 1, modified: noon, created: noon - 9 * second },
      { id: 2, modified: noon, created: noon - 8 * second, status: 'awaiting-shipment' },
      { id: 3, modified: noon, created: noon - 7 * second, status: 'completed' },
      { id: 4, modified: noon, created: noon - 6 * second, status: 'trash' },
    ];
    const slugs = ['pending', 'processing', 'on-hold', 'completed', 'awaiting-shipment', 'checkout-draft'];
    const { channel } = await scripted((call) =>
      call.path.endsWith('/reports/orders/totals')
        ? { json: slugs.map((slug) => ({ slug, name: slug, total: 1 })) }
        : list(rows, call),
    );
    const open = channel.openOrders?.(signal) ?? channel.ordersCreatedSince(noon, signal);
    expect(idsIn(await all(open))).toEqual(['1', '2', '4']);
  });

  test('an order that cannot be read is told and does not stop the others', async () => {
    const good = orderRow({ id: 2, modified: noon, created: noon });
    const { channel } = await scripted(() => ({ json: [{ id: 1, status: 7 }, good] }));
    const [page] = await all(channel.ordersSince(0, signal));
    const how = { obtained: 'listed', askedAt: noon, answeredAt: noon, attempt: 0 } as const;
    const contents = page?.items.map((item) => channel.ordersIn(item, () => undefined, how)) ?? [];
    expect(contents[0]).toMatchObject({ orders: [], alert: 'order 1 has a form that invsync cannot read' });
    expect(contents[1]?.orders[0]?.orderId).toBe('2');
  });

  test('wake_cron calls wp-cron.php before a poll, once a minute at most, whatever it answers', async () => {
    const { channel, calls } = await scripted(
      ({ path }) => (path === '/wp-cron.php' ? { status: 500, text: 'no' } : { json: [] }),
      { config: { wake_cron: true } },
    );
    await all(channel.ordersSince(0, signal));
    await all(channel.ordersSince(0, signal));
    expect(calls.filter(({ path }) => path === '/wp-cron.php').length).toBe(1);
    expect(calls[0]?.query.has('doing_wp_cron')).toBe(true);
    expect(calls[0]?.headers.authorization).toBeUndefined();
  });
});

describe('fetching orders by id', () => {
  const missing = {
    status: 404,
    json: { code: 'woocommerce_rest_shop_order_invalid_id', message: 'Invalid ID.', data: { status: 404 } },
  };

  test('listed, trashed and deleted orders are answered in the order asked', async () => {
    const { channel } = await scripted(({ path, query }) => {
      if (path.endsWith('/orders')) {
        expect(query.get('include')).toBe('46,47,36');
        return { json: [orderRow({ id: 36, modified: noon, created: noon })] };
      }
      if (path.endsWith('/orders/46')) {
        return { json: orderRow({ id: 46, modified: noon, created: noon, status: 'trash' }) };
      }
      return missing;
    });
    const found = await channel.fetchOrders(['46', '47', '36'], signal);
    expect(found).toMatchObject([
      { orderId: '46', item: { status: 'trash' } },
      { orderId: '47', missing: true },
      { orderId: '36', item: { status: 'processing' } },
    ]);
  });

  test('a missing route is an error and not a missing order', async () => {
    const { channel } = await scripted(() => ({
      status: 404,
      json: { code: 'rest_no_route', message: 'No route was found', data: { status: 404 } },
    }));
    await expect(channel.fetchOrders(['36'], signal)).rejects.toMatchObject({ kind: 'retry' });
  });

  test('units refunded without restock are found in the refunds, and their absence does not stop the order', async () => {
    const row = orderRow({ id: 39, modified: noon, created: noon });
    const [line] = row.line_items;
    const held = { ...line, quantity: 4, meta_data: [{ key: '_reduced_stock', value: '4' }] };
    const order = { ...row, line_items: [held], refunds: [{ id: 41 }] };
    const refund = {
      id: 41,
      line_items: [{ quantity: -1, meta_data: [{ key: '_refunded_item_id', value: '390' }] }],
    };
    let refunds: Reply = { json: [refund] };
    const { channel } = await scripted(({ path }) => (path.endsWith('/refunds') ? refunds : { json: order }));
    const snapshotOf = async () => {
      const [fetched] = await channel.fetchOrders(['39'], signal);
      if (fetched === undefined || 'missing' in fetched) throw new Error('missing');
      const how = { ...fetched, obtained: 'fetched', attempt: 0 } as const;
      return channel.ordersIn(fetched.item, () => undefined, how).orders[0]?.lines[0];
    };
    expect(await snapshotOf()).toMatchObject({ taken: 4, gone: 1 });
    refunds = { status: 404, json: { code: 'rest_no_route', message: 'No route', data: { status: 404 } } };
    expect(await snapshotOf()).toMatchObject({ taken: 4, gone: 0 });
  });
});
