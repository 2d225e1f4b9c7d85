import { describe, expect, test } from 'vitest';
import type { OrderPage } from '../../../src/channels/channel.ts';
import { UnreadableDelivery } from '../../../src/channels/channel.ts';
import { all, type Call, calm, failure, noon, type Reply, said } from '../../kit/stage.ts';
import { elsewhere, filterPath, here, item, shipment, stage } from './scripted-flipkart.ts';

interface Filter {
  type: string;
  states?: string[];
  hold?: boolean;
  cancellationType?: string;
  locationId: string;
  serviceProfiles: string[];
  [date: string]: unknown;
}
const filterOf = (call: Call) => (call.body as { filter: Filter }).filter;
const list = (shipments: unknown[], more: Record<string, unknown> = { hasMore: false }): Reply => ({
  json: { ...more, shipments },
});
const idsOf = (pages: OrderPage[]) =>
  pages.flatMap(({ items }) => items.map((each) => (each as { shipmentId: string }).shipmentId));

describe('the shipments of a Flipkart channel', () => {
  test('are asked for with all six filters, those that hide held and FBF_LITE orders included', async () => {
    const { channel, asked } = await stage((call) => (call.path === filterPath ? list([]) : undefined));
    const pages = await all(channel.ordersSince(noon - 3_600_000, calm));
    expect(pages).toMatchObject([{ items: [], end: { channelClock: expect.any(Number) } }]);
    const span = { from: '2026-11-23T16:30:00+05:30', to: '2026-11-23T17:30:01+05:30' };
    const common = { locationId: here, serviceProfiles: ['NON_FBF', 'FBF_LITE'] };
    const states = ['APPROVED', 'PACKING_IN_PROGRESS', 'PACKED', 'FORM_FAILED', 'READY_TO_DISPATCH'];
    expect(asked(filterPath).map(filterOf)).toMatchObject([
      { ...common, type: 'preDispatch', hold: true, states, modifiedDate: span },
      { ...common, type: 'preDispatch', hold: false, states, modifiedDate: { from: span.from } },
      { ...common, type: 'postDispatch', states: ['SHIPPED', 'DELIVERED', 'PICKUP_COMPLETE'] },
      {
        ...common,
        type: 'cancelled',
        cancellationType: 'sellerCancellation',
        cancellationDate: { from: span.from },
      },
      { ...common, type: 'cancelled', cancellationType: 'buyerCancellation' },
      { ...common, type: 'cancelled', cancellationType: 'marketplaceCancellation' },
    ]);
    for (const call of asked(filterPath)) {
      expect(call.body).toMatchObject({
        pagination: { pageSize: 20 },
        sort: { field: 'modifiedDate', order: 'asc' },
      });
      expect(JSON.stringify(call.body)).not.toContain('dispatch' + 'AfterDate');
    }
  });

  test('of one poll are one list, oldest change first, each once in its newest state', async () => {
    const at = (time: string, status: string) => ({ updatedAt: time, orderItems: [item({ status })] });
    const { channel } = await stage((call) => {
      if (call.path !== filterPath) return undefined;
      const { type, hold, cancellationType } = filterOf(call);
      if (hold === true)
        return list([shipment('s-3', { ...at('2026-11-23T17:20:00+05:30', 'APPROVED'), hold: true })]);
      if (hold === false)
        return list([
          shipment('s-1', at('2026-11-23T11:45:00Z', 'APPROVED')),
          shipment('s-2', at('2026-11-23T17:05:00+0530', 'PACKED')),
        ]);
      if (type === 'postDispatch') return list([shipment('s-2', at('2026-11-23T17:29:00+05:30', 'SHIPPED'))]);
      if (cancellationType === 'buyerCancellation')
        return list([shipment('s-4', at('2026-11-23T17:19:00+05:30', 'CANCELLED'))]);
      return list([]);
    });
    const pages = await all(channel.ordersSince(noon - 3_600_000, calm));
    expect(idsOf(pages)).toEqual(['s-1', 's-4', 's-3', 's-2']);
    const orders = pages.flatMap(({ items }) => items.flatMap((each) => said(channel, each).orders));
    expect(orders.map(({ status }) => status)).toEqual([
      'APPROVED',
      'CANCELLED',
      'APPROVED, on hold',
      'SHIPPED',
    ]);
    expect(orders.map(({ lines }) => [lines[0]?.taken, lines[0]?.gone])).toEqual([
      [2, 0],
      [0, 0],
      [2, 0],
      [2, 2],
    ]);
  });

  test('of many pages are read by Flipkart’s own addresses below /sellers, until a pass brings nothing new', async () => {
    const ids = Array.from({ length: 230 }, (_, at) => `s-${String(at).padStart(3, '0')}`);
    const page = (from: number) => {
      const next = { hasMore: true, nextPageUrl: `/v3/shipments/filter?next_token=t%2B${from + 20}` };
      const more = from + 20 < ids.length ? next : { hasMore: false };
      return list(
        ids.slice(from, from + 20).map((id) => shipment(id)),
        more,
      );
    };
    const { channel, asked } = await stage((call) => {
      if (call.path !== filterPath) return undefined;
      if (call.method === 'GET') return page(Number(call.query.get('next_token')?.slice(2)));
      return filterOf(call).type === 'postDispatch' ? page(0) : list([]);
    });
    const pages = await all(channel.ordersSince(0, calm));
    expect(new Set(idsOf(pages))).toEqual(new Set(ids));
    expect(pages.map(({ items, end }) => [items.length, end !== null])).toEqual([
      [100, false],
      [100, false],
      [30, true],
    ]);
    expect(asked(filterPath).filter(({ method }) => method === 'GET').length).toBe(22);
  });

  test('that a moving list pushed off its page are found by the second pass', async () => {
    let pass = 0;
    const { channel } = await stage((call) => {
      if (call.path !== filterPath) return undefined;
      if (call.method === 'GET') return list([shipment('s-2')]);
      if (filterOf(call).hold !== false) return list([]);
      pass += 1;
      const next = { hasMore: true, nextPageUrl: '/v3/shipments/filter?next_token=x' };
      return list([shipment('s-1'), ...(pass === 1 ? [] : [shipment('s-3')])], next);
    });
    expect(idsOf(await all(channel.ordersSince(0, calm))).sort()).toEqual(['s-1', 's-2', 's-3']);
    expect(pass).toBe(3);
  });

  test.each([
    'http://evil.example/v3',
    '//evil.example/v3',
    'v3/shipments/filter?next_token=x',
    '',
    null,
    '/v3/ship ments',
  ])('whose next page is at %j are no end and no request elsewhere', async (nextPageUrl) => {
    const script = (call: Call) =>
      call.path === filterPath ? list([], { hasMore: true, nextPageUrl }) : undefined;
    const { channel, calls } = await stage(script);
    expect((await failure(all(channel.ordersSince(0, calm)))).kind).toBe('retry');
    expect(calls.filter(({ path }) => path !== filterPath).length).toBe(1);
  });

  test.each<[string, Reply]>([
    ['an empty object', { json: {} }],
    ['an error inside 200', { json: { errors: [{ code: 5, description: 'sorry' }] } }],
    ['rows that are an object', { json: { hasMore: false, shipments: {} } }],
    ['a web page', { text: '<html></html>' }],
    ['truncated JSON', { text: '{"hasMore":false,"shipments":[' }],
  ])('answered by %s are no empty list', async (_, reply) => {
    const { channel } = await stage((call) => (call.path === filterPath ? reply : undefined));
    expect(['retry', 'throttled']).toContain((await failure(all(channel.ordersSince(0, calm)))).kind);
  });

  test('are asked for up to Flipkart’s now, however wrong our clock goes', async () => {
    const script = (call: Call) => (call.path === filterPath ? list([]) : undefined);
    const { channel, asked } = await stage(script, { aheadMs: 7_200_000 });
    const pages = await all(channel.ordersSince(noon, calm));
    expect(asked(filterPath).map(filterOf)[0]?.['modifiedDate']).toEqual({
      from: '2026-11-23T17:30:00+05:30',
      to: '2026-11-23T19:30:01+05:30',
    });
    expect(pages[0]?.end?.channelClock).toBe(noon + 7_200_000);
  });

  test('by time of creation are filtered by the order date, and from the beginning of time half a year back', async () => {
    const { channel, asked } = await stage((call) =>
      call.path === filterPath ? list([shipment('s-1')]) : undefined,
    );
    const pages = await all(channel.ordersCreatedSince(0, calm));
    expect(idsOf(pages)).toEqual(['s-1']);
    expect(
      asked(filterPath)
        .map(filterOf)
        .map((filter) => filter['orderDate']),
    ).toMatchObject(
      Array.from({ length: 6 }, () => ({ from: expect.stringMatching(/^2026-05-27T17:30:0/) })),
    );
    expect(await all(channel.ordersCreatedSince(noon + 3_600_000, calm))).toMatchObject([{ items: [] }]);
  });

  test('that hold stock are asked for without any date, held ones first', async () => {
    const { channel, asked } = await stage((call) =>
      call.path === filterPath ? list([shipment('s-1')]) : undefined,
    );
    const open = channel.openOrders?.(calm);
    if (open === undefined) throw new Error('no openOrders');
    expect(idsOf(await all(open))).toEqual(['s-1']);
    const filters = asked(filterPath).map(filterOf);
    expect(filters.map(({ type, hold }) => [type, hold])).toEqual([
      ['preDispatch', true],
      ['preDispatch', false],
    ]);
    expect(JSON.stringify(filters)).not.toContain('Date');
  });

  test.each([
    ['without items', { orderItems: undefined }],
    ['with items that are no list', { orderItems: {} }],
    ['with a quantity that is a text', { orderItems: [item({ quantity: '2' })] }],
    ['with half a unit', { orderItems: [item({ quantity: 1.5 })] }],
    ['with less than nothing', { orderItems: [item({ quantity: -1 })] }],
    ['with a million million units', { orderItems: [item({ quantity: 1e12 })] }],
    ['without a status', { orderItems: [item({ status: null })] }],
    ['without an item id', { orderItems: [item({ orderItemId: '' })] }],
  ])('%s are seen as unreadable and hurt no neighbour', async (_, change) => {
    const rows = [shipment('s-1'), shipment('s-2', change), shipment('s-3')];
    const { channel } = await stage((call) =>
      call.path === filterPath && filterOf(call).hold === false
        ? list(rows)
        : call.path === filterPath
          ? list([])
          : undefined,
    );
    const items = (await all(channel.ordersSince(noon - 3_600_000, calm))).flatMap((page) => page.items);
    expect(items.length).toBe(3);
    const bad = items.find((each) => (each as { shipmentId: string }).shipmentId === 's-2');
    expect(() => said(channel, bad ?? null)).toThrow(UnreadableDelivery);
  });
});

