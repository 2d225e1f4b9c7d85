import type { Random } from '../kit/random.ts';
import type { ShopOptions } from '../shop.ts';

/** What the shop knows, in memory. Ids are 64 bit, as the platform's are (SHP-9.1); times are ms since 1970. */
export interface ShopState {
  name: string;
  domain: string;
  shopId: bigint;
  main: Location;
  locations: Location[];
  products: Product[];
  variants: Variant[];
  items: InventoryItem[];
  itemsById: Map<bigint, InventoryItem>;
  /** How many items carry a SKU. */
  skuCounts: Map<string, number>;
  orders: Order[];
  /** By the digits of the id. */
  ordersById: Map<string, Order>;
  ids: Ids;
}

export interface Location {
  id: bigint;
  name: string;
  active: boolean;
  fulfillsOnline: boolean;
  createdAt: number;
}

export interface Product {
  id: bigint;
  title: string;
  status: 'ACTIVE' | 'DRAFT';
  giftCard: boolean;
  variants: Variant[];
  createdAt: number;
  updatedAt: number;
}

export interface Variant {
  id: bigint;
  product: Product;
  title: string;
  item: InventoryItem;
  policy: 'DENY' | 'CONTINUE';
  /** Filled for a bundle parent, whose stock is derived and not mutable (SHP-9.10). */
  components: { variant: Variant; quantity: number }[];
  createdAt: number;
  updatedAt: number;
}

/** The holder of the number. Since 2026-01 several variants may refer to one item (SHP-4.1). */
export interface InventoryItem {
  id: bigint;
  sku: string;
  tracked: boolean;
  variants: Variant[];
  levels: Level[];
  createdAt: number;
  updatedAt: number;
}

export const stored = [
  'available',
  'committed',
  'reserved',
  'damaged',
  'safety_stock',
  'quality_control',
] as const;
export type StoredName = (typeof stored)[number];

/** One item at one location. `on_hand` is the sum of the six stored quantities (SHP-4.1). */
export interface Level {
  id: bigint;
  item: InventoryItem;
  location: Location;
  active: boolean;
  quantities: Record<StoredName, number>;
  changedAt: Record<StoredName, number>;
  createdAt: number;
  updatedAt: number;
}

export interface Order {
  id: bigint;
  number: number;
  createdAt: number;
  /** Whole seconds, as the platform shows them. */
  updatedAt: number;
  cancelledAt: number | null;
  cancelReason: string | null;
  staffNote: string | null;
  edited: boolean;
  test: boolean;
  unpaid: boolean;
  tags: string[];
  lines: Line[];
  refunds: Refund[];
  fulfillments: Fulfillment[];
  fulfillmentOrders: FulfillmentOrder[];
  /** Last change of stock or state in ms, for the proof; `updatedAt` also moves for tags and holds. */
  changedAt: number;
  /** Grows with each change of stock or state; `heardRevision` is the newest that a delivery brought. */
  revision: number;
  heardRevision: number;
  /** What the search index knows and will know: the change time and when it becomes findable. */
  indexed: { updatedAt: number; visibleAt: number }[];
}

export interface Line {
  id: bigint;
  variant: Variant;
  sku: string;
  title: string;
  /** Ordered, later removed and refunded units included. */
  quantity: number;
  fulfilled: number;
  /** Refund rows by kind, in units. `written*`: no_restock, of unfulfilled and of fulfilled units. */
  cancelled: number;
  returned: number;
  writtenUnfulfilled: number;
  writtenFulfilled: number;
  bundle: { id: bigint; parent: Variant; quantity: number } | null;
}

export interface Refund {
  id: bigint;
  createdAt: number;
  note: string | null;
  rows: RefundRow[];
}

export interface RefundRow {
  id: bigint;
  line: Line;
  quantity: number;
  type: 'CANCEL' | 'RETURN' | 'NO_RESTOCK';
  location: Location | null;
}

