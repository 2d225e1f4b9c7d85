import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import {
  createTiktokShop,
  type TiktokShop,
  type TiktokShopOptions,
} from '../../../src/sandbox/tiktok-shop/index.ts';

/** 2026-11-23T12:00:00Z */
export const NOON = Date.UTC(2026, 10, 23, 12);

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read in tests only
export type Loose = any;

/** A shop at a standing clock; platform durations are a thousand times shorter. */
export interface Stage {
  shop: TiktokShop;
  /** Moves the shop's clock. */
  tick(ms: number): void;
  now(): number;
  token(): Promise<string>;
  /** A signed call with token and cipher, as the facts say it is made. */
  call(method: string, path: string, wish?: CallWish): Promise<Answer>;
}

export interface CallWish {
  query?: Record<string, string>;
  body?: unknown;
  /** Replaces what goes on the wire after it was signed. */
  wire?: string;
  token?: string | null;
  cipher?: string | null;
  timestamp?: number | string;
  sign?: (right: string) => string | null;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  code: number;
  message: string;
  data: Loose;
}

export function catalogue(size: number) {
  return Array.from({ length: size }, (_, index) => ({
    sku: `SKU-${String(index + 1).padStart(3, '0')}`,
    title: `Thing ${index + 1}`,
    stock: 10,
  }));
}

/** Written out here, so that the shop's own arithmetic is not its judge (TTS-1.4). */
export function signed(secret: string, path: string, query: Record<string, string>, body: string): string {
  const keys = Object.keys(query).filter((key) => key !== 'sign' && key !== 'access_token');
  keys.sort((a, b) => (a < b ? -1 : 1));
  const text = `${secret}${path}${keys.map((key) => key + query[key]).join('')}${body}${secret}`;
  return createHmac('sha256', secret).update(text).digest('hex');
}

export async function startShop(options: Partial<TiktokShopOptions> = {}): Promise<Stage> {
  let now = NOON;
  const shop = createTiktokShop({
    name: 'my shop',
    seed: 7,
    timeScale: 1000,
    port: 0,
    now: () => now,
    catalogue: catalogue(20),
    ...options,
  });
  await shop.start();
  let token: Promise<string> | null = null;
  const stage: Stage = {
    shop,
    now: () => now,
    tick(ms) {
      now += ms;
    },
    token() {
      token ??= tokenCall(shop, { refresh_token: shop.credentials.refreshToken }).then(
        ({ data }) => data.access_token,
      );
      return token;
    },
    async call(method, path, wish = {}) {
      const { appKey, appSecret } = shop.credentials;
      const noCipher = path.startsWith('/authorization/');
      const cipher = wish.cipher === undefined ? (noCipher ? null : shop.account.cipher) : wish.cipher;
      const query: Record<string, string> = {
        app_key: appKey,
        timestamp: String(wish.timestamp ?? Math.floor(now / 1000)),
        ...(cipher === null ? {} : { shop_cipher: cipher }),
        ...wish.query,
      };
      const body = wish.body === undefined ? '' : JSON.stringify(wish.body);
      const right = signed(appSecret, path, query, body);
      const sign = wish.sign === undefined ? right : wish.sign(right);
      if (sign !== null) query['sign'] = sign;
      const access = wish.token === undefined ? await stage.token() : wish.token;
      const wire = wish.wire ?? body;
      const answer = await request(`${shop.url}${path}?${new URLSearchParams(query)}`, {
        method: method as 'GET',
        headers: {
          'content-type': 'application/json',
          ...(access === null ? {} : { 'x-tts-access-token': access }),
          ...wish.headers,
        },
        ...(wire === '' ? {} : { body: wire }),
      });
      return read(answer);
    },
  };
  return stage;
}

async function read(answer: Awaited<ReturnType<typeof request>>): Promise<Answer> {
  const text = await answer.body.text();
  const json = text.startsWith('{') ? JSON.parse(text) : {};
  const { code = -1, message = '', data } = json;
  return { status: answer.statusCode, headers: answer.headers, text, code, message, data };
}

