import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, NOON, sell, sellAndSettle, shown } from '../../kit/shop-stage.ts';
import { type Stage, startShop, tokenCall } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const base = '/sell/fulfillment/v1/order';
const list = (query: Record<string, string> = {}) => stage.rest('GET', `${base}?${encoded(query)}`);
const encoded = (query: Record<string, string>) =>
  Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
const since = (ms: number) => `lastmodifieddate:[${new Date(ms).toISOString()}..]`;
const single = async (id: string) => (await stage.rest('GET', `${base}/${id}`)).json;
const idsIn = (json: Loose): string[] => json.orders.map((order: Loose) => order.orderId);
const record = (id: string) => stage.shop.records().orders.find((order) => order.order_id === id);
/** Past the lag of the search index. */
const indexed = () => stage.tick(10);

describe('a sale', () => {
  test('lowers both numbers of a pinned item at once and reads with all ids as the platform writes them', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 3], ['SKU-007', 2]);
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-007')]).toEqual([7, 8]);
    expect(orderId).toMatch(/^\d\d-\d{5}-\d{5}$/);
    const order = await single(orderId);
    expect(order).toMatchObject({
      orderId,
      creationDate: new Date(NOON).toISOString(),
      lastModifiedDate: new Date(NOON).toISOString(),
      orderFulfillmentStatus: 'NOT_STARTED',
      cancelStatus: { cancelState: 'NONE_REQUESTED', cancelRequests: [] },
    });
    expect(order.lineItems.map((line: Loose) => [line.lineItemId, line.sku, line.quantity])).toEqual([
      [lineIds[0], 'SKU-001', 3],
      [lineIds[1], 'SKU-007', 2],
    ]);
    expect(order.lineItems[0]).not.toHaveProperty('legacyVariationId');
    expect(order.lineItems[1].legacyVariationId).toMatch(/^\d{12}$/);
    expect(order.lineItems[1].variationAspects).toEqual([{ name: 'Color', value: 'SKU-007' }]);
    expect(record(orderId)?.lines).toEqual([
      { line_id: lineIds[0], sku: 'SKU-001', taken: 3, gone: 0 },
      { line_id: lineIds[1], sku: 'SKU-007', taken: 2, gone: 0 },
    ]);
  });

  test('of a listing without a SKU names the item only', async () => {
    const listed = stage.shop.records().listings.find((each) => each.sku === '');
    expect(listed?.listing_id).toMatch(/^110\d{9}$/);
    const result = stage.shop.sell({ lines: [{ sku: '', quantity: 1 }] });
    expect(result).toEqual({ sold: false, reason: 'unknown_sku' });
  });

  test('is refused beyond the stock and for what is unknown or never listed, unless forced', () => {
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 11 }] })).toEqual({
      sold: false,
      reason: 'out_of_stock',
    });
    expect(stage.shop.sell({ lines: [{ sku: 'NO-1', quantity: 1 }] })).toEqual({
      sold: false,
      reason: 'unknown_sku',
    });
    expect(stage.shop.sell({ lines: [{ sku: 'LOOSE-1', quantity: 1 }] })).toEqual({
      sold: false,
      reason: 'unknown_sku',
    });
    const twice = {
      lines: [
        { sku: 'SKU-001', quantity: 6 },
        { sku: 'SKU-001', quantity: 6 },
      ],
    };
    expect(stage.shop.sell(twice)).toEqual({ sold: false, reason: 'out_of_stock' });
    expect(stage.shop.sell({ lines: [{ sku: 'SKU-001', quantity: 12 }], force: true }).sold).toBe(true);
    expect(shown(stage, 'SKU-001')).toBe(0);
  });

  test('takes the twin that has enough', () => {
    sell(stage, ['DUP-1', 5]);
    const twins = stage.shop.records().listings.filter((each) => each.sku === 'DUP-1');
    expect(twins.map((each) => each.shown)).toEqual([4, 1]);
  });
});