/** Every copy of the value in which one part is missing or of another kind. */
function* damages(value: unknown): Generator<unknown> {
  const wrong = [null, '', 'x', -1, 1.5, true, [], {}, [null], '9'.repeat(30), 1e300];
  if (Array.isArray(value)) {
    for (const other of damages(value[0])) yield [other, ...value.slice(1)];
    for (const other of wrong) yield [other, ...value];
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const { [key]: _, ...rest } = value as Record<string, unknown>;
    yield rest;
    for (const other of wrong) yield { ...value, [key]: other };
    for (const other of damages(inner)) yield { ...value, [key]: other };
  }
}

describe('a damaged shipment', () => {
  test('is read or unreadable, whatever is wrong with it, and its units always add up', async () => {
    const whole = shipment('s-1', { hold: true, subShipments: [{ a: 1 }] });
    const rows = [...damages(whole)].map((row, at) => ({ ...(row as object), shipmentId: `d-${at}` }));
    expect(rows.length).toBeGreaterThan(300);
    const { channel } = await stage((call) =>
      call.path === filterPath ? list(filterOf(call).hold === true ? rows : []) : undefined,
    );
    const items = (await all(channel.ordersSince(0, calm))).flatMap((page) => page.items);
    let read = 0;
    for (const each of items) {
      try {
        const [order] = said(channel, JSON.parse(JSON.stringify(each))).orders;
        for (const { taken, gone, lineKey } of order?.lines ?? []) {
          expect(Number.isInteger(taken) && Number.isInteger(gone) && gone >= 0 && gone <= taken).toBe(true);
          expect(lineKey).toMatch(/^d-\d+\/./);
        }
        expect(Number.isInteger(order?.changedAt ?? 0) && Number.isInteger(order?.placedAt ?? 0)).toBe(true);
        read += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableDelivery);
      }
    }
    expect(items.length).toBeGreaterThan(300);
    expect(read).toBeGreaterThan(100);
    expect(read).toBeLessThan(items.length);
  });
});

