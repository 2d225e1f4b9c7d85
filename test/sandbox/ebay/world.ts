import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { XMLParser } from 'fast-xml-parser';
import { request } from 'undici';
import { createEbayShop, type EbayShop, type EbayShopOptions } from '../../../src/sandbox/ebay/index.ts';

/** 2026-11-23T12:00:00Z */
export const NOON = Date.UTC(2026, 10, 23, 12);

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read in tests only
export type Loose = any;

/** A shop at a standing clock; platform durations are a thousand times shorter. */
export interface Stage {
  shop: EbayShop;
  /** Moves the shop's clock. */
  tick(ms: number): void;
  now(): number;
  /** A token of the seller with these scopes (default: all), and one of the application. */
  user(scopes?: string[]): Promise<string>;
  app(): Promise<string>;
  /** A REST call with the headers that the platform wants, those given last. */
  rest(method: string, path: string, wish?: RestWish): Promise<RestAnswer>;
  trading(name: string, body: string, headers?: Record<string, string>): Promise<Loose>;
}

export interface RestWish {
  body?: unknown;
  headers?: Record<string, string | undefined>;
  token?: string;
  app?: true;
}

export interface RestAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Loose;
}

const xml = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: false,
  isArray: (name) => ['Item', 'Variation', 'Errors', 'InventoryStatus', 'ErrorParameters'].includes(name),
});

