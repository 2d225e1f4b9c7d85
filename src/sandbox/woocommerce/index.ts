import { AppError } from '../../errors.ts';
import { createFaults } from '../kit/faults.ts';
import { createRandom } from '../kit/random.ts';
import { createRecords } from '../kit/records.ts';
import { type ShopHandler, ShopServer } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import type { Shop, ShopOptions, ShopRecords } from '../shop.ts';
import { defaultVariables, stockShelves, type VariableProduct } from './catalogue.ts';
import { FAULTS } from './faults.ts';
import {
  cancelUnpaid,
  editLine,
  findOrder,
  refundedOf,
  refundOrder,
  saveOrder,
  setStatus,
} from './orders.ts';
import { productBySku, putStock, savedProduct } from './products.ts';
import { shopRecords } from './records.ts';
import { createRest } from './rest.ts';
import type { ApiKey, Line, Order, Site } from './site.ts';
import { sell } from './storefront.ts';
import { createQueue } from './webhooks.ts';

/** What a WooCommerce shop can be told beside what every shop can. */
export interface WooShopOptions extends ShopOptions {
  /**
   * The home URL the shop believes it has, no slash at the end; default: its own loopback address, plain http, so
   * that OAuth 1.0a is checked. With an https one every request counts as TLS and Basic is taken.
   */
  home?: string;
  /** Hours east of GMT; default 3. */
  zoneHours?: number;
  /** The flat `/variations` list is there; false is a shop before WooCommerce 10.3. Default true. */
  flatVariations?: boolean;
  /** Quantities at or below this count as out of stock. Default 0. */
  noStockAmount?: number;
  /** Which items are variations, and of what; default: every fifth, three under one variable product. */
  variables?: VariableProduct[];
  /** First id of products and orders. Default 11. */
  firstId?: number;
  /** The shop's clock, ms since 1970; default the machine's. Timers stay the machine's. */
  now?: () => number;
}

/** A running WooCommerce shop, with what tests need beside the common verbs. */
export interface WooShop extends Shop {
  /** One pass of the webhook queue now; resolves when it is over, with the number of jobs taken. */
  runQueue(): Promise<number>;
  /** Another API key. */
  addKey(permissions: ApiKey['permissions']): { key: string; secret: string };
}

/** The queue runs at most once a minute. */
const PASS_MS = 60_000;
/** `woocommerce_hold_stock_minutes`: unpaid checkouts are cancelled after an hour. */
const HOLD_STOCK_MS = 3_600_000;

/** A sandbox shop that speaks WooCommerce 11.0.1's REST API and sends its webhooks. */
export function createWooShop(options: WooShopOptions): WooShop {
  const records = createRecords(options.now ?? Date.now);
  const timers = new Set<NodeJS.Timeout>();
  const { site, addKey } = createSite(options, timers);
  const queue = createQueue(site, records);
  site.emit = queue.emit;
  stockShelves(site, options.catalogue, options.variables ?? defaultVariables(options.catalogue));
  const mainKey = addKey('read_write');
  const webhookSecret = `whsec${site.random.hex(40)}`;
  const server = new ShopServer(options.port, () => shop, createHandler(createRest(site, records, queue)));
  let cron: NodeJS.Timeout | null = null;

  async function pass(): Promise<number> {
    cancelUnpaid(site, platformMs(HOLD_STOCK_MS, site.timeScale));
    return queue.run();
  }

  const shop: WooShop = {
    type: 'woocommerce',
    name: options.name,
    get url() {
      return server.url;
    },
    channelConfig: () => ({
      type: 'woocommerce',
      mode: 'live',
      url: site.home,
      ...(site.home === server.url ? {} : { base_url: server.url }),
      consumer_key: mainKey.key,
      consumer_secret: mainKey.secret,
      webhook_secret: webhookSecret,
    }),
    async start() {
      await server.start();
      if (site.home === '') site.home = server.url;
      cron = setInterval(() => void pass(), platformMs(PASS_MS, site.timeScale));
    },
    async stop() {
      if (cron !== null) clearInterval(cron);
      cron = null;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      await queue.stop();
      await server.stop();
    },
    ...verbs(site),
    pending: () => queue.size() + timers.size,
    records: (): ShopRecords => shopRecords(site, records),
    runQueue: pass,
    addKey,
  };
  return shop;
}

