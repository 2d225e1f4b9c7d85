import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { OrderSnapshot } from '../../../src/stock/order.ts';
import { channelAt } from './scripted-shop.ts';

const channel = channelAt(null);

interface Refund {
  type: string | null;
  quantity: number;
}

interface Line {
  quantity: number;
  fulfillable?: number;
  current?: number;
  status?: string | null;
  refunds?: Refund[];
  shipped?: number;
}

/** The snapshot of a REST-shaped body with one line, as orders/updated brings it. */
function snapshotOf(line: Line, over: Record<string, unknown> = {}, attempt = 1): OrderSnapshot {
  const body = {
    id: 5551112223334,
    name: '#1001',
    test: false,
    created_at: '2026-11-23T10:00:00-05:00',
    updated_at: '2026-11-23T10:00:02-05:00',
    cancelled_at: null,
    financial_status: 'paid',
    line_items: [
      {
        id: 777,
        variant_id: 333,
        sku: 'TEE-S',
        quantity: line.quantity,
        current_quantity: line.current,
        fulfillable_quantity: line.fulfillable,
        fulfillment_status: line.status ?? null,
      },
    ],
    refunds: (line.refunds ?? []).map((refund, index) => ({
      id: index,
      created_at: '2026-11-24T10:00:00Z',
      refund_line_items: [{ line_item_id: 777, quantity: refund.quantity, restock_type: refund.type }],
    })),
    ...(line.shipped === undefined
      ? {}
      : {
          fulfillments: [
            {
              status: 'success',
              created_at: '2026-11-23T18:00:00Z',
              line_items: [{ id: 777, quantity: line.shipped }],
            },
          ],
        }),
    ...over,
  };
  return snapshotOfBody(body, attempt);
}

function snapshotOfBody(body: unknown, attempt = 1): OrderSnapshot {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const fields = channel.fieldsOf({ key: 'k', kind: 'orders/updated', meta: null, body: Buffer.from(text) });
  const how = { obtained: 'delivered', askedAt: 1, answeredAt: 2, attempt } as const;
  const [snapshot] = channel.ordersIn(fields, () => undefined, how).orders;
  if (snapshot === undefined) throw new Error('no snapshot');
  return snapshot;
}

describe('taken and gone of one line', () => {
  test.each<[string, number, number, Line]>([
    ['a fresh order of three', 3, 0, { quantity: 3, fulfillable: 3, current: 3 }],
    [
      'one unit cancelled with restock',
      2,
      0,
      { quantity: 3, fulfillable: 2, current: 2, refunds: [{ type: 'cancel', quantity: 1 }] },
    ],
    [
      'one unit refunded without restock is written off, not released',
      3,
      1,
      { quantity: 3, fulfillable: 2, current: 2, refunds: [{ type: 'no_restock', quantity: 1 }] },
    ],
    ['shipped whole', 3, 3, { quantity: 3, fulfillable: 0, current: 3, status: 'fulfilled' }],
    ['shipped in part', 3, 2, { quantity: 3, fulfillable: 1, current: 3, status: 'partial' }],
    [
      'shipped and one returned with restock',
      2,
      2,
      {
        quantity: 3,
        fulfillable: 0,
        current: 2,
        status: 'fulfilled',
        refunds: [{ type: 'return', quantity: 1 }],
      },
    ],
    [
      'shipped and one refunded as a present',
      3,
      3,
      {
        quantity: 3,
        fulfillable: 0,
        current: 2,
        status: 'fulfilled',
        refunds: [{ type: 'no_restock', quantity: 1 }],
      },
    ],
    [
      'restocked by an old refund',
      1,
      0,
      { quantity: 2, fulfillable: 1, current: 1, refunds: [{ type: 'legacy_restock', quantity: 1 }] },
    ],
    [
      'a refund row without a type gives nothing back',
      2,
      1,
      { quantity: 2, fulfillable: 1, current: 1, refunds: [{ type: null, quantity: 1 }] },
    ],
    [
      'one cancelled, the other two shipped',
      2,
      2,
      {
        quantity: 3,
        fulfillable: 0,
        current: 2,
        status: 'fulfilled',
        refunds: [{ type: 'cancel', quantity: 1 }],
      },
    ],
    [
      'more refunded than ordered',
      0,
      0,
      { quantity: 1, fulfillable: 0, current: 0, refunds: [{ type: 'cancel', quantity: 2 }] },
    ],
    [
      'a negative counter as live shops show it',
      1,
      1,
      {
        quantity: 1,
        fulfillable: -1,
        current: 0,
        status: 'fulfilled',
        refunds: [{ type: 'no_restock', quantity: 1 }],
      },
    ],
    ['a body without the shipping fields', 2, 0, { quantity: 2 }],
  ])('%s: taken %s, gone %s', (_, taken, gone, line) => {
    const snapshot = snapshotOf(line);
    expect(snapshot.lines).toEqual([
      expect.objectContaining({
        lineKey: 'gid://shopify/LineItem/777',
        listingId: 'gid://shopify/ProductVariant/333',
        channelSku: 'TEE-S',
        taken,
        gone,
      }),
    ]);
    expect(snapshot.warnings).toBeUndefined();
  });

  test('current_quantity alone never releases a unit', () => {
    const withRows = snapshotOf({
      quantity: 3,
      fulfillable: 2,
      current: 2,
      refunds: [{ type: 'no_restock', quantity: 1 }],
    });
    expect(withRows.lines[0]?.taken).toBe(3);
    const withoutRows = snapshotOf({ quantity: 3, fulfillable: 2, current: 2 });
    expect(withoutRows.lines[0]?.taken).toBe(3);
  });

  test('when the last unit left is told by the shipment, or by the refund that wrote it off', () => {
    const shipped = snapshotOf({ quantity: 1, fulfillable: 0, status: 'fulfilled', shipped: 1 });
    expect(shipped.lines[0]?.goneAt).toBe(Date.parse('2026-11-23T18:00:00Z'));
    const writtenOff = snapshotOf({
      quantity: 1,
      fulfillable: 0,
      current: 0,
      refunds: [{ type: 'no_restock', quantity: 1 }],
    });
    expect(writtenOff.lines[0]?.goneAt).toBe(Date.parse('2026-11-24T10:00:00Z'));
    expect(snapshotOf({ quantity: 1, fulfillable: 1 }).lines[0]?.goneAt).toBeNull();
  });
});

