import { GraphQLError } from 'graphql';
import type { Faults } from '../kit/faults.ts';
import { grantedScopes } from './auth.ts';
import { financialStatus } from './bodies.ts';
import { connection, type PageArgs } from './connection.ts';
import type { Call } from './floor.ts';
import { gid, levelGid, quantityGid } from './gid.ts';
import { utc } from './moment.ts';
import { idFits, searched, timeFits } from './search.ts';
import {
  activeLevelAt,
  current,
  type Fulfillment,
  type FulfillmentOrder,
  fulfillmentOrderStatus,
  type InventoryItem,
  itemOf,
  type Level,
  type Line,
  type Location,
  levelAt,
  locationOf,
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

/** What graphql-js resolves a type from: values, and functions of (args, call). */
export type View = Record<string, unknown>;

/** Kind and global id, for `node(id:)` and fragments. */
const named = (kind: string, id: bigint) => ({ __typename: kind, id: gid(kind, id) });

/** What all things of the shop show: the id in both forms, and their times. */
const head = (kind: string, thing: { id: bigint; createdAt: number; updatedAt?: number }) => ({
  ...named(kind, thing.id),
  legacyResourceId: String(thing.id),
  createdAt: utc(thing.createdAt),
  updatedAt: utc(thing.updatedAt ?? thing.createdAt),
});

type LevelArgs = { query?: string; includeInactive?: boolean };

/**
 * The state as the schema's types show it. Fields are read lazily, so an answer shows the moment it was made. What the
 * schema has and a view has not is null.
 */
export class Views {
  readonly #state: ShopState;
  readonly #faults: Faults;
  readonly #clientId: string;

  constructor({ state, faults, clientId }: { state: ShopState; faults: Faults; clientId: string }) {
    this.#state = state;
    this.#faults = faults;
    this.#clientId = clientId;
  }

  page<T extends { id: bigint }, V>(things: T[], args: PageArgs, call: Call, view: (thing: T) => V) {
    const place = ({ id }: T) => ({ rank: 0, id });
    return connection(things, args, { place, view, unbounded: call.bulk });
  }

  #inOrder<T extends { id: bigint }, V>(things: T[], args: PageArgs, call: Call, view: (thing: T) => V) {
    const places = new Map(things.map((thing, index) => [thing, index]));
    const place = (thing: T) => ({ rank: places.get(thing) ?? 0, id: thing.id });
    return connection(things, args, { place, view, unbounded: call.bulk });
  }

  readonly app = (): View => ({
    ...named('App', 4711n),
    apiKey: this.#clientId,
    handle: 'sandbox-connector',
    title: 'Sandbox connector',
    webhookApiVersion: '2026-10',
  });

  readonly shop = (): View => ({
    __typename: 'Shop',
    id: gid('Shop', this.#state.shopId),
    name: this.#state.name,
    email: 'owner@example.com',
    myshopifyDomain: this.#state.domain,
    ianaTimezone: 'America/New_York',
    timezoneOffset: '-0500',
    timezoneAbbreviation: 'EST',
    currencyCode: 'USD',
    createdAt: utc(this.#state.main.createdAt),
    updatedAt: utc(this.#state.main.createdAt),
    url: `https://${this.#state.domain}`,
    plan: { partnerDevelopment: true, shopifyPlus: false, publicDisplayName: 'Basic' },
  });

  readonly installation = (): View => ({
    ...named('AppInstallation', 815n),
    app: this.app,
    accessScopes: grantedScopes(this.#faults).map((handle) => ({
      handle,
      description: handle.replaceAll('_', ' '),
    })),
    launchUrl: `https://${this.#state.domain}/admin/apps/sandbox-connector`,
  });

  readonly isActive = (place: Location) =>
    place.active && !(place === this.#state.main && this.#faults.armed().includes('location_deactivated'));

  readonly location = (place: Location): View => ({
    ...head('Location', place),
    name: place.name,
    isActive: this.isActive(place),
    activatable: !this.isActive(place),
    deactivatable: place !== this.#state.main,
    deactivatedAt: this.isActive(place) ? null : utc(place.createdAt),
    fulfillsOnlineOrders: place.fulfillsOnline,
    isFulfillmentService: false,
    hasActiveInventory: () => this.#state.items.some((entry) => activeLevelAt(entry, place) !== undefined),
    shipsInventory: place.fulfillsOnline,
    inventoryLevel: (args: { inventoryItemId: string; includeInactive?: boolean }) => {
      const found = itemOf(this.#state, args.inventoryItemId);
      return found === undefined ? null : this.#levelOf(found, place, args.includeInactive);
    },
    inventoryLevels: (args: PageArgs & LevelArgs, call: Call) => {
      const levels = this.#state.items.flatMap((entry) =>
        entry.levels.filter((one) => one.location === place),
      );
      return this.page(this.#pickLevels(levels, args), args, call, this.level);
    },
  });

  readonly #pickLevels = (levels: Level[], args: LevelArgs): Level[] =>
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

  readonly #levelOf = (
    entry: InventoryItem,
    place: Location,
    includeInactive: boolean | undefined,
  ): View | null => {
    const found = levelAt(entry, place);
    if (found === undefined || (!found.active && includeInactive !== true)) return null;
    return this.level(found);
  };

  readonly level = (one: Level): View => ({
    __typename: 'InventoryLevel',
    id: levelGid(one),
    isActive: one.active,
    createdAt: utc(one.createdAt),
    updatedAt: utc(one.updatedAt),
    canDeactivate: one.quantities.committed === 0,
    item: () => this.item(one.item),
    location: () => this.location(one.location),
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

  readonly item = (entry: InventoryItem): View => ({
    ...head('InventoryItem', entry),
    sku: entry.sku,
    tracked: entry.tracked,
    duplicateSkuCount: (this.#state.skuCounts.get(entry.sku) ?? 1) - 1,
    requiresShipping: true,
    locationsCount: { count: entry.levels.filter(({ active }) => active).length, precision: 'EXACT' },
    inventoryLevel: (args: { locationId: string; includeInactive?: boolean }) => {
      const place = locationOf(this.#state, args.locationId);
      return place === undefined ? null : this.#levelOf(entry, place, args.includeInactive);
    },
    inventoryLevels: (args: PageArgs & LevelArgs, call: Call) =>
      this.page(this.#pickLevels(entry.levels, args), args, call, this.level),
    variant: () => {
      const [first] = entry.variants;
      if (first === undefined) throw new GraphQLError('The variant is gone.');
      return this.variant(first);
    },
    variants: (args: PageArgs, call: Call) => this.page(entry.variants, args, call, this.variant),
  });

  readonly product = (entry: Product): View => ({
    ...head('Product', entry),
    title: entry.title,
    handle: entry.title.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    status: entry.status,
    isGiftCard: entry.giftCard,
    totalInventory: () => entry.variants.reduce((sum, one) => sum + this.quantityOf(one), 0),
    tracksInventory: entry.variants.some((one) => one.item.tracked),
    hasVariantsThatRequiresComponents: entry.variants.some(({ components }) => components.length > 0),
    variants: (args: PageArgs, call: Call) => this.page(entry.variants, args, call, this.variant),
  });

  /** Over all locations, as the platform sums it up on a variant. */
  readonly quantityOf = (entry: Variant): number =>
    entry.item.levels.filter(({ active }) => active).reduce((sum, one) => sum + shownAt(one, 'available'), 0);

  readonly variant = (entry: Variant): View => ({
    ...head('ProductVariant', entry),
    title: entry.title,
    displayName: `${entry.product.title} - ${entry.title}`,
    sku: entry.item.sku,
    position: entry.product.variants.indexOf(entry) + 1,
    price: '10.00',
    inventoryPolicy: entry.policy,
    inventoryQuantity: () => this.quantityOf(entry),
    sellableOnlineQuantity: () => this.quantityOf(entry),
    availableForSale: () => !entry.item.tracked || this.quantityOf(entry) > 0,
    requiresComponents: entry.components.length > 0,
    taxable: true,
    product: () => this.product(entry.product),
    inventoryItem: () => this.item(entry.item),
    productVariantComponents: (args: PageArgs, call: Call) =>
      this.#inOrder(
        entry.components.map((part) => ({ ...part, id: part.variant.id })),
        args,
        call,
        (part) => ({
          id: gid('ProductVariantComponent', part.id),
          quantity: part.quantity,
          productVariant: () => this.variant(part.variant),
        }),
      ),
  });

  // ----------------------------------------------------------------------------------------------------- orders

  readonly order = (entry: Order): View => ({
    ...head('Order', entry),
    name: `#${entry.number}`,
    number: entry.number,
    processedAt: utc(entry.createdAt),
    cancelledAt: entry.cancelledAt === null ? null : utc(entry.cancelledAt),
    cancelReason: entry.cancelReason,
    cancellation: entry.cancelledAt === null ? null : { staffNote: entry.staffNote },
    closed: false,
    confirmed: true,
    edited: entry.edited,
    test: entry.test,
    sourceName: 'web',
    displayFinancialStatus: financialStatus(entry),
    displayFulfillmentStatus: fulfillmentStatus(entry),
    fullyPaid: !entry.unpaid,
    unpaid: entry.unpaid,
    tags: [...entry.tags].sort(),
    currencyCode: 'USD',
    requiresShipping: true,
    fulfillable: entry.lines.some((one) => unfulfilled(one) > 0),
    restockable: entry.lines.some((one) => current(one) > 0),
    returnStatus: entry.lines.some((one) => one.returned > 0) ? 'RETURNED' : 'NO_RETURN',
    currentSubtotalLineItemsQuantity: entry.lines.reduce((sum, one) => sum + current(one), 0),
    subtotalLineItemsQuantity: entry.lines.reduce((sum, one) => sum + one.quantity, 0),
    lineItems: (args: PageArgs, call: Call) => this.#inOrder(entry.lines, args, call, this.#line),
    nonFulfillableLineItems: (args: PageArgs, call: Call) =>
      this.#inOrder(
        entry.lines.filter((one) => unfulfilled(one) === 0),
        args,
        call,
        this.#line,
      ),
    refunds: ({ first }: { first?: number | null }) =>
      entry.refunds.slice(0, first ?? undefined).map((one) => this.#refund(entry, one)),
    fulfillments: ({ first }: { first?: number | null }) =>
      entry.fulfillments.slice(0, first ?? undefined).map((one) => this.#fulfillment(entry, one)),
    fulfillmentsCount: { count: entry.fulfillments.length, precision: 'EXACT' },
    fulfillmentOrders: (args: PageArgs, call: Call) =>
      this.page(entry.fulfillmentOrders, args, call, (one) => this.fulfillmentOrder(entry, one)),
  });

  readonly #line = (entry: Line): View => ({
    ...named('LineItem', entry.id),
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
    vendor: 'Sandbox',
    variant: () => this.variant(entry.variant),
    product: () => this.product(entry.variant.product),
    lineItemGroup:
      entry.bundle === null
        ? null
        : {
            ...named('LineItemGroup', entry.bundle.id),
            quantity: entry.bundle.quantity,
            title: entry.bundle.parent.product.title,
            productId: gid('Product', entry.bundle.parent.product.id),
            variantId: gid('ProductVariant', entry.bundle.parent.id),
            variantSku: entry.bundle.parent.item.sku,
          },
  });

  readonly #refund = (of: Order, entry: Refund): View => ({
    ...head('Refund', entry),
    processedAt: utc(entry.createdAt),
    order: () => this.order(of),
    refundLineItems: (args: PageArgs, call: Call) => this.#inOrder(entry.rows, args, call, this.#refundRow),
  });

  readonly #refundRow = (row: RefundRow): View => ({
    id: gid('RefundLineItem', row.id),
    quantity: row.quantity,
    restockType: row.type,
    restocked: row.type !== 'NO_RESTOCK',
    lineItem: () => this.#line(row.line),
    location: () => (row.location === null ? null : this.location(row.location)),
  });

  readonly #fulfillment = (of: Order, entry: Fulfillment): View => ({
    ...head('Fulfillment', entry),
    name: `#${of.number}.${of.fulfillments.indexOf(entry) + 1}`,
    status: 'SUCCESS',
    displayStatus: 'FULFILLED',
    totalQuantity: entry.rows.reduce((sum, { quantity }) => sum + quantity, 0),
    requiresShipping: true,
    location: () => this.location(this.#state.main),
    order: () => this.order(of),
    fulfillmentLineItems: (args: PageArgs, call: Call) =>
      this.#inOrder(entry.rows, args, call, (row) => ({
        ...named('FulfillmentLineItem', row.id),
        quantity: row.quantity,
        lineItem: () => this.#line(row.line),
      })),
    fulfillmentOrders: (args: PageArgs, call: Call) =>
      this.page(of.fulfillmentOrders, args, call, (one) => this.fulfillmentOrder(of, one)),
  });

  readonly fulfillmentOrder = (of: Order, entry: FulfillmentOrder): View => ({
    ...head('FulfillmentOrder', entry),
    status: fulfillmentOrderStatus(entry),
    requestStatus: 'UNSUBMITTED',
    fulfillAt: utc(of.createdAt),
    orderId: gid('Order', of.id),
    orderName: `#${of.number}`,
    orderProcessedAt: utc(of.createdAt),
    order: () => this.order(of),
    assignedLocation: {
      countryCode: 'US',
      name: this.#state.main.name,
      location: () => this.location(this.#state.main),
    },
    supportedActions: actionsOf(entry).map((action) => ({ action })),
    fulfillmentHolds: entry.holds.map(this.hold),
    lineItems: (args: PageArgs, call: Call) =>
      this.#inOrder(entry.rows, args, call, (row) => ({
        ...named('FulfillmentOrderLineItem', row.id),
        totalQuantity: row.total,
        remainingQuantity: row.remaining,
        requiresShipping: true,
        productTitle: row.line.title,
        sku: row.line.sku,
        vendor: 'Sandbox',
        inventoryItemId: gid('InventoryItem', row.line.variant.item.id),
        lineItem: () => this.#line(row.line),
        variant: () => this.variant(row.line.variant),
      })),
  });

  readonly hold = (entry: FulfillmentOrder['holds'][number]): View => ({
    ...named('FulfillmentHold', entry.id),
    displayReason: entry.reason.toLowerCase().replaceAll('_', ' '),
    handle: entry.handle === '' ? null : entry.handle,
    heldByApp: this.app,
    heldByRequestingApp: true,
    reason: entry.reason,
    reasonNotes: entry.notes,
  });

  // --------------------------------------------------------------------------------------------------- webhooks

  readonly subscription = (entry: Subscription): View => ({
    ...head('WebhookSubscription', entry),
    topic: entry.topic,
    uri: entry.uri,
    callbackUrl: entry.uri,
    format: entry.format,
    filter: entry.filter,
    includeFields: entry.includeFields,
    name: entry.name,
    apiVersion: this.apiVersion(entry.release),
    endpoint: { __typename: 'WebhookHttpEndpoint', callbackUrl: entry.uri },
  });

  readonly apiVersion = (handle: string) => ({ handle, displayName: handle, supported: true });
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
