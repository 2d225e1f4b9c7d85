import type { Agenda } from '../kit/agenda.ts';
import type { Ground } from '../kit/ground.ts';
import type { Random } from '../kit/random.ts';

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
  locations: string[];
  listings: Map<string, Listing>;
  shipments: Map<string, Shipment>;
  returns: Map<string, Return>;
  ids: Ids;
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
  places: Map<string, Place>;
}

/** The number of one listing at one location. */
export interface Place {
  inventory: number;
  /** Units of orders not dispatched. */
  pending: number;
  enabled: boolean;
  /** The numbers that reads still show, and until when. */
  stale: { inventory: number; pending: number; until: number } | null;
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
export interface Shipment {
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
  placedAt: number;
  /** What the platform tells as the time of change; nothing finer than seconds leaves the shop. */
  updatedAt: number;
  /** Last change of what the order holds, for the proof. */
  changedAt: number;
  dispatchAfter: number;
  dispatchBy: number;
  /** The filter does not find it before. */
  searchableAt: number;
  /** Grows with each change of state; `heard` is the newest that an answered notification carried. */
  revision: number;
  heard: number;
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
  subReason: string;
  trackingId: string;
  createdAt: number;
  updatedAt: number;
}

/** Numbers that the platform gives out; those of one kind never repeat within a shop. */
export interface Ids {
  /** Looks like a UUID; its last part is digits and grows, as records are told apart by their last digits. */
  shipment(): string;
  order(): string;
  item(): string;
  group(): string;
  package(): string;
  return(): string;
  tracking(): string;
  next(): number;
}

/** Seeded numbers with gaps, as others sell in between. */
export function createIds(random: Random): Ids {
  const last = new Map<string, number>();
  const next = (kind: string, first: number, gap: number) => {
    const id = (last.get(kind) ?? first + random.int(0, gap * 1_000)) + random.int(1, gap);
    last.set(kind, id);
    return id;
  };
  const { hex } = random;
  return {
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

/** What an item's state is called (FK-5.4). */
export function statusOf(site: Site, shipment: Shipment, item: Item): string {
  if (item.cancelled !== null) return 'CANCELLED';
  const returns = [...site.returns.values()].filter((one) => one.item === item);
  const back = returns.filter(({ status }) => status === 'COMPLETED').length;
  if (back >= item.quantity) return 'RETURNED';
  if (returns.some(({ status }) => status === 'CREATED')) return 'RETURN_REQUESTED';
  return shipment.stage;
}

/** Nothing of it is left to send. */
export function isCancelled(shipment: Shipment): boolean {
  return shipment.items.every((item) => item.cancelled !== null);
}

/** The courier has it. */
export function isDispatched(shipment: Shipment): boolean {
  return !beforeDispatch.includes(shipment.stage);
}
