import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { amazon } from '../../../src/channels/amazon/index.ts';
import type {
  Channel,
  ChannelDeps,
  Listing,
  ListingPage,
  OrderPage,
  PushLine,
} from '../../../src/channels/channel.ts';
import type { Clock } from '../../../src/clock.ts';
import { silentLog } from '../../../src/log.ts';
import { answerFaults, hasModels, requestFaults } from './models.ts';

/** One request that the scripted platform received, named by its operation. */
export interface Received {
  operation: string;
  method: string;
  /** As sent, percent-encoding and all. */
  path: string;
  query: URLSearchParams;
  rawQuery: string;
  headers: Record<string, string>;
  body: string;
  json: unknown;
}

/** `hang up`: the connection is cut; `silence`: the request is taken and never answered. */
export type Reply =
  | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string }
  | 'hang up'
  | 'silence';
export type Script = Record<string, Reply[] | ((received: Received, count: number) => Reply)>;

/** A tiny HTTP server on loopback that plays Login with Amazon, SP-API, SQS, SNS and the upload storage. */
export interface Scripted {
  url: string;
  channel: Channel;
  clock: TestClock;
  vault: Map<string, string>;
  received: Received[];
  of(operation: string): Received[];
  /** Another channel at the same platform, with the same vault. */
  open(over?: Record<string, unknown>): Channel;
}

