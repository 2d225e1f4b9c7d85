import { AppError } from '../../errors.ts';
import type { Rate } from '../kit/buckets.ts';
import { createGround, openDoor } from '../kit/ground.ts';
import { listed } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';
import type { FaultRequest, Shop, ShopOptions, ShopRecords } from '../shop.ts';
import { faultNames } from './faults.ts';
import { createGateway } from './gateway.ts';
import { createIds } from './ids.ts';
import { createNotifier, type Notifier, topics } from './notifier.ts';
import { heldUnits, Orders } from './orders.ts';
import { accountRoutes } from './routes-account.ts';
import { inventoryRoutes, skusNamed } from './routes-inventory.ts';
import { orderRoutes } from './routes-orders.ts';
import { productRoutes, tellLevel, tellProduct } from './routes-products.ts';
import { managedWarehouses, oddities, onSale, stockShelves } from './shelves.ts';
import { type Product, type ProductStatus, type Sku, type State, seconds } from './state.ts';
import { availableOf, createStock, type Stock, shownOf } from './stock.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { type LineGrain, truthOf } from './units.ts';

/** What this shop can be told beside what every shop can. */
export interface TiktokShopOptions extends ShopOptions {
  /** How `sell` and `records` name order lines; default `sku`. */
  lines?: LineGrain;
  /** What each endpoint lets through. */
  rates?: { read: Rate; write: Rate };
  /** The shop's clock, ms since 1970; default the machine's. Timers stay the machine's. */
  now?: () => number;
}

/** With what tests may use beyond the common shop. */
export type TiktokShop = ReturnType<typeof createTiktokShop>;

/**
 * What the shop allows of each endpoint. The platform publishes no number; these are the upper ends of the starting
 * points that readers quote, ten seconds' worth at once (TTS-6).
 */
const usualRates: { read: Rate; write: Rate } = {
  read: { rate: 10, burst: 100 },
  write: { rate: 3, burst: 30 },
};
const deliveriesAtOnce = 10;
const dayMs = 86_400_000;

/**
 * A sandbox shop that speaks TikTok Shop's Open API, written from the facts alone. State is in memory; a stopped shop
 * is gone. The number that `records` shows is AVAILABLE, net of orders, summed over the two managed warehouses. What
 * other platforms know and this one does not: no cancel keeps units off sale (`restock: false` is the seller's, for want of stock, and gives them back as well), no
 * return brings them back, no order gets more units; the seller has no way to hold an order.
 */
export function createTiktokShop(options: TiktokShopOptions) {
  const state = createState(options);
  const { faults, agenda, seller } = state;
  const rates = options.rates ?? usualRates;
  const grain = options.lines ?? 'sku';
  const tokens = createTokens(state);
  const { credentials } = tokens;
  const notifier = createNotifier(state, credentials);
  const stock = createStock(state, (sku) => tellLevel(state, notifier, sku));
  stockShelves(state, options.catalogue);
  const orders = new Orders(state, { stock, notifier, grain });
  const setStatus = statusSetter(state, notifier);
  const gateway = createGateway({
    state,
    tokens,
    routes: [
      ...accountRoutes(state, notifier, rates.read),
      ...productRoutes(state, rates, setStatus),
      ...inventoryRoutes({ state, stock }, rates.write),
      ...orderRoutes(state, orders, rates),
    ],
    disturb(call) {
      const sku = skusNamed(state, call).find((one) => one.sellerSku !== '' && availableOf(one) > 0);
      // A sale that cannot happen does not use the fault up.
      if (sku === undefined || !faults.hits('sale_before_write')) return;
      orders.sell({ lines: [{ sku: sku.sellerSku, quantity: 1 }] });
    },
  });

  const door = openDoor(options, state, {
    shop: (): Shop => shop,
    // The token host is another one; whatever a configured address adds in front of its paths is that host.
    route: (request) =>
      /\/api\/v2\/token\/(get|refresh)$/.test(request.path)
        ? gateway.enveloped(() => tokens.answer(request))
        : gateway.answer(request),
  });

  const shop = {
    type: 'tiktok-shop',
    name: options.name,
    get url() {
      return door.url;
    },
    credentials,
    /** What the API tells of the shop: `shop_cipher` of a call, `shop_id` of a delivery. */
    account: { shopId: seller.shopId, cipher: seller.cipher },
    /** SKUs beside the catalogue. */
    oddities,
    channelConfig: () => configOf(state, credentials, { url: door.url, rate: rates.write.rate }),
    start: door.start,
    stop: door.stop,
    ...verbsOf(state, orders, stock),
    fault(request) {
      if (request.clear === true) tokens.desk.forgive();
      arm(state, notifier, request);
    },
    // What only moves an order from one open state to the next is not waited for.
    pending: () => agenda.size() - agenda.size('states'),
    records: () => recordsOf(state, grain),
    /** Runs all that the platform would do later, at once: deliveries with their retries, payments, holds, late writes. */
    settle: () => agenda.settle(),
    /** The seller consents anew: a code for the token host. */
    consent: tokens.consent,
    ...testVerbs(state, orders, notifier),
  } satisfies Shop & Record<string, unknown>;
  return shop;
}

