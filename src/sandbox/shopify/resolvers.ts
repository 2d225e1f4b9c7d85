import { GraphQLError } from 'graphql';
import type { Agenda } from '../kit/agenda.ts';
import type { Random } from '../kit/random.ts';
import { platformMs } from '../kit/time.ts';
import type { Call } from './call.ts';
import { connection, type PageArgs } from './connection.ts';
import { gid, idIn, parseGid } from './gid.ts';
import type { createHolds } from './holds.ts';
import { checkSize } from './inventory.ts';
import type { Orders } from './orders.ts';
import { releases } from './schema.ts';
import { idFits, type Searchable, searched, skuFits, timeFits, wordFits } from './search.ts';
import type { InventoryItem, Location, Order, Product, ShopState, Variant } from './state.ts';
import { unfulfilled } from './state.ts';
import type { View, Views } from './views.ts';
import type { Webhooks } from './webhooks.ts';

export interface ResolverDeps {
  state: ShopState;
  views: Views;
  orders: Orders;
  webhooks: Webhooks;
  holds: ReturnType<typeof createHolds>;
  agenda: Agenda;
  random: Random;
  timeScale: number;
  bulkOperation(id: string): View | null;
  latestBulkOperation(): View | null;
}

type ListArgs = PageArgs & { query?: string | null; sortKey?: string };

/** SHP-1.3: orders older than this stay invisible without a further scope. */
const visibleMs = 60 * 86_400_000;

const productFields: Searchable<Product> = {
  id: (one, term) => idFits(one.id, term),
  title: (one, term) => one.title.toLowerCase().includes(term.value.toLowerCase()),
  status: (one, term) => wordFits(one.status, term),
  updated_at: (one, term) => timeFits(one.updatedAt, term),
  created_at: (one, term) => timeFits(one.createdAt, term),
};

const variantFields: Searchable<Variant> = {
  id: (one, term) => idFits(one.id, term),
  sku: (one, term) => skuFits(one.item.sku, term),
  product_id: (one, term) => idFits(one.product.id, term),
  product_status: (one, term) => wordFits(one.product.status, term),
  gift_card: (one, term) => String(one.product.giftCard) === term.value,
  exclude_variants_with_components: (one, term) => term.value !== 'true' || one.components.length === 0,
  exclude_composite: (one, term) => term.value !== 'true' || one.components.length === 0,
  updated_at: (one, term) => timeFits(one.updatedAt, term),
  created_at: (one, term) => timeFits(one.createdAt, term),
};

const itemFields: Searchable<InventoryItem> = {
  id: (one, term) => idFits(one.id, term),
  sku: (one, term) => skuFits(one.sku, term),
  updated_at: (one, term) => timeFits(one.updatedAt, term),
  created_at: (one, term) => timeFits(one.createdAt, term),
};

