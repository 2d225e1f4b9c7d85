import { createGround, openDoor } from '../kit/ground.ts';
import { listed } from '../kit/shelves.ts';
import type { FaultRequest, Shop, ShopOptions, ShopRecords } from '../shop.ts';
import { accountRoutes, cancellationRoutes } from './account.ts';
import { type Credentials, createAuth, uuid } from './auth.ts';
import { faultNames } from './faults.ts';
import { fulfillmentRoutes } from './fulfillment.ts';
import { inventoryRoutes } from './inventory.ts';
import { notificationRoutes } from './notification.ts';
import { createNotifier, type Notifier } from './notifier.ts';
import { Orders, truthOf } from './orders.ts';
import { createQuotas } from './quota.ts';
import { createRest } from './rest.ts';
import { openListing, putOn, stockShelves } from './shelves.ts';
import { type Counter, createIds, listingIdOf, type State, shownOf } from './state.ts';
import { createStock, type Stock } from './stock.ts';
import { createTrading } from './trading.ts';
import { tradingCalls } from './trading-calls.ts';

/** What this shop can be told beside what every shop can. */
export interface EbayShopOptions extends ShopOptions {
  /** Where the listings are. Default `EBAY_US`. */
  marketplace?: string;
  /** The shop's clock, ms since 1970; default the machine's. Timers stay the machine's. */
  now?: () => number;
}

/** With what tests may use beyond the common shop. */
export type EbayShop = ReturnType<typeof createEbayShop>;

const deliveriesAtOnce = 10;

/**
 * A sandbox shop that speaks eBay's REST and Trading APIs, written from the facts alone. State is in memory; a
 * stopped shop is gone. The catalogue is spread over both listing models (see `shelves.ts`). Two things that other
 * platforms know do not exist here, and the verbs then change nothing of stock: orders are never edited, and a refund
 * brings nothing back.
 */
export function createEbayShop(options: EbayShopOptions) {
  const state = createState(options);
  const { agenda } = state;
  const quotas = createQuotas(state);
  const auth = createAuth(state, quotas);
  const url = () => door.url;
  const notifier = createNotifier(state, auth.credentials);
  const stock = createStock(state, (event, counter) =>
    notifier.told(event, { counter, line: null, order: null }),
  );
  const orders = new Orders(state, { stock, notifier });
  stockShelves(state, options.catalogue);

  const side = { state, auth, quotas, disturb: disturber(state, orders) };
  const routes = [
    ...inventoryRoutes(state, stock),
    ...fulfillmentRoutes(state, url),
    ...notificationRoutes(state, notifier, url),
    ...accountRoutes(state, quotas),
    ...cancellationRoutes(state, orders),
  ];
  const rest = createRest({ ...side, routes });
  const trading = createTrading({ ...side, calls: tradingCalls({ state, stock, notifier }) });

  const door = openDoor(options, state, {
    shop: (): Shop => shop,
    route(request) {
      const isPost = request.method === 'POST';
      if (isPost && request.path === '/identity/v1/oauth2/token') return auth.token(request);
      return isPost && request.path === '/ws/api.dll' ? trading(request) : rest(request);
    },
    nameOf({ method, path, headers }) {
      const call = headers['x-ebay-api-call-name'];
      return call === undefined ? `${method} ${path}` : `Trading ${call}`;
    },
  });

  const shop = {
    type: 'ebay',
    name: options.name,
    get url() {
      return door.url;
    },
    credentials: auth.credentials,
    channelConfig: () => configOf(state, auth.credentials, door.url),
    start: door.start,
    stop: door.stop,
    ...verbsOf(state, orders, stock),
    fault(request) {
      if (request.clear === true) auth.desk.forgive();
      armFault(state, notifier, request);
    },
    pending: () => agenda.size(),
    records: () => recordsOf(state),
    /** Runs all that the platform would do later, at once: deliveries with their retries, checkouts, late writes. */
    settle: () => agenda.settle(),
    /** The seller consents anew: a code for the token endpoint. */
    consent: auth.consent,
    /** Invoices orders together; answers the id of the new order. */
    combine: (ids: readonly string[]) => orders.combine(ids.map((id) => orders.find(id))).orderId,
    /** From now on another key signs. */
    rotateKey: notifier.rotateKey,
    /** A notification of any topic to those who subscribed to it. */
    notify: (topicId: string, data: unknown) => notifier.notify(topicId, topicId, { data }),
    /** Leaves so many calls of today's quota. */
    leaveCalls: quotas.leave,
    foreignWebhook: (url: string, topicId?: string) => plantForeign(state, notifier, [url, topicId]),
  } satisfies Shop & Record<string, unknown>;
  return shop;
}

/** A sale slips in before a write to one of these. One that cannot happen does not use the fault up. */
function disturber({ faults }: State, orders: Orders): (counters: Counter[]) => void {
  return (counters) => {
    const counter = counters.find((one) => one.sku !== null && (shownOf(one) ?? 0) > 0);
    if (counter === undefined || !faults.hits('sale_before_write')) return;
    orders.sell({ lines: [{ sku: counter.sku ?? '', quantity: 1 }] });
  };
}

