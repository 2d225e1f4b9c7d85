import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type Delivery,
  type HookRequest,
  type Json,
  UnreadableDelivery,
} from '../../../src/channels/channel.ts';
import { channelAt, configOf, location, shopName } from './scripted-shop.ts';

const secret = 'shhh-secret';

function signed(body: string | Uint8Array, key = secret): string {
  return createHmac('sha256', key).update(body).digest('base64');
}

function requestOf(body: string, headers: Record<string, string> = {}): HookRequest {
  return {
    method: 'POST',
    path: '',
    query: '',
    headers: {
      'x-shopify-topic': 'orders/create',
      'x-shopify-hmac-sha256': signed(body),
      'x-shopify-shop-domain': shopName,
      'x-shopify-webhook-id': 'hook-1',
      'x-shopify-event-id': 'event-1',
      ...headers,
    },
    body: Buffer.from(body, 'utf8'),
    receivedAt: Date.parse('2026-11-23T10:00:00Z'),
  };
}

function without(request: HookRequest, header: string): HookRequest {
  const { [header]: _dropped, ...headers } = request.headers;
  return { ...request, headers };
}

const channel = channelAt(null);
const how = { obtained: 'delivered', askedAt: 1, answeredAt: 2, attempt: 0 } as const;

function deliveryOf(kind: string, body: unknown): Delivery {
  return {
    key: 'k',
    kind,
    meta: null,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  };
}

function contentOf(kind: string, body: unknown) {
  return channel.ordersIn(channel.fieldsOf(deliveryOf(kind, body)), () => undefined, how);
}

describe('receive', () => {
  test('the published test vector verifies', () => {
    const body = '{"id":1,"note":"café"}';
    expect(Buffer.from(body).length).toBe(23);
    const headers = { 'x-shopify-hmac-sha256': '3ZZWXcyHUEMCL1UejjZUaxGQ6kj1pyGnYXjuk6P+nAA=' };
    expect(channel.receive(requestOf(body, headers)).kind).toBe('deliveries');
  });

  test('a wrong, missing, doubled or re-encoded signature is refused with 401', () => {
    const good = requestOf('{"id":1}');
    const signature = signed('{"id":1}');
    const bad = [
      without(good, 'x-shopify-hmac-sha256'),
      requestOf('{"id":1}', { 'x-shopify-hmac-sha256': `${signature}, ${signature}` }),
      requestOf('{"id":1}', { 'x-shopify-hmac-sha256': signed('{"id":2}') }),
      requestOf('{"id":1}', { 'x-shopify-hmac-sha256': signature.replace(/=+$/, '') }),
      requestOf('{"id":1}', { 'x-shopify-hmac-sha256': '' }),
      { ...good, body: Buffer.from('{"id": 1}') },
    ];
    for (const request of bad)
      expect(channel.receive(request)).toMatchObject({ kind: 'refused', status: 401 });
  });

  test('an empty body is refused even when it is signed', () => {
    expect(channel.receive(requestOf(''))).toMatchObject({ kind: 'refused', status: 401 });
  });

  test('another shop is refused and the case of the name does not matter', () => {
    const other = requestOf('{"id":1}', { 'x-shopify-shop-domain': 'other.myshopify.com' });
    expect(channel.receive(other)).toMatchObject({ kind: 'refused', status: 401 });
    const shouted = requestOf('{"id":1}', { 'x-shopify-shop-domain': 'Example.MyShopify.com' });
    expect(channel.receive(shouted).kind).toBe('deliveries');
  });

  test('anything but POST is refused with 405', () => {
    expect(channel.receive({ ...requestOf('{"id":1}'), method: 'GET' })).toMatchObject({
      kind: 'refused',
      status: 405,
    });
  });

  test('while a secret is rotated either of two verifies, and the client secret counts too', () => {
    const two = channelAt(null, { config: { webhook_secret: ['old', 'new'] } });
    for (const key of ['old', 'new']) {
      const request = requestOf('{"id":1}', { 'x-shopify-hmac-sha256': signed('{"id":1}', key) });
      expect(two.receive(request).kind).toBe('deliveries');
    }
    const byClient = channelAt(null, {
      config: {
        access_token: undefined,
        webhook_secret: undefined,
        client_id: 'id',
        client_secret: 'client',
      },
    });
    const request = requestOf('{"id":1}', { 'x-shopify-hmac-sha256': signed('{"id":1}', 'client') });
    expect(byClient.receive(request).kind).toBe('deliveries');
    expect(byClient.receive(requestOf('{"id":1}')).kind).toBe('refused');
  });

  test('without any secret every delivery is refused', () => {
    const bare = channelAt(null, { config: { webhook_secret: undefined } });
    expect(
      bare.receive(requestOf('{"id":1}', { 'x-shopify-hmac-sha256': signed('{"id":1}', '') })),
    ).toMatchObject({
      kind: 'refused',
      status: 401,
    });
  });

  test('the webhook id is the key, so one event id of five cancelled orders makes five deliveries', () => {
    const keys = [1, 2, 3, 4, 5].map((n) => {
      const receipt = channel.receive(requestOf(`{"id":${n}}`, { 'x-shopify-webhook-id': `hook-${n}` }));
      return receipt.kind === 'deliveries' ? receipt.deliveries[0]?.key : null;
    });
    expect(new Set(keys).size).toBe(5);
  });

  test('without a webhook id the key is a hash of topic and body', () => {
    const keyOf = (body: string, topic: string) => {
      const receipt = channel.receive(
        without(requestOf(body, { 'x-shopify-topic': topic }), 'x-shopify-webhook-id'),
      );
      return receipt.kind === 'deliveries' ? receipt.deliveries[0]?.key : null;
    };
    expect(keyOf('{"id":1}', 'orders/create')).toBe(keyOf('{"id":1}', 'orders/create'));
    expect(keyOf('{"id":1}', 'orders/create')).not.toBe(keyOf('{"id":1}', 'orders/cancelled'));
    expect(keyOf('{"id":1}', 'orders/create')).not.toBe(keyOf('{"id":2}', 'orders/create'));
    expect(keyOf('{"id":1}', 'orders/create')).toMatch(/^sha256:/);
  });
});

