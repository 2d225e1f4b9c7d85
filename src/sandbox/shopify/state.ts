import type { Indexed, OrderHistory } from '../kit/orders.ts';
import { idIn } from './gid.ts';

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

export interface Order extends OrderHistory, Indexed {
  id: bigint;
  number: number;
  createdAt: number;
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

/** What the shop shows of a bundle parent or an item at its main location; null when there is no number. */
export function shownOf(state: ShopState, item: InventoryItem): number | null {
  if (!item.tracked) return null;
  const parent = item.variants.find(({ components }) => components.length > 0);
  if (parent !== undefined) return bundleStock(parent, state.main);
  return activeLevelAt(item, state.main)?.quantities.available ?? null;
}

/** Waiting to be shipped. */
export function newFulfillmentOrder(
  { ids }: Pick<ShopState, 'ids'>,
  rows: () => FulfillmentOrder['rows'],
  now: number,
): FulfillmentOrder {
  const id = ids.next('FulfillmentOrder');
  return { id, createdAt: now, updatedAt: now, rows: rows(), holds: [], cancelled: false };
}

export function fulfillmentOrderStatus(entry: FulfillmentOrder): string {
  if (entry.cancelled) return 'CANCELLED';
  if (entry.holds.length > 0) return 'ON_HOLD';
  return entry.rows.every(({ remaining }) => remaining === 0) ? 'CLOSED' : 'OPEN';
}

/** By gid. */
export function fulfillmentOrderOf(state: ShopState, id: string) {
  const wanted = idIn(id, 'FulfillmentOrder');
  for (const order of state.orders) {
    const fulfillmentOrder = order.fulfillmentOrders.find((one) => one.id === wanted);
    if (fulfillmentOrder !== undefined) return { order, fulfillmentOrder };
  }
  return undefined;
}

/** By gid. */
export function itemOf(state: ShopState, id: string): InventoryItem | undefined {
  const wanted = idIn(id, 'InventoryItem');
  return wanted === null ? undefined : state.itemsById.get(wanted);
}

/** By gid. */
export function locationOf(state: ShopState, id: string): Location | undefined {
  const wanted = idIn(id, 'Location');
  return state.locations.find((candidate) => candidate.id === wanted);
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
  { location, available, at }: { location: Location; available: number; at: number },
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

export function countSku(state: ShopState, sku: string, delta: number): void {
  state.skuCounts.set(sku, (state.skuCounts.get(sku) ?? 0) + delta);
}
