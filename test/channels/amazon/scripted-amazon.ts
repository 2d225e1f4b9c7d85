import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { amazon } from '../../../src/channels/amazon/index.ts';
import type { Channel, PushLine } from '../../../src/channels/channel.ts';
import * as kit from '../../kit/stage.ts';
import type { Door } from '../kit/door.ts';
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

/** A platform on loopback that plays Login with Amazon, SP-API, SQS, SNS and the upload storage. */
export interface Scripted {
  url: string;
  channel: Channel;
  clock: kit.TestClock;
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

const faults: string[] = [];
afterEach(() => {
  // Every request of the adapter, and every answer of a script, was held against the official models.
  expect(faults.splice(0)).toEqual([]);
});

const givenTokens: Script = {
  token: (received) => {
    const kind = new URLSearchParams(received.body).get('grant_type') === 'refresh_token';
    return { json: { access_token: kind ? 'Atza|seller' : 'Atza|grantless', expires_in: 3_600 } };
  },
};

export const testStart = Date.parse('2026-11-23T10:00:00Z');

/** Starts the platform and opens a channel at it. `script` maps an operation to its answers; the last one repeats. */
export async function scripted(
  script: Script,
  options: { config?: Record<string, unknown>; timeoutMs?: number } = {},
): Promise<Scripted> {
  const received: Received[] = [];
  const counts = new Map<string, number>();
  const plan: Script = { ...givenTokens, ...script };
  const answer = (call: kit.Call): kit.Reply => {
    const entry = describe(call);
    received.push(entry);
    const count = counts.get(entry.operation) ?? 0;
    counts.set(entry.operation, count + 1);
    const answers = plan[entry.operation];
    const reply =
      typeof answers === 'function'
        ? answers(entry, count)
        : (answers?.[Math.min(count, answers.length - 1)] ?? unscripted(entry));
    judge(entry, reply);
    if (reply === 'silence') return { silence: true };
    return reply === 'hang up'
      ? { hangUp: true }
      : { headers: { 'content-type': 'application/json' }, ...reply };
  };
  const clock = kit.testClock(testStart);
  const { url } = await kit.serve(answer, clock.now);
  const vault = new Map<string, string>();
  const deps = kit.depsFor({
    name: 'amazon-test',
    clock,
    baseUrl: url,
    timeoutMs: options.timeoutMs ?? 5_000,
    randomHex: (bytes) => '80'.repeat(bytes),
    vault: kit.vaultOf(vault),
  });
  const open = (over: Record<string, unknown> = {}): Channel => {
    const channel = amazon.create(amazon.config.parse(configOf(url, { ...options.config, ...over })), deps);
    kit.afterTest(() => channel.close());
    return channel;
  };
  const of = (operation: string) => received.filter((entry) => entry.operation === operation);
  return { url, channel: open(), clock, vault, received, of, open };
}

export const germany = 'A1PA6795UKMFR9';
export const france = 'A13V1IB3VIYZZH';
export const seller = 'A1EXAMPLE';
export const topicArn = 'arn:aws:sns:eu-west-1:123456789012:invsync-orders';
export const queueArn = 'arn:aws:sqs:eu-west-1:123456789012:invsync';

export function configOf(url: string, over: Record<string, unknown> = {}): Record<string, unknown> {
  return kit.changed(soundConfig(url), over);
}

function soundConfig(url: string): Record<string, unknown> {
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
  };
}

/** Texts that must never show anywhere. */
export const secrets = ['client-secret-value', 'refresh-token-value', 'queue-secret-value', 'Atza|'];

function describe({ method, path, target, headers: sent, text: body, query }: kit.Call): Received {
  const headers = Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [name, [value].flat().join(', ')]),
  );
  const route = routes.find(([, verb, form]) => verb === method && form.test(path));
  const action = headers['x-amz-target']?.replace('AmazonSQS.', '') ?? query.get('Action');
  const operation = action ?? route?.[0] ?? `${method} ${path}`;
  const rawQuery = target.slice(path.length + 1);
  return { operation, method, path, query, rawQuery, headers, body, json: attempt(body) };
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
  const listing = { listingId: sku, counterKey: sku, channelSku: sku, facts: ownFacts };
  return { ...listing, quantity, base, key: 'k', ...over };
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

/** The door for the suites that all adapters share. */
export const door: Door = {
  type: 'amazon',
  definition: {
    config: { parse: (value: unknown) => amazon.config.parse(value) as never },
    create: amazon.create as never,
  },
  config: (url) => kit.changed(soundConfig(url), { sqs: undefined, sns: undefined }),
  good(call) {
    const received = describe(call);
    const answers: Record<string, unknown> = {
      getMarketplaceParticipations: { payload: [] },
      patchListingsItem: { sku: 'A', status: 'ACCEPTED', submissionId: 's', issues: [] },
    };
    if (received.operation === 'searchListingsItems') return shelf([item('A', 5)])(received) as kit.Reply;
    return received.operation in answers ? { json: answers[received.operation] } : undefined;
  },
  line: line('A', 4, 5),
  isWrite: ({ method }) => method === 'PATCH',
  limited: (headers) => ({ status: 429, headers, json: refusal('QuotaExceeded', 'too many') }),
  tokens: {
    isGrant: ({ path }) => path === '/auth/o2/token',
    grant: (token, seconds) => ({ json: { access_token: token, expires_in: seconds } }),
    tokenIn: ({ headers }) => String(headers['x-amz-access-token']),
    refused: { status: 403, json: refusal('Unauthorized', 'denied', 'The access token has expired.') },
    denied: { status: 400, json: { error: 'invalid_grant' } },
  },
};