function configOf({ marketplace }: State, credentials: Credentials, url: string) {
  return {
    type: 'ebay',
    mode: 'live',
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
    dev_id: credentials.devId,
    ru_name: credentials.ruName,
    refresh_token: credentials.refreshToken,
    refresh_token_created: new Date(credentials.refreshTokenCreated).toISOString().slice(0, 10),
    marketplace,
    verification_token: credentials.verificationToken,
    base_url: url,
    token_url: `${url}/identity/v1/oauth2/token`,
    trading_url: `${url}/ws/api.dll`,
  };
}

function recordsOf({ orders, records, counters }: State): ShopRecords {
  const listed = counters.filter(({ listing }) => listing !== null);
  return {
    orders: orders.filter((order) => order.state === 'placed').map(truthOf),
    calls: records.all(),
    listings: listed.map((counter) => ({
      sku: counter.sku ?? '',
      listing_id: listingIdOf(counter),
      shown: shownOf(counter),
    })),
  };
}

/** A destination and a subscription of somebody else under the same keyset, made without a challenge. */
function plantForeign(
  { random, now }: State,
  { destinations, subscriptions }: Notifier,
  [endpoint, topicId = 'PRIORITY_LISTING_REVISION']: [string, string | undefined],
): void {
  const [id, subscriptionId] = [uuid(random), uuid(random)];
  destinations.push({
    id,
    name: 'another-program',
    endpoint,
    verificationToken: 'a'.repeat(40),
    status: 'ENABLED',
    givenUp: 0,
    failingSince: null,
  });
  subscriptions.push({
    id: subscriptionId,
    topicId,
    status: 'ENABLED',
    destinationId: id,
    schemaVersion: topicId === 'PRIORITY_LISTING_REVISION' ? '1.10' : '1.0',
    createdAt: now(),
  });
}

/** Shoppers and the merchant. */
function verbsOf(state: State, orders: Orders, stock: Stock) {
  const byBuyer = { restores: true, initiator: 'BUYER', reason: 'BUYER_ASKED_CANCEL' } as const;
  // Nothing comes back: the seller has not got it.
  const reason = 'OUT_OF_STOCK_OR_CANNOT_FULFILL';
  const bySeller = { restores: false, initiator: 'SELLER', reason } as const;
  return {
    sell: (request) => orders.sell(request),
    cancel({ order_id, restock }) {
      const takesMs = state.faults.hits('cancel_in_progress') ? 3_600_000 : 0;
      orders.cancel(orders.find(order_id), { ...(restock === false ? bySeller : byBuyer), takesMs });
    },
    refund: ({ order_id, line_id, quantity }) =>
      orders.refund(orders.find(order_id), { lineId: line_id, quantity }),
    // The platform has no edits of orders; a wrong id is still an error.
    edit: ({ order_id }) => void orders.find(order_id),
    ship: ({ order_id }) => orders.ship(orders.find(order_id)),
    set({ sku, quantity }) {
      const counters = state.bySku.get(sku) ?? [];
      const counter = listed(counters.find(({ listing }) => listing !== null) ?? counters[0], sku);
      relist(state, counter);
      stock.put(counter, quantity, counter.offer?.available === null ? null : quantity);
    },
  } satisfies Partial<Shop>;
}

function armFault(state: State, notifier: Notifier, request: FaultRequest): void {
  const { faults, seller } = state;
  faults.arm(request);
  const off = request.rate === 0 || request.count === 0;
  // Without a rate the platform gives the addresses up now; nothing else would ever set it off.
  if (request.name === 'marked_down' && request.rate === undefined && !off) {
    faults.arm({ name: 'marked_down', count: 0 });
    notifier.markDown();
  }
  if (request.name === 'token_revoked' && !off) {
    const { userId, username, eiasToken } = seller;
    notifier.notify('AUTHORIZATION_REVOCATION', userId, { data: { userId, username, eiasToken } });
  }
}

function createState(options: EbayShopOptions): State {
  const ground = createGround(options, {
    faults: faultNames,
    limits: { deliveries: deliveriesAtOnce },
    // EBAY-2.5 and EBAY-2.6: three seconds for SOAP, unpublished for JSON.
    patience: { answerMs: 3_000, sockets: deliveriesAtOnce },
  });
  const { random } = ground;
  const label = options.name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return {
    ...ground,
    seller: {
      userId: random.hex(11),
      username: `${label}-${random.hex(4)}`,
      eiasToken: `nY+${random.hex(28)}==`,
    },
    marketplace: options.marketplace ?? 'EBAY_US',
    outOfStockControl: true,
    listings: new Map(),
    counters: [],
    bySku: new Map(),
    offers: new Map(),
    orders: [],
    ordersById: new Map(),
    ids: createIds(random.fork('ids')),
  };
}

/** A merchant who edits an ended listing has to list it again, under a new item number (EBAY-5.3). */
function relist(state: State, counter: Counter): void {
  const { listing } = counter;
  if (listing === null || listing.endedAt === null) return;
  const fresh = openListing(state, listing);
  for (const member of listing.counters) putOn(state, fresh, member);
}
