import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AmazonShop,
  type AmazonShopOptions,
  createAmazonShop,
} from '../../../src/sandbox/amazon/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes are read in tests only
export type Loose = any;

export const NOON = Date.UTC(2026, 10, 23, 12, 0, 0);
export const US = 'ATVPDKIKX0DER';

export interface Answer {
  status: number;
  headers: Headers;
  body: Loose;
  text: string;
}

/** One call as the models test wants it. */
export interface Exchange {
  method: string;
  path: string;
  query: URLSearchParams;
  sent: unknown;
  answer: Answer;
}

export interface World {
  shop: AmazonShop;
  seller: string;
  /** Moves the shop's clock. */
  tick(ms: number): void;
  now(): number;
  /** A call with the seller's token, or, for `grantless`, the application's. */
  api(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** Calls so far, in order. */
  exchanges: Exchange[];
  /** An action of the queue, signed. */
  sqs(action: string, body: Record<string, unknown>, changes?: SigningChanges): Promise<Answer>;
  /** Receives without waiting until nothing is left; deletes unless `keep`. */
  drain(how?: { keep?: boolean }): Promise<Loose[]>;
  /** PATCHes the number of a SKU. */
  setNumber(sku: string, quantity: number, op?: string): Promise<Answer>;
  sell(sku: string, quantity: number): { orderId: string; lineId: string };
  shown(sku: string): number | null;
  /** What the API shows. */
  seen(sku: string): Promise<number>;
  /** Makes destination and subscription over the API. */
  register(type?: string): Promise<{ destinationId: string; subscriptionId: string }>;
}

interface Ask {
  query?: Record<string, string>;
  body?: unknown;
  token?: 'seller' | 'grantless' | string;
}

export async function startWorld(options: Partial<AmazonShopOptions> = {}): Promise<World> {
  let now = NOON;
  const shop = createAmazonShop({
    name: 'main shop',
    seed: 7,
    timeScale: 1,
    catalogue: catalogue(12),
    port: 0,
    now: () => now,
    ...options,
  });
  await shop.start();
  const tokens = new Map<string, string>();
  const exchanges: Exchange[] = [];
  const tokenOf = async (kind: string): Promise<string> => {
    if (kind !== 'seller' && kind !== 'grantless') return kind;
    const known = tokens.get(kind);
    if (known !== undefined) return known;
    const { body } = await grant(shop, kind === 'seller' ? {} : grantless);
    tokens.set(kind, body.access_token);
    return body.access_token;
  };
  const seller = String(shop.channelConfig()['seller_id']);
  const world: World = {
    shop,
    seller,
    exchanges,
    tick: (ms) => {
      now += ms;
    },
    now: () => now,
    async api(method, path, { query = {}, body, token = 'seller' } = {}) {
      const params = new URLSearchParams(query);
      const access = await tokenOf(token);
      const answer = await send(`${shop.url}${path}${params.size > 0 ? `?${params}` : ''}`, {
        method,
        headers: {
          'x-amz-access-token': access,
          'user-agent': 'tests/1 (Language=TypeScript)',
          'content-type': 'application/json',
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      exchanges.push({ method, path, query: params, sent: body, answer });
      return answer;
    },
    sqs: (action, body, changes = {}) => signedSqs(shop, now, action, body, changes),
    async drain({ keep = false } = {}) {
      const found: Loose[] = [];
      for (;;) {
        const ask = { QueueUrl: shop.queue.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 };
        const { body } = await world.sqs('ReceiveMessage', ask);
        if (body.Messages === undefined) return found;
        for (const message of body.Messages) {
          found.push(message);
          if (keep) continue;
          await world.sqs('DeleteMessage', {
            QueueUrl: shop.queue.url,
            ReceiptHandle: message.ReceiptHandle,
          });
        }
      }
    },
    setNumber: (sku, quantity, op = 'merge') =>
      world.api('PATCH', itemPath(world, sku), {
        query: { marketplaceIds: US },
        body: numberPatch(quantity, op),
      }),
    sell(sku, quantity) {
      const result = shop.sell({ lines: [{ sku, quantity }] });
      if (!result.sold) throw new Error(`not sold: ${result.reason}`);
      return { orderId: result.order_id, lineId: result.lines[0]?.line_id ?? '' };
    },
    shown: (sku) => shop.records().listings.find((one) => one.sku === sku)?.shown ?? null,
    async seen(sku) {
      const { body } = await world.api('GET', itemPath(world, sku), {
        query: { marketplaceIds: US, includedData: 'fulfillmentAvailability' },
      });
      return body.fulfillmentAvailability[0].quantity;
    },
    async register(type = 'ORDER_CHANGE') {
      const made = await world.api('POST', '/notifications/v1/destinations', {
        token: 'grantless',
        body: { name: 'invsync', resourceSpecification: { sqs: { arn: shop.queue.arn } } },
      });
      const { destinationId } = made.body.payload;
      const subscribed = await world.api('POST', `/notifications/v1/subscriptions/${type}`, {
        body: { payloadVersion: type === 'ORDER_CHANGE' ? '1.0' : '2020-09-04', destinationId },
      });
      return { destinationId, subscriptionId: subscribed.body.payload.subscriptionId };
    },
  };
  return world;
}

export function catalogue(size: number) {
  return Array.from({ length: size }, (_, index) => ({
    sku: `SKU-${index + 1}`,
    title: `Thing ${index + 1}`,
    stock: 10,
  }));
}

export function itemPath({ seller }: World, sku?: string): string {
  const list = `/listings/2021-08-01/items/${seller}`;
  return sku === undefined ? list : `${list}/${encodeURIComponent(sku)}`;
}

export function numberPatch(quantity: number, op = 'merge') {
  return {
    productType: 'PRODUCT',
    patches: [
      {
        op,
        path: '/attributes/fulfillment_availability',
        value: [{ fulfillment_channel_code: 'DEFAULT', quantity }],
      },
    ],
  };
}

export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') === true && text !== '';
  return {
    status: response.status,
    headers: response.headers,
    body: json ? JSON.parse(text) : null,
    text,
  };
}

export const grantless = {
  grant_type: 'client_credentials',
  scope: 'sellingpartnerapi::notifications',
  refresh_token: null,
};

/** Asks for a token; `changes` replace fields of the form, null leaves one out. */
export function grant(shop: AmazonShop, changes: Record<string, string | null> = {}): Promise<Answer> {
  const form = {
    grant_type: 'refresh_token',
    refresh_token: shop.credentials.refreshToken,
    client_id: shop.credentials.clientId,
    client_secret: shop.credentials.clientSecret,
    ...changes,
  };
  const fields = Object.entries(form).filter((field): field is [string, string] => field[1] !== null);
  return send(`${shop.url}/auth/o2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
    body: new URLSearchParams(fields).toString(),
  });
}

// ------------------------------------------------------------------------------------------------------ signing

export interface SigningChanges {
  accessKeyId?: string;
  secret?: string;
  region?: string;
  service?: string;
  /** Of the signature's time, in ms. */
  skewMs?: number;
  /** Sent instead of the body that was signed. */
  body?: string;
  unsigned?: boolean;
  contentType?: string;
  path?: string;
}

const sha256 = (data: string) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

/** A signer of its own, after the AWS text. */
export function signedHeaders(
  shop: AmazonShop,
  url: URL,
  now: number,
  request: { headers: Record<string, string>; body: string; changes: SigningChanges },
): Record<string, string> {
  const { changes, body } = request;
  const stamp = `${new Date(now + (changes.skewMs ?? 0)).toISOString().replace(/[-:]|\.\d{3}/g, '')}`;
  const date = stamp.slice(0, 8);
  const region = changes.region ?? 'us-east-1';
  const service = changes.service ?? 'sqs';
  const headers: Record<string, string> = { ...request.headers, host: url.host, 'x-amz-date': stamp };
  const names = Object.keys(headers).sort();
  const canonical = [
    'POST',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const text = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`;
  const secret = changes.secret ?? shop.credentials.secretAccessKey;
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, date), region), service), 'aws4_request');
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const credential = `${changes.accessKeyId ?? shop.credentials.accessKeyId}/${scope}`;
  const { host: _, ...sent } = headers;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

function signedSqs(
  shop: AmazonShop,
  now: number,
  action: string,
  body: Record<string, unknown>,
  changes: SigningChanges,
): Promise<Answer> {
  const url = new URL(changes.path ?? '/', shop.url);
  const text = JSON.stringify(body);
  const headers = {
    'content-type': changes.contentType ?? 'application/x-amz-json-1.0',
    'x-amz-target': `AmazonSQS.${action}`,
  };
  const signed =
    changes.unsigned === true ? headers : signedHeaders(shop, url, now, { headers, body: text, changes });
  return send(url.href, { method: 'POST', headers: signed, body: changes.body ?? text });
}

// ------------------------------------------------------------------------------------------------------ listener

export interface Received {
  headers: IncomingHttpHeaders;
  text: string;
  body: Loose;
}

export interface Receiver {
  url: string;
  got: Received[];
  /** Status of the next answers; the last one repeats. */
  answers: number[];
  stop(): Promise<void>;
}

/** A place for the topic's deliveries. `keep` false counts without keeping. */
export async function startReceiver(): Promise<Receiver> {
  const receiver: Receiver = { url: '', got: [], answers: [200], stop: async () => {} };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      receiver.got.push({ headers: request.headers, text, body: JSON.parse(text) });
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
