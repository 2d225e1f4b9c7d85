import type { Channel } from '../../../src/channels/channel.ts';
import { shopify } from '../../../src/channels/shopify/index.ts';
import { ShopifyConfig as Schema, type ShopifyConfig } from '../../../src/channels/shopify/schema.ts';
import type { Clock } from '../../../src/clock.ts';
import * as kit from '../../kit/stage.ts';
import type { Door } from '../kit/door.ts';

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

/** A server on loopback that replays documented answers, operation by operation. It ends with the test. */
export interface ScriptedShop {
  url: string;
  received: Received[];
  /** Requests of one operation, in order. */
  of(operation: string): Received[];
}

/** Starts the server. `script` maps an operation name (or `token`) to its answers; the last one repeats. */
export async function startShop(
  script: Record<string, Reply[] | ((received: Received) => Reply)>,
): Promise<ScriptedShop> {
  const received: Received[] = [];
  const counts = new Map<string, number>();
  const { url } = await kit.serve((call) => {
    const entry = describe(call);
    received.push(entry);
    const count = counts.get(entry.operation) ?? 0;
    counts.set(entry.operation, count + 1);
    const answers = script[entry.operation];
    return sent(
      typeof answers === 'function'
        ? answers(entry)
        : (answers?.[Math.min(count, answers.length - 1)] ?? {
            status: 400,
            text: `nothing is scripted for ${entry.operation}`,
          }),
    );
  }, Date.now);
  const of = (operation: string) => received.filter((entry) => entry.operation === operation);
  return { url, received, of };
}

function describe({ target: path, headers, text: body, body: parsed }: kit.Call): Received {
  const token = headers['x-shopify-access-token'];
  const base = { path, token: typeof token === 'string' ? token : undefined, body };
  if (path.startsWith('/admin/oauth')) return { ...base, operation: 'token', variables: {}, query: '' };
  const { operationName, variables, query } = parsed as {
    operationName: string;
    variables: Record<string, unknown>;
    query: string;
  };
  return { ...base, operation: operationName, variables, query };
}

function sent(reply: Reply): kit.Reply {
  if (reply === 'silence') return { silence: true };
  if (reply === 'hang up') return { hangUp: true };
  const { data, errors, extensions, text, ...rest } = reply;
  const headers = { 'content-type': 'application/json', ...rest.headers };
  return { ...rest, headers, text: text ?? JSON.stringify({ data, errors, extensions }) };
}

/** A clock that stands until somebody sleeps or the test moves it. */
export function testClock(start = Date.parse('2026-11-23T10:00:00Z')): kit.TestClock {
  return kit.testClock(start);
}

export const location = 'gid://shopify/Location/4242';
export const shopName = 'example.myshopify.com';

const config = { shop: shopName, access_token: 'shpat_1', webhook_secret: 'shhh-secret', location };

/** A configuration as the loader would hand it over. */
export function configOf(over: Record<string, unknown> = {}): ShopifyConfig {
  return Schema.parse(kit.changed(config, over));
}

/** A channel that talks to `baseUrl`; it ends with the test. */
export function channelAt(
  baseUrl: string | null,
  over: { config?: Record<string, unknown>; clock?: Clock; timeoutMs?: number } = {},
): Channel {
  const clock = over.clock ?? testClock();
  const deps = kit.depsFor({ name: 'main-shop', clock, baseUrl, timeoutMs: over.timeoutMs ?? 5_000 });
  const channel = shopify.create(configOf(over.config), deps);
  kit.afterTest(() => channel.close());
  return channel;
}

/** The door for the suites that all adapters share. */
export const door: Door = {
  type: 'shopify',
  definition: shopify as unknown as Door['definition'],
  config: kit.changed(config, { access_token: undefined, client_id: 'app', client_secret: 'app-secret-1' }),
  credential: 'client_secret',
  good(call) {
    if (call.path.startsWith('/admin/oauth')) return undefined;
    const answers: Record<string, unknown> = {
      Shop: {
        shop: { id: 'gid://shopify/Shop/1', myshopifyDomain: shopName, name: 'Mugs' },
        currentAppInstallation: { accessScopes: [] },
      },
      SetQuantities: { inventorySetQuantities: { userErrors: [] } },
      Levels: {
        nodes: [
          {
            id: door.line.listingId,
            tracked: true,
            inventoryLevel: { isActive: true, quantities: [{ name: 'available', quantity: 5 }] },
          },
        ],
      },
    };
    const { operation } = describe(call);
    return operation in answers ? sent({ data: answers[operation] }) : undefined;
  },
  line: kit.lineOf(
    {
      listingId: 'gid://shopify/InventoryItem/7',
      counterKey: 'gid://shopify/InventoryItem/7',
      channelSku: 'MUG',
      facts: { bundle: false, tracked: true },
    },
    4,
    5,
  ),
  isWrite: (call) => !call.path.startsWith('/admin/oauth') && describe(call).operation === 'SetQuantities',
  limited: (headers) => ({ status: 429, headers, text: '' }),
  tokens: {
    isGrant: ({ path }) => path.startsWith('/admin/oauth'),
    grant: (token, seconds) => ({ json: { access_token: token, expires_in: seconds } }),
    tokenIn: ({ headers }) => String(headers['x-shopify-access-token']),
    refused: { status: 401, text: '{"errors":"[API] Invalid API key or access token"}' },
    denied: { status: 400, json: { error: 'invalid_client' } },
  },
};
