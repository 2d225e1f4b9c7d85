import { createHash, createHmac } from 'node:crypto';
import {
  type AmazonShop,
  type AmazonShopOptions,
  createAmazonShop,
} from '../../../src/sandbox/amazon/index.ts';
import * as kit from '../../kit/shop-stage.ts';
import { catalogue, type Loose, type Sending } from '../../kit/shop-stage.ts';

export const US = 'ATVPDKIKX0DER';

/** `body`: JSON where the answer says that it is, else null. */
export interface Answer extends kit.Answer {
  body: Loose;
}

/** One call as the models test wants it. */
export interface Exchange {
  method: string;
  path: string;
  query: URLSearchParams;
  sent: unknown;
  answer: Answer;
}

export interface World extends kit.ShopStage<AmazonShop> {
  seller: string;
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
  const made = await kit.startStage((sound) =>
    createAmazonShop({ ...sound, name: 'main shop', timeScale: 1, catalogue: catalogue(12), ...options }),
  );
  const { shop } = made;
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
    ...made,
    seller,
    exchanges,
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
        body: body === undefined ? undefined : JSON.stringify(body),
      });
      exchanges.push({ method, path, query: params, sent: body, answer });
      return answer;
    },
    sqs: (action, body, changes = {}) => signedSqs(shop, made.now(), action, body, changes),
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
    sell: (sku, quantity) => kit.sell(shop, [sku, quantity]),
    shown: (sku) => kit.shown(shop, sku) ?? null,
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

export async function send(url: string, { headers, ...sending }: Sending = {}): Promise<Answer> {
  const answer = await kit.send(url, { ...sending, headers: { 'user-agent': 'node', ...headers } });
  return { ...answer, body: String(answer.headers['content-type']).includes('json') ? answer.json : null };
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
