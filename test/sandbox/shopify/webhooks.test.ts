import { createHmac, timingSafeEqual } from 'node:crypto';
import { parse } from 'lossless-json';
import { beforeEach, describe, expect, test } from 'vitest';
import type { ShopifyShop } from '../../../src/sandbox/shopify/index.ts';
import { type Received, type Receiver, sell, sellAndSettle, startReceiver } from '../../kit/shop-stage.ts';
import { ask, startShop, subscribe, topicOf } from './world.ts';

let shop: ShopifyShop;
let receiver: Receiver;
beforeEach(async () => {
  shop = await startShop();
  receiver = await startReceiver();
});

/** Checks a call as a receiver that has read the vendor's rule and nothing else would. */
function authentic(call: Received, secret: string): boolean {
  const expected = createHmac('sha256', secret).update(call.body).digest();
  const given = Buffer.from(String(call.headers['x-shopify-hmac-sha256']), 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const topics = () => receiver.got.map(topicOf).sort();
const hooks = `{ webhookSubscriptions(first: 100) { nodes { topic } } }`;
const registered = async () => {
  const { body } = await ask(shop, hooks);
  return body.data.webhookSubscriptions.nodes.map((node: { topic: string }) => node.topic);
};

describe('a delivery', () => {
  test('goes to nobody who has not registered', async () => {
    await sellAndSettle(shop, ['SKU-1', 1]);
    expect(receiver.got).toEqual([]);
    expect(shop.records().orders[0]?.heard).toBe(false);
  });

  test('carries all headers, one event id per act and one webhook id per subscription', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE', 'ORDERS_UPDATED', 'INVENTORY_LEVELS_UPDATE']);
    await subscribe(shop, `${receiver.url}/second`, ['ORDERS_CREATE']);
    const { orderId } = sell(shop, ['SKU-1', 2]);
    await shop.settle();
    expect(topics()).toEqual(['inventory_levels/update', 'orders/create', 'orders/create', 'orders/updated']);
    const ids = new Set(receiver.got.map(({ headers }) => headers['x-shopify-webhook-id']));
    const events = new Set(receiver.got.map(({ headers }) => headers['x-shopify-event-id']));
    expect([ids.size, events.size]).toEqual([4, 1]);
    for (const { headers } of receiver.got) {
      expect(headers['x-shopify-shop-domain']).toBe('main-shop.myshopify.com');
      expect(headers['x-shopify-api-version']).toBe('2026-10');
      expect(headers['x-shopify-triggered-at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      expect(headers['x-shopify-webhook-id']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    }
    const create = receiver.got.find((call) => topicOf(call) === 'orders/create');
    expect(create?.headers['x-shopify-order-id']).toBe(orderId);
  });

  test('is signed over the exact bytes with the current secret', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    await sellAndSettle(shop, ['SKU-1', 1]);
    const [call] = receiver.got;
    if (call === undefined) throw new Error('no call');
    expect(authentic(call, shop.credentials.webhookSecret)).toBe(true);
    expect(authentic({ ...call, body: Buffer.from(`${call.text} `) }, shop.credentials.webhookSecret)).toBe(
      false,
    );
    expect(String(shop.channelConfig()['webhook_secret'])).toBe(shop.credentials.webhookSecret);
  });

  test('names orders by bare digits beyond 2^53, which JSON.parse loses', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    const { orderId, lineId } = sell(shop, ['SKU-1', 1]);
    await shop.settle();
    const text = receiver.got[0]?.text ?? '';
    expect(text).toContain(`{"id":${orderId},`);
    expect(String(JSON.parse(text).id)).not.toBe(orderId);
    const body = parse(text) as { id: { toString(): string }; line_items: { id: unknown }[] };
    expect([String(body.id), String(body.line_items[0]?.id)]).toEqual([orderId, lineId]);
  });

  test('holds only the fields that were asked for', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE'], {
      includeFields: ['id', 'updated_at', 'line_items.sku'],
    });
    await sellAndSettle(shop, ['SKU-1', 1]);
    const body = JSON.parse(receiver.got[0]?.text ?? '');
    expect(Object.keys(body)).toEqual(['id', 'updated_at', 'line_items']);
    expect(body.line_items).toEqual([{ sku: 'SKU-1' }]);
  });

  test('shows a level as it is when the call goes out, not as it was', async () => {
    await subscribe(shop, receiver.url, ['INVENTORY_LEVELS_UPDATE']);
    shop.set({ sku: 'SKU-1', quantity: 8 });
    shop.set({ sku: 'SKU-1', quantity: 6 });
    await shop.settle();
    expect(receiver.got.map(({ text }) => JSON.parse(text).available)).toEqual([6, 6]);
  });
});

