import { createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Receiver, startReceiver } from '../../kit/shop-stage.ts';
import { type Stage, startShop, stockOf, subscribe } from './shops.ts';

describe('webhooks', () => {
  let stage: Stage;
  let listener: Receiver;
  beforeEach(async () => {
    stage = await startShop();
    listener = await startReceiver('');
  });

  const buy = (sku = 'A', quantity = 1) => {
    const sold = stage.shop.sell({ lines: [{ sku, quantity }] });
    if (!sold.sold) throw new Error('not sold');
    return sold.order_id;
  };
  const sent = () => listener.got.splice(0);
  const topics = () => sent().map((call) => call.headers['x-wc-webhook-topic']);
  const status = async (id: number | undefined) => (await stage.call('GET', `/webhooks/${id}`)).json.status;
  const fail = async (times: number) => {
    for (let index = 0; index < times; index += 1) {
      await stage.call('PUT', '/products/11', {});
      await stage.shop.runQueue();
    }
  };

  test('says nothing to anybody who did not register', async () => {
    buy();
    expect(stage.shop.pending()).toBe(0);
    expect(await stage.shop.runQueue()).toBe(0);
  });

  test('pings unsigned, form-encoded and before it answers, whatever the listener says', async () => {
    listener.answers = [500];
    let known: unknown = 'not asked';
    listener.judge = async () => {
      known = (await stage.call('GET', '/webhooks')).json.length;
    };
    const body = { topic: 'order.created', delivery_url: `${listener.url}/x`, secret: 's' };
    const made = await stage.call('POST', '/webhooks', body);
    expect(made.status).toBe(201);
    expect(made.json).not.toHaveProperty('secret');
    expect(known).toBe(1);
    const [ping] = sent();
    expect(ping?.text).toBe(`webhook_id=${made.json.id}`);
    expect(ping?.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(ping?.rawNames.filter((name) => name.startsWith('X-WC'))).toEqual([]);
    expect(made.json.status).toBe('active');
    const nobody = { ...body, delivery_url: 'http://127.0.0.1:1/x' };
    expect((await stage.call('POST', '/webhooks', nobody)).status).toBe(201);
  });

  test('pings again for a new address, not for a new status', async () => {
    const [id] = await subscribe(stage, listener.url, ['order.created']);
    sent();
    await stage.call('PUT', `/webhooks/${id}`, { delivery_url: `${listener.url}/y`, secret: 'other' });
    expect(sent().map((call) => call.url)).toEqual(['/y']);
    await stage.call('PUT', `/webhooks/${id}`, { status: 'paused' });
    expect(sent()).toEqual([]);
    buy();
    expect(stage.shop.pending()).toBe(0);
  });

  test('refuses bad topics and addresses, and deletes only by force', async () => {
    const bad = (body: object) =>
      stage.call('POST', '/webhooks', { topic: 'order.created', delivery_url: 'http://x/', ...body });
    expect((await bad({ topic: 'order.vanished' })).json.code).toBe(
      'woocommerce_rest_shop_webhook_invalid_topic',
    );
    expect((await bad({ delivery_url: 'ftp://x' })).json.code).toBe(
      'woocommerce_rest_shop_webhook_invalid_delivery_url',
    );
    const [id] = await subscribe(stage, listener.url, ['order.created']);
    const soft = await stage.call('DELETE', `/webhooks/${id}`);
    expect([soft.status, soft.json.code]).toEqual([501, 'woocommerce_rest_trash_not_supported']);
    const batch = await stage.call('POST', '/webhooks/batch', { delete: [id, 99] });
    expect(batch.json.delete[0].id).toBe(id);
    expect(batch.json.delete[1].error.code).toBe('woocommerce_rest_shop_webhook_invalid_id');
  });

  test('tells of a checkout update first, creation second; over REST the other way round', async () => {
    await subscribe(stage, listener.url, ['order.created', 'order.updated', 'product.updated']);
    sent();
    buy();
    await stage.shop.runQueue();
    expect(topics()).toEqual(['order.updated', 'order.created', 'product.updated']);
    await stage.call('POST', '/orders', { status: 'pending', line_items: [{ product_id: 11, quantity: 1 }] });
    await stage.shop.runQueue();
    expect(topics()).toEqual(['order.created', 'order.updated']);
  });

  test('builds the body when it delivers, and one delivery tells of many changes', async () => {
    await subscribe(stage, listener.url, ['order.created', 'order.updated']);
    sent();
    const id = buy('A', 2);
    stage.shop.ship({ order_id: id });
    stage.shop.cancel({ order_id: id });
    expect(await stage.shop.runQueue()).toBe(2);
    const bodies = sent().map((call) => JSON.parse(call.text));
    expect(bodies.map((body) => body.status)).toEqual(['cancelled', 'cancelled']);
    expect(bodies[0].line_items[0].meta_data).toEqual([]);
  });

  test('escapes as PHP does and signs the raw bytes', async () => {
    await subscribe(stage, listener.url, ['product.updated']);
    sent();
    buy('C');
    await stage.shop.runQueue();
    const [call] = sent();
    expect(call?.text).toContain('"name":"Caf\\u00e9\\/cr\\u00e8me"');
    expect(call?.text).not.toMatch(/[^\x20-\x7e]/);
    const signature = createHmac('sha256', stage.secret)
      .update(call?.text ?? '')
      .digest('base64');
    expect(call?.headers['x-wc-webhook-signature']).toBe(signature);
  });

  test('gives all deliveries of one webhook in one second the same id, and another a second later', async () => {
    await subscribe(stage, listener.url, ['order.created', 'order.updated']);
    sent();
    const ids = Array.from({ length: 34 }, () => buy('B', 0.25));
    await stage.shop.runQueue();
    const calls = sent().filter((call) => call.headers['x-wc-webhook-topic'] === 'order.created');
    expect(calls.map((call) => String(JSON.parse(call.text).id))).toEqual(ids);
    expect(new Set(calls.map((call) => call.headers['x-wc-webhook-delivery-id'])).size).toBe(1);
    const id = calls[0]?.headers['x-wc-webhook-delivery-id'];
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    stage.tick(1000);
    buy('B');
    await stage.shop.runQueue();
    for (const call of sent()) expect(call.headers['x-wc-webhook-delivery-id']).not.toBe(id);
  });

  test('never repeats a failed delivery', async () => {
    await subscribe(stage, listener.url, ['order.created']);
    sent();
    for (const code of [500, 410, 429]) {
      listener.answers = [code];
      buy();
      await stage.shop.runQueue();
      await stage.shop.runQueue();
      expect(sent()).toHaveLength(1);
    }
    const calls = stage.shop.records().calls.filter((call) => call.kind === 'webhook');
    expect(calls.map((call) => call.outcome)).toEqual(['failed', 'failed', 'failed']);
    expect(stage.shop.pending()).toBe(0);
  });

  test('disables at the seventh failure in a row, and again at the first after re-activation', async () => {
    const [id] = await subscribe(stage, listener.url, ['product.updated']);
    listener.answers = [500];
    await fail(6);
    expect(await status(id)).toBe('active');
    await fail(1);
    expect(await status(id)).toBe('disabled');
    sent();
    await fail(1);
    expect(sent()).toEqual([]);
    await stage.call('PUT', `/webhooks/${id}`, { status: 'active' });
    expect(sent()).toEqual([]);
    await fail(1);
    expect(sent()).toHaveLength(1);
    expect(await status(id)).toBe('disabled');
  });

  test('forgets failures after one good delivery, and takes a redirect for one without following it', async () => {
    const [id] = await subscribe(stage, listener.url, ['product.updated']);
    listener.answers = [500];
    await fail(6);
    sent();
    listener.judge = () => ({ status: 302, headers: { location: `${listener.url}/elsewhere` } });
    await fail(1);
    expect(sent().map((call) => call.url)).toEqual(['/product.updated']);
    listener.judge = null;
    await fail(6);
    expect(await status(id)).toBe('active');
  });

  test('queues a second delivery for a change while the first is on its way', async () => {
    await subscribe(stage, listener.url, ['order.updated']);
    sent();
    const id = buy();
    listener.judge = () => {
      listener.judge = null;
      stage.shop.ship({ order_id: id });
    };
    await stage.shop.runQueue();
    expect(sent().map((call) => JSON.parse(call.text).status)).toHaveLength(2);
    expect(stage.shop.records().orders[0]?.heard).toBe(true);
  });

  test('delivers one after another and takes more than a batch of 25 in a pass', async () => {
    await subscribe(stage, listener.url, ['order.created']);
    sent();
    let open = 0;
    let most = 0;
    listener.judge = async () => {
      open += 1;
      most = Math.max(most, open);
      // Time enough for another delivery to come in between.
      await stage.call('GET', '/webhooks');
      open -= 1;
      return undefined;
    };
    for (let index = 0; index < 60; index += 1)
      stage.shop.sell({ lines: [{ sku: 'B', quantity: 1 }], force: true });
    expect(stage.shop.pending()).toBe(60);
    expect(await stage.shop.runQueue()).toBe(60);
    expect(most).toBe(1);
  });

  test('sends nothing for a deletion for good, and an id for the trash', async () => {
    await subscribe(stage, listener.url, ['order.deleted', 'product.deleted', 'order.updated']);
    const [first, second] = [buy(), buy()];
    await stage.shop.runQueue();
    sent();
    await stage.call('DELETE', `/orders/${first}?force=true`);
    await stage.call('DELETE', '/products/13?force=true');
    expect(await stage.shop.runQueue()).toBe(0);
    await stage.call('DELETE', `/orders/${second}`);
    await stage.call('DELETE', '/products/12');
    await stage.shop.runQueue();
    expect(sent().map((call) => call.text)).toEqual([`{"id":${second}}`, '{"id":12}']);
  });

  test('sends a signed error object for what is gone when its turn comes', async () => {
    await subscribe(stage, listener.url, ['order.created']);
    sent();
    await stage.call('DELETE', `/orders/${buy()}?force=true`);
    await stage.shop.runQueue();
    const [call] = sent();
    expect(JSON.parse(call?.text ?? '')).toEqual({
      code: 'woocommerce_rest_shop_order_invalid_id',
      message: 'Invalid ID.',
      data: { status: 404 },
    });
    expect(call?.headers['x-wc-webhook-signature']).toBe(
      createHmac('sha256', stage.secret)
        .update(call?.text ?? '')
        .digest('base64'),
    );
    expect(stage.shop.records().orders[0]?.heard).toBe(false);
  });

  test('echoes every stock write, and created alone for a new product', async () => {
    await subscribe(stage, listener.url, ['product.created', 'product.updated']);
    sent();
    await stage.call('PUT', '/products/11', { stock_quantity: 10 });
    await stage.call('PUT', '/products/14/variations/15', { stock_quantity: 1 });
    await stage.call('POST', '/products', { name: 'New', sku: 'NEW' });
    await stage.shop.runQueue();
    expect(sent().map((call) => [call.headers['x-wc-webhook-event'], JSON.parse(call.text).id])).toEqual([
      ['updated', 11],
      ['updated', 15],
      ['created', 17],
    ]);
  });

  test('delivers action topics with their poor bodies', async () => {
    await subscribe(stage, listener.url, [
      'action.woocommerce_product_set_stock',
      'action.woocommerce_order_status_processing',
    ]);
    sent();
    const made = await stage.call('POST', '/orders', {
      status: 'processing',
      line_items: [{ product_id: 11, quantity: 1 }],
    });
    await stage.shop.runQueue();
    expect(
      sent()
        .map((call) => call.text)
        .sort(),
    ).toEqual([
      `{"action":"woocommerce_order_status_processing","arg":${made.json.id}}`,
      '{"action":"woocommerce_product_set_stock","arg":[]}',
    ]);
  });

  test('knows which orders were heard in their final state', async () => {
    await subscribe(stage, listener.url, ['order.created', 'order.updated']);
    const heard = () => stage.shop.records().orders[0]?.heard;
    const id = buy();
    expect(heard()).toBe(false);
    await stage.shop.runQueue();
    expect(heard()).toBe(true);
    listener.answers = [500];
    stage.shop.ship({ order_id: id });
    await stage.shop.runQueue();
    expect(heard()).toBe(false);
    expect(await stockOf(stage, 11)).toBe(9);
  });

  test("holds the whole queue behind a listener that hangs, and gives up after a minute of the shop's time", async () => {
    const fast = await startShop({ timeScale: 1000 });
    await subscribe(fast, listener.url, ['order.created', 'product.updated']);
    sent();
    let release = () => {};
    listener.judge = (call) =>
      call.headers['x-wc-webhook-topic'] === 'order.created'
        ? new Promise((resolve) => {
            release = () => resolve(200);
          })
        : undefined;
    fast.shop.sell({ lines: [{ sku: 'A', quantity: 1 }] });
    // The minute is 60 ms here and the pass's half minute 30 ms: the second job waits for the next pass.
    await fast.shop.runQueue();
    await fast.shop.runQueue();
    release();
    const calls = fast.shop.records().calls.filter((call) => call.kind === 'webhook');
    expect(calls.map((call) => [call.topic, call.outcome, call.status])).toEqual([
      ['order.created', 'failed', 0],
      ['product.updated', 'ok', 200],
    ]);
  });

  test('runs its queue by itself, once a minute of its own time, until it stops', async () => {
    const fast = await startShop({ timeScale: 6000 });
    await subscribe(fast, listener.url, ['order.created']);
    sent();
    const arrived = new Promise<void>((resolve) => {
      listener.judge = () => void resolve();
    });
    fast.shop.sell({ lines: [{ sku: 'A', quantity: 1 }] });
    await arrived;
    await fast.shop.stop();
    await fast.shop.stop();
    expect(fast.shop.pending()).toBe(0);
  });
});