export async function startShop(options: Partial<EbayShopOptions> = {}): Promise<Stage> {
  let now = NOON;
  const shop = createEbayShop({
    name: 'my shop',
    seed: 7,
    timeScale: 1000,
    port: 0,
    now: () => now,
    catalogue: catalogue(20),
    ...options,
  });
  await shop.start();
  const tokens = new Map<string, string>();
  const stage: Stage = {
    shop,
    now: () => now,
    tick(ms) {
      now += ms;
      tokens.clear();
    },
    async user(scopes) {
      const form: Record<string, string> = {
        grant_type: 'refresh_token',
        refresh_token: shop.credentials.refreshToken,
      };
      if (scopes !== undefined) form['scope'] = scopes.join(' ');
      const known = tokens.get(`user ${form['scope']}`);
      if (known !== undefined) return known;
      const { json } = await tokenCall(shop, form);
      tokens.set(`user ${form['scope']}`, json.access_token);
      return json.access_token;
    },
    async app() {
      const known = tokens.get('app');
      if (known !== undefined) return known;
      const scope = 'https://api.ebay.com/oauth/api_scope';
      const { json } = await tokenCall(shop, { grant_type: 'client_credentials', scope });
      tokens.set('app', json.access_token);
      return json.access_token;
    },
    async rest(method, path, wish = {}) {
      const token = wish.token ?? (wish.app === true ? await stage.app() : await stage.user());
      const headers: Record<string, string | undefined> = {
        authorization: `Bearer ${token}`,
        'accept-language': 'en-US',
        'content-language': 'en-US',
        'content-type': 'application/json',
        ...wish.headers,
      };
      const answer = await request(`${shop.url}${path}`, {
        method: method as 'GET',
        headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
        ...(wish.body === undefined ? {} : { body: JSON.stringify(wish.body) }),
      });
      const text = await answer.body.text();
      const json = text.startsWith('{') ? JSON.parse(text) : null;
      return { status: answer.statusCode, headers: answer.headers, text, json };
    },
    async trading(name, body, headers = {}) {
      const answer = await request(`${shop.url}/ws/api.dll`, {
        method: 'POST',
        headers: {
          'content-type': 'text/xml',
          'x-ebay-api-call-name': name,
          'x-ebay-api-siteid': '0',
          'x-ebay-api-compatibility-level': '1451',
          'x-ebay-api-iaf-token': await stage.user(),
          ...headers,
        },
        body: body.startsWith('<?xml')
          ? body
          : `<?xml version="1.0" encoding="utf-8"?><${name}Request xmlns="urn:ebay:apis:eBLBaseComponents">${body}</${name}Request>`,
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`HTTP ${answer.statusCode}`);
      return xml.parse(text)[`${name}Response`];
    },
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

/** A call to the token endpoint, form-encoded, with the keyset's Basic header unless another is given. */
export async function tokenCall(
  shop: EbayShop,
  form: Record<string, string>,
  basic = `${shop.credentials.clientId}:${shop.credentials.clientSecret}`,
): Promise<{ status: number; json: Loose }> {
  const answer = await request(`${shop.url}/identity/v1/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  });
  return { status: answer.statusCode, json: await answer.body.json() };
}

export function listing(stage: Stage, sku: string): string {
  const found = stage.shop.records().listings.find((entry) => entry.sku === sku);
  if (found === undefined) throw new Error(`no listing ${sku}`);
  return found.listing_id;
}

export function shown(stage: Stage, sku: string): number | null | undefined {
  return stage.shop.records().listings.find((entry) => entry.sku === sku)?.shown;
}

/** Sells or throws. */
export function sell(stage: Stage, ...lines: [sku: string, quantity: number][]) {
  const result = stage.shop.sell({ lines: lines.map(([sku, quantity]) => ({ sku, quantity })) });
  if (!result.sold) throw new Error(`not sold: ${result.reason}`);
  return { orderId: result.order_id, lineIds: result.lines.map((line) => line.line_id) };
}

/** A call that the receiver got, bytes and all. */
export interface Received {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** An endpoint that answers challenges with this token and keeps what else comes. */
export interface Receiver {
  url: string;
  got: Received[];
  /** Status of the next answers to deliveries; the last one repeats. */
  answers: number[];
  /** Replaces the right answer to a challenge. */
  challenged: ((right: string) => { status: number; type: string; body: string }) | null;
  stop(): Promise<void>;
}

export async function startReceiver(verificationToken: string): Promise<Receiver> {
  const receiver: Receiver = { url: '', got: [], answers: [204], challenged: null, stop: async () => {} };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const url = incoming.url ?? '';
      const code = new URL(url, 'http://x').searchParams.get('challenge_code');
      receiver.got.push({
        method: incoming.method ?? '',
        url,
        headers: incoming.headers,
        body: Buffer.concat(chunks),
      });
      if (code !== null) {
        // Written out here, so that the shop's own arithmetic is not its judge.
        const right = createHash('sha256').update(`${code}${verificationToken}${receiver.url}`).digest('hex');
        const body = JSON.stringify({ challengeResponse: right });
        const reply = receiver.challenged?.(right) ?? { status: 200, type: 'application/json', body };
        response.writeHead(reply.status, { 'content-type': reply.type });
        response.end(reply.body);
        return;
      }
      const status = receiver.answers.length > 1 ? receiver.answers.shift() : receiver.answers[0];
      response.writeHead(status ?? 204);
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

const api = '/commerce/notification/v1';

/** Config, destination and an enabled subscription to ORDER_CONFIRMATION, in the order that the platform demands. */
export async function register(
  stage: Stage,
  receiver: Receiver,
): Promise<{ destinationId: string; subscriptionId: string }> {
  await stage.rest('PUT', `${api}/config`, { app: true, body: { alertEmail: 'ops@shop.example' } });
  const destination = await stage.rest('POST', `${api}/destination`, {
    app: true,
    body: destinationBody(stage, receiver.url),
  });
  const destinationId = idIn(destination);
  const subscription = await stage.rest('POST', `${api}/subscription`, {
    body: subscriptionBody(destinationId),
  });
  const subscriptionId = idIn(subscription);
  const enabled = await stage.rest('POST', `${api}/subscription/${subscriptionId}/enable`);
  if (enabled.status !== 204) throw new Error(`not enabled: ${enabled.text}`);
  receiver.got.length = 0;
  return { destinationId, subscriptionId };
}

export function idIn(answer: RestAnswer): string {
  if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`);
  return String(answer.headers['location']).split('/').at(-1) ?? '';
}

export function destinationBody(stage: Stage, endpoint: string, changes: Record<string, unknown> = {}) {
  const { verificationToken } = stage.shop.credentials;
  return { name: 'invsync', status: 'ENABLED', deliveryConfig: { endpoint, verificationToken }, ...changes };
}

export function subscriptionBody(destinationId: string, changes: Record<string, unknown> = {}) {
  const payload = { format: 'JSON', schemaVersion: '1.0', deliveryProtocol: 'HTTPS' };
  return { topicId: 'ORDER_CONFIRMATION', status: 'DISABLED', destinationId, payload, ...changes };
}