describe('a delivery that fails', () => {
  test('is repeated with the original body, id and signature, to the address it was triggered for', async () => {
    const [id] = await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    receiver.answers = [500, 302, 404, 200];
    const { orderId } = sell(shop, ['SKU-1', 1]);
    shop.ship({ order_id: orderId });
    await ask(
      shop,
      `mutation ($id: ID!, $sub: WebhookSubscriptionInput!) {
        webhookSubscriptionUpdate(id: $id, webhookSubscription: $sub) { userErrors { message } } }`,
      { id, sub: { uri: 'http://127.0.0.1:9/elsewhere' } },
    );
    await shop.settle();
    expect(receiver.got).toHaveLength(4);
    expect(new Set(receiver.got.map(({ text }) => text)).size).toBe(1);
    expect(new Set(receiver.got.map(({ headers }) => headers['x-shopify-webhook-id'])).size).toBe(1);
    expect(receiver.got.every((call) => authentic(call, shop.credentials.webhookSecret))).toBe(true);
    const calls = shop.records().calls.flatMap((call) => (call.kind === 'webhook' ? [call] : []));
    expect(calls.map(({ outcome, status, duplicate }) => [outcome, status, duplicate])).toEqual([
      ['failed', 500, false],
      ['failed', 302, true],
      ['failed', 404, true],
      ['ok', 200, true],
    ]);
    // The order moved on after that body was made, so its final state was not heard.
    expect(shop.records().orders[0]?.heard).toBe(false);
  });

  test('is given up after eight retries, and the subscription goes with it', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE', 'ORDERS_UPDATED']);
    receiver.answers = [503];
    await sellAndSettle(shop, ['SKU-1', 1]);
    expect(receiver.got).toHaveLength(18);
    expect(await registered()).toEqual([]);
    expect(shop.pending()).toBe(0);
    receiver.answers = [200];
    await sellAndSettle(shop, ['SKU-1', 1]);
    expect(receiver.got).toHaveLength(18);
  });

  test('costs no subscription when one retry gets through', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    receiver.answers = [...Array.from({ length: 8 }, () => 500), 200];
    await sellAndSettle(shop, ['SKU-1', 1]);
    expect(receiver.got).toHaveLength(9);
    expect(await registered()).toEqual(['ORDERS_CREATE']);
    expect(shop.records().orders[0]?.heard).toBe(true);
  });

  test('counts as failed when nobody listens', async () => {
    await subscribe(shop, 'http://127.0.0.1:9/hooks', ['ORDERS_CREATE']);
    await sellAndSettle(shop, ['SKU-1', 1]);
    const statuses = shop.records().calls.flatMap((call) => (call.kind === 'webhook' ? [call.status] : []));
    expect(statuses).toEqual(Array.from({ length: 9 }, () => 0));
  });
});

