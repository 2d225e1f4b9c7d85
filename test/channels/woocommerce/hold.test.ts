import { describe, expect, test } from 'vitest';
import type { ListingRef } from '../../../src/channels/channel.ts';
import { snapshotOf } from '../../../src/channels/woocommerce/order.ts';
import type { OrderFields } from '../../../src/channels/woocommerce/schema.ts';
import { noon } from '../../kit/stage.ts';
import { configOf } from './scripted-shop.ts';

const minute = 60_000;

function order(change: Partial<OrderFields>, line: Partial<OrderFields['lines'][number]> = {}): OrderFields {
  return {
    kind: 'order',
    id: '36',
    number: '36',
    status: 'processing',
    trashedFrom: null,
    created: noon - 60 * minute,
    modified: noon - 30 * minute,
    paid: null,
    completed: null,
    lines: [
      {
        id: '1',
        product: '11',
        variation: '0',
        sku: 'SKU-001',
        quantity: 4,
        reduced: null,
        restocked: 0,
        ...line,
      },
    ],
    hasRefunds: false,
    refunded: null,
    ownerless: null,
    ...change,
  };
}

function snapshot(
  fields: OrderFields,
  options: { managed?: boolean | undefined; attempt?: number; config?: ReturnType<typeof configOf> } = {},
) {
  const ref: ListingRef | undefined =
    'managed' in options && options.managed === undefined
      ? undefined
      : {
          listingId: '11',
          counterKey: '11',
          channelSku: 'SKU-001',
          facts: { managed: options.managed ?? true, parentId: null },
        };
  return snapshotOf(fields, options.config ?? configOf({}), () => ref, {
    obtained: 'listed',
    askedAt: noon,
    answeredAt: noon,
    attempt: options.attempt ?? 0,
  });
}

const completed = noon - 40 * minute;

