import { indexedAt } from '../kit/orders.ts';
import { platformMs } from '../kit/time.ts';
import { connection, type PageArgs } from './connection.ts';
import type { Call, Floor } from './floor.ts';
import { checkSize, idIn, parseGid } from './gid.ts';
import { releases } from './schema.ts';
import { idFits, type Searchable, searched, skuFits, textFits, timeFits, wordFits } from './search.ts';
import {
  fulfillmentOrderOf,
  type InventoryItem,
  type Location,
  type Order,
  type Product,
  unfulfilled,
  type Variant,
} from './state.ts';
import type { View, Views } from './views.ts';

type ListArgs = PageArgs & { query?: string | null; sortKey?: string; includeInactive?: boolean };

interface CountArgs {
  limit?: number | null;
  query?: string | null;
}

/** SHP-1.3: orders older than this stay invisible without a further scope. */
const visibleMs = 60 * 86_400_000;

const timed = {
  id: (one: { id: bigint }, term) => idFits(one.id, term),
  updated_at: (one: { updatedAt: number }, term) => timeFits(one.updatedAt, term),
  created_at: (one: { createdAt: number }, term) => timeFits(one.createdAt, term),
} satisfies Searchable<never>;

const productFields: Searchable<Product> = {
  ...timed,
  title: (one, term) => textFits(one.title, term),
  status: (one, term) => wordFits(one.status, term),
};

const variantFields: Searchable<Variant> = {
  ...timed,
  sku: (one, term) => skuFits(one.item.sku, term),
  product_id: (one, term) => idFits(one.product.id, term),
  product_status: (one, term) => wordFits(one.product.status, term),
  gift_card: (one, term) => String(one.product.giftCard) === term.value,
  exclude_variants_with_components: (one, term) => term.value !== 'true' || one.components.length === 0,
  exclude_composite: (one, term) => term.value !== 'true' || one.components.length === 0,
};

const itemFields: Searchable<InventoryItem> = { ...timed, sku: (one, term) => skuFits(one.sku, term) };

/** The change time that the search index knows (SHP-6: lag). */
const shownChange = (order: Order) => indexedAt(order, Date.now()) ?? order.updatedAt;

const orderFields: Searchable<Order> = {
  ...timed,
  name: (one, term) => `#${one.number}` === term.value || String(one.number) === term.value,
  updated_at: (one, term) => timeFits(shownChange(one), term),
  processed_at: timed.created_at,
  test: (one, term) => String(one.test) === term.value,
  tag: (one, term) => one.tags.some((tag) => wordFits(tag, term)),
  tag_not: (one, term) => !one.tags.some((tag) => wordFits(tag, term)),
  sku: (one, term) => one.lines.some((line) => skuFits(line.sku, term)),
  // Nothing here ever archives an order: `closed` finds none.
  status: (one, term) => {
    const open = one.cancelledAt === null;
    if (term.value === 'open') return open;
    if (term.value === 'cancelled') return !open;
    return term.value !== 'closed';
  },
  fulfillment_status: (one, term) => {
    const left = one.lines.some((line) => unfulfilled(line) > 0);
    const shipped = one.lines.some((line) => line.fulfilled > 0);
    if (['unshipped', 'unfulfilled'].includes(term.value))
      return left && (term.value === 'unfulfilled' || !shipped);
    if (['shipped', 'fulfilled'].includes(term.value)) return shipped && !left;
    return term.value !== 'partial' || (shipped && left);
  },
};

/** A list of the schema and its count. Sort keys that are not named sort by id. */
function listed<T extends { id: bigint }>(
  name: string,
  of: {
    things(args: ListArgs): T[];
    fields: Searchable<T>;
    ranks?: Record<string, (thing: T) => number | string>;
    view(thing: T): View;
  },
) {
  return {
    [name]: (args: ListArgs, call: Call) => {
      const rank = of.ranks?.[args.sortKey ?? ''] ?? (() => 0);
      return connection(searched(of.things(args), args.query, of.fields), args, {
        place: (thing) => ({ rank: rank(thing), id: thing.id }),
        view: of.view,
        unbounded: call.bulk,
      });
    },
    [`${name}Count`]: ({ query, limit }: CountArgs) =>
      count(searched(of.things({}), query, of.fields).length, limit),
  };
}

function count(size: number, limit: number | null | undefined) {
  return typeof limit === 'number' && size > limit
    ? { count: limit, precision: 'AT_LEAST' }
    : { count: size, precision: 'EXACT' };
}

function catalogue({ state }: Floor, views: Views) {
  const locationFields: Searchable<Location> = {
    name: (one, term) => textFits(one.name, term),
    active: (one, term) => String(views.isActive(one)) === term.value,
  };
  return {
    ...listed('locations', {
      things: ({ includeInactive }) =>
        state.locations.filter((one) => includeInactive === true || views.isActive(one)),
      fields: locationFields,
      ranks: { NAME: (one) => one.name, RELEVANCE: (one) => one.name },
      view: views.location,
    }),
    ...listed('products', {
      things: () => state.products,
      fields: productFields,
      ranks: {
        TITLE: (one) => one.title,
        UPDATED_AT: (one) => one.updatedAt,
        CREATED_AT: (one) => one.createdAt,
      },
      view: views.product,
    }),
    ...listed('productVariants', {
      things: () => state.variants,
      fields: variantFields,
      ranks: {
        SKU: (one) => one.item.sku,
        TITLE: (one) => one.title,
        INVENTORY_QUANTITY: views.quantityOf,
      },
      view: views.variant,
    }),
    ...listed('inventoryItems', { things: () => state.items, fields: itemFields, view: views.item }),
  };
}