/** What tests ask people and the platform to do. */
function testVerbs(state: State, orders: Orders, notifier: Notifier) {
  const setStatus = statusSetter(state, notifier);
  return {
    /** The delivered order is completed. */
    arrive: (orderId: string) => orders.arrive(orders.find(orderId)),
    /** The buyer asks to cancel; nobody has decided. */
    askToCancel(orderId: string) {
      const order = orders.find(orderId);
      orders.cancel(order, { units: heldUnits(order), role: 'BUYER', pending: true });
    },
    /** Puts the products of a SKU into another state. */
    setStatus(sku: string, status: ProductStatus) {
      for (const one of listedAs(state, sku)) setStatus(one.product, status);
    },
    /** A delivery of any topic. */
    notify(topic: string, data: Record<string, unknown>) {
      if (!Object.hasOwn(topics, topic)) throw new AppError('unknown_topic', `no topic ${topic}`);
      notifier.tell(topic, topic, { ...data, update_time: seconds(state.now()) });
    },
    /** An address of somebody else for a topic that stock has nothing to do with. */
    foreignWebhook(address: string) {
      const now = state.now();
      notifier.registrations.set('RECIPIENT_ADDRESS_UPDATE', { address, createdAt: now, updatedAt: now });
    },
    /** A number of each warehouse of a SKU, by the warehouse's name. */
    stockOf(sku: string): Record<string, { available: number; committed: number }> {
      const holdings = listedAs(state, sku)[0]?.holdings ?? [];
      return Object.fromEntries(
        holdings.map(({ warehouse, available, committed }) => [warehouse.name, { available, committed }]),
      );
    },
  };
}

function configOf(
  state: State,
  { appKey, appSecret, refreshToken }: Tokens['credentials'],
  { url, rate }: { url: string; rate: number },
) {
  return {
    type: 'tiktok-shop',
    mode: 'live',
    app_key: appKey,
    app_secret: appSecret,
    refresh_token: refreshToken,
    shop_id: state.seller.shopId,
    warehouses: managedWarehouses(state).map(({ id }) => id),
    // The shop's seconds are shorter by the time scale; half of what it allows leaves room for bursts.
    requests_per_second: Math.min(1_000, Math.max(0.1, (rate * state.timeScale) / 2)),
    base_url: url,
    token_url: `${url}/api/v2/token/refresh`,
  };
}

function recordsOf(state: State, grain: LineGrain): ShopRecords {
  const managed = managedWarehouses(state);
  return {
    orders: [...state.orders.values()].map((order) => truthOf(order, grain)),
    calls: state.records.all(),
    listings: [...state.skus.values()].map((sku) => ({
      sku: sku.sellerSku,
      listing_id: sku.id,
      shown: shownOf(sku, managed),
    })),
  };
}