describe('a shipment', () => {
  const one = async (change: Record<string, unknown>) => {
    const { channel } = await stage((call) =>
      call.path === '/sellers/v3/shipments/s-1' ? list([shipment('s-1', change)]) : undefined,
    );
    const [found] = await channel.fetchOrders(['s-1'], calm);
    if (found === undefined || 'missing' in found) throw new Error('missing');
    return { content: said(channel, found.item), kept: JSON.stringify(found.item), channel, found };
  };

  test('is one order with its items as lines, known by shipment and item, with the times that it tells', async () => {
    const { content, kept } = await one({});
    expect(content.orders).toEqual([
      {
        orderId: 's-1',
        number: null,
        version: Date.parse('2026-11-23T11:40:00Z'),
        clock: 'updatedAt',
        obtained: 'listed',
        askedAt: noon,
        answeredAt: noon,
        complete: true,
        placedAt: Date.parse('2026-11-23T11:30:00Z'),
        changedAt: Date.parse('2026-11-23T11:40:00Z'),
        status: 'APPROVED',
        cancelled: false,
        lines: [
          {
            lineKey: 's-1/11764530300990000',
            listingId: 'MUG-RED',
            channelSku: 'MUG-RED',
            taken: 2,
            gone: 0,
            takenAt: null,
            goneAt: null,
          },
        ],
      },
    ]);
    expect(kept).not.toMatch(/Canary|555/);
  });

  test.each([
    ['APPROVED', 2, 0],
    ['PACKING_IN_PROGRESS', 2, 0],
    ['FORM_FAILED', 2, 0],
    ['PACKED', 2, 0],
    ['READY_TO_DISPATCH', 2, 0],
    ['PICKUP_COMPLETE', 2, 2],
    ['SHIPPED', 2, 2],
    ['DELIVERED', 2, 2],
    ['COMPLETED', 2, 2],
    ['CANCELLED', 0, 0],
    ['RETURN_REQUESTED', 2, 2],
    ['RETURNED', 2, 2],
  ])('%s takes %i of which %i are gone, on hold or not', async (status, taken, gone) => {
    for (const hold of [true, false]) {
      const { content } = await one({ hold, orderItems: [item({ status })] });
      expect(content.orders[0]).toMatchObject({
        lines: [{ taken, gone }],
        cancelled: status === 'CANCELLED',
      });
      expect(content.orders[0]?.warnings).toBeUndefined();
    }
  });

  test('of an unknown status holds its units and says so', async () => {
    const { content } = await one({ orderItems: [item({ status: 'TELEPORTED' })] });
    expect(content.orders[0]).toMatchObject({
      lines: [{ taken: 2, gone: 0 }],
      warnings: [expect.stringContaining('TELEPORTED')],
    });
  });

  test('whose item was cancelled in part, in one row or in two, keeps the rest', async () => {
    const { content } = await one({
      orderItems: [
        item({ quantity: 1 }),
        item({ quantity: 1, status: 'CANCELLED' }),
        item({ orderItemId: 'b' }),
      ],
    });
    expect(content.orders[0]?.lines.map(({ lineKey, taken }) => [lineKey, taken])).toEqual([
      ['s-1/11764530300990000', 1],
      ['s-1/b', 2],
    ]);
    expect(content.orders[0]?.cancelled).toBe(false);
  });

  test('in several packages counts its quantity once, and a replacement takes stock like any other', async () => {
    const { content } = await one({
      mps: true,
      orderItems: [item({ isReplacement: true, is_replacement: true })],
    });
    expect(content.orders[0]?.lines[0]?.taken).toBe(2);
  });

  test('on its way back to the sender is gone until a person restocks it', async () => {
    const { content } = await one({ orderItems: [item({ status: 'CANCELLED', courierReturn: true })] });
    expect(content.orders[0]?.lines).toMatchObject([{ taken: 2, gone: 2 }]);
  });

  test('that Flipkart ships from its own warehouse is none of ours, and its items beside ours are left out', async () => {
    for (const serviceProfile of ['FBF', 'Flipkart_Fulfilment']) {
      const whole = await one({ orderItems: [item({ serviceProfile })] });
      expect(whole.content).toMatchObject({ orders: [], ignored: expect.stringContaining('warehouse') });
      const mixed = await one({ orderItems: [item({ serviceProfile }), item({ orderItemId: 'own' })] });
      expect(mixed.content.orders[0]?.lines.map(({ lineKey }) => lineKey)).toEqual(['s-1/own']);
    }
    for (const serviceProfile of ['FBF_LITE', 'Smart_Fulfilment', 'Seller_Fulfilment', null]) {
      const { content } = await one({ orderItems: [item({ serviceProfile })] });
      expect(content.orders[0]?.lines.length).toBe(1);
    }
  });

  test('of another location is none of ours', async () => {
    const { content } = await one({ locationId: elsewhere });
    expect(content).toMatchObject({ orders: [], ignored: 'a shipment of another location' });
    expect((await one({ locationId: null })).content.orders.length).toBe(1);
  });

  test('called off by the seller for want of stock says that its units are not on the shelf', async () => {
    const { content } = await one({
      orderItems: [
        item({
          status: 'CANCELLED',
          cancellationReason: 'seller_cancellation',
          cancellationSubReason: 'not_enough_inventory',
        }),
      ],
    });
    expect(content.orders[0]?.lines).toMatchObject([{ taken: 0, gone: 0, doubted: 2 }]);
    const bought = await one({
      orderItems: [item({ status: 'CANCELLED', cancellationReason: 'buyer_cancellation' })],
    });
    expect(bought.content.orders[0]?.lines[0]?.doubted).toBeUndefined();
  });

  test('with a free item says that it does not count it', async () => {
    const { content } = await one({ orderItems: [item({ subItem: { listingId: 'LST-GIFT' } })] });
    expect(content.orders[0]?.warnings).toEqual([expect.stringContaining('free item')]);
  });

  test('finds its listing by SKU, else by listing id', async () => {
    const { channel, found } = await one({ orderItems: [item({ sku: 'mug-red-old' })] });
    if ('missing' in found) throw new Error('missing');
    expect(channel.refsIn(found.item)).toEqual(['mug-red-old', 'LST-MUG-RED']);
    const facts = (ref: string) =>
      ref === 'LST-MUG-RED'
        ? { listingId: 'MUG-RED', counterKey: 'MUG-RED', channelSku: 'MUG-RED', facts: null }
        : undefined;
    expect(said(channel, found.item, facts).orders[0]?.lines[0]?.listingId).toBe('LST-MUG-RED');
    expect(said(channel, found.item).orders[0]?.lines[0]?.listingId).toBe('mug-red-old');
  });

  test('without times, or with times that name no zone, is read all the same', async () => {
    const bare = await one({ updatedAt: 'yesterday', orderItems: [item({ orderDate: 17 })] });
    expect(bare.content.orders[0]).toMatchObject({
      version: 0,
      clock: 'none',
      placedAt: noon,
      changedAt: noon,
    });
    const local = await one({ updatedAt: '2026-11-23T17:10:00' });
    expect(local.content.orders[0]?.version).toBe(Date.parse('2026-11-23T11:40:00Z'));
  });

  test('has ids beyond 2^53 to the last digit, also as JSON numbers', async () => {
    const text = JSON.stringify({
      shipments: [shipment('@@', { orderItems: [item({ orderItemId: '##' })] })],
    })
      .replace('"@@"', '9007199254740993')
      .replace('"##"', '9007199254740995');
    const { channel } = await stage((call) => (call.path.startsWith('/sellers/v3/') ? { text } : undefined));
    const [found] = await channel.fetchOrders(['9007199254740993'], calm);
    if (found === undefined || 'missing' in found) throw new Error('missing');
    expect(said(channel, found.item).orders[0]).toMatchObject({
      orderId: '9007199254740993',
      lines: [{ lineKey: '9007199254740993/9007199254740995' }],
    });
  });
});