export interface Fulfillment {
  id: bigint;
  createdAt: number;
  rows: { id: bigint; line: Line; quantity: number }[];
}

export interface FulfillmentOrder {
  id: bigint;
  createdAt: number;
  updatedAt: number;
  rows: { id: bigint; line: Line; total: number; remaining: number }[];
  holds: { id: bigint; reason: string; notes: string | null; handle: string }[];
  cancelled: boolean;
}

/** Hands out ids; each kind counts on its own in irregular steps. */
export interface Ids {
  next(kind: string): bigint;
}

/** The id in the platform's fixed sample order; no real order ever has it (SHP-9.1 to SHP-9.2). */
export const sampleOrderId = 820982911946154508n;

/** Order-side ids lie beyond 2^53 so that a reader that goes through doubles loses digits. */
const firstIds: Record<string, bigint> = {
  Order: 820982911946154600n,
  LineItem: 866550311766439100n,
  Refund: 890088186047892400n,
  RefundLineItem: 487817672276298600n,
  Fulfillment: 255858046014300100n,
  FulfillmentOrder: 9007199254740993n,
  InventoryItem: 49148385100000n,
  Location: 655441491n,
};

export function createIds(random: Random): Ids {
  const last = new Map<string, bigint>();
  return {
    next(kind) {
      const before = last.get(kind) ?? firstIds[kind] ?? 1068778100n;
      const id = before + BigInt(random.int(1, 37));
      last.set(kind, id);
      return id;
    },
  };
}

/** Units of a line that wait to be shipped. */
export function unfulfilled(line: Line): number {
  return line.quantity - line.fulfilled - line.cancelled - line.writtenUnfulfilled;
}

/** Units neither refunded nor removed: what the platform calls `current_quantity`. */
export function current(line: Line): number {
  return line.quantity - line.cancelled - line.returned - line.writtenUnfulfilled - line.writtenFulfilled;
}

/** Shipped units that can still be refunded. */
export function refundableFulfilled(line: Line): number {
  return line.fulfilled - line.returned - line.writtenFulfilled;
}

export function onHand(level: Level): number {
  return stored.reduce((sum, name) => sum + level.quantities[name], 0);
}

/** What the level shows under a quantity name; a bundle parent's numbers follow its components. */
export function shownAt(level: Level, name: string): number {
  const parent = level.item.variants.find((variant) => variant.components.length > 0);
  if (parent !== undefined && (name === 'available' || name === 'on_hand')) {
    return bundleStock(parent, level.location);
  }
  if (name === 'on_hand') return onHand(level);
  if (name === 'incoming') return 0;
  return level.quantities[name as StoredName];
}

export function bundleStock(parent: Variant, location: Location): number {
  const possible = parent.components.map(({ variant, quantity }) => {
    const level = levelAt(variant.item, location);
    return Math.floor((level?.quantities.available ?? 0) / quantity);
  });
  return Math.max(0, Math.min(...possible));
}

/** The level, active or not. */
export function levelAt(item: InventoryItem, location: Location): Level | undefined {
  return item.levels.find((level) => level.location === location);
}

export function activeLevelAt(item: InventoryItem, location: Location): Level | undefined {
  const level = levelAt(item, location);
  return level?.active === true ? level : undefined;
}

/** Moves one stored quantity and stamps the level. */
export function move(level: Level, name: StoredName, delta: number, at: number): void {
  level.quantities[name] += delta;
  level.changedAt[name] = at;
  level.updatedAt = at;
}

export function addLevel(
  state: Pick<ShopState, 'ids'>,
  item: InventoryItem,
  location: Location,
  available: number,
  at: number,
): Level {
  const each = (value: number) =>
    Object.fromEntries(stored.map((name) => [name, value])) as Record<StoredName, number>;
  const level: Level = {
    id: state.ids.next('InventoryLevel'),
    item,
    location,
    active: true,
    quantities: { ...each(0), available },
    changedAt: each(at),
    createdAt: at,
    updatedAt: at,
  };
  item.levels.push(level);
  return level;
}