describe('searching orders', () => {
  test('finds an order by time only when the index has it, and by id at once', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    expect(idsIn((await list({ filter: since(NOON - 1000) })).json)).toEqual([]);
    expect(idsIn((await list({ orderIds: orderId })).json)).toEqual([orderId]);
    indexed();
    expect(idsIn((await list({ filter: since(NOON - 1000) })).json)).toEqual([orderId]);
  });

  test('trails changes too, and longer under order_lag', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.tick(1_000);
    stage.shop.fault({ name: 'order_lag', count: 1, ms: 5_000 });
    stage.shop.ship({ order_id: orderId });
    stage.tick(4_000);
    expect(idsIn((await list({ filter: since(NOON + 500) })).json)).toEqual([]);
    stage.tick(1_001);
    expect(idsIn((await list({ filter: since(NOON + 500) })).json)).toEqual([orderId]);
  });

  test('pages by the number of an order, up to 200, following next', async () => {
    stage.shop.set({ sku: 'SKU-001', quantity: 500 });
    const ids = Array.from({ length: 130 }, () => sell(stage, ['SKU-001', 1]).orderId);
    indexed();
    const first = (await list({ limit: '60', filter: since(NOON - 1000) })).json;
    expect([first.total, first.orders.length, first.limit, first.offset]).toEqual([130, 60, 60, 0]);
    const seen: string[] = [];
    for (let page = first; page !== null; ) {
      seen.push(...idsIn(page));
      if (page.next === undefined) break;
      page = (await stage.rest('GET', page.next.slice(stage.shop.url.length))).json;
    }
    expect([...seen].sort()).toEqual([...ids].sort());
    expect((await list()).json.limit).toBe(50);
    expect((await list({ limit: '201' })).status).toBe(400);
  });

  test('moves under whoever pages it: what is sold meanwhile pushes others over the page border', async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      sell(stage, ['SKU-001', 1]);
      stage.tick(100);
    }
    const page = async (offset: number) =>
      idsIn((await list({ limit: '2', offset: String(offset), filter: since(0) })).json);
    const first = await page(0);
    sell(stage, ['SKU-001', 1]);
    indexed();
    const second = await page(2);
    expect(second[0]).toBe(first[1]);
  });

  test('lets the creation date win over the date of change, and knows ninety days without either', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.tick(1_000);
    stage.shop.ship({ order_id: orderId });
    indexed();
    const created = `creationdate:[${new Date(NOON + 500).toISOString()}..]`;
    expect(idsIn((await list({ filter: `${created},${since(NOON - 1000)}` })).json)).toEqual([]);
    expect(idsIn((await list({ filter: since(NOON + 500) })).json)).toEqual([orderId]);
    stage.tick(91 * 86_400);
    expect(idsIn((await list()).json)).toEqual([]);
    expect(idsIn((await list({ filter: since(NOON) })).json)).toEqual([orderId]);
    stage.tick(700 * 86_400);
    // By then the first consent is too old as well.
    const { ruName } = stage.shop.credentials;
    const form = { grant_type: 'authorization_code', code: stage.shop.consent(), redirect_uri: ruName };
    const token = (await tokenCall(stage.shop, form)).json.access_token;
    const late = await stage.rest('GET', `${base}?${encoded({ filter: since(NOON) })}`, { token });
    expect(idsIn(late.json)).toEqual([]);
  });

  test('filters by state, and refuses the future, strange filters and raw brackets', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    const other = sell(stage, ['SKU-001', 1]).orderId;
    stage.shop.ship({ order_id: orderId });
    indexed();
    const open = (await list({ filter: 'orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}' })).json;
    expect(idsIn(open)).toEqual([other]);
    const start = new Date(NOON).toISOString();
    const future = new Date(NOON + 3_600_000).toISOString();
    const answer = await list({ filter: `lastmodifieddate:[${start}..${future}]` });
    expect([answer.status, answer.json.errors[0].errorId]).toEqual([400, 30850]);
    expect((await list({ filter: 'buyer:{me}' })).status).toBe(400);
    expect((await list({ filter: 'lastmodifieddate:[yesterday..]' })).status).toBe(400);
    expect((await stage.rest('GET', `${base}?filter=lastmodifieddate:[${start}..]`)).json).toBeNull();
  });

  test('takes fifty ids, which win over everything else, and leaves unknown ones out', async () => {
    const ids = Array.from({ length: 3 }, () => sell(stage, ['SKU-001', 1]).orderId);
    const { json } = await list({
      orderIds: [...ids, '99-99999-99999'].join(','),
      limit: '1',
      filter: 'nonsense',
    });
    expect(idsIn(json)).toEqual(ids);
    const many = Array.from({ length: 51 }, () => ids[0]).join(',');
    expect((await list({ orderIds: many })).status).toBe(400);
    expect((await list({ orderIds: 'rubbish' })).status).toBe(400);
    expect((await stage.rest('GET', `${base}/99-99999-99999`)).json.errors[0].errorId).toBe(32100);
  });
});

