import { createHash, createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Loose,
  type Received,
  type Receiver,
  sell,
  sellAndSettle,
  startReceiver,
  until,
} from '../../kit/shop-stage.ts';
import { detail, register, type Stage, startShop, write } from './world.ts';

let stage: Stage;
let receiver: Receiver;
beforeEach(async () => {
  stage = await startShop();
  receiver = await startReceiver();
});

const api = '/event/202309/webhooks';
const set = (event_type: string, address: string) =>
  stage.call('PUT', api, { body: { event_type, address } });
const list = async (): Promise<Loose> => (await stage.call('GET', api)).data;
const told = (type: number) =>
  receiver.got.filter(({ json }) => json.type === type).map(({ json }) => json.data);
const outcomes = () =>
  stage.shop.records().calls.flatMap((call) => (call.kind === 'webhook' ? [call.outcome] : []));
/** Written out here, so that the shop's own arithmetic is not its judge (TTS-2.3). */
const right = ({ body }: Received, key = stage.shop.credentials.appKey) =>
  createHmac('sha256', stage.shop.credentials.appSecret).update(key).update(body).digest('hex');

describe('registration', () => {
  test('keeps one address per topic and says what it has', async () => {
    expect(await list()).toMatchObject({ total_count: 0, webhooks: [] });
    expect((await set('ORDER_STATUS_CHANGE', 'http://127.0.0.1:9/a')).code).toBe(0);
    expect((await set('ORDER_STATUS_CHANGE', receiver.url)).code).toBe(0);
    await set('PRODUCT_CREATION', receiver.url);
    const { total_count, webhooks } = await list();
    expect(total_count).toBe(2);
    expect(webhooks).toMatchObject([
      { event_type: 'ORDER_STATUS_CHANGE', address: receiver.url },
      { event_type: 'PRODUCT_CREATION', address: receiver.url },
    ]);
    await stage.call('DELETE', api, { body: { event_type: 'ORDER_STATUS_CHANGE' } });
    expect(await list()).toMatchObject({ total_count: 1 });
  });

  test('signs the body of a DELETE too', async () => {
    await set('PRODUCT_CREATION', receiver.url);
    const body = { event_type: 'PRODUCT_CREATION' };
    const answer = await stage.call('DELETE', api, { body, wire: '{"event_type": "PRODUCT_CREATION"}' });
    expect([answer.code, (await list()).total_count]).toEqual([106001, 1]);
  });

  test.each([
    'http://shop.example/hook',
    'https://93.184.216.34/hook',
    'https://shop.example:8443/hook',
    `https://shop.example/${'x'.repeat(255)}`,
    'https://[2606:2800:220:1::1]/hook',
    'https://intranet/hook',
    'nonsense',
  ])('refuses the address %s', async (address) => {
    expect((await set('ORDER_STATUS_CHANGE', address)).code).not.toBe(0);
    expect((await list()).total_count).toBe(0);
  });

  test('refuses unknown topics, and one that may be missing', async () => {
    expect((await set('ORDERS_CREATE', receiver.url)).code).not.toBe(0);
    expect((await set('constructor', receiver.url)).code).not.toBe(0);
    stage.shop.fault({ name: 'no_inventory_topic' });
    expect((await set('INVENTORY_STATUS_CHANGE', receiver.url)).code).not.toBe(0);
  });

  test('may say yes and keep nothing', async () => {
    stage.shop.fault({ name: 'webhook_not_kept', count: 1 });
    expect((await set('ORDER_STATUS_CHANGE', receiver.url)).code).toBe(0);
    expect((await list()).total_count).toBe(0);
  });
});

