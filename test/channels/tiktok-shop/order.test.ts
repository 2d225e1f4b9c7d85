import { describe, expect, test } from 'vitest';
import type { FactsOf, ListingRef } from '../../../src/channels/channel.ts';
import type { OrderSnapshot } from '../../../src/stock/order.ts';
import { calm, noon, said } from '../../kit/stage.ts';
import { type Stage, stage } from './scripted-tiktok.ts';

const orderId = '576486316948490001';
const red = '1729592969712207013';
const blue = '1729592969712207014';
let units = 0;

/** One row per unit, as the platform tells orders. */
function unit(sku: string, status?: string, change: Record<string, unknown> = {}) {
  units += 1;
  return {
    id: `57700000000000${1000 + units}`,
    sku_id: sku,
    seller_sku: sku === red ? 'RED' : 'BLUE',
    product_id: '1729592969712207008',
    ...(status === undefined ? {} : { display_status: status }),
    sku_type: 'NORMAL',
    is_gift: false,
    package_id: '',
    ...change,
  };
}

function order(status: string, line_items: unknown[], change: Record<string, unknown> = {}) {
  return {
    id: orderId,
    status,
    create_time: noon / 1000 - 100,
    update_time: noon / 1000,
    fulfillment_type: 'FULFILLMENT_BY_SELLER',
    recipient_address: { name: 'Canary' },
    buyer_email: 'canary@example.com',
    line_items,
    ...change,
  };
}

/** The order as fetched, and what it says. */
async function fetched(
  row: unknown,
  how: { config?: Record<string, unknown>; facts?: FactsOf } = {},
): Promise<{ snapshot: OrderSnapshot; ignored: string | null; stage: Stage }> {
  const at = await stage((call) =>
    call.path === '/order/202507/orders' ? { data: { orders: [row] } } : undefined,
  );
  const channel = at.reopen(how.config ?? {});
  const [found] = await channel.fetchOrders([orderId], calm);
  if (found === undefined || 'missing' in found) throw new Error('missing');
  expect(JSON.stringify(found.item).toLowerCase()).not.toContain('canary');
  const content = said(channel, found.item, how.facts);
  const [snapshot] = content.orders;
  return { snapshot: snapshot as OrderSnapshot, ignored: content.ignored, stage: at };
}

const counts = (snapshot: OrderSnapshot) => snapshot.lines.map(({ taken, gone }) => [taken, gone]);

