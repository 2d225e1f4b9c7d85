import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, sell, shown } from '../../kit/shop-stage.ts';
import { detail, type Stage, startShop } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const record = (orderId: string) => {
  const found = stage.shop.records().orders.find((order) => order.order_id === orderId);
  if (found === undefined) throw new Error(`no record of ${orderId}`);
  return found;
};
const units = (orderId: string) => record(orderId).lines.map(({ sku, taken, gone }) => [sku, taken, gone]);
const states = async (orderId: string): Promise<string[]> =>
  (await detail(stage, orderId)).line_items.map((item: Loose) => item.display_status);
const search = (body: Loose = {}, query: Record<string, string> = {}) =>
  stage.call('POST', '/order/202309/orders/search', { query: { page_size: '100', ...query }, body });
const found = async (body: Loose = {}, query: Record<string, string> = {}): Promise<string[]> =>
  (await search(body, query)).data.orders.map((order: Loose) => order.id);
const cases = (kind: 'cancellations' | 'returns', body: Loose = {}) =>
  stage.call('POST', `/return_refund/202309/${kind}/search`, { query: { page_size: '50' }, body });
/** Past the index lag and into the next second. */
const settle = async () => {
  await stage.shop.settle();
  stage.tick(1_000);
};

describe('an order', () => {
  test('has one line item per unit and no quantity, with ids that doubles mix up', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3], ['SKU-005', 2]);
    const order = await detail(stage, orderId);
    expect(order.id).toMatch(/^\d{18}$/);
    expect(order.line_items.length).toBe(5);
    expect(JSON.stringify(order)).not.toContain('quantity');
    const ids = order.line_items.map((item: Loose) => item.id);
    expect(new Set(ids).size).toBe(5);
    expect(new Set(ids.map(Number)).size).toBeLessThan(5);
    expect(order.line_items.map((item: Loose) => item.seller_sku)).toEqual([
      'SKU-001',
      'SKU-001',
      'SKU-001',
      'SKU-005',
      'SKU-005',
    ]);
    expect(lineIds).toEqual([order.line_items[0].sku_id, order.line_items[3].sku_id]);
    expect(units(orderId)).toEqual([
      ['SKU-001', 3, 0],
      ['SKU-005', 2, 0],
    ]);
    expect(shown(stage, 'SKU-001')).toBe(7);
  });

  test.each([
    ['first', 1],
    ['unit', 3],
  ] as const)('is told by lines named after units where the shop is asked to (%s)', async (lines, count) => {
    const other = await startShop({ lines });
    const { orderId, lineIds } = sell(other, ['SKU-001', 3]);
    const items = (await detail(other, orderId)).line_items.map((item: Loose) => item.id);
    expect(lineIds).toEqual(items.slice(0, count));
    other.shop.refund({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 1, restock: true });
    expect(shown(other, 'SKU-001')).toBe(8);
    const [kept] = other.shop.records().orders;
    expect(kept?.lines.reduce((sum, line) => sum + line.taken, 0)).toBe(2);
  });

  test('goes from unpaid over an hour on hold to shipment, and holds its units all along', async () => {
    stage.shop.fault({ name: 'unpaid', count: 1 });
    const { orderId } = sell(stage, ['SKU-001', 1]);
    expect(await detail(stage, orderId)).toMatchObject({ status: 'UNPAID', is_on_hold_order: false });
    expect(shown(stage, 'SKU-001')).toBe(9);
    await settle();
    const order = await detail(stage, orderId);
    expect(order).toMatchObject({ status: 'AWAITING_SHIPMENT', is_on_hold_order: false });
    expect(order.paid_time).toBeGreaterThan(1_700_000_000);
    expect(stage.shop.pending()).toBe(0);
  });

  test('that waits for nobody counts as quiet: payments and holds are no deliveries', () => {
    for (let orders = 0; orders < 10; orders += 1) sell(stage, ['SKU-002', 1], ['SKU-003', 1]);
    expect(stage.shop.pending()).toBe(0);
  });

  test('that is never paid is cancelled by the platform', async () => {
    stage.shop.fault({ name: 'never_pays', count: 1 });
    const { orderId } = sell(stage, ['SKU-001', 2]);
    expect(shown(stage, 'SKU-001')).toBe(8);
    await settle();
    const order = await detail(stage, orderId);
    expect(order).toMatchObject({ status: 'CANCELLED', cancellation_initiator: 'SYSTEM' });
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([10, [['SKU-001', 0, 0]]]);
  });

  test('that is cancelled before it leaves gives back every unit, once', async () => {
    const { orderId } = sell(stage, ['SKU-001', 3], ['SKU-005', 2]);
    for (const restock of [false, true]) stage.shop.cancel({ order_id: orderId, restock });
    expect(await detail(stage, orderId)).toMatchObject({
      status: 'CANCELLED',
      // Without restock it is the seller's, for want of stock; the second call finds nothing left.
      cancellation_initiator: 'SELLER',
    });
    expect(await states(orderId)).toEqual(Array(5).fill('CANCELLED'));
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-005')]).toEqual([10, 10]);
    expect(stage.shop.stockOf('SKU-001')).toEqual({ Main: { available: 10, committed: 0 } });
    expect(record(orderId).status).toBe('cancelled');
  });

  test('that is cancelled after it left keeps its units', async () => {
    const { orderId } = sell(stage, ['SKU-001', 3]);
    stage.shop.ship({ order_id: orderId });
    expect((await detail(stage, orderId)).status).toBe('IN_TRANSIT');
    stage.shop.cancel({ order_id: orderId, restock: true });
    const lost = await detail(stage, orderId);
    expect(lost).toMatchObject({ status: 'CANCELLED', collection_time: lost.update_time });
    expect(lost.line_items[0].package_id).toMatch(/^\d{19}$/);
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([7, [['SKU-001', 3, 3]]]);
  });

  test('that is shipped is committed no more; it is delivered and completed', async () => {
    const { orderId } = sell(stage, ['SKU-001', 3]);
    stage.shop.ship({ order_id: orderId });
    expect(stage.shop.stockOf('SKU-001')).toEqual({ Main: { available: 7, committed: 0 } });
    expect(units(orderId)).toEqual([['SKU-001', 3, 3]]);
    stage.shop.arrive(orderId);
    expect((await detail(stage, orderId)).status).toBe('COMPLETED');
    expect(record(orderId).status).toBe('shipped');
  });

  test('tells when the carrier came, and where each parcel is; who is called off before that has none', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    const parcels = async (): Promise<string[]> =>
      (await detail(stage, orderId)).line_items.map((item: Loose) => item.package_status);
    expect(await detail(stage, orderId)).not.toHaveProperty('collection_time');
    expect(await parcels()).toEqual(['', '', '']);
    stage.shop.fault({ name: 'slow_collection', count: 1 });
    stage.shop.ship({ order_id: orderId });
    expect(await parcels()).toEqual(['PROCESSING', 'PROCESSING', 'PROCESSING']);
    expect(await detail(stage, orderId)).not.toHaveProperty('collection_time');
    stage.shop.refund({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 1, restock: true });
    await settle();
    expect(await parcels()).toEqual(['FULFILLING', 'FULFILLING', '']);
    expect((await detail(stage, orderId)).collection_time).toBeGreaterThan(1_700_000_000);
    stage.shop.arrive(orderId);
    expect(await parcels()).toEqual(['COMPLETED', 'COMPLETED', '']);
    stage.shop.cancel({ order_id: orderId });
    expect(await parcels()).toEqual(['CANCELLED', 'CANCELLED', '']);
    expect(units(orderId)).toEqual([['SKU-001', 2, 2]]);
  });

  test('leaves in parts, or waits for the carrier, under the faults', async () => {
    stage.shop.fault({ name: 'partial_ship', count: 1 });
    const part = sell(stage, ['SKU-001', 4]).orderId;
    stage.shop.ship({ order_id: part });
    expect((await detail(stage, part)).status).toBe('PARTIALLY_SHIPPING');
    expect((await states(part)).sort()).toEqual([
      'AWAITING_SHIPMENT',
      'AWAITING_SHIPMENT',
      'PARTIALLY_SHIPPING',
      'PARTIALLY_SHIPPING',
    ]);
    expect(units(part)).toEqual([['SKU-001', 4, 2]]);
    stage.shop.cancel({ order_id: part });
    expect((await detail(stage, part)).status).toBe('IN_TRANSIT');
    expect(units(part)).toEqual([['SKU-001', 2, 2]]);
    stage.shop.fault({ name: 'slow_collection', count: 1 });
    const slow = sell(stage, ['SKU-002', 2]).orderId;
    stage.shop.ship({ order_id: slow });
    expect((await detail(stage, slow)).status).toBe('AWAITING_COLLECTION');
    expect(units(slow)).toEqual([['SKU-002', 2, 0]]);
    await settle();
    expect(units(slow)).toEqual([['SKU-002', 2, 2]]);
  });

  test('is called off in part by a refund with restock, not by one without', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    const refund = (restock: boolean) =>
      stage.shop.refund({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 1, restock });
    refund(true);
    expect(await states(orderId)).toContain('CANCELLED');
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([8, [['SKU-001', 2, 0]]]);
    refund(false);
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([8, [['SKU-001', 2, 0]]]);
    stage.shop.ship({ order_id: orderId });
    refund(true);
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([8, [['SKU-001', 2, 2]]]);
    expect(() => refund(true)).toThrow(/nothing|no such units/);
    const { data } = await cases('returns');
    expect(data.return_orders.map((one: Loose) => [one.return_type, one.can_buyer_keep_item])).toEqual([
      ['REFUND', true],
      ['RETURN_AND_REFUND', false],
    ]);
    expect(data.return_orders[0].return_line_items[0].order_line_item_id).toMatch(/^\d{18}$/);
  });

  test('gets fewer units by an edit, never more', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3]);
    const edit = (quantity: number) =>
      stage.shop.edit({ order_id: orderId, line_id: lineIds[0] ?? '', quantity });
    edit(1);
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([9, [['SKU-001', 1, 0]]]);
    edit(5);
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([9, [['SKU-001', 1, 0]]]);
    edit(0);
    expect([shown(stage, 'SKU-001'), units(orderId)]).toEqual([10, [['SKU-001', 0, 0]]]);
  });

  test('whose buyer asks to cancel is held until somebody decides; shipping rejects the wish', async () => {
    stage.shop.fault({ name: 'cancel_pending' });
    const [one, two, three] = [1, 2, 3].map(() => sell(stage, ['SKU-001', 1]).orderId);
    for (const id of [one, two, three]) stage.shop.cancel({ order_id: id ?? '' });
    expect(await detail(stage, one ?? '')).toMatchObject({ is_buyer_request_cancel: true });
    expect(shown(stage, 'SKU-001')).toBe(7);
    stage.shop.ship({ order_id: one ?? '' });
    stage.shop.fault({ name: 'cancel_withdrawn', count: 1 });
    await settle();
    const { data } = await cases('cancellations');
    expect(data.cancellations.map((row: Loose) => row.cancel_status).sort()).toEqual([
      'CANCELLATION_REQUEST_CANCEL',
      'CANCELLATION_REQUEST_CANCEL',
      'CANCELLATION_REQUEST_COMPLETE',
    ]);
    expect(data.cancellations[0]).toMatchObject({ cancel_type: 'BUYER_CANCEL', role: 'BUYER' });
    expect(shown(stage, 'SKU-001')).toBe(8);
  });

  test('comes as sample, pre-order, with a gift, as replacement, or from the platform’s own stock', async () => {
    const faulty = (name: string) => stage.shop.fault({ name, count: 1 });
    faulty('sample_order');
    expect(await detail(stage, sell(stage, ['SKU-001', 1]).orderId)).toMatchObject({ is_sample_order: true });
    faulty('pre_order');
    const early = await detail(stage, sell(stage, ['SKU-001', 1]).orderId);
    expect(early.line_items[0].sku_type).toBe('PRE_ORDER');
    faulty('gift_line');
    const gift = sell(stage, ['SKU-001', 1]).orderId;
    expect((await detail(stage, gift)).line_items.map((item: Loose) => item.is_gift)).toEqual([false, true]);
    expect(units(gift)).toEqual([['SKU-001', 2, 0]]);
    const broken = sell(stage, ['SKU-002', 1]).orderId;
    stage.shop.ship({ order_id: broken });
    faulty('replacement');
    stage.shop.refund({ order_id: broken, quantity: 1, restock: true });
    const again = stage.shop.records().orders.at(-1)?.order_id ?? '';
    expect(await detail(stage, again)).toMatchObject({
      is_replacement_order: true,
      replaced_order_id: broken,
      status: 'AWAITING_SHIPMENT',
    });
    expect(shown(stage, 'SKU-002')).toBe(8);
    const own = sell(stage, ['PLATFORM-1', 1]).orderId;
    expect((await detail(stage, own)).fulfillment_type).toBe('FULFILLMENT_BY_TIKTOK');
    const combo = await detail(stage, sell(stage, ['COMBO-1', 1]).orderId);
    expect(combo.line_items[0].combined_listing_skus).toMatchObject([{ sku_count: 2 }, { sku_count: 1 }]);
  });

  test('is not sold beyond what is there, unless it is forced; then nothing comes back that was not there', () => {
    const lines = [{ sku: 'SKU-001', quantity: 11 }];
    expect(stage.shop.sell({ lines })).toEqual({ sold: false, reason: 'out_of_stock' });
    expect(stage.shop.sell({ lines: [{ sku: 'NOPE', quantity: 1 }] })).toMatchObject({
      reason: 'unknown_sku',
    });
    const forced = stage.shop.sell({ lines, force: true });
    if (!forced.sold) throw new Error('not sold');
    expect(stage.shop.stockOf('SKU-001')).toEqual({ Main: { available: 0, committed: 11 } });
    stage.shop.cancel({ order_id: forced.order_id });
    expect(stage.shop.stockOf('SKU-001')).toEqual({ Main: { available: 10, committed: 0 } });
    stage.shop.fault({ name: 'holiday_mode' });
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 1 }] }).sold).toBe(false);
  });
});