/** A call to the token host: unsigned, secrets in the query. */
export async function tokenCall(
  shop: TiktokShop,
  query: Record<string, string>,
  place: 'get' | 'refresh' = 'refresh',
): Promise<Answer> {
  const all = new URLSearchParams({
    app_key: shop.credentials.appKey,
    app_secret: shop.credentials.appSecret,
    grant_type: place === 'get' ? 'authorized_code' : 'refresh_token',
    ...query,
  });
  return read(await request(`${shop.url}/api/v2/token/${place}?${all}`));
}

/** Sells or throws. */
export function sell({ shop }: Stage, ...lines: [sku: string, quantity: number][]) {
  const result = shop.sell({ lines: lines.map(([sku, quantity]) => ({ sku, quantity })) });
  if (!result.sold) throw new Error(`not sold: ${result.reason}`);
  return { orderId: result.order_id, lineIds: result.lines.map((line) => line.line_id) };
}

export function shown({ shop }: Stage, sku: string): number | null | undefined {
  return shop.records().listings.find((entry) => entry.sku === sku)?.shown;
}

/** All products, page by page. */
export async function products(stage: Stage, body: Loose = {}): Promise<Loose[]> {
  const found: Loose[] = [];
  let token = '';
  do {
    const query = { page_size: '100', ...(token === '' ? {} : { page_token: token }) };
    const { data } = await stage.call('POST', '/product/202502/products/search', { query, body });
    found.push(...data.products);
    token = data.next_page_token;
  } while (token !== '');
  return found;
}

/** Where a SKU is: product, SKU, and the warehouses that hold it. */
export async function place(stage: Stage, sku: string) {
  for (const product of await products(stage)) {
    const found = product.skus.find((one: Loose) => one.seller_sku === sku);
    if (found === undefined) continue;
    const warehouses: string[] = found.inventory.map((row: Loose) => row.warehouse_id);
    return { productId: String(product.id), skuId: String(found.id), warehouses };
  }
  throw new Error(`no ${sku}`);
}

/** Writes a number to the first warehouse of a SKU, 0 to the others. */
export async function write(stage: Stage, sku: string, quantity: number): Promise<Answer> {
  const { productId, skuId, warehouses } = await place(stage, sku);
  return update(stage, productId, [row(skuId, warehouses, quantity)]);
}

export function row(id: string, warehouses: string[], quantity: number) {
  return {
    id,
    inventory: warehouses.map((warehouse_id, at) => ({ warehouse_id, quantity: at === 0 ? quantity : 0 })),
  };
}

export function update(stage: Stage, productId: string, skus: unknown[]): Promise<Answer> {
  return stage.call('POST', `/product/202309/products/${productId}/inventory/update`, { body: { skus } });
}

/** The order as the detail call shows it. */
export async function detail(stage: Stage, orderId: string): Promise<Loose> {
  const { data } = await stage.call('GET', '/order/202309/orders', { query: { ids: orderId } });
  return data.orders[0];
}

/** A call that the receiver got, bytes and all. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  json: Loose;
}

export interface Receiver {
  url: string;
  got: Received[];
  /** Status of the next answers; the last one repeats. */
  answers: number[];
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const receiver: Receiver = { url: '', got: [], answers: [200], stop: async () => {} };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const { method = '', url = '', headers } = incoming;
      receiver.got.push({ method, url, headers, body, json: JSON.parse(body.toString('utf8')) });
      const status = receiver.answers.length > 1 ? receiver.answers.shift() : receiver.answers[0];
      response.writeHead(status ?? 200);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/shop`;
  receiver.stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return receiver;
}

export const usualTopics = [
  'ORDER_STATUS_CHANGE',
  'CANCELLATION_STATUS_CHANGE',
  'RETURN_STATUS_CHANGE',
  'SELLER_DEAUTHORIZATION',
  'UPCOMING_AUTHORIZATION_EXPIRATION',
  'PRODUCT_STATUS_CHANGE',
  'INVENTORY_STATUS_CHANGE',
];

export async function register(stage: Stage, url: string, topics = usualTopics): Promise<void> {
  for (const event_type of topics) {
    const body = { event_type, address: url };
    const { code, message } = await stage.call('PUT', '/event/202309/webhooks', { body });
    if (code !== 0) throw new Error(message);
  }
}
