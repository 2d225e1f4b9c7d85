import { AppError } from '../../errors.ts';
import { openDoor } from '../kit/ground.ts';
import { recordOf } from '../kit/orders.ts';
import type { ShopHandler } from '../kit/server.ts';
import { listed } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';
import type { Shop, ShopRecords } from '../shop.ts';
import { defaultVariables, stockShelves, type VariableProduct } from './catalogue.ts';
import {
  cancelUnpaid,
  editLine,
  findOrder,
  goneBy,
  refundedOf,
  refundOrder,
  saveOrder,
  setStatus,
  takenBy,
} from './orders.ts';
import { productBySku, putStock, savedProduct, shownStock } from './products.ts';
import { createRest, restPath } from './rest.ts';
import { createSite, type Line, type Order, type Site, type SiteOptions } from './site.ts';
import { sell } from './storefront.ts';
import { createQueue } from './webhooks.ts';

/** What a WooCommerce shop can be told beside what every shop can. */
export interface WooShopOptions extends SiteOptions {
  /** Which items are variations, and of what; default: every fifth, three under one variable product. */
  variables?: VariableProduct[];
}

/** A running WooCommerce shop, with what tests need beside the common verbs. */
export type WooShop = ReturnType<typeof createWooShop>;

/** The queue runs at most once a minute. */
const PASS_MS = 60_000;
/** `woocommerce_hold_stock_minutes`: unpaid checkouts are cancelled after an hour. */
const HOLD_STOCK_MS = 3_600_000;

/** A sandbox shop that speaks WooCommerce 11.0.1's REST API and sends its webhooks. */
export function createWooShop(options: WooShopOptions) {
  const site = createSite(options);
  const queue = createQueue(site);
  site.emit = queue.emit;
  stockShelves(site, options.catalogue, options.variables ?? defaultVariables(options.catalogue));
  const mainKey = site.addKey('read_write');
  const webhookSecret = `whsec${site.random.hex(40)}`;
  const door = openDoor(options, site, {
    shop: (): Shop => shop,
    route: routeOf(createRest(site, queue)),
    nameOf: (request) => `${request.method} ${restPath(request).replace(/\/\d+/g, '/{id}')}`,
  });
  let cron: NodeJS.Timeout | undefined;

  /** One pass of the webhook queue now; resolves when it is over, with the number of jobs taken. */
  async function runQueue(): Promise<number> {
    cancelUnpaid(site, platformMs(HOLD_STOCK_MS, site.timeScale));
    return queue.run();
  }

  const shop = {
    type: 'woocommerce',
    name: options.name,
    get url() {
      return door.url;
    },
    channelConfig: () => ({
      type: 'woocommerce',
      mode: 'live',
      url: site.home,
      ...(site.home === door.url ? {} : { base_url: door.url }),
      consumer_key: mainKey.key,
      consumer_secret: mainKey.secret,
      webhook_secret: webhookSecret,
    }),
    async start() {
      await door.start();
      if (site.home === '') site.home = door.url;
      cron = setInterval(() => void runQueue(), platformMs(PASS_MS, site.timeScale));
    },
    async stop() {
      clearInterval(cron);
      await queue.stop();
      await door.stop();
    },
    ...verbs(site),
    pending: () => queue.size() + site.agenda.size(),
    records: () => recordsOf(site),
    runQueue,
    /** Another API key. */
    addKey: (permissions: Parameters<Site['addKey']>[0]): { key: string; secret: string } =>
      site.addKey(permissions),
  } satisfies Shop & Record<string, unknown>;
  return shop;
}

/** The pages of the site beside REST, enough for somebody who calls the wrong address. */
function routeOf(rest: ShopHandler): ShopHandler {
  const headers = { 'content-type': 'text/html; charset=UTF-8' };
  return async (request) => {
    if (request.path.startsWith('/wp-json') || request.query.has('rest_route')) return rest(request);
    // The queue keeps its own time here, as behind a system cron: a visit hurries nothing.
    if (request.path === '/wp-cron.php') return { status: 200, headers, body: '' };
    if (request.path === '/') return { status: 200, headers, body: '<html><body>Sandbox shop</body></html>' };
    return { status: 404, headers, body: '<html><body>Page not found</body></html>' };
  };
}

/**
 * The shop's own truth in neutral words. Orders that were deleted for good stay in (the shop's stock stays down for
 * them, status `deleted`); carts that became no order (`checkout-draft`) are left out.
 */
function recordsOf(site: Site): ShopRecords {
  const orders = [...site.orders.values()].filter((order) => order.status !== 'checkout-draft');
  const offered = [...site.products.values()].filter((product) => product.type !== 'variable');
  return {
    orders: orders.map((order) =>
      recordOf(order, {
        order_id: String(order.id),
        status: order.deleted ? 'deleted' : order.status,
        lines: order.lines.map((line) => ({
          line_id: String(line.id),
          sku: line.soldSku,
          taken: takenBy(site, order, line),
          gone: goneBy(site, order, line),
        })),
      }),
    ),
    calls: site.records.all(),
    listings: offered.map((product) => ({
      sku: product.sku,
      listing_id: String(product.id),
      shown: shownStock(site, product),
    })),
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
      const product = listed(productBySku(site, request.sku), request.sku);
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