describe('any line', () => {
  const anyLine = fc.record({
    quantity: fc.nat(5),
    fulfillable: fc.option(fc.integer({ min: -1, max: 6 }), { nil: undefined }),
    current: fc.option(fc.integer({ min: -1, max: 6 }), { nil: undefined }),
    status: fc.constantFrom(null, 'partial', 'fulfilled'),
    shipped: fc.option(fc.nat(5), { nil: undefined }),
    refunds: fc.array(
      fc.record({
        type: fc.constantFrom('cancel', 'return', 'no_restock', 'legacy_restock', null),
        quantity: fc.nat(3),
      }),
      { maxLength: 3 },
    ),
  });
  const cancelledAt = fc.constantFrom(null, '2026-11-24T10:00:00Z');

  function stateOf(line: Line, cancelled: string | null) {
    const [state] = snapshotOf(line, { cancelled_at: cancelled }).lines;
    if (state === undefined) throw new Error('no line');
    return state;
  }

  test('keeps 0 <= gone <= taken <= ordered, whatever the counters and rows say', () => {
    fc.assert(
      fc.property(anyLine, cancelledAt, (line, cancelled) => {
        const { taken, gone } = stateOf(line as Line, cancelled);
        expect(gone).toBeGreaterThanOrEqual(0);
        expect(gone).toBeLessThanOrEqual(taken);
        expect(taken).toBeLessThanOrEqual(line.quantity);
      }),
    );
  });

  test('an open order releases exactly what was restocked', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const restocked = line.refunds
          .filter((row) => row.type !== null && row.type !== 'no_restock')
          .reduce((sum, row) => sum + row.quantity, 0);
        expect(stateOf(line as Line, null).taken).toBe(Math.max(0, line.quantity - restocked));
      }),
    );
  });
});

describe('cancelled orders', () => {
  const cancelled = { cancelled_at: '2026-11-24T10:00:00Z' };

  test('refund rows of type cancel release, rows of type no_restock write off', () => {
    const back = snapshotOf(
      { quantity: 2, fulfillable: 0, current: 0, refunds: [{ type: 'cancel', quantity: 2 }] },
      cancelled,
    );
    expect(back).toMatchObject({ cancelled: true, status: 'cancelled', lines: [{ taken: 0, gone: 0 }] });
    const lost = snapshotOf(
      { quantity: 2, fulfillable: 0, current: 0, refunds: [{ type: 'no_restock', quantity: 2 }] },
      cancelled,
    );
    expect(lost.lines[0]).toMatchObject({ taken: 2, gone: 2 });
    expect(back.warnings).toBeUndefined();
  });

  test('without covering rows a cancelled order is looked at once more, then released with a warning', () => {
    const first = snapshotOf({ quantity: 2, fulfillable: 0, current: 0 }, cancelled, 0);
    expect(first.lookAgainMs).toBeGreaterThan(0);
    const second = snapshotOf({ quantity: 2, fulfillable: 0, current: 0 }, cancelled, 1);
    expect(second.lookAgainMs).toBeUndefined();
    expect(second.lines[0]).toMatchObject({ taken: 0, gone: 0 });
    expect(second.warnings?.join()).toMatch(/cancelled without refund rows for 2/);
  });

  test('of a cancelled order only the units without a row and without a shipment are released', () => {
    const snapshot = snapshotOf(
      { quantity: 3, fulfillable: 0, current: 0, refunds: [{ type: 'no_restock', quantity: 1 }], shipped: 1 },
      cancelled,
    );
    expect(snapshot.lines[0]).toMatchObject({ taken: 2, gone: 2 });
  });
});