describe('a delivery', () => {
  beforeEach(() => register(stage, receiver.url));

  test('names the order and its state, signed over app key and raw body, without a scheme', async () => {
    const { orderId } = sell(stage, ['SKU-001', 3]);
    await stage.shop.settle();
    for (const call of receiver.got) {
      expect([call.method, call.url]).toEqual(['POST', '/hooks/shop']);
      expect(call.headers.authorization).toBe(right(call));
      expect(call.headers.authorization).toMatch(/^[0-9a-f]{64}$/);
      expect(call.headers['content-type']).toBe('application/json');
      expect(call.json.shop_id).toBe(stage.shop.account.shopId);
      expect(call.json.tts_notification_id).toMatch(/^\d{19}$/);
      expect(call.json.timestamp).toBe(Math.floor(stage.now() / 1000));
      expect(Object.keys(call.json.data).sort()).toEqual([
        'is_on_hold_order',
        'order_id',
        'order_status',
        'update_time',
      ]);
    }
    const statuses = told(1).map((data) => data.order_status);
    expect(new Set(statuses)).toEqual(new Set(['UNPAID', 'ON_HOLD', 'AWAITING_SHIPMENT']));
    expect(told(1).every((data) => data.order_id === orderId)).toBe(true);
    expect(stage.shop.records().orders[0]?.heard).toBe(true);
  });

  test('spells a cancelled order CANCEL, and tells the cancellation in its own words', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.cancel({ order_id: orderId });
    await stage.shop.settle();
    expect(told(1).map((data) => data.order_status)).toContain('CANCEL');
    expect(told(11)).toHaveLength(2);
    expect(new Set(told(11).map((data) => data.cancel_status))).toEqual(
      new Set(['CANCELLATION_REQUEST_SUCCESS', 'CANCELLATION_REQUEST_COMPLETE']),
    );
    expect(told(11)[0]).toMatchObject({ order_id: orderId, cancellations_role: 'BUYER' });
    stage.shop.fault({ name: 'cancelled_spelling' });
    stage.shop.cancel({ order_id: sell(stage, ['SKU-002', 1]).orderId });
    await stage.shop.settle();
    expect(told(1).map((data) => data.order_status)).toContain('CANCELLED');
  });

  test('has no word for an order that left in part, where the API has one', async () => {
    stage.shop.fault({ name: 'partial_ship', count: 1 });
    const { orderId } = sell(stage, ['SKU-001', 2]);
    stage.shop.ship({ order_id: orderId });
    expect((await detail(stage, orderId)).status).toBe('PARTIALLY_SHIPPING');
    await stage.shop.settle();
    expect(told(1).length).toBeGreaterThan(2);
    expect(told(1).map((data) => data.order_status)).not.toContain('PARTIALLY_SHIPPING');
  });

  test('tells pending and withdrawn cancellations, returns, products and stock levels', async () => {
    const { orderId } = sell(stage, ['SKU-001', 1]);
    stage.shop.askToCancel(orderId);
    stage.shop.ship({ order_id: orderId });
    stage.shop.refund({ order_id: orderId, quantity: 1, restock: false });
    stage.shop.setStatus('SKU-003', 'PLATFORM_DEACTIVATED');
    await write(stage, 'SKU-004', 0);
    await stage.shop.settle();
    expect(new Set(told(11).map((data) => data.cancel_status))).toEqual(
      new Set(['CANCELLATION_REQUEST_PENDING', 'CANCELLATION_REQUEST_CANCELLED']),
    );
    expect(told(12)[0]).toMatchObject({ order_id: orderId, return_type: 'REFUND', return_role: 'BUYER' });
    expect(told(5)).toMatchObject([{ status: 'PLATFORM_DEACTIVATED' }]);
    expect(told(27)).toMatchObject([
      {
        current_inventory_status: 'OUT_OF_STOCK',
        inventory_distribution: { total_quantity: 0, available_quantity: 0, committed_quantity: 0 },
      },
    ]);
  });

  test('is repeated with the same bytes after failures, and nothing but 200 ends that', async () => {
    await stage.call('DELETE', api, { body: { event_type: 'INVENTORY_STATUS_CHANGE' } });
    receiver.answers = [500, 204, 202, 401, 200];
    stage.shop.notify('SELLER_DEAUTHORIZATION', { message: 'x' });
    await stage.shop.settle();
    expect(receiver.got.length).toBe(5);
    const bodies = receiver.got.map(({ body }) => createHash('sha256').update(body).digest('hex'));
    expect(new Set(bodies).size).toBe(1);
    expect(outcomes()).toEqual(['failed', 'failed', 'failed', 'failed', 'ok']);
  });

  test('is lost after the fifth attempt, and nothing is switched off', async () => {
    receiver.answers = [503];
    const { orderId } = sell(stage, ['SKU-001', 1]);
    const before = (await list()).total_count;
    await stage.shop.settle();
    expect(outcomes().every((outcome) => outcome === 'failed')).toBe(true);
    expect(outcomes().length % 5).toBe(0);
    expect((await list()).total_count).toBe(before);
    expect(stage.shop.records().orders[0]).toMatchObject({ order_id: orderId, heard: false });
    stage.shop.fault({ name: 'given_up_unsubscribes' });
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect((await list()).total_count).toBe(before - 1);
  });

  test('waits 2 minutes, 30 minutes, 3 hours and 12 hours between its attempts', async () => {
    // At this scale the first wait is over before the test ends, the second is not.
    receiver.answers = [500];
    stage.shop.notify('PRODUCT_STATUS_CHANGE', { product_id: '1' });
    await until(() => receiver.got.length >= 2);
    expect([receiver.got.length, stage.shop.pending()]).toEqual([2, 1]);
  });

  test('goes to nobody but this machine', async () => {
    for (const event_type of ['ORDER_STATUS_CHANGE', 'INVENTORY_STATUS_CHANGE']) {
      await set(event_type, 'https://shop.example/hook');
    }
    await sellAndSettle(stage, ['SKU-001', 1]);
    expect(receiver.got).toEqual([]);
    expect(new Set(outcomes())).toEqual(new Set(['failed']));
  });

  test('stops when its topic is taken off', async () => {
    sell(stage, ['SKU-001', 1]);
    for (const event_type of ['ORDER_STATUS_CHANGE', 'INVENTORY_STATUS_CHANGE']) {
      await stage.call('DELETE', api, { body: { event_type } });
    }
    receiver.got.length = 0;
    await stage.shop.settle();
    expect(told(1)).toEqual([]);
  });

  test.each(['bad_signature', 'wrong_recipe', 'unsigned'])('is signed wrongly under %s', async (name) => {
    stage.shop.fault({ name });
    stage.shop.notify('PRODUCT_STATUS_CHANGE', { product_id: '1' });
    await stage.shop.settle();
    const [call] = receiver.got;
    if (call === undefined) throw new Error('no delivery');
    expect(call.headers.authorization).not.toBe(right(call));
    expect(call.headers.authorization === undefined).toBe(name === 'unsigned');
  });

  test('names another shop, no id, or ids as numbers under the faults', async () => {
    const notify = async (name: string) => {
      receiver.got.length = 0;
      stage.shop.fault({ name, count: 1 });
      stage.shop.notify('PRODUCT_STATUS_CHANGE', { product_id: '1729592969712207008' });
      await stage.shop.settle();
      const [call] = receiver.got;
      if (call === undefined) throw new Error('no delivery');
      expect(call.headers.authorization).toBe(right(call));
      return call;
    };
    const other = (await notify('wrong_shop')).json.shop_id;
    expect(other).toMatch(/^\d{19}$/);
    expect(other).not.toBe(stage.shop.account.shopId);
    expect((await notify('no_notification_id')).json).not.toHaveProperty('tts_notification_id');
    const text = (await notify('numeric_ids')).body.toString('utf8');
    expect(text).toContain('"product_id":1729592969712207008');
    expect(text).toContain(`"shop_id":${stage.shop.account.shopId},`);
  });

  test('that is dropped takes the later news of the same units along, until they move', async () => {
    stage.shop.fault({ name: 'drop_webhook', count: 1 });
    const { orderId } = sell(stage, ['SKU-001', 2]);
    await stage.shop.settle();
    expect((await detail(stage, orderId)).status).toBe('AWAITING_SHIPMENT');
    expect(told(1)).toEqual([]);
    expect(stage.shop.records().orders[0]?.heard).toBe(false);
    stage.shop.cancel({ order_id: orderId });
    await stage.shop.settle();
    expect(told(1).map((data) => data.order_status)).toEqual(['CANCEL']);
    expect(stage.shop.records().orders[0]?.heard).toBe(true);
  });

  test('is dropped, doubled or late under the faults; a double is the same notification', async () => {
    const notify = () => stage.shop.notify('PRODUCT_STATUS_CHANGE', { product_id: '1' });
    stage.shop.fault({ name: 'drop_webhook', count: 1 });
    notify();
    await stage.shop.settle();
    expect(receiver.got).toEqual([]);
    stage.shop.fault({ name: 'duplicate_webhook', count: 1 });
    notify();
    await stage.shop.settle();
    const ids = receiver.got.map(({ json }) => json.tts_notification_id);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
    stage.shop.fault({ name: 'delay_webhook', count: 1, ms: 600_000 });
    notify();
    expect(stage.shop.pending()).toBe(1);
    await stage.shop.settle();
    expect(receiver.got.length).toBe(3);
    stage.shop.fault({ name: 'authorization_ends' });
    stage.shop.fault({ name: 'deauthorized' });
    await stage.shop.settle();
    expect(told(6)).toHaveLength(1);
    expect(told(7)).toMatchObject([{ expiration_time: stage.now() / 1000 + 30 * 86_400 }]);
  });
});
