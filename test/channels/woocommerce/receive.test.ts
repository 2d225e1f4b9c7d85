import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type HookRequest, type Receipt, UnreadableDelivery } from '../../../src/channels/channel.ts';
import { fieldsOf, ordersIn, receive, refsIn } from '../../../src/channels/woocommerce/receive.ts';
import { noon } from '../../kit/stage.ts';
import { configOf } from './scripted-shop.ts';

const secret = 'invsyncSecret123';
const config = configOf({ webhook_secret: secret });
const how = { obtained: 'delivered', askedAt: noon, answeredAt: noon, attempt: 0 } as const;
const unknown = () => undefined;

function call(body: string, headers: Record<string, string | undefined> = {}): HookRequest {
  const bytes = Buffer.from(body, 'utf8');
  const all = {
    'content-type': 'application/json',
    'x-wc-webhook-source': 'https://shop.example/',
    'x-wc-webhook-topic': 'order.updated',
    'x-wc-webhook-id': '4',
    'x-wc-webhook-delivery-id': '80ed73a777fdc5e37e2c27e695d87f4c',
    'x-wc-webhook-signature': createHmac('sha256', secret).update(bytes).digest('base64'),
    ...headers,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    method: 'POST',
    path: '',
    query: '',
    headers: Object.fromEntries(given),
    body: bytes,
    receivedAt: noon,
  };
}

function deliveryOf(receipt: Receipt) {
  if (receipt.kind !== 'deliveries' || receipt.deliveries[0] === undefined) throw new Error(receipt.kind);
  return receipt.deliveries[0];
}

function said(topic: string, body: unknown) {
  const delivery = deliveryOf(receive(config, call(JSON.stringify(body), { 'x-wc-webhook-topic': topic })));
  return ordersIn(config, fieldsOf(delivery), unknown, how);
}

describe('receiving a delivery', () => {
  test('the golden signature over raw bytes with escaped slashes and letters is accepted', () => {
    const body = String.raw`{"id":1,"note":"caf\u00e9","u":"a\/b"}`;
    expect(Buffer.byteLength(body)).toBe(38);
    const receipt = receive(
      config,
      call(body, { 'x-wc-webhook-signature': 'EHV2d80SGZeFp8KU6p6rbuG5wXAiFi69nAKHKvT+EQM=' }),
    );
    expect(receipt.kind).toBe('deliveries');
  });

  test('the same JSON written anew is refused', () => {
    const given = call(String.raw`{"u":"a\/b"}`);
    const rewritten = { ...given, body: Buffer.from(JSON.stringify(JSON.parse('{"u":"a\\/b"}'))) };
    expect(receive(config, rewritten)).toMatchObject({ kind: 'refused', status: 401 });
  });

  const valid = call('{"id":1}').headers['x-wc-webhook-signature'] ?? '';
  test.each([
    ['a missing signature', undefined],
    ['an empty signature', ''],
    ['a doubled signature', `${valid}, ${valid}`],
    ['a signature without its padding', valid.replace('=', '')],
    ['a signature with a blank', ` ${valid}`],
    ['a hexadecimal signature', Buffer.from(valid, 'base64').toString('hex')],
  ])('%s is refused', (_, signature) => {
    const receipt = receive(config, call('{"id":1}', { 'x-wc-webhook-signature': signature }));
    expect(receipt).toMatchObject({ kind: 'refused', status: 401 });
  });

  test('while a secret is being changed the old and the new one verify', () => {
    const both = configOf({ webhook_secret: ['theNewOne', secret] });
    expect(receive(both, call('{"id":1}')).kind).toBe('deliveries');
    expect(receive(configOf({ webhook_secret: 'theNewOne' }), call('{"id":1}')).kind).toBe('refused');
    expect(receive(configOf({ webhook_secret: undefined }), call('{"id":1}')).kind).toBe('refused');
  });

  test('the unsigned ping of a registration is answered 200 and is no delivery', () => {
    const ping = call('webhook_id=6', {
      'content-type': 'application/x-www-form-urlencoded',
      'x-wc-webhook-signature': undefined,
      'x-wc-webhook-topic': undefined,
      'x-wc-webhook-source': undefined,
    });
    expect(receive(config, ping)).toMatchObject({ kind: 'handshake', status: 200 });
    const more = { ...ping, body: Buffer.from('webhook_id=6&order=7') };
    expect(receive(config, more)).toMatchObject({ kind: 'refused', status: 401 });
  });

  test('a delivery of a staging copy of the shop is refused', () => {
    const receipt = receive(
      config,
      call('{"id":1}', { 'x-wc-webhook-source': 'https://staging.shop.example/' }),
    );
    expect(receipt).toMatchObject({ kind: 'refused', status: 401 });
  });

  test.each(['http://shop.example/', 'https://www.shop.example/', 'https://SHOP.example'])(
    'the shop itself may be called %s',
    (source) => {
      expect(receive(config, call('{"id":1}', { 'x-wc-webhook-source': source })).kind).toBe('deliveries');
    },
  );

  test('another method than POST is refused with 405', () => {
    expect(receive(config, { ...call(''), method: 'GET' })).toMatchObject({ kind: 'refused', status: 405 });
  });

  test('two orders under one delivery id have two keys, and one body redelivered has one', () => {
    const keyOf = (request: HookRequest) => deliveryOf(receive(config, request)).key;
    const first = keyOf(call('{"id":49}'));
    expect(keyOf(call('{"id":50}'))).not.toBe(first);
    expect(keyOf(call('{"id":49}', { 'x-wc-webhook-delivery-id': 'another second' }))).toBe(first);
    expect(keyOf(call('{"id":49}', { 'x-wc-webhook-topic': 'order.created' }))).not.toBe(first);
    expect(keyOf(call('{"id":49}', { 'x-wc-webhook-id': '5' }))).not.toBe(first);
  });
});

