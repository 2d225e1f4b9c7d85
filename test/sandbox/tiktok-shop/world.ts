import { createHmac } from 'node:crypto';
import {
  createTiktokShop,
  type TiktokShop,
  type TiktokShopOptions,
} from '../../../src/sandbox/tiktok-shop/index.ts';
import * as kit from '../../kit/shop-stage.ts';
import { type Loose, type Sending, send } from '../../kit/shop-stage.ts';

/** A shop at a standing clock; platform durations are a thousand times shorter. */
export interface Stage extends kit.ShopStage<TiktokShop> {
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

export interface Answer extends kit.Answer {
  code: number;
  message: string;
  data: Loose;
}

export const catalogue = (size: number) => kit.catalogue(size, 3);

/** Written out here, so that the shop's own arithmetic is not its judge (TTS-1.4). */
export function signed(secret: string, path: string, query: Record<string, string>, body: string): string {
  const keys = Object.keys(query).filter((key) => key !== 'sign' && key !== 'access_token');
  keys.sort((a, b) => (a < b ? -1 : 1));
  const text = `${secret}${path}${keys.map((key) => key + query[key]).join('')}${body}${secret}`;
  return createHmac('sha256', secret).update(text).digest('hex');
}

export async function startShop(options: Partial<TiktokShopOptions> = {}): Promise<Stage> {
  const made = await kit.startStage((sound) =>
    createTiktokShop({ ...sound, timeScale: 1000, catalogue: catalogue(20), ...options }),
  );
  const { shop } = made;
  let token: Promise<string> | null = null;
  const stage: Stage = {
    ...made,
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
        timestamp: String(wish.timestamp ?? Math.floor(made.now() / 1000)),
        ...(cipher === null ? {} : { shop_cipher: cipher }),
        ...wish.query,
      };
      const body = wish.body === undefined ? '' : JSON.stringify(wish.body);
      const right = signed(appSecret, path, query, body);
      const sign = wish.sign === undefined ? right : wish.sign(right);
      if (sign !== null) query['sign'] = sign;
      const access = wish.token === undefined ? await stage.token() : wish.token;
      const wire = wish.wire ?? body;
      return ask(`${shop.url}${path}?${new URLSearchParams(query)}`, {
        method,
        headers: {
          'content-type': 'application/json',
          'x-tts-access-token': access ?? undefined,
          ...wish.headers,
        },
        body: wire === '' ? undefined : wire,
      });
    },
  };
  return stage;
}

async function ask(url: string, sending?: Sending): Promise<Answer> {
  const answer = await send(url, sending);
  const { code = -1, message = '', data } = answer.json ?? {};
  return { ...answer, code, message, data };
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
  return ask(`${shop.url}/api/v2/token/${place}?${all}`);
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