/** The seeded catalogue: one product, variant and inventory item per entry, and the oddities below. */
export function createState(options: ShopOptions, random: Random, now: number): ShopState {
  const ids = createIds(random);
  const bornAt = now - 30 * 86_400_000;
  const location = (name: string, active: boolean, fulfillsOnline: boolean): Location => ({
    id: ids.next('Location'),
    name,
    active,
    fulfillsOnline,
    createdAt: bornAt,
  });
  const main = location('Main shelf', true, true);
  const state: ShopState = {
    name: options.name,
    domain: domainOf(options.name),
    shopId: ids.next('Shop'),
    main,
    locations: [main, location('Back room', true, false), location('Closed branch', false, false)],
    products: [],
    variants: [],
    items: [],
    itemsById: new Map(),
    skuCounts: new Map(),
    orders: [],
    ordersById: new Map(),
    ids,
  };
  options.catalogue.forEach((entry, index) => {
    const variant = addProduct(state, { ...entry, at: bornAt });
    // SHP-4.1: every seventh product has two variants that share one inventory item, hence one number.
    if (index % 7 === 6) addVariant(state, variant.product, variant.item, 'Gift wrapped', bornAt);
    // Stock that is not ours to sell: a reader that adds up locations goes wrong here (SHP-9.12).
    const back = state.locations[1];
    if (index % 5 === 4 && back !== undefined) addLevel(state, variant.item, back, 7, bornAt);
  });
  addOddities(state, bornAt);
  return state;
}

function addOddities(state: ShopState, at: number): void {
  const components = state.variants.slice(0, 2).map((variant) => ({ variant, quantity: 1 }));
  const card = addProduct(state, { sku: 'GIFT-CARD', title: 'Gift card', stock: 0, at });
  card.item.tracked = false;
  card.product.giftCard = true;
  if (components.length > 0) {
    const parent = addProduct(state, { sku: 'BUNDLE-PARENT', title: 'Starter set', stock: 0, at });
    parent.components = components;
  }
  addProduct(state, { sku: 'DUP-1', title: 'Twin, left', stock: 4, at });
  addProduct(state, { sku: 'DUP-1', title: 'Twin, right', stock: 6, at });
}

function addProduct(
  state: ShopState,
  entry: { sku: string; title: string; stock: number; at: number },
): Variant {
  const product: Product = {
    id: state.ids.next('Product'),
    title: entry.title,
    status: 'ACTIVE',
    giftCard: false,
    variants: [],
    createdAt: entry.at,
    updatedAt: entry.at,
  };
  const item: InventoryItem = {
    id: state.ids.next('InventoryItem'),
    sku: entry.sku,
    tracked: true,
    variants: [],
    levels: [],
    createdAt: entry.at,
    updatedAt: entry.at,
  };
  addLevel(state, item, state.main, entry.stock, entry.at);
  state.products.push(product);
  state.items.push(item);
  state.itemsById.set(item.id, item);
  countSku(state, entry.sku, 1);
  return addVariant(state, product, item, 'Default Title', entry.at);
}

export function countSku(state: ShopState, sku: string, delta: number): void {
  state.skuCounts.set(sku, (state.skuCounts.get(sku) ?? 0) + delta);
}

function addVariant(
  state: ShopState,
  product: Product,
  item: InventoryItem,
  title: string,
  at: number,
): Variant {
  const variant: Variant = {
    id: state.ids.next('ProductVariant'),
    product,
    title,
    item,
    policy: 'DENY',
    components: [],
    createdAt: at,
    updatedAt: at,
  };
  product.variants.push(variant);
  item.variants.push(variant);
  state.variants.push(variant);
  return variant;
}

/** SHP-1.1: letters, digits and hyphens, then `.myshopify.com`. */
function domainOf(name: string): string {
  const label = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${label.replace(/^-+|-+$/g, '') || 'shop'}.myshopify.com`;
}
