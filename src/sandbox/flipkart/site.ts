import type { Agenda } from '../kit/agenda.ts';
import type { Ground } from '../kit/ground.ts';
import { changed, type OrderHistory } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import type { Stale } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';

/**
 * `net`: the number that the API shows excludes the channel's open orders, a sale lowers it. `gross`: it still
 * contains them, a sale raises `pending_inventory` only and the dispatch lowers both (FK-3.4).
 */
export type Basis = 'net' | 'gross';

/** What the shop knows, in memory. Times are ms since 1970 on its clock. Deliveries and late writes stand on the agenda of its ground. */
export interface Site extends Ground {
  basis: Basis;
  /** Couriers, holds, returns: what happens in days, and is not pending. */
  life: Agenda;
  /** The merchant's locations, the main one first. */
  locations: [string, ...string[]];
  listings: Map<string, Listing>;
  shipments: Map<string, Shipment>;
  returns: Map<string, Return>;
  ids: ReturnType<typeof createIds>;
  /** Streams of chance of those who buy and send back, and of page tokens. */
  chance: Record<'orders' | 'returns' | 'pages', Random>;
  /** SKUs that spoil every batch. */
  poison: Set<string>;
}

/** What the seller sells under one SKU, which is unique in the account. */
export interface Listing {
  sku: string;
  title: string;
  listingId: string;
  /** The platform's product, 16 characters; writes must name it. */
  fsn: string;
  status: 'ACTIVE' | 'INACTIVE';
  archived: 'NONE' | 'ARCHIVED';
  profile: 'NON_FBF' | 'FBF';
  price: number;
  /** By location. */
  places: Map<string, Place>;
}

/** The number of one listing at one location. */
export interface Place {
  location: string;
  inventory: number;
  /** Units of orders not dispatched. */
  pending: number;
  enabled: boolean;
  stale: Stale<{ inventory: number; pending: number }>;
}

/** Where a shipment is on its way, as long as it is not cancelled (FK-5.4). */
export type Stage =
  | 'APPROVED'
  | 'PACKING_IN_PROGRESS'
  | 'FORM_FAILED'
  | 'PACKED'
  | 'READY_TO_DISPATCH'
  | 'PICKUP_COMPLETE'
  | 'SHIPPED'
  | 'DELIVERED'
  | 'COMPLETED';

/** The states in which the units are still with the merchant. */
export const beforeDispatch: readonly Stage[] = [
  'APPROVED',
  'PACKING_IN_PROGRESS',
  'PACKED',
  'FORM_FAILED',
  'READY_TO_DISPATCH',
];

/** The platform's unit of an order: never mixes orders, one location (FK-5.2). */
export interface Shipment extends OrderHistory {
  /** Grows with each new shipment. */
  number: number;
  id: string;
  orderId: string;
  location: string;
  stage: Stage;
  hold: boolean;
  /** Whose warehouse it leaves. */
  profile: Listing['profile'];
  type: string;
  paymentType: 'COD' | 'PREPAID';
  items: Item[];
  /** What the platform tells as the time of change; nothing finer than seconds leaves the shop. */
  updatedAt: number;
  dispatchAfter: number;
  dispatchBy: number;
  /** The filter does not find it before. */
  searchableAt: number;
}

/** Who called an item off, in the words of the filter. */
export type Canceller = 'sellerCancellation' | 'buyerCancellation' | 'marketplaceCancellation';

/** A line of a shipment. */
export interface Item {
  /** Digits beyond 2^53. */
  id: string;
  groupId: string;
  listing: Listing;
  /** Units left after units were called off; a wholly cancelled item keeps its last one. */
  quantity: number;
  /** Units called off so far. */
  called: number;
  /** Units by which the sale lowered the number, that a cancellation may give back. */
  drawn: number;
  cancelled: { by: Canceller; reason: string; subReason: string; at: number } | null;
  replacement: boolean;
  packageIds: string[];
}

/** One unit that comes back (FK-5.5). */
export interface Return {
  number: number;
  id: string;
  shipment: Shipment;
  item: Item;
  source: 'courier_return' | 'customer_return';
  status: 'CREATED' | 'COMPLETED' | 'CANCELLED';
  reason: string;
  trackingId: string;
  createdAt: number;
  updatedAt: number;
}

/** Seeded numbers with gaps, as others sell in between; those of one kind never repeat within a shop. */
export function createIds(random: Random) {
  const last = new Map<string, number>();
  const next = (kind: string, first: number, gap: number) => {
    const id = (last.get(kind) ?? first + random.int(0, gap * 1_000)) + random.int(1, gap);
    last.set(kind, id);
    return id;
  };
  const { hex } = random;
  return {
    /** Looks like a UUID; its last part is digits and grows, as records are told apart by their last digits. */
    shipment: () =>
      `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${next('shipment', 100_000_000_000, 9_999_991)}`,
    order: () => `OD43${next('order', 1_000_000_000_000_000, 99_999_989)}`,
    item: () => `33${next('item', 100_000_000_000_000, 99_989)}`,
    group: () => `${hex(8)}-${hex(4)}-1${hex(3)}-9${hex(3)}-${hex(12)}`,
    package: () => `PKG${next('package', 10_000_000, 97)}`,
    return: () => `1${next('return', 1_000_000_000_000_000, 99_989)}`,
    tracking: () => `FMPC${next('tracking', 100_000_000, 613)}`,
    next: () => next('number', 0, 1),
  };
}

/** Nothing of it is left to send. */
export function isCancelled(shipment: Shipment): boolean {
  return shipment.items.every((item) => item.cancelled !== null);
}

/** The courier has it. */
export function isDispatched(shipment: Shipment): boolean {
  return !beforeDispatch.includes(shipment.stage);
}

/** A change of what the shipment holds. */
export function change(site: Site, shipment: Shipment): void {
  changed(shipment, site.now());
  touch(site, shipment);
}

/** A change that the platform's time of change tells, without one of what the shipment holds. */
export function touch(site: Site, shipment: Shipment): void {
  shipment.updatedAt = Math.max(shipment.updatedAt, site.now());
  const lagMs = site.faults.dueMs('order_lag');
  if (lagMs !== null) shipment.searchableAt = Math.max(shipment.searchableAt, shipment.updatedAt + lagMs);
}

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** What couriers and the platform do by themselves, after so long in real life. */
export function after({ life, timeScale }: Site, realMs: number, run: () => void): void {
  life.add({ afterMs: platformMs(realMs, timeScale), group: 'life', run });
}
