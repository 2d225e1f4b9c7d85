import { beforeEach, describe, expect, test } from 'vitest';
import { type Stage, startShop, stockOf } from './shops.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

describe('orders over REST', () => {
  const order = async (status: string, quantity = 4, product_id = 11) =>
    (await stage.call('POST', '/orders', { status, line_items: [{ product_id, quantity }] })).json;
  const put = async (id: number, body: unknown) => (await stage.call('PUT', `/orders/${id}`, body)).json;
  const reduced = (json: { line_items: { meta_data: { key: string; value: string }[] }[] }) =>
    json.line_items.map((line) => line.meta_data.find((meta) => meta.key === '_reduced_stock')?.value);

  test.each(['pending', 'failed', 'cancelled', 'refunded', 'checkout-draft'])(
    'leaves the stock alone for a new %s order',
    async (status) => {
      expect(reduced(await order(status))).toEqual([undefined]);
      expect(await stockOf(stage, 11)).toBe(10);
    },
  );

  test.each(['on-hold', 'processing', 'completed'])('takes the stock for a new %s order', async (status) => {
    expect(reduced(await order(status))).toEqual(['4']);
    expect(await stockOf(stage, 11)).toBe(6);
  });

  test.each([
    ['pending', 'processing', 6],
    ['pending', 'on-hold', 6],
    ['processing', 'completed', 6],
    ['completed', 'cancelled', 10],
    ['processing', 'pending', 10],
    ['on-hold', 'failed', 10],
    ['failed', 'refunded', 10],
    ['processing', 'refunded', 6],
    ['cancelled', 'processing', 6],
  ])('%s to %s leaves %i', async (from, to, left) => {
    const { id } = await order(from);
    await put(id, { status: to });
    expect(await stockOf(stage, 11)).toBe(left);
  });

  test.each([
    ['deleted', () => stage.call('DELETE', '/products/11?force=true'), 0],
    ['no longer tracked', () => stage.call('PUT', '/products/11', { manage_stock: false }), 11],
  ] as const)(
    'leaves its mark on a cancelled line whose product is %s, and keeps nothing',
    async (_, lose, product) => {
      const { id } = await order('processing', 2);
      await lose();
      const cancelled = await put(id, { status: 'cancelled' });
      expect(reduced(cancelled)).toEqual(['2']);
      expect(cancelled.line_items[0].product_id).toBe(product);
      expect(stage.shop.records().orders[0]?.lines[0]).toMatchObject({ taken: 0, gone: 0 });
    },
  );

  test('keeps what was ordered when a program edits a line without the stock step', async () => {
    const { id, line_items } = await order('on-hold', 1);
    stage.shop.fault({ name: 'edit_without_stock', count: 1 });
    const edited = await put(id, { line_items: [{ id: line_items[0].id, quantity: 2 }] });
    expect(reduced(edited)).toEqual(['1']);
    expect(await stockOf(stage, 11)).toBe(9);
    expect(stage.shop.records().orders[0]?.lines[0]).toMatchObject({ taken: 2 });
  });

  test('takes again what it gave back', async () => {
    const { id } = await order('processing');
    await put(id, { status: 'cancelled' });
    expect(reduced(await put(id, { status: 'processing' }))).toEqual(['4']);
    expect(await stockOf(stage, 11)).toBe(6);
  });

  test('gives nothing back for the trash or for deletion, and answers with the state before', async () => {
    const first = await order('processing', 1);
    const second = await order('processing', 2);
    expect((await stage.call('DELETE', `/orders/${first.id}`)).json.status).toBe('processing');
    await stage.call('DELETE', `/orders/${second.id}?force=true`);
    expect(await stockOf(stage, 11)).toBe(7);
    expect((await stage.call('GET', `/orders/${first.id}`)).json.status).toBe('trash');
    const gone = await stage.call('GET', `/orders/${second.id}`);
    expect([gone.status, gone.json.code]).toEqual([404, 'woocommerce_rest_shop_order_invalid_id']);
    expect((await stage.call('GET', '/orders')).json).toEqual([]);
    expect((await stage.call('GET', '/orders?status=trash')).json).toHaveLength(1);
    const taken = stage.shop.records().orders.map((one) => [one.status, one.lines[0]?.taken]);
    expect(taken).toEqual([
      ['trash', 1],
      ['deleted', 2],
    ]);
  });

  test('follows edits of quantity, removed and added lines', async () => {
    const made = await order('processing', 3);
    const line = made.line_items[0].id;
    expect(reduced(await put(made.id, { line_items: [{ id: line, quantity: 5 }] }))).toEqual(['5']);
    expect(await stockOf(stage, 11)).toBe(5);
    const added = await put(made.id, { line_items: [{ product_id: 12, quantity: 2 }] });
    expect(reduced(added)).toEqual(['5', '2']);
    const removed = await put(made.id, { line_items: [{ id: line, quantity: 0 }] });
    expect(removed.line_items.map((one: { sku: string }) => one.sku)).toEqual(['B']);
    expect([await stockOf(stage, 11), await stockOf(stage, 12)]).toEqual([10, 18]);
    await put(made.id, { status: 'cancelled' });
    expect(await stockOf(stage, 12)).toBe(20);
    const foreign = await stage.call('PUT', `/orders/${made.id}`, { line_items: [{ id: 999, quantity: 1 }] });
    expect(foreign.json.code).toBe('woocommerce_rest_invalid_item_id');
  });

  test('restocks a refund unless told not to, and tells nowhere but on the line', async () => {
    const made = await order('processing', 4);
    const refund = (extra: object, amount = '11.00') =>
      stage.call('POST', `/orders/${made.id}/refunds`, {
        amount,
        line_items: [{ id: made.line_items[0].id, quantity: 1, refund_total: 11 }],
        ...extra,
      });
    expect((await refund({})).status).toBe(201);
    expect((await refund({ api_restock: false })).json.line_items[0].quantity).toBe(-1);
    expect(await stockOf(stage, 11)).toBe(7);
    const now = (await stage.call('GET', `/orders/${made.id}`)).json;
    expect(reduced(now)).toEqual(['3']);
    expect(now.line_items[0].quantity).toBe(4);
    expect(now.refunds.map((one: object) => Object.keys(one))).toEqual(
      Array(2).fill(['id', 'reason', 'total', 'total_tax']),
    );
    expect((await stage.call('GET', `/orders/${made.id}/refunds`)).json).toHaveLength(2);
    const greedy = await refund({}, '999.00');
    expect([greedy.status, greedy.json.message]).toEqual([500, 'Invalid refund amount.']);
    await put(made.id, { status: 'cancelled' });
    expect(await stockOf(stage, 11)).toBe(10);
  });

  test('checks no stock over REST and takes odd lines as the real one does', async () => {
    await order('processing', 999);
    expect(await stockOf(stage, 11)).toBe(-989);
    await order('processing', -1);
    expect(await stockOf(stage, 11)).toBe(-988);
    const unknown = (await stage.call('POST', '/orders', { line_items: [{ product_id: 777, quantity: 1 }] }))
      .json;
    expect(unknown.line_items[0]).toMatchObject({ product_id: 0, sku: null });
    const nothing = await stage.call('POST', '/orders', {
      status: 'processing',
      line_items: [{ product_id: 11, quantity: 0 }],
    });
    expect([nothing.status, nothing.json.code]).toEqual([500, 'internal_server_error']);
    expect(
      (await stage.call('POST', '/orders', { line_items: [{ product_id: 11, quantity: 1.5 }] })).status,
    ).toBe(400);
    const nameless = await stage.call('POST', '/orders', { line_items: [{ quantity: 1 }] });
    expect(nameless.json.code).toBe('woocommerce_rest_required_product_reference');
    expect((await stage.call('POST', '/orders', {})).status).toBe(201);
    const bySku = (await stage.call('POST', '/orders', { line_items: [{ sku: 'size-m', quantity: 1 }] }))
      .json;
    expect(bySku.line_items[0]).toMatchObject({ product_id: 14, variation_id: 16, sku: 'SIZE-M' });
  });

  test('makes a cancelled order pending by a typo in a batch, where a single PUT refuses', async () => {
    const { id } = await order('cancelled');
    expect((await stage.call('PUT', `/orders/${id}`, { status: 'bogus' })).status).toBe(400);
    const batch = await stage.call('POST', '/orders/batch', { update: [{ id, status: 'bogus' }] });
    expect(batch.json.update[0].status).toBe('pending');
  });

  test("looks a line's SKU up when read", async () => {
    const { id } = await order('processing', 1);
    await stage.call('PUT', '/products/11', { sku: 'A-NEW' });
    expect((await stage.call('GET', `/orders/${id}`)).json.line_items[0].sku).toBe('A-NEW');
    await stage.call('DELETE', '/products/11?force=true');
    expect((await stage.call('GET', `/orders/${id}`)).json.line_items[0]).toMatchObject({
      product_id: 0,
      sku: null,
    });
    expect(stage.shop.records().orders[0]?.lines[0]).toMatchObject({ sku: 'A', taken: 1 });
  });

  test('replaces order meta by key and by id, and writes a note that leaves the date alone', async () => {
    const { id } = await order('processing', 1);
    stage.tick(10_000);
    const note = await stage.call('POST', `/orders/${id}/notes`, { note: 'Oversold by 1: A' });
    expect(note.status).toBe(201);
    expect((await stage.call('GET', `/orders/${id}`)).json.date_modified_gmt).toBe('2026-11-23T04:00:00');
    const notes = (await stage.call('GET', `/orders/${id}/notes`)).json;
    expect(notes[0]).toMatchObject({ note: 'Oversold by 1: A', customer_note: false });
    await put(id, { meta_data: [{ key: '_mark', value: '1' }] });
    const again = await put(id, { meta_data: [{ key: '_mark', value: '2' }], status: 'on-hold' });
    expect(again.meta_data).toMatchObject([{ key: '_mark', value: '2' }]);
    expect(reduced(again)).toEqual(['1']);
  });
});