describe('edited orders', () => {
  test('a removal with a restock row releases, and the added line counts under its own key', () => {
    const snapshot = snapshotOfBody({
      id: 1,
      name: '#1',
      created_at: '2026-11-23T10:00:00Z',
      updated_at: '2026-11-23T11:00:00Z',
      line_items: [
        { id: 777, variant_id: 333, sku: 'TEE-S', quantity: 1, current_quantity: 0, fulfillable_quantity: 0 },
        { id: 888, variant_id: 333, sku: 'TEE-S', quantity: 1, current_quantity: 1, fulfillable_quantity: 1 },
      ],
      refunds: [{ refund_line_items: [{ line_item_id: 777, quantity: 1, restock_type: 'cancel' }] }],
    });
    expect(snapshot.lines.map(({ lineKey, taken }) => [lineKey, taken])).toEqual([
      ['gid://shopify/LineItem/777', 0],
      ['gid://shopify/LineItem/888', 1],
    ]);
    expect(snapshot.complete).toBe(true);
  });

  test('a removal without a refund row is looked at once more, then stays held with a warning', () => {
    const first = snapshotOf({ quantity: 3, fulfillable: 2, current: 2 }, {}, 0);
    expect(first.lookAgainMs).toBeGreaterThan(0);
    const second = snapshotOf({ quantity: 3, fulfillable: 2, current: 2 }, {}, 1);
    expect(second.lines[0]).toMatchObject({ taken: 3, gone: 0 });
    expect(second.warnings?.join()).toMatch(/edited away/);
  });
});

describe('orders as a whole', () => {
  test('the version is updated_at in milliseconds whatever the offset it is written with', () => {
    const snapshot = snapshotOf({ quantity: 1, fulfillable: 1 });
    expect(snapshot).toMatchObject({
      orderId: 'gid://shopify/Order/5551112223334',
      number: '#1001',
      version: Date.parse('2026-11-23T15:00:02Z'),
      clock: 'updated_at',
      placedAt: Date.parse('2026-11-23T15:00:00Z'),
      complete: true,
      cancelled: false,
    });
  });

  test('a test order holds stock like any other', () => {
    expect(snapshotOf({ quantity: 2, fulfillable: 2 }, { test: true }).lines[0]?.taken).toBe(2);
  });

  test('ids of eighteen digits keep every digit', () => {
    const snapshot = snapshotOfBody(
      '{"id":820982911946154508,"name":"#9999","created_at":"2026-11-23T10:00:00Z","updated_at":"2026-11-23T10:00:00Z",' +
        '"line_items":[{"id":866550311766439021,"variant_id":808950810808950811,"sku":"IPOD","quantity":1}],' +
        '"refunds":[{"refund_line_items":[{"line_item_id":866550311766439021,"quantity":1,"restock_type":"cancel"}]}]}',
    );
    expect(snapshot.orderId).toBe('gid://shopify/Order/820982911946154508');
    expect(snapshot.lines).toEqual([
      expect.objectContaining({
        lineKey: 'gid://shopify/LineItem/866550311766439021',
        listingId: 'gid://shopify/ProductVariant/808950810808950811',
        taken: 0,
      }),
    ]);
  });

  test('the fixed sample of a test notification is marked, and names only listings that no shop has', () => {
    const snapshot = snapshotOfBody(
      '{"id":820982911946154508,"created_at":"2021-12-31T19:00:00-05:00","updated_at":"2021-12-31T19:00:00-05:00",' +
        '"line_items":[{"id":487817672276298554,"variant_id":49148385,"sku":"IPOD2008RED","quantity":1}],"refunds":[]}',
    );
    expect(snapshot.warnings?.join()).toMatch(/test notification/);
    expect(snapshot.lines.map((line) => line.listingId)).toEqual(['gid://shopify/ProductVariant/49148385']);
  });

  test('gift cards, tips and custom items are left out; a deleted variant stays without a listing', () => {
    const line = { quantity: 1, current_quantity: 1, fulfillable_quantity: 1 };
    const snapshot = snapshotOfBody({
      id: 1,
      created_at: '2026-11-23T10:00:00Z',
      updated_at: '2026-11-23T10:00:00Z',
      line_items: [
        { ...line, id: 1, variant_id: 5, sku: 'GIFT', gift_card: true },
        { ...line, id: 2, variant_id: null, product_id: null, sku: null, vendor: null },
        { ...line, id: 3, variant_id: null, product_id: null, sku: '', vendor: null },
        { ...line, id: 4, variant_id: null, product_id: null, sku: 'GONE', vendor: 'Acme' },
      ],
      refunds: [],
    });
    expect(snapshot.lines).toEqual([
      expect.objectContaining({
        lineKey: 'gid://shopify/LineItem/4',
        listingId: null,
        channelSku: 'GONE',
        taken: 1,
      }),
    ]);
  });

  test('unknown and missing optional fields do not stop an order from being read', () => {
    const snapshot = snapshotOfBody({
      id: 1,
      future_field: { deep: [1] },
      created_at: '2026-11-23T10:00:00Z',
      updated_at: '2026-11-23T10:00:00Z',
      line_items: [{ id: 7, variant_id: 3, quantity: 2, another: 'x' }],
      refunds: [],
    });
    expect(snapshot).toMatchObject({ number: null, lines: [{ taken: 2, gone: 0, channelSku: null }] });
  });
});
