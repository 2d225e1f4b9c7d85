import { createHash, createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { memorySecret } from './folder.ts';

/** A signed delivery of an order, as its platform would send it. */
export interface Signed {
  /** Under which the inbox keeps it. */
  key: string;
  orderId: string;
  sku: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** The order `n` of a WooCommerce shop: one unit of one product, paid at once, its stock taken by the shop. */
export function wooDelivery(
  n: number,
  of: { sku: string; listingId: string },
  shop: { home: string; secret: string },
): Signed {
  const [product = '0', variation = '0'] = of.listingId.split('/');
  const now = new Date().toISOString().slice(0, 19);
  const order = {
    id: 1_000_000 + n,
    number: String(1_000_000 + n),
    status: 'processing',
    currency: 'EUR',
    date_created_gmt: now,
    date_modified_gmt: now,
    date_paid_gmt: now,
    date_completed_gmt: null,
    billing: { first_name: 'Sandbox', last_name: 'Shopper', email: 'shopper@example.com' },
    line_items: [
      {
        id: 5_000_000 + n,
        name: of.sku,
        product_id: Number(product),
        variation_id: Number(variation),
        quantity: 1,
        sku: of.sku,
        meta_data: [{ id: 9_000_000 + n, key: '_reduced_stock', value: '1' }],
      },
    ],
    refunds: [],
    meta_data: [],
    customer_note: 'x'.repeat(700),
  };
  const body = Buffer.from(JSON.stringify(order));
  const topic = 'order.created';
  return {
    key: createHash('sha256').update(`7\0${topic}\0`).update(body).digest('hex'),
    orderId: String(order.id),
    sku: of.sku,
    headers: {
      'content-type': 'application/json',
      'x-wc-webhook-source': `${shop.home}/`,
      'x-wc-webhook-topic': topic,
      'x-wc-webhook-resource': 'order',
      'x-wc-webhook-event': 'created',
      'x-wc-webhook-id': '7',
      'x-wc-webhook-delivery-id': createHash('md5').update(now).digest('hex'),
      'x-wc-webhook-signature': createHmac('sha256', shop.secret).update(body).digest('base64'),
    },
    body,
  };
}

/** The order `n` of a memory platform. */
export function memoryDelivery(n: number, sku: string): Signed {
  const now = Date.now();
  const order = {
    id: `order-${n}`,
    version: now,
    placed_at: now,
    changed_at: now,
    lines: [{ key: `line-${n}`, listing: sku, sku, taken: 1, taken_at: now }],
    note: 'x'.repeat(1_000),
  };
  const body = Buffer.from(JSON.stringify(order));
  const key = `delivery-${n}`;
  return {
    key,
    orderId: order.id,
    sku,
    headers: {
      'content-type': 'application/json',
      'x-memory-id': key,
      'x-memory-topic': 'order',
      'x-memory-signature': createHmac('sha256', memorySecret).update(body).digest('hex'),
    },
    body,
  };
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** The status and document of the answer; status 0 when there was none. */
export function post(
  url: string,
  signed: Pick<Signed, 'headers' | 'body'>,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const nothing = () => resolve({ status: 0, text: '' });
    const call = request(
      url,
      {
        method: 'POST',
        agent,
        headers: { ...signed.headers, 'content-length': signed.body.length },
        timeout: 10_000,
      },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => {
          text += chunk.toString('utf8');
        });
        answer.on('error', nothing);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    call.on('timeout', () => call.destroy());
    call.on('error', nothing);
    call.end(signed.body);
  });
}
