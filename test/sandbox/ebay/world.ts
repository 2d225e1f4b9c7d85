import { createHash } from 'node:crypto';
import { XMLParser } from 'fast-xml-parser';
import { createEbayShop, type EbayShop, type EbayShopOptions } from '../../../src/sandbox/ebay/index.ts';
import * as kit from '../../kit/shop-stage.ts';
import { type Answer, type Loose, send } from '../../kit/shop-stage.ts';

/** A shop at a standing clock; platform durations are a thousand times shorter. */
export interface Stage extends kit.ShopStage<EbayShop> {
  /** A token of the seller with these scopes (default: all), and one of the application. */
  user(scopes?: string[]): Promise<string>;
  app(): Promise<string>;
  /** A REST call with the headers that the platform wants, those given last. */
  rest(method: string, path: string, wish?: RestWish): Promise<Answer>;
  trading(name: string, body: string, headers?: Record<string, string>): Promise<Loose>;
}

export interface RestWish {
  body?: unknown;
  headers?: Record<string, string | undefined>;
  token?: string;
  app?: true;
}

const xml = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: false,
  isArray: (name) => ['Item', 'Variation', 'Errors', 'InventoryStatus', 'ErrorParameters'].includes(name),
});

export const catalogue = (size: number) => kit.catalogue(size, 3);

export async function startShop(options: Partial<EbayShopOptions> = {}): Promise<Stage> {
  const made = await kit.startStage((sound) =>
    createEbayShop({ ...sound, timeScale: 1000, catalogue: catalogue(20), ...options }),
  );
  const { shop } = made;
  const tokens = new Map<string, string>();
  const tokenOf = async (form: Record<string, string>): Promise<string> => {
    const key = JSON.stringify(form);
    const token = tokens.get(key) ?? (await tokenCall(shop, form)).json.access_token;
    tokens.set(key, token);
    return token;
  };
  const stage: Stage = {
    ...made,
    tick(ms) {
      made.tick(ms);
      tokens.clear();
    },
    user: (scopes) =>
      tokenOf({
        grant_type: 'refresh_token',
        refresh_token: shop.credentials.refreshToken,
        ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
      }),
    app: () => tokenOf({ grant_type: 'client_credentials', scope: 'https://api.ebay.com/oauth/api_scope' }),
    async rest(method, path, { token, app, headers, body } = {}) {
      const bearer = token ?? (app === true ? await stage.app() : await stage.user());
      const usual = {
        authorization: `Bearer ${bearer}`,
        'accept-language': 'en-US',
        'content-language': 'en-US',
        'content-type': 'application/json',
      };
      const sent = body === undefined ? undefined : JSON.stringify(body);
      return send(`${shop.url}${path}`, { method, headers: { ...usual, ...headers }, body: sent });
    },
    async trading(name, body, headers = {}) {
      const usual = {
        'content-type': 'text/xml',
        'x-ebay-api-call-name': name,
        'x-ebay-api-siteid': '0',
        'x-ebay-api-compatibility-level': '1451',
        'x-ebay-api-iaf-token': await stage.user(),
      };
      const { status, text } = await send(`${shop.url}/ws/api.dll`, {
        method: 'POST',
        headers: { ...usual, ...headers },
        body: body.startsWith('<?xml')
          ? body
          : `<?xml version="1.0" encoding="utf-8"?><${name}Request xmlns="urn:ebay:apis:eBLBaseComponents">${body}</${name}Request>`,
      });
      if (status !== 200) throw new Error(`HTTP ${status}`);
      return xml.parse(text)[`${name}Response`];
    },
  };
  return stage;
}

/** A call to the token endpoint, form-encoded, with the keyset's Basic header unless another is given. */
export function tokenCall(
  shop: EbayShop,
  form: Record<string, string>,
  basic = `${shop.credentials.clientId}:${shop.credentials.clientSecret}`,
): Promise<Answer> {
  return send(`${shop.url}/identity/v1/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: kit.basicAuth(basic),
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams(form).toString(),
  });
}

export interface Receiver extends kit.Receiver {
  /** Replaces the right answer to a challenge. */
  challenged: ((right: string) => { status: number; type: string; body: string }) | null;
}

/** An endpoint that answers challenges with this token and keeps what else comes. */
export async function startReceiver(verificationToken: string): Promise<Receiver> {
  const receiver: Receiver = Object.assign(await kit.startReceiver(), { challenged: null });
  receiver.answers = [204];
  receiver.judge = ({ url }) => {
    const code = new URL(url, 'http://x').searchParams.get('challenge_code');
    if (code === null) return undefined;
    // Written out here, so that the shop's own arithmetic is not its judge.
    const right = createHash('sha256').update(`${code}${verificationToken}${receiver.url}`).digest('hex');
    const usual = {
      status: 200,
      type: 'application/json',
      body: JSON.stringify({ challengeResponse: right }),
    };
    const { status, type, body } = receiver.challenged?.(right) ?? usual;
    return { status, headers: { 'content-type': type }, body };
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

export function idIn(answer: Answer): string {
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
