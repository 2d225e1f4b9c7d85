import {
  createFlipkartShop,
  type FlipkartShop,
  type FlipkartShopOptions,
} from '../../../src/sandbox/flipkart/index.ts';
import * as kit from '../../kit/shop-stage.ts';
import { type Answer, type Loose, type Receiver, send, startReceiver } from '../../kit/shop-stage.ts';

/** A shop at a standing clock; platform durations are a thousand times shorter. */
export interface Stage extends kit.ShopStage<FlipkartShop> {
  location: string;
  /** A live access token. */
  token(): Promise<string>;
  /** A call under `/sellers` with what the platform wants. */
  call(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

export const catalogue = (size: number) => kit.catalogue(size, 3);

export async function startShop(options: Partial<FlipkartShopOptions> = {}): Promise<Stage> {
  const made = await kit.startStage((sound) =>
    createFlipkartShop({ ...sound, timeScale: 1000, basis: 'net', catalogue: catalogue(12), ...options }),
  );
  const { shop } = made;
  let token: string | null = null;
  const stage: Stage = {
    ...made,
    location: shop.locations[0] ?? '',
    async token() {
      token ??= (await tokenCall(shop)).json.access_token;
      return token ?? '';
    },
    async call(method, path, body, headers = {}) {
      const authorization = `Bearer ${await stage.token()}`;
      const all = { authorization, 'content-type': 'application/json', ...headers };
      return send(`${shop.url}/sellers${path}`, { method, headers: all, body });
    },
  };
  return stage;
}

/** A call to the token endpoint, as the dashboard's keys would make it unless told otherwise. */
export async function tokenCall(
  shop: FlipkartShop,
  wish: { query?: string; basic?: string | null; method?: 'GET' | 'POST' } = {},
): Promise<Answer> {
  const { appId, appSecret } = shop.credentials;
  const { query = 'grant_type=client_credentials&scope=Seller_Api', method = 'GET' } = wish;
  const basic = wish.basic === undefined ? `${appId}:${appSecret}` : wish.basic;
  const authorization = basic === null ? undefined : kit.basicAuth(basic);
  return send(`${shop.url}/oauth-service/oauth/token?${query}`, { method, headers: { authorization } });
}

/** The SKU's place at the main location, as the stock call shows it. */
export async function place(stage: Stage, sku: string, location = stage.location): Promise<Loose> {
  const { json } = await stage.call('GET', `/listings/v3/${encodeURIComponent(sku)}`);
  return json.available[sku].locations.find((one: Loose) => one.id === location);
}

/** A row of a write for a SKU, with the product that belongs to it. */
export async function row(
  stage: Stage,
  sku: string,
  inventory: unknown,
  changes: Loose = {},
): Promise<Loose> {
  const { json } = await stage.call('GET', `/listings/v3/${encodeURIComponent(sku)}`);
  const known = json.available[sku];
  return { product_id: known?.product_id, locations: [{ id: stage.location, inventory }], ...changes };
}

export function write(stage: Stage, rows: Loose): Promise<Answer> {
  return stage.call('POST', '/listings/v3/update/inventory', rows);
}

/** The shipment as a look-up shows it. */
export async function look(stage: Stage, id: string): Promise<Loose> {
  const { json } = await stage.call('GET', `/v3/shipments/${id}`);
  return json.shipments[0];
}

/** All shipments of a filter, page by page, and how many pages there were. */
export async function walk(
  stage: Stage,
  filter: Loose,
  pageSize = 20,
): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = [];
  let answer = await stage.call('POST', '/v3/shipments/filter', { filter, pagination: { pageSize } });
  for (let pages = 1; ; pages += 1) {
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    ids.push(...answer.json.shipments.map((one: Loose) => one.shipmentId));
    if (answer.json.hasMore !== true) return { ids, pages };
    answer = await stage.call('GET', answer.json.nextPageUrl);
  }
}

/** An address with everything that the signature must cover. */
export const hookPath = '/hooks/shop/s3gment?x=1';

/** A shop that tells everything to a receiver. */
export async function startBoth(
  options: Partial<FlipkartShopOptions> = {},
): Promise<Stage & { receiver: Receiver }> {
  const stage = await startShop(options);
  const receiver = await startReceiver(hookPath);
  stage.shop.subscribe({ url: receiver.url, returnsUrl: receiver.url });
  return { ...stage, receiver };
}

export function typesOf(receiver: Receiver): string[] {
  return receiver.got.map(({ json }) => json.eventType);
}