describe('an order', () => {
  test.each([
    ['SELLER', 'seller_cancel_reason_out_of_stock', 2],
    ['SELLER', 'seller_cancel_unpaid_reason_out_of_stock', 2],
    ['SELLER', 'Out of stock', 2],
    ['SELLER', 'seller_cancel_reason_wrong_price', undefined],
    ['BUYER', 'Out of stock elsewhere', undefined],
    ['SYSTEM', '', undefined],
  ])('cancelled by %s for %j doubts %s units', async (cancel_user, cancel_reason, doubted) => {
    const lines = [1, 2].map(() => unit(red, 'CANCELLED', { cancel_user, cancel_reason }));
    const { snapshot } = await fetched(order('CANCELLED', [...lines, unit(blue, 'CANCELLED')]));
    expect(snapshot.lines.map((line) => line.doubted)).toEqual([doubted, undefined]);
  });

  test('of one row per unit has one line per SKU, under a key that outlives its rows', async () => {
    const rows = [unit(red), unit(blue), unit(red), unit(red)];
    const { snapshot } = await fetched(order('AWAITING_SHIPMENT', rows));
    expect(snapshot).toEqual({
      orderId,
      number: orderId,
      version: noon,
      clock: 'update_time',
      obtained: 'listed',
      askedAt: noon,
      answeredAt: noon,
      complete: true,
      placedAt: noon - 100_000,
      changedAt: noon,
      status: 'AWAITING_SHIPMENT',
      cancelled: false,
      lines: [
        {
          lineKey: `${orderId}/${red}`,
          listingId: red,
          channelSku: 'RED',
          taken: 3,
          gone: 0,
          takenAt: null,
          goneAt: null,
        },
        {
          lineKey: `${orderId}/${blue}`,
          listingId: blue,
          channelSku: 'BLUE',
          taken: 1,
          gone: 0,
          takenAt: null,
          goneAt: null,
        },
      ],
    });
  });

  test.each([
    ['UNPAID', 2, 0],
    ['ON_HOLD', 2, 0],
    ['AWAITING_SHIPMENT', 2, 0],
    ['AWAITING_COLLECTION', 2, 0],
    ['PARTIALLY_SHIPPING', 2, 0],
    ['IN_TRANSIT', 2, 2],
    ['DELIVERED', 2, 2],
    ['COMPLETED', 2, 2],
    ['CANCELLED', 0, 0],
    ['CANCEL', 0, 0],
    ['A_NEW_STATE', 2, 0],
  ])('in state %s takes %i, of which %i are gone', async (status, taken, gone) => {
    const { snapshot } = await fetched(order(status, [unit(red, status), unit(red, status)]));
    expect(counts(snapshot)).toEqual([[taken, gone]]);
    expect(snapshot.cancelled).toBe(status.startsWith('CANCEL'));
    expect(snapshot.warnings ?? []).toEqual(
      status === 'A_NEW_STATE' ? [expect.stringMatching(/unknown status A_NEW_STATE/)] : [],
    );
  });

  test('of which parts were cancelled or shipped tells each unit by its own state', async () => {
    const rows = [
      unit(red, 'CANCELLED'),
      unit(red, 'IN_TRANSIT'),
      unit(red, 'AWAITING_COLLECTION'),
      unit(blue, 'CANCEL'),
    ];
    const { snapshot } = await fetched(order('PARTIALLY_SHIPPING', rows));
    expect(counts(snapshot)).toEqual([
      [2, 1],
      [0, 0],
    ]);
    expect(snapshot.cancelled).toBe(false);
  });

  test('that is unpaid holds nothing where the merchant says so', async () => {
    const row = order('UNPAID', [unit(red, 'UNPAID')]);
    const { snapshot } = await fetched(row, { config: { hold_unpaid: false } });
    expect(counts(snapshot)).toEqual([[0, 0]]);
  });

  test('whose cancellation is only asked for keeps its units, and says so', async () => {
    const row = order('AWAITING_SHIPMENT', [unit(red)], { is_buyer_request_cancel: true });
    const { snapshot } = await fetched(row);
    expect(counts(snapshot)).toEqual([[1, 0]]);
    expect(snapshot.status).toMatch(/cancellation requested/);
  });

  test('that was cancelled after the carrier had it releases nothing', async () => {
    const late = { collection_time: noon / 1000 - 50 };
    const lost = await fetched(order('CANCELLED', [unit(red, 'CANCELLED')], late));
    expect(counts(lost.snapshot)).toEqual([[1, 1]]);
    expect(lost.snapshot.lines[0]?.goneAt).toBe(noon - 50_000);
    const rows = [unit(red, 'CANCELLED', { package_status: 'FULFILLING' }), unit(red, 'CANCELLED')];
    const partly = await fetched(order('CANCELLED', rows));
    expect(counts(partly.snapshot)).toEqual([[1, 1]]);
  });

  test('that was cancelled on its way releases the units that were cancelled before it was packed', async () => {
    const rows = [unit(red, 'CANCELLED', { package_id: '1153' }), unit(red, 'CANCELLED')];
    const { snapshot } = await fetched(order('CANCELLED', rows, { collection_time: noon / 1000 - 50 }));
    expect(counts(snapshot)).toEqual([[1, 1]]);
  });

  test('of which a unit was cancelled before the rest was collected releases that unit', async () => {
    const rows = [unit(red, 'CANCELLED'), unit(red, 'IN_TRANSIT')];
    const { snapshot } = await fetched(order('IN_TRANSIT', rows, { collection_time: noon / 1000 - 50 }));
    expect(counts(snapshot)).toEqual([[1, 1]]);
  });

  test('that TikTok ships from its own warehouse is ignored, unless the merchant counts it', async () => {
    const row = order('AWAITING_SHIPMENT', [unit(red)], { fulfillment_type: 'FULFILLMENT_BY_TIKTOK' });
    expect((await fetched(row)).ignored).toMatch(/fulfilled by TikTok/);
    const counted = await fetched(row, { config: { fulfilled_by_tiktok: 'count' } });
    expect(counts(counted.snapshot)).toEqual([[1, 0]]);
  });

  test('of samples, gifts and replacements takes stock, and pre-orders unless the merchant says no', async () => {
    const rows = [unit(red, undefined, { is_gift: true }), unit(blue, undefined, { sku_type: 'PRE_ORDER' })];
    const row = order('AWAITING_SHIPMENT', rows, { is_sample_order: true, is_replacement_order: true });
    expect(counts((await fetched(row)).snapshot)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    const without = await fetched(row, { config: { pre_orders: 'ignore' } });
    expect(counts(without.snapshot)).toEqual([
      [1, 0],
      [0, 0],
    ]);
  });

  test('of a combined listing is booked on its components once all are known, else on itself', async () => {
    const combined_listing_skus = [
      { sku_id: red, sku_count: 2, product_id: '9' },
      { sku_id: blue, sku_count: 1, product_id: '9' },
    ];
    const combo = '1729592969712299999';
    const rows = [
      unit(combo, undefined, { combined_listing_skus }),
      unit(combo, undefined, { combined_listing_skus }),
      unit(red),
    ];
    const row = order('AWAITING_SHIPMENT', rows);
    const ref = (id: string): ListingRef => ({
      listingId: id,
      counterKey: id,
      channelSku: `S-${id}`,
      facts: null,
    });
    const known = await fetched(row, { facts: ref });
    expect(known.snapshot.lines.map(({ listingId, taken }) => [listingId, taken])).toEqual([
      [red, 5],
      [blue, 2],
    ]);
    const partly = await fetched(row, { facts: (id) => (id === blue ? undefined : ref(id)) });
    expect(partly.snapshot.lines.map(({ listingId, taken }) => [listingId, taken])).toEqual([
      [combo, 2],
      [red, 1],
    ]);
  });

  test('whose rows carry a quantity one day is counted by it', async () => {
    const { snapshot } = await fetched(order('AWAITING_SHIPMENT', [unit(red, undefined, { quantity: 4 })]));
    expect(counts(snapshot)).toEqual([[4, 0]]);
  });

  test.each([
    ['no lines', { line_items: 'none' }],
    ['no time', { create_time: 'yesterday' }],
    ['no state', { status: null }],
  ])('with %s is seen and unreadable, not skipped', async (_, change) => {
    const { channel } = await stage((call) =>
      call.path === '/order/202507/orders' ? { data: { orders: [order('UNPAID', [], change)] } } : undefined,
    );
    const [found] = await channel.fetchOrders([orderId], calm);
    if (found === undefined || 'missing' in found) throw new Error('missing');
    expect(() => said(channel, found.item)).toThrow(/cannot be read/);
  });
});