describe('orders read back', () => {
  const place = async () => (await stage.call('POST', '/orders', { status: 'processing' })).json.id as number;
  const ids = async (query: string) => {
    const answer = await stage.call('GET', `/orders?${query}`);
    return answer.status === 200 ? answer.json.map((one: { id: number }) => one.id) : answer.status;
  };

  test('takes modified_after strictly, in whole seconds, and as site time unless told otherwise', async () => {
    const first = await place();
    stage.tick(900);
    const same = await place();
    stage.tick(100);
    const next = await place();
    const sorted = 'orderby=modified&order=asc';
    const own = '2026-11-23T04:00:00';
    expect(await ids(`modified_after=${own}&dates_are_gmt=true&${sorted}`)).toEqual([next]);
    expect(await ids(`modified_after=${own}Z&${sorted}`)).toEqual([next]);
    expect(await ids(`modified_after=2026-11-23T07:00:00&${sorted}`)).toEqual([next]);
    expect(await ids(`modified_after=2026-11-23T07:00:00%2B03:00&${sorted}`)).toEqual([next]);
    expect(await ids(`modified_after=2026-11-23T03:59:59&dates_are_gmt=true&${sorted}`)).toEqual([
      first,
      same,
      next,
    ]);
    // A GMT value without the flag is three hours early here: everything comes back.
    expect(await ids(`modified_after=${own}&${sorted}`)).toEqual([first, same, next]);
    // Both together are three hours late.
    expect(await ids(`modified_after=2026-11-23T03:59:59Z&dates_are_gmt=true&${sorted}`)).toEqual([]);
    expect(await ids('modified_after=yesterday')).toBe(400);
    expect(await ids('modified_after=2026-11-23T07:00:00+03:00')).toBe(400);
  });

  test('lists newest first, by status, by id, and moves a changed order to the end of the changed', async () => {
    const first = await place();
    stage.tick(2000);
    const second = await place();
    stage.tick(2000);
    await stage.call('PUT', `/orders/${first}`, { status: 'completed' });
    expect(await ids('')).toEqual([second, first]);
    expect(await ids('orderby=modified&order=asc')).toEqual([second, first]);
    expect(await ids('after=2026-11-23T04:00:00&dates_are_gmt=true')).toEqual([second]);
    expect(await ids('status=completed,cancelled')).toEqual([first]);
    expect(await ids(`include=${first}&status=any`)).toEqual([first]);
    expect(await ids('status=bogus')).toBe(400);
    expect(await ids('orderby=total')).toBe(400);
    expect(await ids('per_page=101')).toBe(400);
  });

  test('writes dates in site time and in GMT without a Z', async () => {
    const id = await place();
    expect((await stage.call('GET', `/orders/${id}`)).json).toMatchObject({
      date_created: '2026-11-23T07:00:00',
      date_created_gmt: '2026-11-23T04:00:00',
    });
  });
});