describe('what happens to an order later', () => {
  test('a cancel in a flow that restores gives the units back, in another it does not', async () => {
    const [one, two] = [sell(stage, ['SKU-001', 2]).orderId, sell(stage, ['SKU-002', 2]).orderId];
    stage.shop.cancel({ order_id: one, restock: true });
    stage.shop.cancel({ order_id: two, restock: false });
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-002')]).toEqual([10, 8]);
    for (const id of [one, two]) {
      expect((await single(id)).cancelStatus).toMatchObject({
        cancelState: 'CANCELED',
        cancelledDate: new Date(NOON).toISOString(),
      });
      expect(record(id)).toMatchObject({ status: 'cancelled', lines: [{ taken: 0, gone: 0 }] });
    }
  });

  test('the list never tells who asked for a cancel; the single order does', async () => {
    const { orderId } = sell(stage, ['SKU-001', 2]);
    stage.shop.fault({ name: 'cancel_in_progress', count: 1 });
    stage.shop.cancel({ order_id: orderId });
    const listed = (await list({ orderIds: orderId })).json.orders[0];
    expect(listed.cancelStatus).toEqual({ cancelState: 'IN_PROGRESS', cancelRequests: [] });
    expect((await single(orderId)).cancelStatus.cancelRequests).toMatchObject([{ cancelInitiator: 'BUYER' }]);
    expect(record(orderId)).toMatchObject({ status: 'cancelling', lines: [{ taken: 2 }] });
    await stage.shop.settle();
    expect(record(orderId)).toMatchObject({ status: 'cancelled', lines: [{ taken: 0 }] });
    expect(shown(stage, 'SKU-001')).toBe(10);
  });

  test('a cancel after shipping releases nothing', async () => {
    const { orderId } = sell(stage, ['SKU-001', 2]);
    stage.shop.ship({ order_id: orderId });
    stage.shop.cancel({ order_id: orderId, restock: true });
    expect(shown(stage, 'SKU-001')).toBe(8);
    expect(await single(orderId)).toMatchObject({
      orderFulfillmentStatus: 'FULFILLED',
      cancelStatus: { cancelState: 'CANCELED' },
    });
    expect(record(orderId)?.lines[0]).toMatchObject({ taken: 2, gone: 2 });
  });

  test('a refund moves money and no stock, whatever is wished', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 2]);
    const [line_id = ''] = lineIds;
    stage.shop.refund({ order_id: orderId, line_id, quantity: 1, restock: true });
    expect(shown(stage, 'SKU-001')).toBe(8);
    expect((await single(orderId)).orderPaymentStatus).toBe('PARTIALLY_REFUNDED');
    stage.shop.refund({ order_id: orderId, quantity: 1, restock: false });
    expect((await single(orderId)).orderPaymentStatus).toBe('FULLY_REFUNDED');
    expect(record(orderId)?.lines[0]).toMatchObject({ taken: 2, gone: 0 });
    expect(() => stage.shop.refund({ order_id: orderId, quantity: 1, restock: false })).toThrow(
      'no such units',
    );
  });

  test('an edit does not exist and changes nothing', async () => {
    const { orderId, lineIds } = sell(stage, ['SKU-001', 2]);
    const before = await single(orderId);
    stage.shop.edit({ order_id: orderId, line_id: lineIds[0] ?? '', quantity: 1 });
    expect(await single(orderId)).toEqual(before);
  });

  test('each change has a time of its own, even within one millisecond', async () => {
    const { orderId } = sell(stage, ['SKU-001', 2]);
    const times = [Date.parse((await single(orderId)).lastModifiedDate)];
    stage.shop.refund({ order_id: orderId, quantity: 1, restock: false });
    times.push(Date.parse((await single(orderId)).lastModifiedDate));
    stage.shop.ship({ order_id: orderId });
    times.push(Date.parse((await single(orderId)).lastModifiedDate));
    expect(new Set(times).size).toBe(3);
    expect(times).toEqual([...times].sort());
  });
});

describe('a commitment without checkout', () => {
  test('lowers the number days before there is an order, whose line keeps its id', async () => {
    stage.shop.fault({ name: 'unpaid_commitment', count: 1, ms: 86_400_000 });
    const { orderId, lineIds } = sell(stage, ['SKU-002', 3]);
    expect(shown(stage, 'SKU-002')).toBe(7);
    expect(stage.shop.records().orders).toEqual([]);
    expect((await stage.rest('GET', `${base}/${orderId}`)).status).toBe(404);
    stage.tick(3_600_000);
    expect(idsIn((await list()).json)).toEqual([]);
    expect(stage.shop.pending()).toBe(1);
    await stage.shop.settle();
    const order = await single(orderId);
    expect(Date.parse(order.creationDate)).toBe(NOON + 3_600_000);
    expect(order.lineItems[0].lineItemId).toBe(lineIds[0]);
    expect(shown(stage, 'SKU-002')).toBe(7);
  });

  test('comes back when the buyer never pays, and there never was an order', async () => {
    stage.shop.fault({ name: 'unpaid_commitment', count: 1, ms: 1_000 });
    stage.shop.fault({ name: 'never_pays', count: 1 });
    await sellAndSettle(stage, ['SKU-002', 3]);
    expect(shown(stage, 'SKU-002')).toBe(10);
    expect(stage.shop.records().orders).toEqual([]);
  });

  test('that is cancelled is gone; that is shipped was checked out before', async () => {
    stage.shop.fault({ name: 'unpaid_commitment', count: 2, ms: 1_000 });
    const [one, two] = [sell(stage, ['SKU-002', 1]).orderId, sell(stage, ['SKU-002', 1]).orderId];
    stage.shop.cancel({ order_id: one });
    stage.shop.ship({ order_id: two });
    await stage.shop.settle();
    expect(shown(stage, 'SKU-002')).toBe(9);
    expect(stage.shop.records().orders.map((order) => order.status)).toEqual(['shipped']);
  });
});