const routes: [string, string, RegExp][] = [
  ['token', 'POST', /^\/auth\/o2\/token$/],
  ['searchListingsItems', 'GET', /^\/listings\/2021-08-01\/items\/[^/]+$/],
  ['getListingsItem', 'GET', /^\/listings\/2021-08-01\/items\/[^/]+\/[^/]+$/],
  ['patchListingsItem', 'PATCH', /^\/listings\//],
  ['searchOrders', 'GET', /^\/orders\/2026-01-01\/orders$/],
  ['getOrder', 'GET', /^\/orders\/2026-01-01\/orders\/[^/]+$/],
  ['getMarketplaceParticipations', 'GET', /^\/sellers\/v1\/marketplaceParticipations$/],
  ['getDestinations', 'GET', /^\/notifications\/v1\/destinations$/],
  ['createDestination', 'POST', /^\/notifications\/v1\/destinations$/],
  ['deleteDestination', 'DELETE', /^\/notifications\/v1\/destinations\//],
  ['getSubscription', 'GET', /^\/notifications\/v1\/subscriptions\/[^/]+$/],
  ['createSubscription', 'POST', /^\/notifications\/v1\/subscriptions\/[^/]+$/],
  ['deleteSubscriptionById', 'DELETE', /^\/notifications\/v1\/subscriptions\//],
  ['createFeedDocument', 'POST', /^\/feeds\/2021-06-30\/documents$/],
  ['createFeed', 'POST', /^\/feeds\/2021-06-30\/feeds$/],
  ['getFeed', 'GET', /^\/feeds\/2021-06-30\/feeds\/[^/]+$/],
  ['getFeeds', 'GET', /^\/feeds\/2021-06-30\/feeds$/],
  ['upload', 'PUT', /^\/upload$/],
  ['certificate', 'GET', /\.pem$/],
];

const opened: (() => Promise<void>)[] = [];
const faults: string[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
  // Every request of the adapter, and every answer of a script, was held against the official models.
  expect(faults.splice(0)).toEqual([]);
});

const givenTokens: Script = {
  token: (received) => ({
    json: {
      access_token: received.body.includes('grantless') ? 'x' : tokenOf(received.body),
      token_type: 'bearer',
      expires_in: 3_600,
    },
  }),
};

function tokenOf(form: string): string {
  return new URLSearchParams(form).get('grant_type') === 'refresh_token' ? 'Atza|seller' : 'Atza|grantless';
}

/** Starts the platform and opens a channel at it. `script` maps an operation to its answers; the last one repeats. */
export async function scripted(
  script: Script,
  options: { config?: Record<string, unknown>; timeoutMs?: number; clock?: TestClock } = {},
): Promise<Scripted> {
  const received: Received[] = [];
  const counts = new Map<string, number>();
  const plan: Script = { ...givenTokens, ...script };
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const entry = describe(request, body);
      received.push(entry);
      const count = counts.get(entry.operation) ?? 0;
      counts.set(entry.operation, count + 1);
      const answers = plan[entry.operation];
      const reply =
        typeof answers === 'function'
          ? answers(entry, count)
          : (answers?.[Math.min(count, answers.length - 1)] ?? unscripted(entry));
      judge(entry, reply);
      send(response, reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const clock = options.clock ?? testClock();
  const vault = new Map<string, string>();
  const channels: Channel[] = [];
  const open = (over: Record<string, unknown> = {}): Channel => {
    const config = amazon.config.parse(configOf(url, { ...options.config, ...over }));
    const channel = amazon.create(
      config,
      depsOf({ url, clock, vault, timeoutMs: options.timeoutMs ?? 5_000 }),
    );
    channels.push(channel);
    return channel;
  };
  opened.push(async () => {
    await Promise.all(channels.map((channel) => channel.close()));
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url,
    channel: open(),
    clock,
    vault,
    received,
    of: (operation) => received.filter((entry) => entry.operation === operation),
    open,
  };
}

function depsOf(at: {
  url: string;
  clock: Clock;
  vault: Map<string, string>;
  timeoutMs: number;
}): ChannelDeps {
  return {
    name: 'amazon-test',
    clock: at.clock,
    log: silentLog,
    randomHex: (bytes) => '80'.repeat(bytes),
    publicUrl: null,
    baseUrl: at.url,
    timeoutMs: at.timeoutMs,
    vault: {
      get: async (key) => at.vault.get(key) ?? null,
      set: async (key, value) => void at.vault.set(key, value),
    },
  };
}

export const germany = 'A1PA6795UKMFR9';
export const france = 'A13V1IB3VIYZZH';
export const seller = 'A1EXAMPLE';
export const topicArn = 'arn:aws:sns:eu-west-1:123456789012:invsync-orders';
export const queueArn = 'arn:aws:sqs:eu-west-1:123456789012:invsync';

export function configOf(url: string, over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    client_id: 'amzn1.application-oa2-client.test',
    client_secret: 'client-secret-value',
    client_secret_created: '2026-11-01',
    refresh_token: 'Atzr|refresh-token-value',
    seller_id: seller,
    region: 'eu',
    marketplaces: [germany],
    sqs: {
      queue_url: 'https://sqs.eu-west-1.amazonaws.com/123456789012/invsync',
      access_key_id: 'AKIDEXAMPLE',
      secret_access_key: 'queue-secret-value',
    },
    sns: { topics: [topicArn] },
    token_url: `${url}/auth/o2/token`,
    sqs_endpoint: url,
    cert_url_override: url,
    ...over,
  };
}

/** Texts that must never show anywhere. */
export const secrets = ['client-secret-value', 'refresh-token-value', 'queue-secret-value', 'Atza|'];

function describe(request: IncomingMessage, body: string): Received {
  const [path = '', rawQuery = ''] = (request.url ?? '').split('?');
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
  const query = new URLSearchParams(rawQuery);
  const target = headers['x-amz-target']?.replace('AmazonSQS.', '');
  const route = routes.find(([, method, form]) => method === request.method && form.test(path));
  const operation = target ?? query.get('Action') ?? route?.[0] ?? `${request.method} ${path}`;
  return {
    operation,
    method: request.method ?? '',
    path,
    query,
    rawQuery,
    headers,
    body,
    json: body === '' ? undefined : attempt(body),
  };
}

function attempt(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function judge(entry: Received, reply: Reply): void {
  const isOurs = /^\/(listings|orders|sellers|notifications|feeds)\//.test(entry.path);
  if (!hasModels || !isOurs) return;
  faults.push(...requestFaults(entry));
  if (typeof reply === 'string' || reply.json === undefined) return;
  faults.push(...answerFaults(entry.method, entry.path, reply.status ?? 200, reply.json));
}

function unscripted(entry: Received): Reply {
  return {
    status: 400,
    json: { errors: [{ code: 'Unscripted', message: `nothing for ${entry.operation}` }] },
  };
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply === 'silence') return;
  if (reply === 'hang up') {
    response.destroy();
    return;
  }
  const text = reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json));
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
  response.end(text);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export type TestClock = Clock & { slept: number[]; move(ms: number): void };

export const testStart = Date.parse('2026-11-23T10:00:00Z');

/** A clock that stands until somebody sleeps or the test moves it. */
export function testClock(start = testStart): TestClock {
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

export const calm = new AbortController().signal;

export async function allListings(pages: AsyncIterable<ListingPage>): Promise<Listing[]> {
  const found: Listing[] = [];
  for await (const page of pages) found.push(...page.listings);
  return found;
}

export async function allPages(pages: AsyncIterable<OrderPage>): Promise<OrderPage[]> {
  const found: OrderPage[] = [];
  for await (const page of pages) found.push(page);
  return found;
}

/** A listings item as Amazon shows it. */
export function item(sku: string, quantity: number | null, over: Record<string, unknown> = {}) {
  return {
    sku,
    summaries: [
      {
        marketplaceId: germany,
        asin: 'B00EXAMPLE',
        productType: 'DRINKING_CUP',
        status: ['BUYABLE', 'DISCOVERABLE'],
        itemName: `Thing ${sku}`,
        createdDate: '2026-01-01T00:00:00Z',
        lastUpdatedDate: '2026-01-01T00:00:00Z',
      },
    ],
    fulfillmentAvailability:
      quantity === null
        ? [{ fulfillmentChannelCode: 'AMAZON_EU' }]
        : [{ fulfillmentChannelCode: 'DEFAULT', quantity }],
    ...over,
  };
}

/** Answers a search by SKUs from these items. */
export function shelf(items: ReturnType<typeof item>[]) {
  return (received: Received): Reply => {
    const wanted = received.query.get('identifiers')?.split(',') ?? items.map(({ sku }) => sku);
    const found = items.filter(({ sku }) => wanted.includes(sku)).slice(0, 20);
    return { json: { numberOfResults: found.length, items: found } };
  };
}

export const ownFacts = {
  channels: ['DEFAULT'],
  marketplaces: [germany],
  lead_time_days: null,
  restock_date: null,
};

export function line(
  sku: string,
  quantity: number,
  base: number | null,
  over: Partial<PushLine> = {},
): PushLine {
  return {
    listingId: sku,
    counterKey: sku,
    channelSku: sku,
    facts: ownFacts,
    quantity,
    base,
    key: 'k',
    ...over,
  };
}

export function refusal(code: string, message: string, details = '') {
  return { errors: [{ code, message, details }] };
}

export function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8');
}

/** An ORDER_CHANGE of one order of two items, as the facts show it. */
export function orderChange(over: {
  id?: string;
  status?: string;
  at?: string | null;
  eventTime?: string;
  level?: string;
  items?: { OrderItemId: string; SellerSKU: string; Quantity: number; QuantityShipped?: number }[];
  fulfillment?: string;
  seller?: string;
  type?: string;
}) {
  const items = over.items ?? [
    { OrderItemId: '70001', SellerSKU: 'MUG-RED', Quantity: 2, QuantityShipped: 0 },
  ];
  return {
    NotificationVersion: '1.0',
    NotificationType: 'ORDER_CHANGE',
    PayloadVersion: '1.0',
    EventTime: over.eventTime ?? '2026-11-23T09:00:05.000Z',
    Payload: {
      OrderChangeNotification: {
        NotificationLevel: over.level ?? 'OrderLevel',
        SellerId: over.seller ?? seller,
        AmazonOrderId: '111-2222222-3333333',
        OrderChangeType: over.type ?? 'OrderStatusChange',
        OrderChangeTrigger: {
          TimeOfOrderChange: over.at === undefined ? '2026-11-23T09:00:00.000Z' : over.at,
          ChangeReason: 'Order placed',
        },
        Summary: {
          MarketplaceId: germany,
          OrderStatus: over.status ?? 'Unshipped',
          PurchaseDate: '2026-11-23T08:58:00.000Z',
          DestinationPostalCode: null,
          FulfillmentType: over.fulfillment ?? 'MFN',
          OrderType: 'StandardOrder',
          NumberOfItemsShipped: 0,
          NumberOfItemsUnshipped: 2,
          OrderItems: items.map((each) => ({ SupplySourceId: null, ...each })),
        },
      },
    },
    NotificationMetadata: {
      ApplicationId: 'amzn1.sellerapps.app.x',
      SubscriptionId: 's-1',
      PublishTime: '2026-11-23T09:00:06.000Z',
      NotificationId: over.id ?? 'n-1',
    },
  };
}

/** An order of the Orders API 2026-01-01. */
export function apiOrder(over: {
  orderId?: string;
  status?: string;
  updated?: string;
  created?: string;
  by?: string;
  items?: unknown[];
}) {
  return {
    orderId: over.orderId ?? '111-2222222-3333333',
    createdTime: over.created ?? '2026-11-23T08:58:00Z',
    lastUpdatedTime: over.updated ?? '2026-11-23T09:00:00Z',
    salesChannel: { channelName: 'AMAZON', marketplaceId: germany },
    fulfillment: { fulfillmentStatus: over.status ?? 'UNSHIPPED', fulfilledBy: over.by ?? 'MERCHANT' },
    orderItems: over.items ?? [apiItem({})],
  };
}

export function apiItem(over: {
  id?: string;
  sku?: string;
  ordered?: number;
  shipped?: number;
  open?: number;
  cancelledBy?: string;
  cancelReason?: string;
  cancelAsked?: true;
}) {
  const ordered = over.ordered ?? 2;
  const shipped = over.shipped ?? 0;
  return {
    orderItemId: over.id ?? '70001',
    quantityOrdered: ordered,
    product: { asin: 'B00EXAMPLE', sellerSku: over.sku ?? 'MUG-RED', title: 'Mug' },
    fulfillment: { quantityFulfilled: shipped, quantityUnfulfilled: over.open ?? ordered - shipped },
    ...(over.cancelledBy === undefined
      ? {}
      : {
          cancellation: {
            ...(over.cancelAsked ? { cancellationRequest: { requester: 'BUYER' } } : {}),
            cancellationExecution: {
              cancelledBy: over.cancelledBy,
              ...(over.cancelReason === undefined ? {} : { cancelReason: over.cancelReason }),
            },
          },
        }),
  };
}

export function bytesOf(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value), 'utf8');
}
