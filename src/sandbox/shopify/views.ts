import { GraphQLError } from 'graphql';
import type { Faults } from '../kit/faults.ts';
import { financialStatus } from './bodies.ts';
import type { Call } from './call.ts';
import { connection, type PageArgs } from './connection.ts';
import { gid, idIn, levelGid, quantityGid } from './gid.ts';
import { utc } from './moment.ts';
import { idFits, searched, timeFits } from './search.ts';
import {
  activeLevelAt,
  current,
  type Fulfillment,
  type FulfillmentOrder,
  type InventoryItem,
  type Level,
  type Line,
  type Location,
  levelAt,
  type Order,
  type Product,
  type Refund,
  type RefundRow,
  refundableFulfilled,
  type ShopState,
  shownAt,
  unfulfilled,
  type Variant,
} from './state.ts';
import type { Subscription } from './webhooks.ts';

/** Names that `quantities(names:)` knows (SHP-4.1). */
const quantityNames = new Set([
  'available',
  'on_hand',
  'committed',
  'reserved',
  'damaged',
  'safety_stock',
  'quality_control',
  'incoming',
]);

export type Views = ReturnType<typeof createViews>;

/** What graphql-js resolves a type from: values, and functions of (args, call). */
export type View = Record<string, unknown>;

/** The state as the schema's types show it. Fields are read lazily, so an answer shows the moment it was made. */
export function createViews(deps: { state: ShopState; faults: Faults; clientId: string; scopes: string[] }) {
  const { state, faults, clientId, scopes } = deps;
  const page = <T extends { id: bigint }, V>(
    things: T[],
    args: PageArgs,
    call: Call,
    view: (thing: T) => V,
  ) => connection(things, args, { place: ({ id }) => ({ rank: 0, id }), view, unbounded: call.bulk });
  const inOrder = <T extends { id: bigint }, V>(
    things: T[],
    args: PageArgs,
    call: Call,
    view: (thing: T) => V,
  ) => {
    const places = new Map(things.map((thing, index) => [thing, index]));
    const place = (thing: T) => ({ rank: places.get(thing) ?? 0, id: thing.id });
    return connection(things, args, { place, view, unbounded: call.bulk });
  };

  const app = (): View => ({
    __typename: 'App',
    id: gid('App', 4711n),
    apiKey: clientId,
    handle: 'sandbox-connector',
    title: 'Sandbox connector',
    webhookApiVersion: '2026-10',
  });

  const shop = (): View => ({
    __typename: 'Shop',
    id: gid('Shop', state.shopId),
    name: state.name,
    email: 'owner@example.com',
    myshopifyDomain: state.domain,
    ianaTimezone: 'America/New_York',
    timezoneOffset: '-0500',
    timezoneAbbreviation: 'EST',
    currencyCode: 'USD',
    createdAt: utc(state.main.createdAt),
    updatedAt: utc(state.main.createdAt),
    url: `https://${state.domain}`,
    plan: { partnerDevelopment: true, shopifyPlus: false, publicDisplayName: 'Basic' },
  });

  const installation = (): View => ({
    __typename: 'AppInstallation',
    id: gid('AppInstallation', 815n),
    app,
    accessScopes: scopes
      .filter((handle) => handle !== 'write_inventory' || !faults.armed().includes('missing_scope'))
      .map((handle) => ({ handle, description: handle.replaceAll('_', ' ') })),
    launchUrl: `https://${state.domain}/admin/apps/sandbox-connector`,
    uninstallUrl: null,
  });

  const isActive = (place: Location) =>
    place.active && !(place === state.main && faults.armed().includes('location_deactivated'));

  const location = (place: Location): View => ({
    __typename: 'Location',
    id: gid('Location', place.id),
    legacyResourceId: String(place.id),
    name: place.name,
    isActive: isActive(place),
    activatable: !isActive(place),
    deactivatable: place !== state.main,
    deactivatedAt: isActive(place) ? null : utc(place.createdAt),
    fulfillsOnlineOrders: place.fulfillsOnline,
    isFulfillmentService: false,
    hasActiveInventory: () => state.items.some((entry) => activeLevelAt(entry, place) !== undefined),
    shipsInventory: place.fulfillsOnline,
    createdAt: utc(place.createdAt),
    updatedAt: utc(place.createdAt),
    inventoryLevel: (args: { inventoryItemId: string; includeInactive?: boolean }) => {
      const wanted = idIn(args.inventoryItemId, 'InventoryItem');
      const found = wanted === null ? undefined : state.itemsById.get(wanted);
      return found === undefined ? null : levelOf(found, place, args.includeInactive);
    },
    inventoryLevels: (args: PageArgs & { query?: string; includeInactive?: boolean }, call: Call) => {
      const levels = state.items.flatMap((entry) => entry.levels.filter((one) => one.location === place));
      return page(pickLevels(levels, args), args, call, level);
    },
  });

  const pickLevels = (levels: Level[], args: { query?: string; includeInactive?: boolean }): Level[] =>
    searched(
      levels.filter(({ active }) => active || args.includeInactive === true),
      args.query,
      {
        updated_at: (one, term) => timeFits(one.updatedAt, term),
        created_at: (one, term) => timeFits(one.createdAt, term),
        id: (one, term) => idFits(one.id, term),
        inventory_item_id: (one, term) => idFits(one.item.id, term),
      },
    );

  const levelOf = (
    entry: InventoryItem,
    place: Location,
    includeInactive: boolean | undefined,
  ): View | null => {
    const found = levelAt(entry, place);
    if (found === undefined || (!found.active && includeInactive !== true)) return null;
    return level(found);
  };

  const level = (one: Level): View => ({
    __typename: 'InventoryLevel',
    id: levelGid(one),
    isActive: one.active,
    createdAt: utc(one.createdAt),
    updatedAt: utc(one.updatedAt),
    canDeactivate: one.quantities.committed === 0,
    item: () => item(one.item),
    location: () => location(one.location),
    quantities: ({ names }: { names: string[] }) =>
      names.map((name) => {
        if (!quantityNames.has(name)) {
          throw new GraphQLError(`The quantity name ${name} is invalid.`, {
            extensions: { code: 'BAD_REQUEST' },
          });
        }
        const changedAt = (one.changedAt as Record<string, number>)[name] ?? one.updatedAt;
        return {
          __typename: 'InventoryQuantity',
          id: quantityGid(one, name),
          name,
          quantity: shownAt(one, name),
          updatedAt: utc(changedAt),
        };
      }),
  });

  const item = (entry: InventoryItem): View => ({
    __typename: 'InventoryItem',
    id: gid('InventoryItem', entry.id),
    legacyResourceId: String(entry.id),
    sku: entry.sku,
    tracked: entry.tracked,
    duplicateSkuCount: (state.skuCounts.get(entry.sku) ?? 1) - 1,
    requiresShipping: true,
    createdAt: utc(entry.createdAt),
    updatedAt: utc(entry.updatedAt),
    locationsCount: { count: entry.levels.filter(({ active }) => active).length, precision: 'EXACT' },
    inventoryLevel: (args: { locationId: string; includeInactive?: boolean }) => {
      const wanted = idIn(args.locationId, 'Location');
      const place = state.locations.find(({ id }) => id === wanted);
      return place === undefined ? null : levelOf(entry, place, args.includeInactive);
    },
    inventoryLevels: (args: PageArgs & { query?: string; includeInactive?: boolean }, call: Call) =>
      page(pickLevels(entry.levels, args), args, call, level),
    variant: () => {
      const [first] = entry.variants;
      if (first === undefined) throw new GraphQLError('The variant is gone.');
      return variant(first);
    },
    variants: (args: PageArgs, call: Call) => page(entry.variants, args, call, variant),
  });

  const product = (entry: Product): View => ({
    __typename: 'Product',
    id: gid('Product', entry.id),
    legacyResourceId: String(entry.id),
    title: entry.title,
    handle: entry.title.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    status: entry.status,
    isGiftCard: entry.giftCard,
    createdAt: utc(entry.createdAt),
    updatedAt: utc(entry.updatedAt),
    totalInventory: () => entry.variants.reduce((sum, one) => sum + quantityOf(one), 0),
    tracksInventory: entry.variants.some((one) => one.item.tracked),
    hasVariantsThatRequiresComponents: entry.variants.some(({ components }) => components.length > 0),
    variants: (args: PageArgs, call: Call) => page(entry.variants, args, call, variant),
  });

  /** Over all locations, as the platform sums it up on a variant. */
  const quantityOf = (entry: Variant): number =>
    entry.item.levels.filter(({ active }) => active).reduce((sum, one) => sum + shownAt(one, 'available'), 0);

  const variant = (entry: Variant): View => ({
    __typename: 'ProductVariant',
    id: gid('ProductVariant', entry.id),
    legacyResourceId: String(entry.id),
    title: entry.title,
    displayName: `${entry.product.title} - ${entry.title}`,
    sku: entry.item.sku,
    barcode: null,
    position: entry.product.variants.indexOf(entry) + 1,
    price: '10.00',
    inventoryPolicy: entry.policy,
    inventoryQuantity: () => quantityOf(entry),
    sellableOnlineQuantity: () => quantityOf(entry),
    availableForSale: () => !entry.item.tracked || quantityOf(entry) > 0,
    requiresComponents: entry.components.length > 0,
    taxable: true,
    createdAt: utc(entry.createdAt),
    updatedAt: utc(entry.updatedAt),
    product: () => product(entry.product),
    inventoryItem: () => item(entry.item),
    productVariantComponents: (args: PageArgs, call: Call) =>
      inOrder(
        entry.components.map((part) => ({ ...part, id: part.variant.id })),
        args,
        call,
        (part) => ({
          id: gid('ProductVariantComponent', part.id),
          quantity: part.quantity,
          productVariant: () => variant(part.variant),
        }),
      ),
  });

  // ----------------------------------------------------------------------------------------------------- orders

  const order = (entry: Order): View => ({
    __typename: 'Order',
    id: gid('Order', entry.id),
    legacyResourceId: String(entry.id),
    name: `#${entry.number}`,
    number: entry.number,
    createdAt: utc(entry.createdAt),
    updatedAt: utc(entry.updatedAt),
    processedAt: utc(entry.createdAt),
    cancelledAt: entry.cancelledAt === null ? null : utc(entry.cancelledAt),
    cancelReason: entry.cancelReason,
    cancellation: entry.cancelledAt === null ? null : { staffNote: entry.staffNote },
    closed: false,
    closedAt: null,
    confirmed: true,
    edited: entry.edited,
    test: entry.test,
    sourceName: 'web',
    displayFinancialStatus: financialStatus(entry),
    displayFulfillmentStatus: fulfillmentStatus(entry),
    fullyPaid: !entry.unpaid,
    unpaid: entry.unpaid,
    tags: [...entry.tags].sort(),
    note: null,
    currencyCode: 'USD',
    requiresShipping: true,
    fulfillable: entry.lines.some((one) => unfulfilled(one) > 0),
    restockable: entry.lines.some((one) => current(one) > 0),
    returnStatus: entry.lines.some((one) => one.returned > 0) ? 'RETURNED' : 'NO_RETURN',
    currentSubtotalLineItemsQuantity: entry.lines.reduce((sum, one) => sum + current(one), 0),
    subtotalLineItemsQuantity: entry.lines.reduce((sum, one) => sum + one.quantity, 0),
    retailLocation: null,
    lineItems: (args: PageArgs, call: Call) => inOrder(entry.lines, args, call, line),
    nonFulfillableLineItems: (args: PageArgs, call: Call) =>
      inOrder(
        entry.lines.filter((one) => unfulfilled(one) === 0),
        args,
        call,
        line,
      ),
    refunds: ({ first }: { first?: number | null }) =>
      entry.refunds.slice(0, first ?? undefined).map((one) => refund(entry, one)),
    fulfillments: ({ first }: { first?: number | null }) =>
      entry.fulfillments.slice(0, first ?? undefined).map((one) => fulfillment(entry, one)),
    fulfillmentsCount: { count: entry.fulfillments.length, precision: 'EXACT' },
    fulfillmentOrders: (args: PageArgs, call: Call) =>
      page(entry.fulfillmentOrders, args, call, (one) => fulfillmentOrder(entry, one)),
  });

  const line = (entry: Line): View => ({
    __typename: 'LineItem',
    id: gid('LineItem', entry.id),
    name: entry.title,
    title: entry.title,
    sku: entry.sku,
    quantity: entry.quantity,
    currentQuantity: current(entry),
    unfulfilledQuantity: unfulfilled(entry),
    fulfillableQuantity: unfulfilled(entry),
    nonFulfillableQuantity: entry.quantity - unfulfilled(entry) - entry.fulfilled,
    refundableQuantity: unfulfilled(entry) + refundableFulfilled(entry),
    fulfillmentStatus: lineStatus(entry),
    requiresShipping: !entry.variant.product.giftCard,
    restockable: current(entry) > 0 && entry.variant.item.tracked,
    isGiftCard: entry.variant.product.giftCard,
    taxable: true,
    variantTitle: null,
    vendor: 'Sandbox',
    variant: () => variant(entry.variant),
    product: () => product(entry.variant.product),
    lineItemGroup:
      entry.bundle === null
        ? null
        : {
            __typename: 'LineItemGroup',
            id: gid('LineItemGroup', entry.bundle.id),
            quantity: entry.bundle.quantity,
            title: entry.bundle.parent.product.title,
            productId: gid('Product', entry.bundle.parent.product.id),
            variantId: gid('ProductVariant', entry.bundle.parent.id),
            variantSku: entry.bundle.parent.item.sku,
          },
  });

  const refund = (of: Order, entry: Refund): View => ({
    __typename: 'Refund',
    id: gid('Refund', entry.id),
    legacyResourceId: String(entry.id),
    createdAt: utc(entry.createdAt),
    processedAt: utc(entry.createdAt),
    updatedAt: utc(entry.createdAt),
    note: entry.note,
    order: () => order(of),
    refundLineItems: (args: PageArgs, call: Call) => inOrder(entry.rows, args, call, refundRow),
  });

  const refundRow = (row: RefundRow): View => ({
    id: gid('RefundLineItem', row.id),
    quantity: row.quantity,
    restockType: row.type,
    restocked: row.type !== 'NO_RESTOCK',
    lineItem: () => line(row.line),
    location: () => (row.location === null ? null : location(row.location)),
  });

  const fulfillment = (of: Order, entry: Fulfillment): View => ({
    __typename: 'Fulfillment',
    id: gid('Fulfillment', entry.id),
    legacyResourceId: String(entry.id),
    name: `#${of.number}.${of.fulfillments.indexOf(entry) + 1}`,
    status: 'SUCCESS',
    displayStatus: 'FULFILLED',
    createdAt: utc(entry.createdAt),
    updatedAt: utc(entry.createdAt),
    deliveredAt: null,
    inTransitAt: null,
    totalQuantity: entry.rows.reduce((sum, { quantity }) => sum + quantity, 0),
    requiresShipping: true,
    location: () => location(state.main),
    order: () => order(of),
    fulfillmentLineItems: (args: PageArgs, call: Call) =>
      inOrder(entry.rows, args, call, (row) => ({
        __typename: 'FulfillmentLineItem',
        id: gid('FulfillmentLineItem', row.id),
        quantity: row.quantity,
        lineItem: () => line(row.line),
      })),
    fulfillmentOrders: (args: PageArgs, call: Call) =>
      page(of.fulfillmentOrders, args, call, (one) => fulfillmentOrder(of, one)),
  });

  const fulfillmentOrder = (of: Order, entry: FulfillmentOrder): View => ({
    __typename: 'FulfillmentOrder',
    id: gid('FulfillmentOrder', entry.id),
    status: fulfillmentOrderStatus(entry),
    requestStatus: 'UNSUBMITTED',
    createdAt: utc(entry.createdAt),
    updatedAt: utc(entry.updatedAt),
    fulfillAt: utc(of.createdAt),
    orderId: gid('Order', of.id),
    orderName: `#${of.number}`,
    orderProcessedAt: utc(of.createdAt),
    order: () => order(of),
    assignedLocation: {
      countryCode: 'US',
      name: state.main.name,
      location: () => location(state.main),
    },
    supportedActions: actionsOf(entry).map((action) => ({ action, externalUrl: null })),
    fulfillmentHolds: entry.holds.map(hold),
    lineItems: (args: PageArgs, call: Call) =>
      inOrder(entry.rows, args, call, (row) => ({
        __typename: 'FulfillmentOrderLineItem',
        id: gid('FulfillmentOrderLineItem', row.id),
        totalQuantity: row.total,
        remainingQuantity: row.remaining,
        requiresShipping: true,
        productTitle: row.line.title,
        variantTitle: null,
        sku: row.line.sku,
        vendor: 'Sandbox',
        inventoryItemId: gid('InventoryItem', row.line.variant.item.id),
        lineItem: () => line(row.line),
        variant: () => variant(row.line.variant),
      })),
  });

  const hold = (entry: FulfillmentOrder['holds'][number]): View => ({
    __typename: 'FulfillmentHold',
    id: gid('FulfillmentHold', entry.id),
    displayReason: entry.reason.toLowerCase().replaceAll('_', ' '),
    handle: entry.handle === '' ? null : entry.handle,
    heldByApp: app,
    heldByRequestingApp: true,
    reason: entry.reason,
    reasonNotes: entry.notes,
  });

  // --------------------------------------------------------------------------------------------------- webhooks

  const subscription = (entry: Subscription): View => ({
    __typename: 'WebhookSubscription',
    id: gid('WebhookSubscription', entry.id),
    legacyResourceId: String(entry.id),
    topic: entry.topic,
    uri: entry.uri,
    callbackUrl: entry.uri,
    format: entry.format,
    filter: entry.filter,
    includeFields: entry.includeFields,
    name: entry.name,
    apiVersion: apiVersion(entry.release),
    createdAt: utc(entry.createdAt),
    updatedAt: utc(entry.updatedAt),
    endpoint: { __typename: 'WebhookHttpEndpoint', callbackUrl: entry.uri },
  });

  const apiVersion = (handle: string) => ({ handle, displayName: handle, supported: true });

  return {
    app,
    shop,
    installation,
    location,
    isActive,
    level,
    item,
    product,
    variant,
    quantityOf,
    order,
    fulfillmentOrder,
    hold,
    subscription,
    apiVersion,
    page,
  };
}