describe('invoices that are combined', () => {
  test('move lines under a new order id; the old ids are gone for callers and still work for the merchant', async () => {
    const [one, two] = [sell(stage, ['SKU-001', 1]), sell(stage, ['SKU-002', 2])];
    const whole = stage.shop.combine([one.orderId, two.orderId]);
    expect([one.orderId, two.orderId]).not.toContain(whole);
    for (const { orderId } of [one, two]) {
      expect((await stage.rest('GET', `${base}/${orderId}`)).status).toBe(404);
      expect(idsIn((await list({ orderIds: orderId })).json)).toEqual([]);
    }
    const order = await single(whole);
    expect(order.lineItems.map((line: Loose) => line.lineItemId)).toEqual([...one.lineIds, ...two.lineIds]);
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-002')]).toEqual([9, 8]);
    expect(stage.shop.records().orders.map((each) => each.order_id)).toEqual([whole]);
    stage.shop.cancel({ order_id: one.orderId });
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-002')]).toEqual([10, 10]);
  });

  test('come by the fault at a sale, when there is another open order', () => {
    stage.shop.fault({ name: 'combine_orders', count: 1 });
    const first = sell(stage, ['SKU-001', 1]).orderId;
    expect(record(first)).toBeDefined();
    sell(stage, ['SKU-002', 2]);
    const [order, ...none] = stage.shop.records().orders;
    expect(none).toEqual([]);
    expect(order?.lines).toHaveLength(2);
  });
});

describe('a cancellation by the seller', () => {
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    stage.user().then((token) =>
      stage.rest('POST', `/post-order/v2/cancellation${path}`, {
        body,
        headers: { authorization: `IAF ${token}`, ...headers },
      }),
    );

  test('wants the old scheme of tokens, goes through IN_PROGRESS and restores nothing when stock was out', async () => {
    const { orderId } = sell(stage, ['SKU-001', 2]);
    const body = { legacyOrderId: orderId, cancelReason: 'OUT_OF_STOCK_OR_CANNOT_FULFILL' };
    const bearer = await post('', body, { authorization: `Bearer ${await stage.user()}` });
    expect(bearer.status).toBe(401);
    expect((await post('/check_eligibility', body)).json).toMatchObject({
      eligible: true,
      failureReason: [],
    });
    expect((await post('', body)).status).toBe(201);
    expect((await single(orderId)).cancelStatus.cancelState).toBe('IN_PROGRESS');
    expect((await post('', body)).status).toBe(409);
    expect((await post('/check_eligibility', body)).json).toMatchObject({
      eligible: false,
      failureReason: ['CANCELLATION_EXIST'],
    });
    await stage.shop.settle();
    expect((await single(orderId)).cancelStatus.cancelState).toBe('CANCELED');
    expect(shown(stage, 'SKU-001')).toBe(8);
  });

  test('restores when the buyer asked for it, and is refused after shipping or for no reason', async () => {
    const [one, two] = [sell(stage, ['SKU-001', 2]).orderId, sell(stage, ['SKU-002', 2]).orderId];
    expect((await post('', { legacyOrderId: one, cancelReason: 'BUYER_ASKED_CANCEL' })).status).toBe(201);
    stage.shop.ship({ order_id: two });
    expect((await post('', { legacyOrderId: two, cancelReason: 'BUYER_ASKED_CANCEL' })).status).toBe(409);
    expect((await post('', { legacyOrderId: one, cancelReason: 'MOOD' })).status).toBe(400);
    expect(
      (await post('', { legacyOrderId: '99-99999-99999', cancelReason: 'BUYER_ASKED_CANCEL' })).status,
    ).toBe(404);
    await stage.shop.settle();
    expect(shown(stage, 'SKU-001')).toBe(10);
  });
});
