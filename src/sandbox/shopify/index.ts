import { AppError } from '../../errors.ts';
import { createGround, openDoor } from '../kit/ground.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import type { FaultRequest, Shop, ShopOptions, ShopOrder, ShopRecords } from '../shop.ts';
import { type Credentials, createAuth, grantedScopes } from './auth.ts';
import { type Bulk, createBulk } from './bulk.ts';
import type { Call } from './call.ts';
import { createBucket } from './cost.ts';
import { createEndpoint } from './endpoint.ts';
import { faultNames } from './faults.ts';
import { gid } from './gid.ts';
import { createHolds } from './holds.ts';
import { createIdempotencyMemory } from './idempotency.ts';
import { createInventory, type Payload } from './inventory.ts';
import { createOrders, shownOf } from './orders.ts';
import { createResolvers } from './resolvers.ts';
import {
  createState,
  type InventoryItem,
  levelAt,
  type Order,
  type ShopState,
  unfulfilled,
} from './state.ts';
import { createSubscriptions } from './subscriptions.ts';
import { createViews } from './views.ts';
import { createWebhooks } from './webhooks.ts';

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

/**
 * A sandbox shop that speaks the Shopify Admin API, written from the facts alone. State is in memory; a stopped
 * shop is gone. Beyond its catalogue it sells GIFT-CARD (untracked), BUNDLE-PARENT (derived stock, two components)
 * and two items that share the SKU DUP-1.
 */
export function createShopifyShop(options: ShopOptions): ShopifyShop {
  const { timeScale } = options;
  const ground = createGround(options, {
    faults: faultNames,
    limits: { deliveries: deliveriesAtOnce },
    patience: { connectMs: 1_000, answerMs: 5_000, sockets: deliveriesAtOnce }, // SHP-2.5
  });
  const { random, faults, agenda, records } = ground;
  const state = createState(options, random.fork('state'), Date.now());
  const auth = createAuth({ random: random.fork('auth'), faults, timeScale });
  const { credentials } = auth;
  const bucket = createBucket(timeScale);
  const memory = createIdempotencyMemory<Payload>(timeScale);
  const secrets = { current: credentials.webhookSecret, old: credentials.oldSecret };
  const webhooks = createWebhooks({ ground, state, secrets });
  const orders = createOrders({ state, webhooks, faults, random: random.fork('orders'), timeScale });
  const views = createViews({ state, faults, clientId: credentials.clientId, scopes: grantedScopes });
  const holds = createHolds({ state, views, orders, webhooks });
  const bulk: Bulk = createBulk({
    state,
    agenda,
    random: random.fork('bulk'),
    webhooks,
    timeScale,
    rootValue: () => rootValue,
    url: () => shop.url,
  });
  const rootValue = {
    ...createResolvers({
      state,
      views,
      orders,
      webhooks,
      holds,
      agenda,
      random: random.fork('jobs'),
      timeScale,
      bulkOperation: bulk.find,
      latestBulkOperation: bulk.latest,
    }),
    ...createInventory({
      state,
      views,
      orders,
      webhooks,
      records,
      faults,
      random: random.fork('inventory'),
      memory,
    }),
    ...createSubscriptions({ state, webhooks, views }),
    fulfillmentOrderHold: holds.fulfillmentOrderHold,
    fulfillmentOrderReleaseHold: holds.fulfillmentOrderReleaseHold,
    bulkOperationRunQuery: (args: { query: string }, call: Call) => bulk.run(args, call),
  };
  const endpoint = createEndpoint({
    auth,
    faults,
    random: random.fork('endpoint'),
    agenda,
    bucket,
    memory,
    timeScale,
    rootValue: () => rootValue,
    pause: ground.pauses.pause,
  });

  const route = async (request: ShopRequest): Promise<ShopAnswer | null> => {
    const version = /^\/admin\/api\/([^/]+)\/graphql\.json$/.exec(request.path)?.[1];
    if (version !== undefined && request.method === 'POST') return endpoint(request, version);
    if (request.path === '/admin/oauth/access_token' && request.method === 'POST') return auth.grant(request);
    const name = /^\/bulk\/(.+)$/.exec(request.path)?.[1];
    const file = name === undefined ? null : bulk.file(name);
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
    sell: orders.sell,
    cancel: ({ order_id, restock }) =>
      orders.cancel(orders.find(order_id), { restock: restock ?? true, reason: 'CUSTOMER', staffNote: null }),
    refund: ({ order_id, line_id, quantity, restock }) =>
      orders.refund(orders.find(order_id), { lineId: line_id, quantity, restock }),
    edit: ({ order_id, line_id, quantity }) =>
      orders.edit(orders.find(order_id), { lineId: line_id, quantity }),
    ship: ({ order_id }) => orders.ship(orders.find(order_id)),
    set({ sku, quantity }) {
      const level = levelAt(itemOf(state, sku), state.main);
      if (level !== undefined) orders.setAvailable(level, quantity);
    },
    fault: (request) => armFault(request),
    pending: () => agenda.size(),
    records: (): ShopRecords => ({
      orders: state.orders.map(recordOf),
      calls: records.all(),
      listings: state.items.map((item) => ({
        sku: item.sku,
        listing_id: gid('InventoryItem', item.id),
        shown: shownOf(state, item),
      })),
    }),
    settle: () => agenda.settle(),
  };

  const armFault = (request: FaultRequest) => {
    // Without a rate a draft reserves now; nothing else would ever set it off.
    if (request.name === 'draft_reservation' && request.rate === undefined && request.count !== 0) {
      if (request.clear === true) faults.arm({ clear: true });
      for (let left = request.count ?? 1; left > 0; left -= 1) orders.reserveAny();
      return;
    }
    faults.arm(request);
  };

  return shop;
}

function itemOf(state: ShopState, sku: string): InventoryItem {
  const item = state.items.find((candidate) => candidate.sku === sku);
  if (item === undefined) throw new AppError('unknown_sku', `no ${sku} in this shop`);
  return item;
}

/**
 * The shop's truth of an order. Restocked units are free again; shipped units that were not returned are gone, and
 * so are unfulfilled units that were refunded without restock (SHP-2.7).
 */
function recordOf(order: Order): ShopOrder {
  return {
    order_id: String(order.id),
    placed_at: order.createdAt,
    changed_at: order.changedAt,
    status: statusOf(order),
    lines: order.lines.map((line) => ({
      line_id: String(line.id),
      sku: line.sku,
      taken: line.quantity - line.cancelled - line.returned,
      gone: line.fulfilled - line.returned + line.writtenUnfulfilled,
    })),
    heard: order.heardRevision >= order.revision,
  };
}

function statusOf(order: Order): string {
  if (order.cancelledAt !== null) return 'cancelled';
  if (order.fulfillmentOrders.some(({ holds }) => holds.length > 0)) return 'on hold';
  if (order.fulfillments.length === 0) return 'open';
  return order.lines.every((line) => unfulfilled(line) === 0) ? 'fulfilled' : 'partially fulfilled';
}
