import { AppError } from '../../errors.ts';
import { createGround, openDoor } from '../kit/ground.ts';
import { recordOf } from '../kit/orders.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { Shop, ShopOptions } from '../shop.ts';
import { Activation } from './activation.ts';
import { type Credentials, createAuth } from './auth.ts';
import { Bulk } from './bulk.ts';
import { createBucket } from './cost.ts';
import { Endpoint } from './endpoint.ts';
import { faultNames } from './faults.ts';
import type { Floor } from './floor.ts';
import { gid } from './gid.ts';
import { createHolds } from './holds.ts';
import { createIdempotencyMemory } from './idempotency.ts';
import { Inventory } from './inventory.ts';
import { createOrderActions } from './order-actions.ts';
import { Orders } from './orders.ts';
import { createResolvers } from './resolvers.ts';
import { createState } from './seed.ts';
import { Shelves } from './shelves.ts';
import { levelAt, type Order, shownOf, unfulfilled } from './state.ts';
import { createSubscriptions } from './subscriptions.ts';
import { Views } from './views.ts';
import { Webhooks } from './webhooks.ts';

/** What tests may use beyond the common shop. */
export interface ShopifyShop extends Shop {
  /**
   * Runs all that the platform would do later, at once and in due order: deliveries with their whole retry ladder,
   * jobs, exports, late writes.
   */
  settle(): Promise<void>;
  readonly credentials: Credentials;
}

/** Deliveries in flight at once. */
const deliveriesAtOnce = 10;

/** The parts of a shop, and what of them is asked by GraphQL. */
function build(options: ShopOptions, url: () => string) {
  const ground = createGround(options, {
    faults: faultNames,
    limits: { deliveries: deliveriesAtOnce },
    patience: { connectMs: 1_000, answerMs: 5_000, sockets: deliveriesAtOnce }, // SHP-2.5
  });
  const state = createState(options, ground.random.fork('state'), Date.now());
  const auth = createAuth(ground);
  const { credentials } = auth;
  const secrets = { current: credentials.webhookSecret, old: credentials.oldSecret };
  const webhooks = new Webhooks(ground, state.domain, secrets);
  const floor: Floor = { ground, state, webhooks };
  const shelves = new Shelves(floor);
  const orders = new Orders(floor, shelves);
  const views = new Views({ state, faults: ground.faults, clientId: credentials.clientId });
  const memory = createIdempotencyMemory(ground.timeScale);
  const bulk = new Bulk(floor, { root: () => root, url });
  const parts = { views, orders, shelves, memory };
  const root = {
    ...createResolvers(floor, views, bulk),
    ...createOrderActions(floor, views, orders),
    ...new Inventory(floor, parts),
    ...new Activation(floor, parts),
    ...createSubscriptions(floor, views),
    ...createHolds(floor, views, orders),
    bulkOperationRunQuery: bulk.run,
  };
  const bucket = createBucket(ground.timeScale);
  const endpoint = new Endpoint(ground, { auth, bucket, memory }, () => root);
  return { ...floor, auth, shelves, orders, bulk, endpoint };
}

/**
 * A sandbox shop that speaks the Shopify Admin API, written from the facts alone. State is in memory; a stopped
 * shop is gone. Beyond its catalogue it sells GIFT-CARD (untracked), BUNDLE-PARENT (derived stock, two components)
 * and two items that share the SKU DUP-1.
 */
export function createShopifyShop(options: ShopOptions): ShopifyShop {
  const { ground, state, auth, shelves, orders, bulk, endpoint } = build(options, () => door.url);
  const { agenda, faults, records } = ground;
  const { credentials } = auth;

  const route = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    const version = /^\/admin\/api\/([^/]+)\/graphql\.json$/.exec(request.path)?.[1];
    if (version !== undefined && request.method === 'POST') return endpoint.answer(request, version);
    if (request.path === '/admin/oauth/access_token' && request.method === 'POST') return auth.grant(request);
    const file = bulk.file(/^\/bulk\/(.+)$/.exec(request.path)?.[1] ?? '');
    if (file !== null) return { status: 200, headers: { 'content-type': 'application/jsonl' }, body: file };
    return { status: 404, body: JSON.stringify({ errors: 'Not Found' }) };
  };
  const door = openDoor(options, ground, { shop: () => shop, route, slowElsewhere: true });
  const shop: ShopifyShop = {
    type: 'shopify',
    name: options.name,
    get url() {
      return door.url;
    },
    credentials,
    channelConfig: () => ({
      type: 'shopify',
      mode: 'live',
      shop: state.domain,
      access_token: credentials.accessToken,
      webhook_secret: credentials.webhookSecret,
      location: gid('Location', state.main.id),
      base_url: door.url,
    }),
    start: door.start,
    stop: door.stop,
    sell: (request) => orders.sell(request),
    cancel: ({ order_id, restock = true }) =>
      orders.cancel(orders.find(order_id), { restock, reason: 'CUSTOMER', staffNote: null }),
    refund: ({ order_id, line_id: lineId, quantity, restock }) =>
      orders.refund(orders.find(order_id), { lineId, quantity, restock }),
    edit: ({ order_id, line_id: lineId, quantity }) =>
      orders.edit(orders.find(order_id), { lineId, quantity }),
    ship: ({ order_id }) => orders.ship(orders.find(order_id)),
    set({ sku, quantity }) {
      const item = state.items.find((candidate) => candidate.sku === sku);
      if (item === undefined) throw new AppError('unknown_sku', `no ${sku} in this shop`);
      const level = levelAt(item, state.main);
      if (level !== undefined) shelves.setAvailable(level, quantity);
    },
    fault(request) {
      // Without a rate a draft reserves now; nothing else would ever set it off.
      if (request.name !== 'draft_reservation' || request.rate !== undefined || request.count === 0) {
        return faults.arm(request);
      }
      if (request.clear === true) faults.arm({ clear: true });
      for (let left = request.count ?? 1; left > 0; left -= 1) orders.reserveAny();
    },
    pending: () => agenda.size(),
    records: () => ({
      orders: state.orders.map(shopOrder),
      calls: records.all(),
      listings: state.items.map((item) => ({
        sku: item.sku,
        listing_id: gid('InventoryItem', item.id),
        shown: shownOf(state, item),
      })),
    }),
    settle: () => agenda.settle(),
  };
  return shop;
}

/**
 * The shop's truth of an order. Restocked units are free again; shipped units that were not returned are gone, and
 * so are unfulfilled units that were refunded without restock (SHP-2.7).
 */
function shopOrder(order: Order) {
  return recordOf(order, {
    order_id: String(order.id),
    status: statusOf(order),
    lines: order.lines.map((line) => ({
      line_id: String(line.id),
      sku: line.sku,
      taken: line.quantity - line.cancelled - line.returned,
      gone: line.fulfilled - line.returned + line.writtenUnfulfilled,
    })),
  });
}

function statusOf(order: Order): string {
  if (order.cancelledAt !== null) return 'cancelled';
  if (order.fulfillmentOrders.some(({ holds }) => holds.length > 0)) return 'on hold';
  if (order.fulfillments.length === 0) return 'open';
  return order.lines.every((line) => unfulfilled(line) === 0) ? 'fulfilled' : 'partially fulfilled';
}
