import { AppError } from '../../errors.ts';
import { createAgenda } from '../kit/agenda.ts';
import { createGround, openDoor } from '../kit/ground.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Shop, ShopOptions } from '../shop.ts';
import { type Credentials, createAuth } from './auth.ts';
import { faultNames } from './faults.ts';
import { createGateway } from './gateway.ts';
import { createNotifier, type Enrolment } from './notifier.ts';
import { createOrders, type Orders, recordOf, touch } from './orders.ts';
import { createReturns } from './returns.ts';
import { listingOf, listingRoutes } from './routes-listings.ts';
import { shipmentRoutes } from './routes-shipments.ts';
import { mainLocation, newPlace, shownOf, stockShelves } from './shelves.ts';
import { type Basis, createIds, type Item, type Shipment, type Site } from './site.ts';

/** What this shop can be told beside what every shop can. */
export interface FlipkartShopOptions extends ShopOptions {
  /**
   * What the number means. No text says so; default `gross`, as the hints weigh more on that side
   * (`pending_inventory` beside the number, an integration that adds open orders to what it sends; FK-3.4).
   */
  basis?: Basis;
  /** Listings on a page of the search. Default 500, the platform's. */
  listingsPerPage?: number;
  /** Calls a second (of the platform's clock) and at once, in each family. Default 10 and 100. */
  rate?: { perSecond: number; burst: number };
  /** The shop's clock, ms since 1970; default the machine's. Timers stay the machine's. */
  now?: () => number;
}

/** What tests may use beyond the common shop. Order ids of all verbs are shipment ids; `OD…` ids lead there too. */
export interface FlipkartShop extends Shop {
  readonly basis: Basis;
  /** Runs all that the platform would do later, at once: deliveries with their retries, late writes, couriers. */
  settle(): Promise<void>;
  readonly credentials: Readonly<Credentials>;
  /** Ids of the merchant's locations, the main one first. */
  readonly locations: readonly string[];
  /**
   * The merchant's ticket was approved: events go to this address. There is one address, no API for it, no test call;
   * default: no events of returns, all locations of now. Over HTTP: `POST /_sandbox/subscribe` (see `sandboxVerb`).
   */
  subscribe(wish: { url: string; returnsUrl?: string | null; locations?: string[] }): Enrolment;
  /** The same in one word: all events go to this address, those of returns too. */
  enrol(url: string): void;
  unsubscribe(): void;
  enrolment(): Enrolment | null;
  /** A location that no enrolment covers yet. Answers its id. */
  addLocation(): string;
  /** The merchant has so many of a SKU at a location. */
  putAt(request: { sku: string; location: string; quantity: number }): void;
  hold(request: { order_id: string }): void;
  unhold(request: { order_id: string }): void;
  /** A new application secret: the old one is dead at once, for tokens and for signatures. */
  rotateSecret(): void;
}

/** Deliveries of all groups at once; within a group it is one. */
const deliveriesAtOnce = 10;
/** How long the platform waits for an answer is not published (FK-2.5): five seconds are assumed. */
const answerMs = 5_000;

/**
 * A sandbox shop that speaks the Flipkart Marketplace Seller API, written from the facts alone. State is in memory;
 * a stopped shop is gone. `records().listings[].shown` is the `inventory` that the API shows at the main location: on
 * the `gross` basis open orders are still in it, so that buyers can have `shown` less the open units. `pending` counts
 * deliveries and late writes, not the couriers' days. Not served, as the facts show no shape of them: the list of
 * locations, creating and overwriting listings, packing and labels, reports, third-party consent.
 */