function statusSetter(state: State, notifier: Notifier) {
  const { agenda, timeScale } = state;
  const setStatus = (product: Product, status: ProductStatus): void => {
    product.status = status;
    product.updatedAt = state.now();
    tellProduct(state, notifier, product);
    if (status !== 'PENDING') return;
    // The audit of a product that comes back; how long it takes is not published, an hour is assumed.
    agenda.add({
      afterMs: platformMs(dayMs / 24, timeScale),
      group: 'decisions',
      run: () => (product.status === 'PENDING' ? setStatus(product, 'ACTIVATE') : undefined),
    });
  };
  return setStatus;
}

function arm({ faults, now, seller: { shopId } }: State, notifier: Notifier, request: FaultRequest): void {
  faults.arm(request);
  if (request.rate === 0 || request.count === 0) return;
  if (request.name === 'deauthorized') {
    notifier.tell('SELLER_DEAUTHORIZATION', shopId, { message: 'Authorization was cancelled.' });
  }
  if (request.name === 'authorization_ends') {
    faults.arm({ name: 'authorization_ends', count: 0 });
    const expiration_time = seconds(now()) + (30 * dayMs) / 1_000;
    notifier.tell('UPCOMING_AUTHORIZATION_EXPIRATION', shopId, { message: 'Renew it.', expiration_time });
  }
}

/** Shoppers and the merchant. */
function verbsOf(state: State, orders: Orders, stock: Stock) {
  return {
    sell: (request) => orders.sell(request),
    cancel({ order_id, restock }) {
      const order = orders.find(order_id);
      const units = heldUnits(order);
      if (units.length === 0) return orders.loseParcel(order);
      const waits = state.faults.hits('cancel_pending') ? ({ pending: true } as const) : {};
      // The number comes back either way; only the reason says that the goods are not there.
      if (restock === false) {
        orders.cancel(order, { units, role: 'SELLER', reason: 'seller_cancel_reason_out_of_stock' });
      } else orders.cancel(order, { units, role: 'BUYER', ...waits });
    },
    refund: ({ order_id, line_id, quantity, restock }) =>
      orders.refund(orders.find(order_id), { lineId: line_id, quantity, restock }),
    edit: ({ order_id, line_id, quantity }) =>
      orders.edit(orders.find(order_id), { lineId: line_id, quantity }),
    ship: ({ order_id }) => orders.ship(orders.find(order_id)),
    set({ sku: sellerSku, quantity }) {
      const sku = listed([...onSale(state, sellerSku), ...listedAs(state, sellerSku)][0], sellerSku);
      if (sku.parts.length > 0) throw new AppError('combo', `${sellerSku} has the number of its parts`);
      stock.put(
        sku,
        sku.holdings.map((holding, at) => ({ holding, available: at === 0 ? quantity : 0 })),
      );
    },
  } satisfies Partial<Shop>;
}

function listedAs(state: State, sellerSku: string): Sku[] {
  return [...state.skus.values()].filter((sku) => sku.sellerSku === sellerSku);
}

function createState(options: TiktokShopOptions): State {
  const ground = createGround(options, {
    faults: faultNames,
    limits: { deliveries: deliveriesAtOnce },
    // TTS-2.4: three seconds.
    patience: { answerMs: 3_000, sockets: deliveriesAtOnce },
  });
  const { faults, random } = ground;
  const own = random.fork('state');
  const ids = createIds(random.fork('ids'));
  return {
    ...ground,
    now: () => ground.now() + (faults.armed().includes('clock_skew') ? faults.ms('clock_skew') : 0),
    ids,
    seller: {
      shopId: ids.shop(),
      cipher: `ROW_${Buffer.from(`fbefbe${own.hex(26)}fbff`, 'hex').toString('base64')}`,
      code: `USLC${own.hex(6).toUpperCase()}`,
      name: options.name,
      region: 'US',
      openId: own.hex(24),
    },
    warehouses: [],
    products: new Map(),
    skus: new Map(),
    orders: new Map(),
    cancellations: [],
    returns: [],
  };
}
