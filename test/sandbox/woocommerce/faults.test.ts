import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Receiver, send, startReceiver, until } from '../../kit/shop-stage.ts';
import { type Stage, startShop, stockOf, subscribe } from './shops.ts';

describe('faults of the REST API', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = await startShop();
  });

  const once = (name: string, ms?: number) =>
    stage.shop.fault({ name, count: 1, ...(ms === undefined ? {} : { ms }) });
  const push = (quantity = 7) => stage.call('PUT', '/products/11', { stock_quantity: quantity });
  const writes = () =>
    stage.shop
      .records()
      .calls.flatMap((call) =>
        call.kind === 'write' ? [[call.from, call.to, call.applied, call.answered]] : [],
      );

  test('applies a write and cuts the connection', async () => {
    once('apply_then_timeout');
    await expect(push()).rejects.toThrow();
    expect(await stockOf(stage, 11)).toBe(7);
    expect(writes()).toEqual([[10, 7, true, false]]);
  });

  test('answers with the home page, or a redirect to it, under plain permalinks', async () => {
    stage.shop.fault({ name: 'plain_permalinks' });
    const index = await send(`${stage.shop.url}/wp-json/`);
    expect([index.status, index.headers['content-type']]).toEqual([200, 'text/html; charset=UTF-8']);
    const orders = await send(`${stage.shop.url}/wp-json/wc/v3/orders`);
    expect([orders.status, orders.headers['location']]).toEqual([301, stage.shop.url]);
    expect((await send(`${stage.shop.url}/?rest_route=/`)).json.namespaces).toContain('wc/v3');
  });

  test('cuts the connection and applies nothing', async () => {
    once('timeout', 5);
    await expect(push()).rejects.toThrow();
    expect(await stockOf(stage, 11)).toBe(10);
    expect(writes()).toEqual([[10, 7, false, false]]);
  });

  test('obeys a write long after the caller was cut off', async () => {
    once('late_apply', 1_000);
    await expect(push()).rejects.toThrow();
    expect(await stockOf(stage, 11)).toBe(10);
    expect(stage.shop.pending()).toBe(1);
    await until(() => stage.shop.pending() === 0);
    expect(await stockOf(stage, 11)).toBe(7);
    expect(writes()).toEqual([[10, 7, true, false]]);
  });

  test('fails before and after applying', async () => {
    once('error_500');
    expect((await push()).json.code).toBe('internal_server_error');
    expect(await stockOf(stage, 11)).toBe(10);
    once('error_500_after');
    expect((await push()).status).toBe(500);
    expect(await stockOf(stage, 11)).toBe(7);
    expect(writes()).toEqual([
      [10, 7, false, true],
      [10, 7, true, true],
    ]);
  });

  test('applies half a batch and lets the gateway answer', async () => {
    once('half_batch_504');
    const update = [11, 12, 13].map((id) => ({ id, stock_quantity: 1 }));
    const answer = await stage.call('POST', '/products/batch', { update });
    expect([answer.status, answer.json]).toEqual([504, null]);
    expect([await stockOf(stage, 11), await stockOf(stage, 12), await stockOf(stage, 13)]).toEqual([
      1, 20, 3,
    ]);
    expect(writes()).toEqual([[10, 1, true, true]]);
  });

  test.each([
    ['html_challenge', 200],
    ['throttle', 429],
    ['maintenance', 503],
    ['database_down', 500],
    ['redirect_https', 301],
  ])('answers %s in HTML and applies nothing', async (name, status) => {
    once(name);
    const answer = await push();
    expect([answer.status, answer.json]).toEqual([status, null]);
    expect(answer.headers['content-type']).toContain('text/html');
    if (name === 'maintenance') expect(answer.headers['retry-after']).toBe('600');
    if (name === 'redirect_https') expect(answer.headers['location']).toMatch(/^https:\/\/127\.0\.0\.1/);
    expect(await stockOf(stage, 11)).toBe(10);
  });

  test('throttles with and without a Retry-After', async () => {
    stage.shop.fault({ name: 'throttle' });
    const told = new Set<unknown>();
    for (let index = 0; index < 12; index += 1) told.add((await push()).headers['retry-after']);
    expect([...told].sort()).toEqual(['30', undefined]);
  });

  test('puts a PHP warning before the JSON of a write that happened', async () => {
    once('php_notice');
    const answer = await push();
    expect(answer.status).toBe(200);
    expect(answer.json).toBeNull();
    expect(answer.text).toContain('"stock_quantity":7');
    expect(await stockOf(stage, 11)).toBe(7);
  });

  test('refuses good credentials', async () => {
    once('auth');
    const answer = await push();
    expect([answer.status, answer.json.code]).toEqual([401, 'woocommerce_rest_cannot_edit']);
    expect(await stockOf(stage, 11)).toBe(10);
  });

  test("lets a sale slip in between the caller's read and its write, which overwrites it", async () => {
    expect(await stockOf(stage, 11)).toBe(10);
    once('sale_before_write');
    expect((await push(10)).json.stock_quantity).toBe(10);
    expect(writes()).toEqual([[9, 10, true, true]]);
    expect(stage.shop.records().orders[0]?.lines[0]).toMatchObject({ sku: 'A', taken: 1 });
  });

  test('shows the number before the last change from a stale cache, and the right one in the answer of a write', async () => {
    stage.shop.fault({ name: 'stale_read' });
    expect((await push()).json.stock_quantity).toBe(7);
    expect(await stockOf(stage, 11)).toBe(10);
    stage.shop.fault({ clear: true });
    expect(await stockOf(stage, 11)).toBe(7);
  });

  test('lists orders late, but shows them by id', async () => {
    stage.shop.fault({ name: 'order_lag', ms: 5000 });
    const sold = stage.shop.sell({ lines: [{ sku: 'A', quantity: 1 }] });
    if (!sold.sold) throw new Error('not sold');
    expect((await stage.call('GET', '/orders')).json).toEqual([]);
    expect((await stage.call('GET', `/orders/${sold.order_id}`)).status).toBe(200);
    stage.tick(5000);
    expect((await stage.call('GET', '/orders')).json).toHaveLength(1);
  });

  test('saves the status first and moves the stock later, without a new date', async () => {
    once('late_reduced_stock', 400);
    const made = (
      await stage.call('POST', '/orders', {
        status: 'processing',
        line_items: [{ product_id: 11, quantity: 2 }],
      })
    ).json;
    expect(made.line_items[0].meta_data).toEqual([]);
    expect(await stockOf(stage, 11)).toBe(10);
    expect(stage.shop.pending()).toBe(1);
    await until(() => stage.shop.pending() === 0);
    const later = (await stage.call('GET', `/orders/${made.id}`)).json;
    expect(later.line_items[0].meta_data).toMatchObject([{ key: '_reduced_stock', value: '2' }]);
    expect(later.date_modified_gmt).toBe(made.date_modified_gmt);
    expect(await stockOf(stage, 11)).toBe(8);
  });

  test('takes no stock and leaves no mark where a plugin forbids it, and counts by status', async () => {
    once('no_reduced_stock');
    const sold = stage.shop.sell({ lines: [{ sku: 'A', quantity: 2 }] });
    if (!sold.sold) throw new Error('not sold');
    expect((await stage.call('GET', `/orders/${sold.order_id}`)).json.line_items[0].meta_data).toEqual([]);
    expect(await stockOf(stage, 11)).toBe(10);
    expect(stage.shop.records().orders[0]?.lines[0]?.taken).toBe(2);
    stage.shop.cancel({ order_id: sold.order_id });
    expect(stage.shop.records().orders[0]?.lines[0]?.taken).toBe(0);
    expect(await stockOf(stage, 11)).toBe(10);
  });

  test('sells half pieces', async () => {
    once('decimal_quantity');
    const sold = stage.shop.sell({ lines: [{ sku: 'A', quantity: 1 }] });
    if (!sold.sold) throw new Error('not sold');
    const line = (await stage.call('GET', `/orders/${sold.order_id}`)).json.line_items[0];
    expect([line.quantity, line.meta_data[0].value]).toEqual([1.5, '1.5']);
    expect(await stockOf(stage, 11)).toBe(8.5);
  });

  test('refuses a fault that it does not know, in words', () => {
    expect(() => stage.shop.fault({ name: 'earthquake' })).toThrow('no fault "earthquake"');
  });

  test('answers the neutral verbs over HTTP too', async () => {
    const verb = (name: string, body: unknown) =>
      fetch(`${stage.shop.url}/_sandbox/${name}`, { method: 'POST', body: JSON.stringify(body) });
    expect((await verb('sell', { sku: 'C', quantity: 3 })).status).toBe(200);
    expect((await verb('sell', { sku: 'C', quantity: 1 })).status).toBe(409);
    const listings = await (await fetch(`${stage.shop.url}/_sandbox/listings`)).json();
    expect(listings).toContainEqual({ sku: 'C', listing_id: '13', shown: 0 });
  });
});