describe('the hold rule', () => {
  test.each([
    // status, _reduced_stock, restocked, further fields, taken, gone
    ['pending', null, 0, {}, 0, 0],
    ['processing', 4, 0, {}, 4, 0],
    ['on-hold', 4, 0, {}, 4, 0],
    ['completed', 4, 0, { completed }, 4, 4],
    ['cancelled', null, 0, {}, 0, 0],
    ['failed', null, 0, {}, 0, 0],
    ['processing', 3, 1, {}, 3, 0],
    ['processing', 0, 4, {}, 0, 0],
    ['completed', 3, 1, { completed }, 3, 3],
    ['refunded', 4, 0, {}, 4, 4],
    ['refunded', 0, 4, {}, 0, 0],
    ['trash', 4, 0, { trashedFrom: 'processing' }, 4, 0],
    ['trash', 4, 0, { trashedFrom: 'completed', completed }, 4, 4],
    ['trash', null, 0, { trashedFrom: 'cancelled' }, 0, 0],
    ['lay-away', 4, 0, {}, 4, 0],
    ['lay-away', null, 0, {}, 0, 0],
    ['delivered', 4, 0, { completed }, 4, 4],
  ] as const)(
    'a managed product in a %s order with _reduced_stock %s and %s restocked',
    (status, reduced, restocked, more, taken, gone) => {
      const [line] = snapshot(order({ status, ...more }, { reduced, restocked })).lines;
      expect(line).toMatchObject({ taken, gone });
    },
  );

  test.each([
    ['pending', {}, 0, 0],
    ['processing', {}, 4, 0],
    ['on-hold', {}, 4, 0],
    ['completed', { completed }, 4, 4],
    ['cancelled', {}, 0, 0],
    ['failed', {}, 0, 0],
    ['refunded', {}, 0, 0],
    ['trash', { trashedFrom: 'processing' }, 4, 0],
    ['trash', { trashedFrom: 'pending' }, 0, 0],
  ] as const)(
    'a product without stock management in a %s order counts by status',
    (status, more, taken, gone) => {
      const [line] = snapshot(order({ status, ...more }), { managed: false }).lines;
      expect(line).toMatchObject({ taken, gone });
    },
  );

  test('what is refunded after it was shipped stays gone when the shop does not manage it', () => {
    const [line] = snapshot(order({ status: 'refunded', completed }), { managed: false }).lines;
    expect(line).toMatchObject({ taken: 4, gone: 4 });
  });

  test('a stock movement recorded before management was switched off still counts', () => {
    const [line] = snapshot(order({ status: 'lay-away' }, { reduced: 4 }), { managed: false }).lines;
    expect(line).toMatchObject({ taken: 4, gone: 0 });
  });

  test.each([
    ['deleted', { product: '0', sku: null, reduced: 4 }, {}],
    ['no longer tracked', { reduced: 4 }, { ownerless: ['1'] }],
  ])(
    'units of a cancelled order whose product is %s are free at once, though the record stays',
    (_, line, more) => {
      for (const status of ['cancelled', 'failed', 'pending']) {
        const freed = snapshot(order({ status, modified: noon - 2_000, ...more }, line));
        expect(freed.lines[0]).toMatchObject({ taken: 0, gone: 0 });
        expect(freed.lookAgainMs).toBeUndefined();
        expect(freed.warnings).toBeUndefined();
      }
      expect(snapshot(order({ ...more }, line)).lines[0]).toMatchObject({ taken: 4, gone: 0 });
    },
  );

  test('a pending order that really keeps its units goes on keeping them', () => {
    const kept = snapshot(order({ status: 'pending', ownerless: [] }, { reduced: 4 }));
    expect(kept.lines[0]).toMatchObject({ taken: 4, gone: 0 });
    expect(kept.warnings?.[0]).toMatch(/still keeps 4/);
  });

  test.each([
    // ordered, recorded, restocked, counted
    [2, 1, 0, 2],
    [1, 3, 0, 1],
    [4, 1, 1, 3],
    [2, 0, 0, 2],
  ])(
    '%i ordered where the shop took %i and put back %i: looked at again, then %i count, with a warning',
    (quantity, reduced, restocked, counted) => {
      const line = { quantity, reduced, restocked };
      const fresh = order({ modified: noon - 2_000 }, line);
      expect(snapshot(fresh).lookAgainMs).toBe(30_000);
      const settled = snapshot(fresh, { attempt: 2 });
      expect(settled.lookAgainMs).toBeUndefined();
      expect(settled.lines[0]).toMatchObject({ taken: counted, gone: 0 });
      expect(settled.warnings?.[0]).toMatch(/but the shop took .* counted\. Set the right number/);
      for (const status of ['completed', 'refunded'] as const) {
        const ended = snapshot(order({ status, completed }, line));
        expect(ended.lines[0]).toMatchObject({ taken: counted, gone: counted });
      }
      const config = configOf({ hold_rule: 'by-record' });
      expect(snapshot(fresh, { config }).lines[0]).toMatchObject({ taken: reduced });
      expect(snapshot(fresh, { config }).warnings).toBeUndefined();
    },
  );

  test("the record's fraction that the API cuts off the quantity is no contradiction", () => {
    const cut = snapshot(order({ modified: noon - 2_000 }, { quantity: 1, reduced: 1.5 }));
    expect(cut.lookAgainMs).toBeUndefined();
    expect(cut.lines[0]?.taken).toBe(2);
  });

  test('a return after shipping brings down taken and gone together', () => {
    const before = snapshot(order({ status: 'completed', completed }, { reduced: 4 })).lines[0];
    const after = snapshot(order({ status: 'completed', completed }, { reduced: 1, restocked: 3 })).lines[0];
    expect([before?.taken, before?.gone, after?.taken, after?.gone]).toEqual([4, 4, 1, 1]);
    expect(after?.goneAt).toBe(completed);
  });

  test('a refund without restock leaves units taken and written off', () => {
    const fields = order({ hasRefunds: true, refunded: { '1': 2 } }, { reduced: 3, restocked: 1 });
    expect(snapshot(fields).lines[0]).toMatchObject({ taken: 3, gone: 1, goneAt: null });
  });

  test('a status change to pending and back moves the hold down and up again', () => {
    const taken = (['processing', 'pending', 'processing'] as const).map((status) => {
      const reduced = status === 'pending' ? null : 4;
      return snapshot(order({ status }, { reduced })).lines[0]?.taken;
    });
    expect(taken).toEqual([4, 0, 4]);
  });

  test('a line that the shop has not reduced yet is looked at again, then counted by status with a warning', () => {
    const fresh = order({ modified: noon - 2_000 });
    expect(snapshot(fresh, { attempt: 0 }).lookAgainMs).toBe(30_000);
    expect(snapshot(fresh, { attempt: 1 }).lookAgainMs).toBe(30_000);
    const settled = snapshot(fresh, { attempt: 2 });
    expect(settled.lookAgainMs).toBeUndefined();
    expect(settled.lines[0]).toMatchObject({ taken: 4, gone: 0 });
    expect(settled.warnings?.[0]).toMatch(/recorded no stock movement; 4 counted by the status processing/);
  });

  test('an old order without a stock movement is not waited for', () => {
    const settled = snapshot(order({}));
    expect(settled.lookAgainMs).toBeUndefined();
    expect(settled.lines[0]?.taken).toBe(4);
  });

  test('an order of a listing that discovery does not know is not waited for', () => {
    const settled = snapshot(order({ modified: noon - 2_000 }), { managed: undefined });
    expect(settled.lookAgainMs).toBeUndefined();
    expect(settled.lines[0]).toMatchObject({ taken: 4, listingId: '11' });
  });

  test('a cancelled order whose units are still taken is looked at again before it keeps them', () => {
    const fresh = order({ status: 'cancelled', modified: noon - 2_000 }, { reduced: 4 });
    expect(snapshot(fresh).lookAgainMs).toBe(30_000);
    const settled = snapshot(fresh, { attempt: 2 });
    expect(settled.lines[0]).toMatchObject({ taken: 4, gone: 0 });
    expect(settled.warnings?.[0]).toMatch(/still keeps 4/);
  });

  test('by-status mode serves shops whose plugins switch off the stock movement', () => {
    const config = configOf({ hold_rule: 'by-status' });
    const settled = snapshot(order({ modified: noon - 2_000 }), { config });
    expect(settled.lookAgainMs).toBeUndefined();
    expect(settled.lines[0]).toMatchObject({ taken: 4, gone: 0 });
    expect(snapshot(order({ status: 'cancelled' }), { config }).lines[0]?.taken).toBe(0);
  });

  test("a plugin's status is mapped by the configuration, with or without wc- before it", () => {
    const config = configOf({
      status_map: { 'wc-awaiting-shipment': 'hold', shipped: 'gone', quote: 'none' },
    });
    const lineIn = (status: string) => snapshot(order({ status }), { config, managed: false }).lines[0];
    expect(lineIn('awaiting-shipment')).toMatchObject({ taken: 4, gone: 0 });
    expect(lineIn('shipped')).toMatchObject({ taken: 4, gone: 4 });
    expect(lineIn('quote')).toMatchObject({ taken: 0, gone: 0 });
  });

  test('half units count whole, upward, with a warning', () => {
    const cut = snapshot(order({}, { quantity: 2.5, reduced: 2.5 }));
    expect(cut.lines[0]?.taken).toBe(3);
    expect(cut.warnings).toEqual(['line 1 (SKU-001): 2.5 units, counted as 3']);
  });

  test('a negative quantity takes nothing and is told', () => {
    const negative = snapshot(order({}, { quantity: -1, reduced: -1 }));
    expect(negative.lines[0]).toMatchObject({ taken: 0, gone: 0 });
    expect(negative.warnings?.[0]).toMatch(/negative/);
  });

  test('a line whose product was deleted keeps its hold under its own key', () => {
    const [line] = snapshot(order({}, { product: '0', sku: null, reduced: 4 }), { managed: undefined }).lines;
    expect(line).toMatchObject({ lineKey: '1', listingId: null, channelSku: null, taken: 4 });
  });

  test('an order in the trash keeps its hold and says so', () => {
    const trashed = snapshot(order({ status: 'trash', trashedFrom: 'processing' }, { reduced: 4 }));
    expect(trashed.cancelled).toBe(false);
    expect(trashed.warnings).toEqual([
      'in the trash of the shop, which keeps its 4 units from sale; restore and cancel the order to free them',
    ]);
  });

  test('the time of the stock movement is told only when order and payment were one request', () => {
    const created = noon - 60 * minute;
    const at = (paid: number | null) => snapshot(order({ created, paid }, { reduced: 4 })).lines[0]?.takenAt;
    expect(at(created + 2_000)).toBe(created + 2_000);
    expect(at(created + 10 * minute)).toBeNull();
    expect(at(null)).toBeNull();
  });
});
