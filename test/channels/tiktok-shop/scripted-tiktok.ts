import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type {
  Channel,
  ChannelDeps,
  DeliveryContent,
  FactsOf,
  HookRequest,
  Json,
  Listing,
  PushLine,
} from '../../../src/channels/channel.ts';
import { TikTokShopConfig } from '../../../src/channels/tiktok-shop/config.ts';
import { tiktokShop } from '../../../src/channels/tiktok-shop/index.ts';
import { silentLog } from '../../../src/log.ts';

/** A call as the server received it. `text` is the raw body, `body` its JSON. */
export interface Call {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingHttpHeaders;
  text: string;
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

/** The time at which every test begins. */
export const noon = Date.parse('2026-11-23T12:00:00Z');
export const calm = new AbortController().signal;
export const shopId = '7494049642642441621';
export const appKey = '29a39d';
export const appSecret = 'e59af819cc-secret';
export const cipher = 'ROW_abc+/=';
export const tokenPath = '/api/v2/token/refresh';
export const shopsPath = '/authorization/202309/shops';

/** A running script, the channel at it, and what it was asked. Time moves by sleeping or by hand. */
export interface Stage {
  channel: Channel;
  calls: Call[];
  asked(path: string | RegExp): Call[];
  deps: ChannelDeps;
  vault: Map<string, string>;
  url: string;
  /** Milliseconds by which the platform's clock is ahead of ours. */
  platform: { aheadMs: number; isVaultBroken: boolean };
  pass(ms: number): void;
  reopen(config?: Record<string, unknown>): Channel;
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A loopback server that checks token, time and signature as documented, then answers by the script. */
export async function stage(
  script: Script,
  options: { config?: Record<string, unknown>; vault?: Map<string, string>; isSlack?: true } = {},
): Promise<Stage> {
  const calls: Call[] = [];
  const platform = { aheadMs: 0, isVaultBroken: false };
  let now = noon;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const address = new URL(request.url ?? '/', 'http://localhost');
      const text = Buffer.concat(chunks).toString('utf8');
      const call: Call = {
        method: request.method ?? '',
        path: address.pathname,
        query: Object.fromEntries(address.searchParams),
        headers: request.headers,
        text,
        body: text === '' ? {} : JSON.parse(text),
      };
      calls.push(call);
      const theirNow = now + platform.aheadMs;
      const reply = (options.isSlack ? undefined : atTheGate(call, theirNow)) ??
        script(call) ??
        standard(call, theirNow) ?? { status: 404, code: 36009009, message: 'Invalid path' };
      if (reply.hangUp) return void request.socket.destroy();
      response.writeHead(reply.status ?? 200, {
        date: new Date(theirNow).toUTCString(),
        'content-type': 'application/json',
        ...reply.headers,
      });
      response.end(bodyOf(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const vault = options.vault ?? new Map<string, string>();
  const deps: ChannelDeps = {
    name: 'tiktok',
    clock: {
      now: () => now,
      sleep: (ms) => {
        now += ms;
        return Promise.resolve();
      },
    },
    log: silentLog,
    randomHex: (bytes) => 'ab'.repeat(bytes),
    baseUrl: url,
    publicUrl: null,
    timeoutMs: 5_000,
    vault: {
      get: async (key) => vault.get(key) ?? null,
      set: async (key, value) => {
        if (platform.isVaultBroken) throw new Error('disk full');
        vault.set(key, value);
      },
    },
  };
  const reopen = (config: Record<string, unknown> = {}): Channel => {
    const channel = tiktokShop.create(configOf({ ...options.config, ...config }), deps);
    closers.push(() => channel.close());
    return channel;
  };
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const isPath = (path: string | RegExp) => (call: Call) =>
    typeof path === 'string' ? call.path === path : path.test(call.path);
  return {
    channel: reopen(),
    calls,
    asked: (path) => calls.filter(isPath(path)),
    deps,
    vault,
    url,
    platform,
    pass: (ms) => {
      now += ms;
    },
    reopen,
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
  const config: Record<string, unknown> = {
    app_key: appKey,
    app_secret: appSecret,
    refresh_token: 'rt-configured',
    shop_id: shopId,
    ...change,
  };
  for (const [key, value] of Object.entries(config)) if (value === undefined) delete config[key];
  return TikTokShopConfig.parse(config);
}

/** All values of an async iterable. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

export async function listed(channel: Channel): Promise<Listing[]> {
  return (await all(channel.listListings(calm))).flatMap((page) => page.listings);
}

/** A line for a SKU of which nothing else is known. */
export function line(id: string, quantity: number, base: number | null): PushLine {
  return {
    listingId: id,
    counterKey: id,
    channelSku: null,
    facts: null,
    quantity,
    base,
    key: 'cd'.repeat(16),
  };
}

export function hook(body: string | Buffer, change: Partial<HookRequest> = {}): HookRequest {
  const bytes = Buffer.from(body);
  const authorization = createHmac('sha256', appSecret).update(appKey).update(bytes).digest('hex');
  return {
    method: 'POST',
    path: '',
    query: '',
    headers: { authorization },
    body: bytes,
    receivedAt: noon,
    ...change,
  };
}

/** What fields say, by webhook, list or fetch. */
export function said(channel: Channel, fields: Json, facts: FactsOf = () => undefined): DeliveryContent {
  return channel.ordersIn(fields, facts, { obtained: 'listed', askedAt: noon, answeredAt: noon, attempt: 0 });
}