describe('reading a delivery', () => {
  const order = {
    id: 727,
    number: 'A-727',
    status: 'processing',
    date_created_gmt: '2026-11-23T10:00:00',
    date_modified_gmt: '2026-11-23T10:00:05',
    date_paid_gmt: '2026-11-23T10:00:05',
    billing: { first_name: 'Nobody', email: 'nobody@example.com' },
    line_items: [
      {
        id: 315,
        product_id: 93,
        variation_id: 94,
        quantity: 3,
        sku: 'TEE-S',
        meta_data: [{ id: 2096, key: '_reduced_stock', value: '3' }],
      },
    ],
    refunds: [],
    meta_data: [],
  };

  test('times without a zone are read as UTC', () => {
    const [snapshot] = said('order.updated', order).orders;
    expect(snapshot).toMatchObject({
      orderId: '727',
      number: 'A-727',
      placedAt: Date.UTC(2026, 10, 23, 10, 0, 0),
      version: Date.UTC(2026, 10, 23, 10, 0, 5),
      clock: 'date_modified_gmt',
      complete: true,
    });
  });

  test('nothing about the buyer is kept', () => {
    const delivery = deliveryOf(receive(config, call(JSON.stringify(order))));
    expect(JSON.stringify(fieldsOf(delivery))).not.toMatch(/nobody/i);
  });

  test('a variation is asked for as parent/variation and by its own id', () => {
    const delivery = deliveryOf(receive(config, call(JSON.stringify(order))));
    expect(refsIn(fieldsOf(delivery))).toEqual(['93/94', '94']);
  });

  test('a variation that moved to another parent is found by its own id', () => {
    const delivery = deliveryOf(receive(config, call(JSON.stringify(order))));
    const moved = {
      listingId: '120/94',
      counterKey: '120/94',
      channelSku: 'TEE-S',
      facts: { managed: true, parentId: '120' },
    };
    const content = ordersIn(config, fieldsOf(delivery), (ref) => (ref === '94' ? moved : undefined), how);
    expect(content.orders[0]?.lines[0]?.listingId).toBe('120/94');
  });

  test('the status counts and not the topic: order.created of a cancelled order holds nothing', () => {
    const cancelled = {
      ...order,
      status: 'cancelled',
      line_items: [{ ...order.line_items[0], meta_data: [] }],
    };
    const [snapshot] = said('order.created', cancelled).orders;
    expect(snapshot).toMatchObject({ cancelled: true, lines: [{ taken: 0 }] });
  });

  test('a shopper at the checkout is ignored', () => {
    const draft = {
      ...order,
      status: 'checkout-draft',
      line_items: [{ ...order.line_items[0], meta_data: [] }],
    };
    expect(said('order.updated', draft)).toMatchObject({ orders: [], ignored: 'checkout-draft' });
  });

  test('a trashed order is fetched by its id, and releases nothing by itself', () => {
    expect(said('order.deleted', { id: 727 })).toMatchObject({ orders: [], fetch: ['727'] });
  });

  test('a signed error body says that an order was deleted before it could be sent', () => {
    const content = said('order.updated', {
      code: 'woocommerce_rest_shop_order_invalid_id',
      message: 'Invalid ID.',
      data: { status: 404 },
    });
    expect(content).toMatchObject({ orders: [], fetch: [] });
    expect(content.alert).toMatch(/deleted for good/);
  });

  test('a signed error body says that the owner of the webhooks lost its rights', () => {
    const content = said('order.updated', {
      code: 'woocommerce_rest_cannot_view',
      message: 'Sorry',
      data: { status: 401 },
    });
    expect(content).toMatchObject({ orders: [], pull: true });
    expect(content.alert).toMatch(/lost its rights/);
  });

  test('an error body of a rate limiter starts a pull and blames no user', () => {
    const content = said('order.updated', {
      code: 'too_many',
      message: 'Too many requests',
      data: { status: 429 },
    });
    expect(content).toMatchObject({ orders: [], fetch: [], pull: true });
    expect(content.alert).toMatch(/too_many \(429\).*a rate limiter.*pulled instead/);
    expect(content.alert).not.toMatch(/rights/);
  });

  test('a changed product is a hint to read it again, and no movement', () => {
    const variation = { id: 94, parent_id: 93, type: 'variation', stock_quantity: 7 };
    expect(said('product.updated', variation)).toMatchObject({ orders: [], touched: ['93/94'] });
    const parent = { id: 93, parent_id: 0, type: 'variable', variations: [94, 95] };
    expect(said('product.updated', parent).touched).toEqual(['93', '93/94', '93/95']);
    expect(said('product.deleted', { id: 93 }).touched).toEqual(['93']);
  });

  test('custom topics are ignored', () => {
    const content = said('action.woocommerce_product_set_stock', {
      action: 'woocommerce_product_set_stock',
      arg: [],
    });
    expect(content).toMatchObject({
      orders: [],
      ignored: 'topic action.woocommerce_product_set_stock',
      alert: null,
    });
  });

  test.each([
    ['no JSON', 'not json'],
    ['an empty body', ''],
    ['a list', '[]'],
    ['an order without dates', JSON.stringify({ ...order, date_created_gmt: null, date_modified_gmt: null })],
    ['an order whose lines are no list', JSON.stringify({ ...order, line_items: 7 })],
  ])('%s becomes a dead letter', (_, body) => {
    const delivery = deliveryOf(receive(config, call(body)));
    expect(() => fieldsOf(delivery)).toThrow(UnreadableDelivery);
  });

  test('a partly refunded order that is still open is fetched, because only its refunds tell what was written off', () => {
    const refunded = { ...order, refunds: [{ id: 800, reason: '', total: '-10.00' }] };
    expect(said('order.updated', refunded)).toMatchObject({ orders: [], fetch: ['727'] });
    const completed = { ...refunded, status: 'completed', date_completed_gmt: '2026-11-23T11:00:00' };
    expect(said('order.updated', completed).orders[0]?.lines[0]).toMatchObject({ taken: 3, gone: 3 });
  });

  test('a line is known by its own id, which stays with it in every order', () => {
    const [snapshot] = said('order.updated', order).orders;
    const [moved] = said('order.updated', { ...order, id: 900 }).orders;
    expect(snapshot?.lines[0]?.lineKey).toBe('315');
    expect(moved?.lines[0]?.lineKey).toBe('315');
  });

  test('a number made by a plugin is shown to people and never taken for the id', () => {
    const [snapshot] = said('order.updated', order).orders;
    expect(snapshot).toMatchObject({ orderId: '727', number: 'A-727' });
  });
});
