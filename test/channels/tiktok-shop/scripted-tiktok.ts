import { createHmac } from 'node:crypto';
import type { HookRequest, PushLine } from '../../../src/channels/channel.ts';
import { TikTokShopConfig } from '../../../src/channels/tiktok-shop/config.ts';
import { tiktokShop } from '../../../src/channels/tiktok-shop/index.ts';
import * as kit from '../../kit/stage.ts';
import type { Door } from '../kit/door.ts';

/** A call as the server received it. `text` is the raw body, `body` its JSON. */
export interface Call extends Omit<kit.Call, 'query' | 'body'> {
  query: Record<string, string>;
  body: Record<string, unknown>;
}

/** What is answered: `data` in a good envelope, `code` in a bad one, or bare `text`. */
export interface Reply {
  status?: number;
  code?: number;
  message?: string;
  data?: unknown;
  text?: string;
  headers?: Record<string, string>;
  hangUp?: true;
}

export type Script = (call: Call) => Reply | undefined;

export const shopId = '7494049642642441621';
export const appKey = '29a39d';
export const appSecret = 'e59af819cc-secret';
export const cipher = 'ROW_abc+/=';
export const tokenPath = '/api/v2/token/refresh';
export const shopsPath = '/authorization/202309/shops';

const config = { app_key: appKey, app_secret: appSecret, refresh_token: 'rt-configured', shop_id: shopId };

/** A running script, the channel at it, and what it was asked. */
export interface Stage extends Omit<kit.Stage, 'calls' | 'asked'> {
  calls: Call[];
  asked(path: string | RegExp): Call[];
}

/** A loopback server that checks token, time and signature as documented, then answers by the script. */
export async function stage(
  script: Script,
  options: kit.StageOptions & { isSlack?: true } = {},
): Promise<Stage> {
  let theirNow = () => kit.noon;
  const answer = (given: kit.Call): kit.Reply => {
    const call = callOf(given);
    const now = theirNow();
    const reply = (options.isSlack ? undefined : atTheGate(call, now)) ??
      script(call) ??
      standard(call, now) ?? { status: 404, code: 36009009, message: 'Invalid path' };
    return {
      ...reply,
      text: bodyOf(reply),
      headers: { 'content-type': 'application/json', ...reply.headers },
    };
  };
  const opened = await kit.stageOf(tiktokShop, config, answer, {
    ...options,
    deps: { name: 'tiktok', ...options.deps },
  });
  theirNow = () => opened.now() + opened.platform.aheadMs;
  const asked = (path: string | RegExp) => opened.asked(path).map(callOf);
  return {
    ...opened,
    asked,
    get calls() {
      return opened.calls.map(callOf);
    },
  };
}

function callOf(call: kit.Call): Call {
  return {
    ...call,
    query: Object.fromEntries(call.query),
    body: (call.body ?? {}) as Record<string, unknown>,
  };
}

/** The documented rules of every business call, computed here on their own. */
function atTheGate(call: Call, now: number): Reply | undefined {
  if (call.path === tokenPath) return undefined;
  const seconds = Number(call.query['timestamp']);
  if (
    !/^\d{10}$/.test(call.query['timestamp'] ?? '') ||
    seconds > now / 1000 + 30 ||
    seconds < now / 1000 - 300
  )
    return {
      status: 400,
      code: 36009004,
      message: "Invalid credentials. Invalid 'timestamp' query parameter.",
    };
  if (!/^at-/.test(String(call.headers['x-tts-access-token'])))
    return { status: 401, code: 105002, message: 'Expired credentials.' };
  if (call.query['sign'] !== signOf(call)) return { status: 401, code: 106001, message: 'Invalid signature' };
  const isShopless = call.path.startsWith('/authorization/');
  if (isShopless && 'shop_cipher' in call.query)
    return { status: 400, code: 36009004, message: "'shop_cipher' is not required" };
  if (!isShopless && call.query['shop_cipher'] !== cipher)
    return { status: 400, code: 106013, message: 'shop_cipher missing' };
  return undefined;
}

function signOf(call: Call): string {
  const names = Object.keys(call.query).filter((name) => name !== 'sign' && name !== 'access_token');
  const pairs = names.sort().map((name) => `${name}${call.query[name]}`);
  const text = `${appSecret}${call.path}${pairs.join('')}${call.text}${appSecret}`;
  return createHmac('sha256', appSecret).update(text).digest('hex');
}

