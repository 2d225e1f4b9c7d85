import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Channel, ChannelDeps } from '../../../src/channels/channel.ts';
import { shopify } from '../../../src/channels/shopify/index.ts';
import { ShopifyConfig as Schema, type ShopifyConfig } from '../../../src/channels/shopify/schema.ts';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';

/** One request that the scripted shop received. */
export interface Received {
  path: string;
  operation: string;
  token: string | undefined;
  variables: Record<string, unknown>;
  query: string;
  body: string;
}

/**
 * What the script answers: GraphQL `data` and `errors`, or any status and text. `hang up`: the connection is cut;
 * `silence`: the request is taken and never answered.
 */
export type Reply =
  | {
      status?: number;
      headers?: Record<string, string>;
      data?: unknown;
      errors?: unknown;
      extensions?: unknown;
      text?: string;
    }
  | 'hang up'
  | 'silence';

/** A tiny HTTP server on loopback that replays documented answers, operation by operation. */
export interface ScriptedShop {
  url: string;
  received: Received[];
  /** Requests of one operation, in order. */
  of(operation: string): Received[];
  close(): Promise<void>;
}

/** Starts the server. `script` maps an operation name (or `token`) to its answers; the last one repeats. */
export async function startShop(
  script: Record<string, Reply[] | ((received: Received) => Reply)>,
): Promise<ScriptedShop> {
  const received: Received[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const entry = describe(request, body);
      received.push(entry);
      const count = counts.get(entry.operation) ?? 0;
      counts.set(entry.operation, count + 1);
      const answers = script[entry.operation];
      const reply =
        typeof answers === 'function'
          ? answers(entry)
          : (answers?.[Math.min(count, answers.length - 1)] ?? unscripted(entry));
      send(response, reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    of: (operation) => received.filter((entry) => entry.operation === operation),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function describe(request: IncomingMessage, body: string): Received {
  const path = request.url ?? '';
  const token = request.headers['x-shopify-access-token'];
  const base = { path, token: typeof token === 'string' ? token : undefined, body };
  if (path.startsWith('/admin/oauth')) return { ...base, operation: 'token', variables: {}, query: '' };
  const parsed = JSON.parse(body) as {
    operationName: string;
    variables: Record<string, unknown>;
    query: string;
  };
  return { ...base, operation: parsed.operationName, variables: parsed.variables, query: parsed.query };
}

function unscripted(entry: Received): Reply {
  return { status: 400, text: `nothing is scripted for ${entry.operation}` };
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply === 'silence') return;
  if (reply === 'hang up') {
    response.destroy();
    return;
  }
  const { data, errors, extensions } = reply;
  const text = reply.text ?? JSON.stringify({ data, errors, extensions });
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
  response.end(text);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A clock that stands until somebody sleeps or the test moves it. */
export function testClock(
  start = Date.parse('2026-11-23T10:00:00Z'),
): Clock & { slept: number[]; move(ms: number): void } {
  let now = start;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    move: (ms) => {
      now += ms;
    },
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
}

export const location = 'gid://shopify/Location/4242';
export const shopName = 'example.myshopify.com';

/** A configuration as the loader would hand it over. */
export function configOf(over: Record<string, unknown> = {}): ShopifyConfig {
  return Schema.parse({
    shop: shopName,
    access_token: 'shpat_1',
    webhook_secret: 'shhh-secret',
    location,
    ...over,
  });
}

/** A channel that talks to `baseUrl`. */
export function channelAt(
  baseUrl: string | null,
  over: { config?: Record<string, unknown>; clock?: Clock; timeoutMs?: number } = {},
): Channel {
  let drawn = 0;
  const deps: ChannelDeps = {
    name: 'main-shop',
    clock: over.clock ?? testClock(),
    log: silentLog,
    publicUrl: null,
    randomHex: (bytes) => {
      drawn += 1;
      return String(drawn).padStart(bytes * 2, '0');
    },
    baseUrl,
    timeoutMs: over.timeoutMs ?? 5_000,
    vault: { get: async () => null, set: async () => undefined },
  };
  return shopify.create(configOf(over.config), deps);
}

/** A signal that is never aborted. */
export const calm = new AbortController().signal;