describe('the other topics', () => {
  test('refunds, edits and deletions only name an order to fetch', () => {
    const order = 'gid://shopify/Order/5551112223334';
    const refund = {
      id: 9001,
      order_id: 5551112223334,
      refund_line_items: [{ line_item_id: 777, quantity: 1 }],
    };
    const edit = {
      order_edit: { id: 1, order_id: 5551112223334, line_items: { additions: [{ id: 888, delta: 1 }] } },
    };
    for (const [topic, body] of [
      ['refunds/create', refund],
      ['orders/edited', edit],
      ['orders/delete', { id: 5551112223334 }],
    ] as const) {
      expect(contentOf(topic, body), topic).toMatchObject({ orders: [], fetch: [order], touched: [] });
    }
  });

  test('an order body that leaves out its lines or refunds is fetched, not guessed', () => {
    const head = { id: 1, created_at: '2026-11-23T10:00:00Z', updated_at: '2026-11-23T10:00:00Z' };
    expect(contentOf('orders/create', head).fetch).toEqual(['gid://shopify/Order/1']);
    expect(contentOf('orders/create', { ...head, line_items: [] }).fetch).toEqual(['gid://shopify/Order/1']);
    expect(contentOf('orders/create', { ...head, line_items: [], refunds: [] }).orders).toHaveLength(1);
  });

  test('a level at our location is a hint to read the item, and never a number', () => {
    const level = {
      inventory_item_id: 555,
      location_id: 4242,
      available: 7,
      updated_at: '2026-11-23T10:00:03-05:00',
    };
    const content = contentOf('inventory_levels/update', level);
    expect(content).toMatchObject({ orders: [], fetch: [], touched: ['gid://shopify/InventoryItem/555'] });
    expect(JSON.stringify(channel.fieldsOf(deliveryOf('inventory_levels/update', level)))).not.toContain('7');
    expect(contentOf('inventory_levels/update', { ...level, available: null }).touched).toHaveLength(1);
    expect(
      contentOf('inventory_levels/disconnect', { inventory_item_id: 555, location_id: 4242 }).touched,
    ).toHaveLength(1);
  });

  test('a level at another location says nothing', () => {
    const content = contentOf('inventory_levels/update', {
      inventory_item_id: 555,
      location_id: 1,
      available: 7,
    });
    expect(content).toMatchObject({ touched: [], ignored: 'a level of another location' });
    expect(location).toContain('4242');
  });

  test('items and products name the inventory items whose facts may have changed', () => {
    expect(contentOf('inventory_items/update', { id: 5, sku: 'A' }).touched).toEqual([
      'gid://shopify/InventoryItem/5',
    ]);
    expect(contentOf('inventory_items/delete', { id: 5 }).touched).toEqual(['gid://shopify/InventoryItem/5']);
    const product = {
      id: 1,
      variants: [{ inventory_item_id: 5 }, { inventory_item_id: 5 }, { inventory_item_id: 6 }],
    };
    expect(contentOf('products/update', product).touched).toEqual([
      'gid://shopify/InventoryItem/5',
      'gid://shopify/InventoryItem/6',
    ]);
    expect(contentOf('products/delete', { id: 1 })).toMatchObject({ touched: [], orders: [] });
  });

  test('an uninstalled app is told to a person', () => {
    expect(contentOf('app/uninstalled', { id: 1, domain: shopName }).alert).toMatch(/uninstalled/);
  });

  test('a topic that is not read says nothing instead of failing', () => {
    expect(contentOf('carts/create', 'not even JSON')).toMatchObject({ orders: [], touched: [], fetch: [] });
    expect(contentOf('constructor', '{}').ignored).toMatch(/constructor/);
  });

  test('an authentic body that does not fit its topic becomes a dead letter', () => {
    for (const [topic, body] of [
      ['orders/create', '{"id":"x"}'],
      ['orders/create', 'no JSON'],
      ['refunds/create', '{"id":1}'],
      ['', '{"id":1}'],
      [
        'orders/create',
        '{"id":1,"created_at":"yesterday","updated_at":"today","line_items":[],"refunds":[]}',
      ],
    ] as const) {
      expect(() => channel.fieldsOf(deliveryOf(topic, body)), `${topic} ${body}`).toThrow(UnreadableDelivery);
    }
  });

  test('the kept fields of an order carry nothing of the buyer', () => {
    const body = {
      id: 1,
      name: '#1',
      email: 'buyer@example.com',
      customer: { first_name: 'Ada' },
      shipping_address: { address1: 'Street 1' },
      note: 'ring twice',
      created_at: '2026-11-23T10:00:00Z',
      updated_at: '2026-11-23T10:00:00Z',
      line_items: [
        { id: 7, variant_id: 3, sku: 'A', quantity: 1, properties: [{ name: 'engraving', value: 'Ada' }] },
      ],
      refunds: [],
    };
    const fields: Json = channel.fieldsOf(deliveryOf('orders/create', body));
    expect(JSON.stringify(fields)).not.toMatch(/buyer|Ada|Street|ring twice/);
    expect(channel.refsIn(fields)).toEqual(['gid://shopify/ProductVariant/3']);
  });
});

describe('the configuration', () => {
  test('a storefront domain, both kinds of credential, none, or half of one are refused', () => {
    const bad = [
      { shop: 'www.example.com' },
      { shop: 'example.myshopify.com.evil.com' },
      { client_id: 'a', client_secret: 'b' },
      { access_token: undefined },
      { access_token: undefined, client_id: 'a' },
      { location: '4242' },
      { api_version: '2025-10' },
      { unknown_key: 1 },
    ];
    for (const over of bad) expect(() => configOf(over), JSON.stringify(over)).toThrow();
    expect(configOf().api_version).toBe('2026-10');
  });
});