describe('the storefront', () => {
  test('refuses what is not there, counts lines of one product together, and sells by force', async () => {
    const buy = (quantity: number, force = false) =>
      stage.shop.sell({ lines: [{ sku: 'C', quantity }], force });
    expect(buy(4)).toEqual({ sold: false, reason: 'out_of_stock' });
    expect(
      stage.shop.sell({
        lines: [
          { sku: 'C', quantity: 2 },
          { sku: 'C', quantity: 2 },
        ],
      }).sold,
    ).toBe(false);
    expect(buy(3).sold).toBe(true);
    expect(buy(1)).toEqual({ sold: false, reason: 'out_of_stock' });
    expect(buy(1, true).sold).toBe(true);
    expect(await stockOf(stage, 13)).toBe(-1);
    expect(stage.shop.sell({ lines: [{ sku: 'NOPE', quantity: 1 }] })).toEqual({
      sold: false,
      reason: 'unknown_sku',
    });
  });

  test('speaks of the same ids in sell, records and REST', async () => {
    const sold = stage.shop.sell({
      lines: [
        { sku: 'A', quantity: 2 },
        { sku: 'SIZE-S', quantity: 1 },
      ],
    });
    if (!sold.sold) throw new Error('not sold');
    const json = (await stage.call('GET', `/orders/${sold.order_id}`)).json;
    expect(json.line_items.map((line: { id: number; sku: string }) => [String(line.id), line.sku])).toEqual(
      sold.lines.map((line) => [line.line_id, line.sku]),
    );
    expect(stage.shop.records().orders[0]?.lines.map((line) => [line.sku, line.taken, line.gone])).toEqual([
      ['A', 2, 0],
      ['SIZE-S', 1, 0],
    ]);
    expect(stage.shop.records().listings).toContainEqual({ sku: 'SIZE-S', listing_id: '15', shown: 4 });
  });

  test('obeys shopper and merchant: ship, edit, refund, cancel with and without restock, set', async () => {
    const buy = (quantity: number) => {
      const sold = stage.shop.sell({ lines: [{ sku: 'B', quantity }] });
      if (!sold.sold) throw new Error('not sold');
      return { order_id: sold.order_id, line_id: sold.lines[0]?.line_id ?? '' };
    };
    const state = (id: string) => {
      const order = stage.shop.records().orders.find((one) => one.order_id === id);
      return [order?.status, order?.lines[0]?.taken, order?.lines[0]?.gone];
    };
    const shipped = buy(2);
    stage.shop.ship(shipped);
    expect(state(shipped.order_id)).toEqual(['completed', 2, 2]);
    const edited = buy(2);
    stage.shop.edit({ ...edited, quantity: 3 });
    expect(state(edited.order_id)[1]).toBe(3);
    stage.shop.refund({ ...edited, quantity: 1, restock: true });
    expect(state(edited.order_id)[1]).toBe(2);
    stage.shop.refund({ ...edited, quantity: 1, restock: false });
    expect(state(edited.order_id)[1]).toBe(2);
    expect(await stockOf(stage, 12)).toBe(16);
    stage.shop.cancel({ order_id: edited.order_id });
    expect(state(edited.order_id).slice(0, 2)).toEqual(['cancelled', 0]);
    const kept = buy(1);
    stage.shop.cancel({ order_id: kept.order_id, restock: false });
    expect(state(kept.order_id).slice(0, 2)).toEqual(['refunded', 1]);
    expect(await stockOf(stage, 12)).toBe(17);
    stage.shop.set({ sku: 'B', quantity: 5 });
    expect(await stockOf(stage, 12)).toBe(5);
    expect(stage.shop.records().calls.some((call) => call.kind === 'write')).toBe(false);
    expect(() => stage.shop.ship({ order_id: '999' })).toThrow('no order');
  });

  test('counts an unmanaged product by status', async () => {
    await stage.call('PUT', '/products/11', { manage_stock: false });
    const sold = stage.shop.sell({ lines: [{ sku: 'A', quantity: 7 }] });
    if (!sold.sold) throw new Error('not sold');
    expect(stage.shop.records().orders[0]?.lines[0]?.taken).toBe(7);
    stage.shop.cancel({ order_id: sold.order_id });
    expect(stage.shop.records().orders[0]?.lines[0]?.taken).toBe(0);
  });

  test('cancels an unpaid checkout after the hold time, but not an order made over REST', async () => {
    stage.shop.fault({ name: 'unpaid_checkout', count: 1 });
    const sold = stage.shop.sell({ lines: [{ sku: 'A', quantity: 1 }] });
    if (!sold.sold) throw new Error('not sold');
    await stage.call('POST', '/orders', { status: 'pending', line_items: [{ product_id: 11, quantity: 1 }] });
    await stage.shop.runQueue();
    expect(stage.shop.records().orders.map((order) => order.status)).toEqual(['pending', 'pending']);
    stage.tick(3_600_000);
    await stage.shop.runQueue();
    expect(stage.shop.records().orders.map((order) => order.status)).toEqual(['cancelled', 'pending']);
  });

  test('leaves carts behind that REST lists and the records do not count', async () => {
    stage.shop.fault({ name: 'checkout_draft', count: 1 });
    stage.shop.sell({ lines: [{ sku: 'A', quantity: 1 }] });
    const listed = (await stage.call('GET', '/orders?orderby=id&order=asc')).json;
    expect(listed.map((order: { status: string }) => order.status === 'checkout-draft')).toEqual([
      true,
      false,
    ]);
    expect(stage.shop.records().orders).toHaveLength(1);
    expect(await stockOf(stage, 11)).toBe(9);
  });
});