let grants = 0;
/** A grant as documented, with absolute ends. */
export function grant(now: number, change: Record<string, unknown> = {}): Reply {
  grants += 1;
  return {
    data: {
      access_token: `at-${grants}`,
      access_token_expire_in: Math.floor(now / 1000) + 7 * 86_400,
      refresh_token: `rt-${grants}`,
      refresh_token_expire_in: Math.floor(now / 1000) + 300 * 86_400,
      open_id: 'o',
      seller_name: 'Mug & Co',
      user_type: 0,
      granted_scopes: [
        'seller.order.info',
        'seller.product.basic',
        'seller.product.write',
        'seller.authorization.info',
      ],
      ...change,
    },
  };
}

function standard(call: Call, now: number): Reply | undefined {
  switch (call.path) {
    case tokenPath:
      return grant(now);
    case shopsPath:
      return {
        data: { shops: [{ id: shopId, cipher, name: 'Mug & Co', region: 'DE', seller_type: 'LOCAL' }] },
      };
    case '/logistics/202309/warehouses':
      return {
        data: { warehouses: [warehouse('700', 'SALES_WAREHOUSE'), warehouse('799', 'RETURN_WAREHOUSE')] },
      };
    case '/return_refund/202309/cancellations/search':
      return { data: { cancellations: [], next_page_token: '', total_count: 0 } };
    default:
      return undefined;
  }
}

export function warehouse(id: string, type = 'SALES_WAREHOUSE', status = 'ENABLED') {
  return { id, name: `House ${id}`, type, effect_status: status, is_default: id === '700' };
}

function bodyOf(reply: Reply): string {
  if (reply.text !== undefined) return reply.text;
  const { code = 0, message = 'Success', data = null } = reply;
  return JSON.stringify({ code, message, request_id: 'r', data: code === 0 ? data : null });
}

/** A sound configuration with some keys changed. */
export function configOf(change: Record<string, unknown> = {}): TikTokShopConfig {
  return TikTokShopConfig.parse(kit.changed(config, change));
}

/** A line for a SKU of which nothing else is known. */
export function line(id: string, quantity: number, base: number | null): PushLine {
  return kit.lineOf({ listingId: id, counterKey: id, channelSku: null, facts: null }, quantity, base);
}

export function hook(body: string | Buffer, change: Partial<HookRequest> = {}): HookRequest {
  const bytes = Buffer.from(body);
  const authorization = createHmac('sha256', appSecret).update(appKey).update(bytes).digest('hex');
  return kit.hook({ headers: { authorization }, body: bytes, ...change });
}

/** The door for the suites that all adapters share. */
export const door: Door = {
  type: 'tiktok-shop',
  definition: tiktokShop as unknown as Door['definition'],
  config,
  credential: 'refresh_token',
  good(given) {
    const call = callOf(given);
    const sku = {
      id: '1729',
      total_available_quantity: 5,
      warehouse_inventory: [{ warehouse_id: '700', available_quantity: 5 }],
    };
    const answers: Record<string, unknown> = {
      '/product/202309/inventory/search': { inventory: [{ product_id: '17', skus: [sku] }] },
      '/product/202309/products/17/inventory/update': { errors: [] },
    };
    const data = answers[call.path];
    const reply = data === undefined ? standard(call, kit.noon) : { data };
    return reply === undefined || call.path === tokenPath ? undefined : { text: bodyOf(reply) };
  },
  line: line('1729', 4, 5),
  isWrite: ({ path }) => path.endsWith('/inventory/update'),
  limited: (headers) => ({ status: 429, headers, text: bodyOf({ code: 36009002, message: 'Too many' }) }),
  tokens: {
    isGrant: ({ path }) => path === tokenPath,
    grant: (token, seconds, now) => ({
      text: bodyOf({
        data: {
          access_token: token,
          access_token_expire_in: Math.floor(now / 1_000) + seconds,
          refresh_token: `refresh of ${token}`,
        },
      }),
    }),
    tokenIn: ({ headers }) => String(headers['x-tts-access-token']),
    refused: { status: 401, text: bodyOf({ code: 105002, message: 'Expired credentials.' }) },
    denied: { text: bodyOf({ code: 36004004, message: 'refresh_token is invalid' }) },
  },
};
