import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import {
  createFlipkartShop,
  type FlipkartShop,
  type FlipkartShopOptions,
} from '../../../src/sandbox/flipkart/index.ts';

/** 2026-11-23T12:00:00Z */
export const NOON = Date.UTC(2026, 10, 23, 12);

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read in tests only
export type Loose = any;

/** A shop at a standing clock; platform durations are a thousand times shorter. */
export interface Stage {
  shop: FlipkartShop;
  location: string;
  /** Moves the shop's clock. */
  tick(ms: number): void;
  now(): number;
  /** A live access token. */
  token(): Promise<string>;
  /** A call under `/sellers` with what the platform wants. */
  call(
    method: 'GET' | 'POST',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** `count` of the fault, `ms` long. */
  once(name: string, ms?: number): void;
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Loose;
}

const open: (() => Promise<void>)[] = [];

/** For `afterEach`: stops what the test has started. */
export async function closeAll(): Promise<void> {
  for (const stop of open.splice(0)) await stop();
}

export async function startShop(options: Partial<FlipkartShopOptions> = {}): Promise<Stage> {
  let now = NOON;
  const shop = createFlipkartShop({
    name: 'my shop',
    seed: 7,
    timeScale: 1000,
    port: 0,
    basis: 'net',
    now: () => now,
    catalogue: catalogue(12),
    ...options,
  });
  await shop.start();
  open.push(() => shop.stop());
  let token: string | null = null;
  const stage: Stage = {
    shop,
    location: shop.locations[0] ?? '',
    now: () => now,
    tick(ms) {
      now += ms;
    },
    async token() {
      token ??= (await tokenCall(shop)).json.access_token;
      return token ?? '';
    },
    async call(method, path, body, headers = {}) {
      const answer = await request(`${shop.url}/sellers${path}`, {
        method,
        headers: {
          authorization: `Bearer ${await stage.token()}`,
          'content-type': 'application/json',
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      const json = text.startsWith('{') ? JSON.parse(text) : null;
      return { status: answer.statusCode, headers: answer.headers, text, json };
    },
    once: (name, ms) => shop.fault({ name, count: 1, ...(ms === undefined ? {} : { ms }) }),
  };
  return stage;
}

export function catalogue(size: number) {
  return Array.from({ length: size }, (_, index) => ({
    sku: `SKU-${String(index + 1).padStart(3, '0')}`,
    title: `Thing ${index + 1}`,
    stock: 10,
  }));
}

/** A call to the token endpoint, as the dashboard's keys would make it unless told otherwise. */
export async function tokenCall(
  shop: FlipkartShop,
  wish: { query?: string; basic?: string | null; method?: 'GET' | 'POST' } = {},
): Promise<Answer> {
  const { appId, appSecret } = shop.credentials;
  const { query = 'grant_type=client_credentials&scope=Seller_Api', method = 'GET' } = wish;
  const basic = wish.basic === undefined ? `${appId}:${appSecret}` : wish.basic;
  const headers: Record<string, string> =
    basic === null ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` };
  const answer = await request(`${shop.url}/oauth-service/oauth/token?${query}`, { method, headers });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text, json: JSON.parse(text) };
}

export function shown(stage: Stage, sku: string): number | null | undefined {
  return stage.shop.records().listings.find((entry) => entry.sku === sku)?.shown;
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

/** Sells or throws. */
export function sell(stage: Stage, ...lines: [sku: string, quantity: number][]) {
  const result = stage.shop.sell({ lines: lines.map(([sku, quantity]) => ({ sku, quantity })) });
  if (!result.sold) throw new Error(`not sold: ${result.reason}`);
  return { orderId: result.order_id, lineIds: result.lines.map((line) => line.line_id) };
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

/** A call that the receiver got, bytes and all. */
export interface Received {
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  json: Loose;
}

/** An endpoint that keeps what comes. */
export interface Receiver {
  url: string;
  got: Received[];
  /** Statuses of the next answers; the last one repeats. */
  answers: number[];
  /** Decides instead of `answers`, where it answers a number. */
  judge: ((call: Received) => number | undefined) | null;
}

export async function startReceiver(): Promise<Receiver> {
  const receiver: Receiver = { url: '', got: [], answers: [200], judge: null };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const call = {
        url: incoming.url ?? '',
        headers: incoming.headers,
        body,
        json: JSON.parse(body.toString()),
      };
      receiver.got.push(call);
      const listed = receiver.answers.length > 1 ? receiver.answers.shift() : receiver.answers[0];
      response.writeHead(receiver.judge?.(call) ?? listed ?? 200);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/shop/s3gment?x=1`;
  open.push(async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return receiver;
}

/** A shop that tells everything to a receiver. */
export async function startBoth(
  options: Partial<FlipkartShopOptions> = {},
): Promise<Stage & { receiver: Receiver }> {
  const stage = await startShop(options);
  const receiver = await startReceiver();
  stage.shop.subscribe({ url: receiver.url, returnsUrl: receiver.url });
  return { ...stage, receiver };
}

export function typesOf(receiver: Receiver): string[] {
  return receiver.got.map(({ json }) => json.eventType);
}