export function fulfillmentOrderStatus(entry: FulfillmentOrder): string {
  if (entry.cancelled) return 'CANCELLED';
  if (entry.holds.length > 0) return 'ON_HOLD';
  return entry.rows.every(({ remaining }) => remaining === 0) ? 'CLOSED' : 'OPEN';
}

function actionsOf(entry: FulfillmentOrder): string[] {
  const status = fulfillmentOrderStatus(entry);
  if (status === 'OPEN') return ['CREATE_FULFILLMENT', 'REPORT_PROGRESS', 'MOVE', 'HOLD', 'SPLIT'];
  return status === 'ON_HOLD' ? ['RELEASE_HOLD', 'HOLD', 'MOVE'] : [];
}

function fulfillmentStatus(order: Order): string {
  const open = order.lines.filter((line) => unfulfilled(line) > 0);
  const shipped = order.lines.some((line) => line.fulfilled > 0);
  if (open.length === 0) return shipped ? 'FULFILLED' : 'UNFULFILLED';
  if (order.fulfillmentOrders.some((entry) => fulfillmentOrderStatus(entry) === 'ON_HOLD') && !shipped) {
    return 'ON_HOLD';
  }
  return shipped ? 'PARTIALLY_FULFILLED' : 'UNFULFILLED';
}

function lineStatus(line: Line): string {
  if (line.fulfilled === 0) return 'unfulfilled';
  return unfulfilled(line) === 0 ? 'fulfilled' : 'partial';
}