/** Queries, and the mutations of orders that are neither stock nor holds. */
export function createResolvers(deps: ResolverDeps) {
  const { state, views, orders, webhooks, holds, agenda, random, timeScale } = deps;
  const jobs = new Map<string, { done: boolean; order: Order }>();

  const list = <T extends { id: bigint }>(
    things: T[],
    args: ListArgs,
    call: Call,
    how: { fields: Searchable<T>; rank: (thing: T) => number | string; view: (thing: T) => View },
  ) =>
    connection(searched(things, args.query, how.fields), args, {
      place: (thing) => ({ rank: how.rank(thing), id: thing.id }),
      view: how.view,
      unbounded: call.bulk,
    });

  const count = (size: number, limit: number | null | undefined) =>
    typeof limit === 'number' && size > limit
      ? { count: limit, precision: 'AT_LEAST' }
      : { count: size, precision: 'EXACT' };

  // ----------------------------------------------------------------------------------------------- the order list

  /** The index's change time of an order, null while the index has not met it (SHP-6: lag). */
  const indexedAt = (order: Order, now: number): number | null => {
    let found: number | null = null;
    for (const entry of order.indexed) if (entry.visibleAt <= now) found = entry.updatedAt;
    return found;
  };

  const visibleOrders = (): Map<Order, number> => {
    const now = Date.now();
    const oldest = now - platformMs(visibleMs, timeScale);
    const visible = new Map<Order, number>();
    for (const order of state.orders) {
      if (order.createdAt < oldest - 1000) continue;
      const at = indexedAt(order, now);
      if (at !== null) visible.set(order, at);
    }
    return visible;
  };

  const orderFields = (indexed: Map<Order, number>): Searchable<Order> => ({
    id: (one, term) => idFits(one.id, term),
    name: (one, term) => `#${one.number}` === term.value || String(one.number) === term.value,
    updated_at: (one, term) => timeFits(indexed.get(one) ?? one.updatedAt, term),
    created_at: (one, term) => timeFits(one.createdAt, term),
    processed_at: (one, term) => timeFits(one.createdAt, term),
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
  });

  const orderList = (args: ListArgs, call: Call) => {
    const indexed = visibleOrders();
    const ranks: Record<string, (order: Order) => number> = {
      UPDATED_AT: (order) => indexed.get(order) ?? order.updatedAt,
      CREATED_AT: (order) => order.createdAt,
      PROCESSED_AT: (order) => order.createdAt,
      ORDER_NUMBER: (order) => order.number,
    };
    return list([...indexed.keys()], args, call, {
      fields: orderFields(indexed),
      rank: ranks[args.sortKey ?? 'PROCESSED_AT'] ?? (() => 0),
      view: views.order,
    });
  };

  // ------------------------------------------------------------------------------------------------- single things

  const byId = <T extends { id: bigint }>(things: T[], id: string, kind: string): T | undefined => {
    const wanted = idIn(id, kind);
    return things.find((thing) => thing.id === wanted);
  };

  const node = (id: string): View | null => {
    const { kind } = parseGid(id);
    const numeric = idIn(id, kind);
    if (numeric === null) return null;
    const finders: Record<string, () => View | null> = {
      InventoryItem: () => shown(state.itemsById.get(numeric), views.item),
      ProductVariant: () => shown(byId(state.variants, id, kind), views.variant),
      Product: () => shown(byId(state.products, id, kind), views.product),
      Location: () => shown(byId(state.locations, id, kind), views.location),
      Order: () => shown(state.ordersById.get(String(numeric)), views.order),
      InventoryLevel: () => inventoryLevel(id),
      FulfillmentOrder: () => fulfillmentOrder(id),
      WebhookSubscription: () => shown(byId(webhooks.subscriptions, id, kind), views.subscription),
      BulkOperation: () => deps.bulkOperation(id),
      Shop: () => (numeric === state.shopId ? views.shop() : null),
    };
    return finders[kind]?.() ?? null;
  };

  const inventoryLevel = (id: string): View | null => {
    const itemId = /inventory_item_id=(\d+)/.exec(id)?.[1];
    const numeric = idIn(id, 'InventoryLevel');
    const levels = itemId === undefined ? undefined : state.itemsById.get(BigInt(itemId))?.levels;
    return shown(
      levels?.find((level) => level.id === numeric),
      views.level,
    );
  };

  const fulfillmentOrder = (id: string): View | null => {
    const found = holds.find(id);
    return found === null ? null : views.fulfillmentOrder(found.order, found.fulfillmentOrder);
  };

  const job = (id: string) => {
    const { kind, id: name } = parseGid(id);
    const known = kind === 'Job' ? jobs.get(name) : undefined;
    return known === undefined ? null : { id, done: known.done };
  };

  // ---------------------------------------------------------------------------------------- cancelling and tagging

  const cancelErrors = (order: Order | undefined, args: { staffNote?: string | null; restock: boolean }) => {
    const error = (code: string, field: string[], message: string) => [{ code, field, message }];
    if (order === undefined) return error('NOT_FOUND', ['orderId'], 'Order does not exist');
    if (order.cancelledAt !== null) {
      return error('INVALID', ['orderId'], 'Cannot cancel an order that has already been canceled');
    }
    if (order.lines.some((line) => line.fulfilled > 0)) {
      return error('INVALID', ['orderId'], 'Cannot cancel an order with fulfilled items');
    }
    if ((args.staffNote ?? '').length > 255) {
      return error('INVALID', ['staffNote'], 'Staff note is too long (maximum is 255 characters)');
    }
    // SHP-8: restocking at a deactivated location fails for a paid order.
    if (args.restock && !order.unpaid && !views.isActive(state.main)) {
      return error('INVALID', ['restock'], 'Cannot restock at a deactivated location');
    }
    return [];
  };

  const startCancel = (
    order: Order,
    args: { reason: string; restock: boolean; staffNote?: string | null },
  ) => {
    const name = `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`;
    const entry = { done: false, order };
    jobs.set(name, entry);
    agenda.add({
      afterMs: platformMs(random.int(300, 2500), timeScale),
      group: 'jobs',
      run: () => {
        const restock = args.restock && views.isActive(state.main);
        orders.cancel(order, { restock, reason: args.reason, staffNote: args.staffNote ?? null });
        entry.done = true;
      },
    });
    return { id: gid('Job', name), done: false };
  };

  const tag = (id: string, change: (tags: Set<string>) => void) => {
    const order = idIn(id, 'Order') === null ? undefined : state.ordersById.get(String(idIn(id, 'Order')));
    if (order === undefined) {
      const error = { field: ['id'], message: `${parseGid(id).kind} does not exist` };
      return { node: null, userErrors: [error] };
    }
    const tags = new Set(order.tags);
    change(tags);
    if (tags.size !== order.tags.length) {
      order.tags = [...tags];
      orders.touch(order);
    }
    return { node: views.order(order), userErrors: [] };
  };

  const locationFields: Searchable<Location> = {
    name: (one, term) => one.name.toLowerCase().includes(term.value.toLowerCase()),
    active: (one, term) => String(views.isActive(one)) === term.value,
  };
  const inSight = (args: { includeInactive?: boolean | null }) =>
    state.locations.filter((one) => args.includeInactive === true || views.isActive(one));

  return {
    shop: () => views.shop(),
    app: () => views.app(),
    currentAppInstallation: () => views.installation(),
    appInstallation: () => views.installation(),
    publicApiVersions: () => releases.map((release) => views.apiVersion(release)),
    node: (args: { id: string }) => node(args.id),
    nodes: (args: { ids: string[] }) => {
      checkSize(args.ids.length);
      return args.ids.map(node);
    },

    location: (args: { id?: string | null }) =>
      typeof args.id === 'string' ? node(args.id) : views.location(state.main),
    locations: (args: ListArgs & { includeInactive?: boolean }, call: Call) =>
      list(inSight(args), args, call, {
        fields: locationFields,
        rank: (one) => (args.sortKey === 'ID' ? 0 : one.name),
        view: views.location,
      }),
    locationsCount: (args: { limit?: number }) => count(inSight({}).length, args.limit),

    product: (args: { id: string }) => node(args.id),
    products: (args: ListArgs, call: Call) =>
      list(state.products, args, call, {
        fields: productFields,
        rank: (one) => {
          if (args.sortKey === 'TITLE') return one.title;
          if (args.sortKey === 'UPDATED_AT') return one.updatedAt;
          return args.sortKey === 'CREATED_AT' ? one.createdAt : 0;
        },
        view: views.product,
      }),
    productsCount: (args: { limit?: number; query?: string }) =>
      count(searched(state.products, args.query, productFields).length, args.limit),

    productVariant: (args: { id: string }) => node(args.id),
    productVariants: (args: ListArgs, call: Call) =>
      list(state.variants, args, call, {
        fields: variantFields,
        rank: (one) => {
          if (args.sortKey === 'SKU') return one.item.sku;
          if (args.sortKey === 'TITLE') return one.title;
          return args.sortKey === 'INVENTORY_QUANTITY' ? views.quantityOf(one) : 0;
        },
        view: views.variant,
      }),
    productVariantsCount: (args: { limit?: number; query?: string }) =>
      count(searched(state.variants, args.query, variantFields).length, args.limit),

    inventoryItem: (args: { id: string }) => node(args.id),
    inventoryItems: (args: ListArgs, call: Call) =>
      list(state.items, args, call, { fields: itemFields, rank: () => 0, view: views.item }),
    inventoryLevel: (args: { id: string }) => inventoryLevel(args.id),

    order: (args: { id: string }) => node(args.id),
    orders: orderList,
    ordersCount: (args: { limit?: number; query?: string }) => {
      const indexed = visibleOrders();
      return count(searched([...indexed.keys()], args.query, orderFields(indexed)).length, args.limit);
    },
    fulfillmentOrder: (args: { id: string }) => fulfillmentOrder(args.id),
    fulfillmentOrders: (args: PageArgs & { includeClosed?: boolean }, call: Call) => {
      const all = state.orders.flatMap((order) =>
        order.fulfillmentOrders.map((entry) => ({
          id: entry.id,
          view: views.fulfillmentOrder(order, entry),
        })),
      );
      const wanted = all.filter(
        ({ view }) =>
          args.includeClosed === true || !['CLOSED', 'CANCELLED'].includes(String(view['status'])),
      );
      return views.page(wanted, args, call, ({ view }) => view);
    },
    job: (args: { id: string }) => job(args.id),

    webhookSubscription: (args: { id: string }) => node(args.id),
    webhookSubscriptions: (
      args: PageArgs & { topics?: string[] | null; uri?: string | null; format?: string | null },
      call: Call,
    ) => {
      const wanted = webhooks.subscriptions.filter(
        (one) =>
          (args.topics?.includes(one.topic) ?? true) &&
          (typeof args.uri !== 'string' || one.uri === args.uri) &&
          (typeof args.format !== 'string' || one.format === args.format),
      );
      return views.page(wanted, args, call, views.subscription);
    },
    webhookSubscriptionsCount: (args: { limit?: number }) => count(webhooks.subscriptions.length, args.limit),
    bulkOperation: (args: { id: string }) => deps.bulkOperation(args.id),
    currentBulkOperation: () => deps.latestBulkOperation(),

    orderCancel: (args: { orderId: string; reason: string; restock: boolean; staffNote?: string | null }) => {
      const id = idIn(args.orderId, 'Order');
      const order = id === null ? undefined : state.ordersById.get(String(id));
      const errors = cancelErrors(order, args);
      const started = order !== undefined && errors.length === 0 ? startCancel(order, args) : null;
      const result =
        started === null || order === undefined
          ? null
          : {
              __typename: 'OrderCancelJobResult',
              id: started.id,
              done: false,
              errors: [],
              order: () => views.order(order),
              status: 'STARTED',
            };
      return { job: started, jobResult: result, orderCancelUserErrors: errors, userErrors: [] };
    },
    tagsAdd: (args: { id: string; tags: string[] }) =>
      tag(args.id, (tags) => {
        for (const one of cleanTags(args.tags)) tags.add(one);
      }),
    tagsRemove: (args: { id: string; tags: string[] }) =>
      tag(args.id, (tags) => {
        for (const one of cleanTags(args.tags)) tags.delete(one);
      }),
  };
}

function shown<T>(thing: T | undefined, view: (thing: T) => View): View | null {
  return thing === undefined ? null : view(thing);
}

/** A tag holds 40 characters and a comma separates tags. */
function cleanTags(tags: string[]): string[] {
  const clean = tags.flatMap((tag) => tag.split(',')).map((tag) => tag.trim());
  if (clean.some((tag) => tag.length > 40)) {
    throw new GraphQLError('Tag is too long (maximum is 40 characters)', {
      extensions: { code: 'INVALID_FIELD_ARGUMENTS' },
    });
  }
  return clean.filter((tag) => tag !== '');
}