describe('the order search', () => {
  test('takes half-open windows of change time, in the order asked', async () => {
    const ids: string[] = [];
    for (let orders = 0; orders < 5; orders += 1) {
      ids.push(sell(stage, ['SKU-001', 1]).orderId);
      await settle();
    }
    const at = await Promise.all(ids.map(async (id) => (await detail(stage, id)).update_time));
    const window = { update_time_ge: at[1], update_time_lt: at[3] };
    const upwards = { sort_field: 'update_time', sort_order: 'ASC' };
    expect(await found(window, upwards)).toEqual(ids.slice(1, 3));
    expect(await found({}, upwards)).toEqual(ids);
    expect(await found()).toEqual([...ids].reverse());
    expect(await found({ create_time_ge: at[4] })).toEqual(ids.slice(4));
    expect(await found({ order_status: 'CANCELLED' })).toEqual([]);
    for (const body of [{ order_status: 'CANCEL' }, { update_time_ge: '1' }, { update_time_ge: 1.5 }]) {
      expect((await search(body)).code).toBe(36009023);
    }
    expect((await search({}, { sort_field: 'id' })).code).toBe(36009004);
  });

  test('pages through one second, and an order that changes pushes no other off its page', async () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 500 });
    const ids = Array.from({ length: 30 }, () => sell(stage, ['SKU-001', 1]).orderId);
    await settle();
    const walk = async () => {
      const seen: string[] = [];
      const query: Record<string, string> = { page_size: '10', sort_field: 'update_time', sort_order: 'ASC' };
      for (;;) {
        const { data } = await search({}, query);
        seen.push(...data.orders.map((order: Loose) => order.id));
        if (data.next_page_token === '') return seen;
        query['page_token'] = data.next_page_token;
        stage.shop.cancel({ order_id: seen[0] ?? '' });
        await settle();
      }
    };
    expect(new Set(await walk())).toEqual(new Set(ids));
    stage.shop.fault({ name: 'shifting_pages' });
    for (const id of ids.slice(10, 12)) stage.shop.cancel({ order_id: id });
    await settle();
    const shifted = await walk();
    expect(shifted.length).toBeGreaterThan(20);
  });

  test('offsets skip orders when they shift (shifting_pages)', async () => {
    const ids: string[] = [];
    for (let orders = 0; orders < 6; orders += 1) {
      ids.push(sell(stage, ['SKU-00'.concat(String(orders + 1)), 1]).orderId);
      await settle();
    }
    stage.shop.fault({ name: 'shifting_pages' });
    const query = { page_size: '3', sort_field: 'update_time', sort_order: 'ASC' };
    const first = await search({}, query);
    stage.shop.cancel({ order_id: ids[0] ?? '' });
    await settle();
    const second = await search({}, { ...query, page_token: first.data.next_page_token });
    expect(second.data.orders.map((order: Loose) => order.id)).toEqual([ids[4], ids[5], ids[0]]);
  });

  test('lists orders late under order_lag, which a fetch by id does not know', async () => {
    stage.shop.fault({ name: 'order_lag', ms: 60_000 });
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.tick(59_000);
    expect(await found()).toEqual([]);
    expect((await detail(stage, orderId)).id).toBe(orderId);
    stage.tick(1_001);
    expect(await found()).toEqual([orderId]);
  });

  test('refuses windows beyond a week under week_windows', async () => {
    stage.shop.fault({ name: 'week_windows' });
    const week = { update_time_ge: 1_700_000_000, update_time_lt: 1_700_604_800 };
    expect((await search(week)).code).toBe(0);
    for (const body of [{}, { ...week, update_time_lt: 1_700_604_801 }, { update_time_ge: 1_700_000_000 }]) {
      expect((await search(body)).code).toBe(36009004);
    }
  });

  test('fetches fifty ids at most, leaves out unknown ones, and refuses odd ones', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    const get = (ids: string) => stage.call('GET', '/order/202507/orders', { query: { ids } });
    const both = await get(`${orderId},999999999999999999`);
    expect(both.data.orders.map((order: Loose) => order.id)).toEqual([orderId]);
    expect((await get(Array(51).fill(orderId).join(','))).code).toBe(36009004);
    for (const odd of ['', 'x', `${orderId};1`]) expect((await get(odd)).code).toBe(36009004);
  });
});