describe('shipments by id', () => {
  const shelf =
    (known: string[]) =>
    (call: Call): Reply | undefined => {
      if (!call.path.startsWith('/sellers/v3/shipments/')) return undefined;
      const ids = call.path.slice('/sellers/v3/shipments/'.length).split(',').map(decodeURIComponent);
      if (ids.includes('bad-one')) return { status: 400, json: { message: 'malformed' } };
      if (ids.length === 1 && ids[0] === 'gone') return { status: 404, json: {} };
      return list(ids.filter((id) => known.includes(id)).map((id) => shipment(id)));
    };

  test('are asked for fifty at a time and come in the order asked; the others are missing', async () => {
    const ids = Array.from({ length: 120 }, (_, at) => `s-${at}`);
    const { channel, calls } = await stage(shelf(ids));
    const wanted = [...ids, 'gone', 's-7', 'nowhere'];
    const found = await channel.fetchOrders(wanted, calm);
    expect(found.map(({ orderId }) => orderId)).toEqual(wanted);
    expect(found.filter((each) => 'missing' in each).map(({ orderId }) => orderId)).toEqual([
      'gone',
      'nowhere',
    ]);
    expect(calls.filter(({ path }) => path.includes('/shipments/')).length).toBe(5);
    expect(await channel.fetchOrders([], calm)).toEqual([]);
  });

  test('that cannot be ids of Flipkart’s are missing without being asked for', async () => {
    const { channel, calls } = await stage(shelf([]));
    const odd = ['a/b', '..', '', 'a,b', 'x'.repeat(101), 'ü', '?x=1'];
    expect(await channel.fetchOrders(odd, calm)).toEqual(odd.map((orderId) => ({ orderId, missing: true })));
    expect(calls).toEqual([]);
  });

  test('of which one is refused hurt no neighbour, and that one is unreadable, not gone', async () => {
    const { channel } = await stage(shelf(['s-1', 's-2']));
    const found = await channel.fetchOrders(['s-1', 'bad-one', 's-2'], calm);
    expect(found.map((each) => 'missing' in each)).toEqual([false, false, false]);
    const [, bad] = found;
    if (bad === undefined || 'missing' in bad) throw new Error('missing');
    expect(() => said(channel, bad.item)).toThrow(UnreadableDelivery);
  });

  test('are understood as a bare list, and over pages', async () => {
    const bare = await stage((call) =>
      call.path.includes('/v3/shipments/') ? { json: [shipment('s-1')] } : undefined,
    );
    expect(await bare.channel.fetchOrders(['s-1'], calm)).toMatchObject([
      { orderId: 's-1', item: { kind: 'shipment' } },
    ]);
    const paged = await stage((call) => {
      if (call.path === filterPath) return list([shipment('s-2')]);
      if (!call.path.includes('/v3/shipments/')) return undefined;
      return list([shipment('s-1')], { hasMore: true, nextPageUrl: '/v3/shipments/filter?next_token=y' });
    });
    const found = await paged.channel.fetchOrders(['s-1', 's-2'], calm);
    expect(found.map((each) => 'missing' in each)).toEqual([false, false]);
  });
});