describe('bad weather for deliveries', () => {
  test('drops, doubles and re-numbers', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    shop.fault({ name: 'drop_webhook', count: 1 });
    await sellAndSettle(shop, ['SKU-1', 1]);
    expect(receiver.got).toEqual([]);
    const [dropped] = shop.records().calls.flatMap((call) => (call.kind === 'webhook' ? [call] : []));
    expect(dropped?.outcome).toBe('dropped');
    shop.fault({ name: 'duplicate_webhook', count: 1 });
    await sellAndSettle(shop, ['SKU-1', 1]);
    const webhookIds = () => receiver.got.map(({ headers }) => headers['x-shopify-webhook-id']);
    expect([receiver.got.length, new Set(webhookIds()).size]).toEqual([2, 1]);
    receiver.got.length = 0;
    shop.fault({ name: 'new_id_duplicate', count: 1 });
    await sellAndSettle(shop, ['SKU-1', 1]);
    const events = receiver.got.map(({ headers }) => headers['x-shopify-event-id']);
    expect([receiver.got.length, new Set(webhookIds()).size, new Set(events).size]).toEqual([2, 2, 1]);
  });

  test('forges, ages and misaddresses single calls', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    for (const name of ['bad_signature', 'old_secret', 'wrong_shop']) shop.fault({ name, count: 1 });
    shop.fault({ clear: true, name: 'bad_signature', count: 1 });
    await sellAndSettle(shop, ['SKU-1', 1]);
    shop.fault({ name: 'old_secret', count: 1 });
    await sellAndSettle(shop, ['SKU-1', 1]);
    shop.fault({ name: 'wrong_shop', count: 1 });
    await sellAndSettle(shop, ['SKU-1', 1]);
    const { webhookSecret, oldSecret } = shop.credentials;
    expect(receiver.got.map((call) => authentic(call, webhookSecret))).toEqual([false, false, true]);
    expect(receiver.got.map((call) => authentic(call, oldSecret))).toEqual([false, true, false]);
    expect(receiver.got[2]?.headers['x-shopify-shop-domain']).toBe('somebody-else.myshopify.com');
  });

  test('sends the fixed sample order beside the real one', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    shop.fault({ name: 'sample_payload', count: 1 });
    await sellAndSettle(shop, ['SKU-1', 1]);
    const sample = receiver.got.find(({ text }) => text.startsWith('{"id":820982911946154508,'));
    expect(receiver.got).toHaveLength(2);
    expect(sample?.headers['x-shopify-test']).toBe('true');
    expect(sample !== undefined && authentic(sample, shop.credentials.webhookSecret)).toBe(true);
  });
});

describe('registering', () => {
  const create = (uri: string, topic = 'ORDERS_CREATE') =>
    ask(
      shop,
      `mutation ($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
        webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
          webhookSubscription { id uri } userErrors { field message } } }`,
      { topic, sub: { uri } },
    );

  test('takes an address once per topic, and no plain http beyond loopback', async () => {
    expect((await create(receiver.url)).body.data.webhookSubscriptionCreate.userErrors).toEqual([]);
    const again = await create(receiver.url);
    expect(again.body.data.webhookSubscriptionCreate).toMatchObject({
      webhookSubscription: null,
      userErrors: [{ message: 'Address for this topic has already been taken' }],
    });
    const plain = await create('http://example.com/hooks');
    expect(plain.body.data.webhookSubscriptionCreate.userErrors[0].message).toBe('Address is invalid');
    expect((await create(receiver.url, 'NO_SUCH_TOPIC')).body.errors).toHaveLength(1);
  });

  test('forgets a deleted subscription', async () => {
    const [id] = await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    const { body } = await ask(
      shop,
      'mutation ($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } } }',
      { id },
    );
    expect(body.data.webhookSubscriptionDelete).toEqual({ deletedWebhookSubscriptionId: id, userErrors: [] });
    await sellAndSettle(shop, ['SKU-1', 1]);
    expect(receiver.got).toEqual([]);
  });
});

describe('stopping', () => {
  test('is harmless twice, and ends what waits', async () => {
    await subscribe(shop, receiver.url, ['ORDERS_CREATE']);
    sell(shop, ['SKU-1', 1]);
    expect(shop.pending()).toBe(1);
    await shop.stop();
    await shop.stop();
    expect(shop.pending()).toBe(0);
    expect(receiver.got).toEqual([]);
  });
});