describe('the seller’s cancellation by the API', () => {
  const cancel = (body: Loose) => stage.call('POST', '/return_refund/202309/cancellations', { body });
  const reason = { cancel_reason: 'seller_cancel_reason_out_of_stock' };

  test('calls off a whole order or some of it, once', async () => {
    const { orderId } = sell(stage, ['SKU-001', 3]);
    const [item] = (await detail(stage, orderId)).line_items;
    expect((await cancel({ order_id: orderId, ...reason, order_line_item_ids: [item.id] })).code).toBe(0);
    expect(shown(stage, 'SKU-001')).toBe(8);
    const { data } = await cancel({ order_id: orderId, ...reason });
    expect(data).toMatchObject({ cancel_status: 'CANCELLATION_REQUEST_COMPLETE' });
    expect(shown(stage, 'SKU-001')).toBe(10);
    expect((await cancel({ order_id: orderId, ...reason })).code).not.toBe(0);
    expect(
      (await cases('cancellations', { order_ids: [orderId], cancel_types: ['CANCEL'] })).data,
    ).toMatchObject({ total_count: 2 });
  });

  test('is refused for what has left, what is not there, and without a reason', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    expect((await cancel({ order_id: orderId })).code).toBe(36009023);
    stage.shop.ship({ order_id: orderId });
    for (const order_id of [orderId, '999999999999999999']) {
      const answer = await cancel({ order_id, ...reason });
      expect(answer.status).toBe(200);
      expect(answer.code).not.toBe(0);
      expect(answer.data).toBeNull();
    }
    expect(units(orderId)).toEqual([['SKU-001', 1, 1]]);
  });
});