function sales({ state, ground }: Floor, views: Views) {
  const visible = () => {
    const now = Date.now();
    const oldest = now - platformMs(visibleMs, ground.timeScale) - 1000;
    return state.orders.filter((order) => order.createdAt >= oldest && indexedAt(order, now) !== null);
  };
  return {
    ...listed('orders', {
      things: visible,
      fields: orderFields,
      ranks: {
        UPDATED_AT: shownChange,
        CREATED_AT: (order) => order.createdAt,
        PROCESSED_AT: (order) => order.createdAt,
        ORDER_NUMBER: (order) => order.number,
      },
      view: views.order,
    }),
    fulfillmentOrders: (args: PageArgs & { includeClosed?: boolean }, call: Call) => {
      const all = state.orders.flatMap((order) =>
        order.fulfillmentOrders.map((one) => ({ id: one.id, view: views.fulfillmentOrder(order, one) })),
      );
      const isOpen = ({ view }: { view: View }) => !['CLOSED', 'CANCELLED'].includes(String(view['status']));
      const wanted = args.includeClosed === true ? all : all.filter(isOpen);
      return views.page(wanted, args, call, ({ view }) => view);
    },
  };
}

type WebhookArgs = PageArgs & { topics?: string[] | null; uri?: string | null; format?: string | null };

/** How a thing of a kind is found by its id. */
function findersOf(
  { state, webhooks }: Floor,
  views: Views,
  bulk: { find(id: string): View | null },
): Record<string, (numeric: bigint, id: string) => View | null> {
  const byId = <T extends { id: bigint }>(things: readonly T[] | undefined, view: (thing: T) => View) => {
    return (id: bigint) =>
      shown(
        things?.find((thing) => thing.id === id),
        view,
      );
  };
  return {
    InventoryItem: (numeric) => shown(state.itemsById.get(numeric), views.item),
    ProductVariant: byId(state.variants, views.variant),
    Product: byId(state.products, views.product),
    Location: byId(state.locations, views.location),
    Order: (numeric) => shown(state.ordersById.get(String(numeric)), views.order),
    InventoryLevel: (numeric, id) => {
      const itemId = /inventory_item_id=(\d+)/.exec(id)?.[1] ?? '0';
      return byId(state.itemsById.get(BigInt(itemId))?.levels, views.level)(numeric);
    },
    FulfillmentOrder: (_numeric, id) =>
      shown(fulfillmentOrderOf(state, id), (found) =>
        views.fulfillmentOrder(found.order, found.fulfillmentOrder),
      ),
    WebhookSubscription: byId(webhooks.subscriptions, views.subscription),
    BulkOperation: (_numeric, id) => bulk.find(id),
    Shop: (numeric) => (numeric === state.shopId ? views.shop() : null),
  };
}

/** What can be read. */
export function createResolvers(
  floor: Floor,
  views: Views,
  bulk: { find(id: string): View | null; latest(): View | null },
) {
  const { state, webhooks } = floor;

  const finders = findersOf(floor, views, bulk);
  const node = (id: string): View | null => {
    const { kind } = parseGid(id);
    const numeric = idIn(id, kind);
    return numeric === null ? null : (finders[kind]?.(numeric, id) ?? null);
  };
  const single = (name: string) => [name, ({ id }: { id: string }) => node(id)];

  return {
    shop: views.shop,
    app: views.app,
    currentAppInstallation: views.installation,
    appInstallation: views.installation,
    publicApiVersions: () => releases.map(views.apiVersion),
    node: ({ id }: { id: string }) => node(id),
    nodes: ({ ids }: { ids: string[] }) => {
      checkSize(ids.length);
      return ids.map(node);
    },
    ...Object.fromEntries(
      ['product', 'productVariant', 'inventoryItem', 'inventoryLevel', 'order', 'fulfillmentOrder'].map(
        single,
      ),
    ),
    ...Object.fromEntries(['webhookSubscription', 'bulkOperation'].map(single)),
    location: ({ id }: { id?: string | null }) =>
      typeof id === 'string' ? node(id) : views.location(state.main),
    currentBulkOperation: bulk.latest,
    ...catalogue(floor, views),
    ...sales(floor, views),
    webhookSubscriptions: (args: WebhookArgs, call: Call) => {
      const wanted = webhooks.subscriptions.filter(
        (one) =>
          (args.topics?.includes(one.topic) ?? true) &&
          (args.uri ?? one.uri) === one.uri &&
          (args.format ?? one.format) === one.format,
      );
      return views.page(wanted, args, call, views.subscription);
    },
    webhookSubscriptionsCount: ({ limit }: CountArgs) => count(webhooks.subscriptions.length, limit),
  };
}

function shown<T>(thing: T | undefined, view: (thing: T) => View): View | null {
  return thing === undefined ? null : view(thing);
}
