import { AppError } from '../../errors.ts';
import { createAgenda } from '../kit/agenda.ts';
import { createGround, openDoor } from '../kit/ground.ts';
import { answered } from '../kit/server.ts';
import { listed } from '../kit/shelves.ts';
import type { Shop, ShopOptions, ShopRecords } from '../shop.ts';
import { type Auth, createAuth } from './auth.ts';
import { faultNames } from './faults.ts';
import { createGateway } from './gateway.ts';
import { createNotifier, type Floor } from './notifier.ts';
import { cancel, edit, find, hold, sell, sendBack, ship, truthOf, unhold } from './orders.ts';
import { listingRoutes } from './routes-listings.ts';
import { shipmentRoutes } from './routes-shipments.ts';
import { shownOf, stockShelves } from './shelves.ts';
import { type Basis, createIds, type Line, placeAt, type Shipment, type Site } from './site.ts';

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
export type FlipkartShop = ReturnType<typeof createFlipkartShop>;

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
export function createFlipkartShop(options: FlipkartShopOptions) {
  const site = createSite(options);
  stockShelves(site, options.catalogue);
  const auth = createAuth(site, site.random.fork('auth'));
  const notifier = createNotifier(site, auth.credentials);
  const floor: Floor = { ...site, notifier };
  const { perSecond, burst } = options.rate ?? { perSecond: 10, burst: 100 };
  const gateway = createGateway(site, auth, {
    rate: { rate: perSecond, burst },
    routes: [...listingRoutes(floor, options.listingsPerPage ?? 500), ...shipmentRoutes(floor)],
  });
  const verbs = verbsOf(floor);
  const { subscribe, unsubscribe, enrolment } = notifier;
  const { hold, unhold } = verbs;
  const door = openDoor(options, site, {
    shop: (): Shop => shop,
    verbs: { subscribe, unsubscribe, hold, unhold, rotate_secret: auth.rotateSecret },
    async route(request) {
      const isToken = request.path === '/oauth-service/oauth/token';
      const answer = isToken ? auth.token(request) : await answered(() => gateway(request));
      const date = new Date(site.now()).toUTCString();
      return answer === null ? null : { ...answer, headers: { date, ...answer.headers } };
    },
  });
  const shop = {
    type: 'flipkart',
    name: options.name,
    get url() {
      return door.url;
    },
    basis: site.basis,
    credentials: auth.credentials as Readonly<Auth['credentials']>,
    /** Ids of the merchant's locations, the main one first. */
    locations: site.locations as readonly string[],
    channelConfig: () => configOf(site, auth.credentials, door.url),
    start: door.start,
    async stop() {
      site.life.stop();
      notifier.stop();
      await door.stop();
    },
    ...verbs,
    fault(request) {
      if (request.clear === true) {
        auth.desk.forgive();
        site.poison.clear();
      }
      site.faults.arm(request);
    },
    pending: () => site.agenda.size() + notifier.waiting(),
    records: () => recordsOf(site),
    /** Runs all that the platform would do later, at once: deliveries with their retries, late writes, couriers. */
    settle: () => settle(site),
    /**
     * The merchant's ticket was approved: events go to this address. There is one address, no API for it, no test
     * call; default: no events of returns, all locations of now. Over HTTP: `POST /_sandbox/subscribe`.
     */
    subscribe,
    /** The same in one word: all events go to this address, those of returns too. */
    enrol: (url: string) => void subscribe({ url, returnsUrl: url }),
    unsubscribe,
    enrolment,
    /** A new application secret: the old one is dead at once, for tokens and for signatures. */
    rotateSecret: auth.rotateSecret,
  } satisfies Shop & Record<string, unknown>;
  return shop;
}

async function settle({ agenda, life }: Site): Promise<void> {
  while (agenda.size() + life.size() > 0) {
    await agenda.settle();
    await life.settle();
  }
}

function configOf({ locations, basis }: Site, { appId, appSecret }: Auth['credentials'], url: string) {
  return {
    type: 'flipkart',
    mode: 'live',
    app_id: appId,
    app_secret: appSecret,
    location: locations[0],
    basis,
    // Notifications are signed with the application's own secret (FK-2.4).
    hook_secret: appSecret,
    // The shop keeps its own rate; the adapter's careful default is for a platform that publishes none.
    requests_per_second: 200,
    base_url: url,
  };
}

function recordsOf(site: Site): ShopRecords {
  return {
    orders: [...site.shipments.values()].map(truthOf),
    calls: site.records.all(),
    listings: [...site.listings.values()].map((listing) => ({
      sku: listing.sku,
      listing_id: listing.listingId,
      shown: shownOf(site, listing),
    })),
  };
}

/** What people do in the shop. */
function verbsOf(floor: Floor) {
  const each = (id: string, act: (floor: Floor, shipment: Shipment) => void) => {
    for (const shipment of find(floor, id)) act(floor, shipment);
  };
  /** The merchant has so many of a SKU at a location. */
  const putAt = ({ sku, location, quantity }: { sku: string; location: string; quantity: number }) => {
    const place = placeAt(listed(floor.listings.get(sku), sku), location);
    place.inventory = quantity;
    place.stale = null;
  };
  return {
    sell: (request) => sell(floor, request),
    cancel: ({ order_id, restock }) =>
      each(order_id, (_, shipment) => cancel(floor, shipment, { emptied: restock === false })),
    refund({ order_id, line_id, quantity, restock }) {
      const line = lineOf(floor, order_id, line_id);
      if (restock) sendBack(floor, line, quantity);
    },
    edit: ({ order_id, line_id, quantity }) => edit(floor, lineOf(floor, order_id, line_id), quantity),
    ship: ({ order_id }) => each(order_id, ship),
    set: ({ sku, quantity }) => putAt({ sku, quantity, location: floor.locations[0] }),
    putAt,
    /** A location that no enrolment covers yet. Answers its id. */
    addLocation(): string {
      const id = `LOC${floor.random.hex(32)}`;
      floor.locations.push(id);
      return id;
    },
    hold: ({ order_id }: { order_id: string }) => each(order_id, hold),
    unhold: ({ order_id }: { order_id: string }) => each(order_id, unhold),
  } satisfies Partial<Shop> & Record<string, unknown>;
}

/** The line by its id, wherever in the order it is; without one, the first that is left. */
function lineOf(floor: Floor, orderId: string, lineId?: string): Line {
  // A split order is named by its first shipment, and its lines may be in others.
  const family = find(floor, find(floor, orderId)[0]?.orderId ?? '');
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
  const [orders, returns, pages] = [random.fork('orders'), random.fork('returns'), random.fork('pages')];
  return {
    ...ground,
    random,
    chance: { orders, returns, pages },
    basis: options.basis ?? 'gross',
    life: createAgenda({}),
    locations: [`LOC${random.hex(32)}`, `LOC${random.hex(32)}`],
    listings: new Map(),
    shipments: new Map(),
    returns: new Map(),
    ids: createIds(random.fork('ids')),
    poison: new Set(),
  };
}