export function createFlipkartShop(options: FlipkartShopOptions): FlipkartShop {
  const site = createSite(options);
  const { faults, random } = site;
  stockShelves(site, options.catalogue);
  const auth = createAuth(site, random.fork('auth'));
  const { credentials } = auth;
  const notifier = createNotifier(site, credentials);
  const returns = createReturns({ site, notifier, random: random.fork('returns'), touch });
  const orders = createOrders({ site, notifier, returns, random: random.fork('orders') });
  const poison = new Set<string>();
  const gateway = createGateway({
    site,
    auth,
    rate: options.rate ?? { perSecond: 10, burst: 100 },
    routes: [
      ...listingRoutes({ site, orders, poison, pageSize: options.listingsPerPage ?? 500 }),
      ...shipmentRoutes({ site, orders, random: random.fork('pages') }),
    ],
  });

  const each = (id: string, act: (shipment: Shipment) => void) => orders.find(id).forEach(act);
  const door = openDoor(options, site, {
    shop: () => shop,
    verb: (request) => sandboxVerb(shop, request),
    async route(request) {
      const isToken = request.path === '/oauth-service/oauth/token';
      const answer = isToken ? auth.token(request) : await gateway(request);
      const date = new Date(site.now()).toUTCString();
      return answer === null ? null : { ...answer, headers: { date, ...answer.headers } };
    },
  });
  const shop: FlipkartShop = {
    type: 'flipkart',
    name: options.name,
    get url() {
      return door.url;
    },
    basis: site.basis,
    credentials,
    locations: site.locations,
    channelConfig: () => ({
      type: 'flipkart',
      mode: 'live',
      app_id: credentials.appId,
      app_secret: credentials.appSecret,
      location: mainLocation(site),
      basis: site.basis,
      // Notifications are signed with the application's own secret (FK-2.4).
      hook_secret: credentials.appSecret,
      // The shop keeps its own rate; the adapter's careful default is for a platform that publishes none.
      requests_per_second: 200,
      base_url: door.url,
    }),
    start: door.start,
    async stop() {
      site.life.stop();
      notifier.stop();
      await door.stop();
    },
    sell: orders.sell,
    cancel: ({ order_id, restock }) =>
      each(order_id, (shipment) => orders.cancel(shipment, { emptied: restock === false })),
    refund({ order_id, line_id, quantity, restock }) {
      const { shipment, item } = lineOf(orders, order_id, line_id);
      orders.refund(shipment, item, { quantity, restock });
    },
    edit({ order_id, line_id, quantity }) {
      const { shipment, item } = lineOf(orders, order_id, line_id);
      orders.edit(shipment, item, quantity);
    },
    ship: ({ order_id }) => each(order_id, orders.ship),
    set: ({ sku, quantity }) => shop.putAt({ sku, quantity, location: mainLocation(site) }),
    fault(request) {
      if (request.clear === true) {
        auth.forgive();
        poison.clear();
      }
      faults.arm(request);
    },
    pending: () => site.agenda.size() + notifier.waiting(),
    records: () => ({
      orders: [...site.shipments.values()].map(recordOf),
      calls: site.records.all(),
      listings: [...site.listings.values()].map((listing) => ({
        sku: listing.sku,
        listing_id: listing.listingId,
        shown: shownOf(site, listing),
      })),
    }),
    async settle() {
      while (site.agenda.size() + site.life.size() > 0) {
        await site.agenda.settle();
        await site.life.settle();
      }
    },
    subscribe: notifier.subscribe,
    enrol: (url) => void notifier.subscribe({ url, returnsUrl: url }),
    unsubscribe: notifier.unsubscribe,
    enrolment: notifier.enrolment,
    addLocation() {
      const id = `LOC${site.random.hex(32)}`;
      site.locations.push(id);
      return id;
    },
    putAt({ sku, location, quantity }) {
      const { places } = listingOf(site, sku);
      const place = places.get(location) ?? newPlace(0);
      places.set(location, place);
      place.inventory = quantity;
      place.stale = null;
    },
    hold: ({ order_id }) => each(order_id, orders.hold),
    unhold: ({ order_id }) => each(order_id, orders.unhold),
    rotateSecret: auth.rotateSecret,
  };
  return shop;
}

/**
 * Verbs of this shop alone, `POST /_sandbox/<verb>`: `subscribe` {url, returnsUrl?, locations?}, `unsubscribe`, `hold`,
 * `unhold` {order_id}, `rotate_secret`. Null: it is none.
 */
function sandboxVerb(shop: FlipkartShop, request: ShopRequest): ShopAnswer | null {
  const [, verb] = /^\/_sandbox\/([a-z_]+)$/.exec(request.path) ?? [];
  if (verb === undefined || request.method !== 'POST') return null;
  const input = request.body.length === 0 ? {} : JSON.parse(request.body.toString('utf8'));
  const verbs: Record<string, () => unknown> = {
    subscribe: () => shop.subscribe(input),
    unsubscribe: () => shop.unsubscribe(),
    hold: () => shop.hold(input),
    unhold: () => shop.unhold(input),
    rotate_secret: () => shop.rotateSecret(),
  };
  const act = verbs[verb];
  if (act === undefined)
    return {
      status: 404,
      body: JSON.stringify({ error: { code: 'not_found', message: `no verb "${verb}"` } }),
    };
  return { status: 200, body: JSON.stringify(act() ?? { ok: true }) };
}

/** The line by its id, wherever in the order it is; without one, the first that is left. */
function lineOf(orders: Orders, orderId: string, lineId?: string): { shipment: Shipment; item: Item } {
  const shipments = orders.find(orderId);
  // A split order is named by its first shipment, and its lines may be in others.
  const family = orders.find(shipments[0]?.orderId ?? '');
  const rows = family.flatMap((shipment) => shipment.items.map((item) => ({ shipment, item })));
  const found =
    lineId === undefined
      ? (rows.find(({ item }) => item.cancelled === null) ?? rows[0])
      : rows.find(({ item }) => item.id === lineId);
  if (found === undefined) throw new AppError('unknown_line', `order ${orderId} has no line "${lineId}"`);
  return found;
}

function createSite(options: FlipkartShopOptions): Site {
  const ground = createGround(options, {
    faults: faultNames,
    limits: { deliveries: deliveriesAtOnce },
    patience: { answerMs, sockets: deliveriesAtOnce },
  });
  const random = ground.random.fork('site');
  return {
    ...ground,
    random,
    basis: options.basis ?? 'gross',
    life: createAgenda({}),
    locations: [`LOC${random.hex(32)}`, `LOC${random.hex(32)}`],
    listings: new Map(),
    shipments: new Map(),
    returns: new Map(),
    ids: createIds(random.fork('ids')),
  };
}