describe('faults of the webhooks', () => {
  let stage: Stage;
  let listener: Receiver;
  beforeEach(async () => {
    stage = await startShop();
    listener = await startReceiver('');
    await subscribe(stage, listener.url, ['order.created']);
    listener.got.length = 0;
  });

  const buy = () => stage.shop.sell({ lines: [{ sku: 'B', quantity: 1 }] });
  const run = async () => {
    await stage.shop.runQueue();
    return listener.got.splice(0);
  };
  const outcomes = () =>
    stage.shop
      .records()
      .calls.flatMap((call) => (call.kind === 'webhook' ? [[call.outcome, call.duplicate]] : []));

  test('drops a delivery without a trace at the listener', async () => {
    stage.shop.fault({ name: 'drop_webhook', count: 1 });
    buy();
    expect(await run()).toEqual([]);
    expect(outcomes()).toEqual([['dropped', false]]);
    expect(stage.shop.records().orders[0]?.heard).toBe(false);
  });

  test('sends a duplicate under another delivery id', async () => {
    stage.shop.fault({ name: 'duplicate_webhook', count: 1 });
    buy();
    const [first, second] = await run();
    expect(second?.text).toBe(first?.text);
    const id = 'x-wc-webhook-delivery-id';
    expect(second?.headers[id]).not.toBe(first?.headers[id]);
    expect(outcomes()).toEqual([
      ['ok', false],
      ['ok', true],
    ]);
  });

  test('delays a delivery', async () => {
    stage.shop.fault({ name: 'delay_webhook', count: 1, ms: 60_000 });
    buy();
    expect(await run()).toEqual([]);
    expect(stage.shop.pending()).toBe(1);
    stage.tick(60_000);
    expect(await run()).toHaveLength(1);
  });

  test('shuffles a pass', async () => {
    stage.shop.fault({ name: 'reorder_webhook' });
    for (let index = 0; index < 12; index += 1) buy();
    const ids = (await run()).map((call) => JSON.parse(call.text).id);
    expect(ids).not.toEqual([...ids].sort((a, b) => a - b));
    expect(new Set(ids).size).toBe(12);
  });

  test('signs with a wrong secret', async () => {
    stage.shop.fault({ name: 'bad_signature', count: 1 });
    buy();
    const [call] = await run();
    const right = createHmac('sha256', stage.secret)
      .update(call?.text ?? '')
      .digest('base64');
    expect(call?.headers['x-wc-webhook-signature']).not.toBe(right);
    expect(stage.shop.records().orders[0]?.heard).toBe(false);
  });

  test('sends a signed error object when the owner lost its rights, and counts it as good', async () => {
    stage.shop.fault({ name: 'error_body', count: 1 });
    buy();
    const [call] = await run();
    expect(JSON.parse(call?.text ?? '')).toMatchObject({
      code: 'woocommerce_rest_cannot_view',
      data: { status: 401 },
    });
    const right = createHmac('sha256', stage.secret)
      .update(call?.text ?? '')
      .digest('base64');
    expect(call?.headers['x-wc-webhook-signature']).toBe(right);
    expect(outcomes()).toEqual([['ok', false]]);
    expect(stage.shop.records().orders[0]?.heard).toBe(false);
  });

  test('sends the error of a rate limiter in place of the order', async () => {
    stage.shop.fault({ name: 'error_body_429', count: 1 });
    buy();
    expect(JSON.parse((await run())[0]?.text ?? '')).toMatchObject({
      code: 'too_many',
      data: { status: 429 },
    });
    expect(stage.shop.records().orders[0]?.heard).toBe(false);
  });

  test('names a staging copy as its source', async () => {
    stage.shop.fault({ name: 'clone_source', count: 1 });
    buy();
    expect((await run())[0]?.headers['x-wc-webhook-source']).toBe('https://staging.wp-clone.example/');
  });

  test('repeats a delivery id for another order in another second', async () => {
    buy();
    const [first] = await run();
    stage.tick(5000);
    stage.shop.fault({ name: 'same_delivery_id', count: 1 });
    buy();
    const [second] = await run();
    const id = 'x-wc-webhook-delivery-id';
    expect(second?.headers[id]).toBe(first?.headers[id]);
    expect(JSON.parse(second?.text ?? '').id).not.toBe(JSON.parse(first?.text ?? '').id);
  });
});