function createSite(options: WooShopOptions, timers: Set<NodeJS.Timeout>) {
  const random = createRandom(options.seed).fork(options.name);
  const nowMs = options.now ?? Date.now;
  const site: Site = {
    timeScale: options.timeScale,
    zoneHours: options.zoneHours ?? 3,
    noStockAmount: options.noStockAmount ?? 0,
    flatVariations: options.flatVariations ?? true,
    random: random.fork('site'),
    faults: createFaults(random.fork('faults'), FAULTS),
    salt: random.hex(32),
    home: options.home ?? '',
    products: new Map(),
    orders: new Map(),
    webhooks: new Map(),
    keys: [],
    nowMs,
    seconds: () => Math.floor(nowMs() / 1000),
    nextPostId: sequence(options.firstId ?? 11),
    nextLineId: sequence(1),
    nextMetaId: sequence(19),
    nextNoteId: sequence(1),
    nextWebhookId: sequence(1),
    emit: () => undefined,
    later(ms, act) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        act();
      }, ms);
      timers.add(timer);
    },
  };
  const addKey = (permissions: ApiKey['permissions']): ApiKey => {
    const key = `ck_${random.hex(40)}`;
    const entry = { key, secret: `cs_${random.hex(40)}`, permissions, nonces: new Map<string, number>() };
    site.keys.push(entry);
    return entry;
  };
  return { site, addKey };
}

function sequence(first: number): () => number {
  let next = first;
  return () => next++;
}

/** The pages of the site beside REST, enough for somebody who calls the wrong address. */
function createHandler(rest: ShopHandler): ShopHandler {
  const headers = { 'content-type': 'text/html; charset=UTF-8' };
  return async (request) => {
    if (request.path.startsWith('/wp-json') || request.query.has('rest_route')) return rest(request);
    // The queue keeps its own time here, as behind a system cron: a visit hurries nothing.
    if (request.path === '/wp-cron.php') return { status: 200, headers, body: '' };
    if (request.path === '/') return { status: 200, headers, body: '<html><body>Sandbox shop</body></html>' };
    return { status: 404, headers, body: '<html><body>Page not found</body></html>' };
  };
}

type Verbs = Pick<Shop, 'sell' | 'cancel' | 'refund' | 'edit' | 'ship' | 'set' | 'fault'>;

/** Shopper, merchant and faults. */
function verbs(site: Site): Verbs {
  return {
    sell: (request) => sell(site, request),
    cancel(request) {
      // Without restock there is no cancelling: the merchant sets `refunded`, which gives nothing back.
      const order = needOrder(site, request.order_id);
      setStatus(site, order, request.restock === false ? 'refunded' : 'cancelled');
    },
    refund(request) {
      const order = needOrder(site, request.order_id);
      const line = needLine(order, request.line_id ?? String(order.lines[0]?.id));
      if (request.quantity > line.quantity - refundedOf(order, line)) {
        throw new AppError(
          'refund_too_large',
          `line ${line.id} of order ${order.id} has fewer units left to refund`,
        );
      }
      const total = line.quantity === 0 ? 0 : (line.total / line.quantity) * request.quantity;
      const lines = [{ line, quantity: request.quantity, total }];
      refundOrder(site, order, { amount: total, reason: '', lines, restock: request.restock });
    },
    edit(request) {
      const order = needOrder(site, request.order_id);
      editLine(site, order, needLine(order, request.line_id), request.quantity);
      saveOrder(site, order);
    },
    ship(request) {
      setStatus(site, needOrder(site, request.order_id), 'completed');
    },
    set(request) {
      const product = productBySku(site, request.sku);
      if (product === undefined) throw new AppError('unknown_sku', `the shop has no SKU "${request.sku}"`);
      product.manageStock = true;
      putStock(product, request.quantity);
      savedProduct(site, product);
    },
    fault: (request) => site.faults.arm(request),
  };
}

function needOrder(site: Site, id: string): Order {
  const order = findOrder(site, Number(id));
  if (order === undefined) throw new AppError('unknown_order', `the shop has no order "${id}"`);
  return order;
}

function needLine(order: Order, id: string): Line {
  const line = order.lines.find((candidate) => String(candidate.id) === id);
  if (line === undefined) throw new AppError('unknown_line', `order ${order.id} has no line "${id}"`);
  return line;
}
