import type { Agenda } from '../kit/agenda.ts';
import type { Ground } from '../kit/ground.ts';
import { changed, newHistory } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import type { Stale } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

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
export type Listing = ReturnType<typeof newListing>;

export function newListing({ random }: Site, sku: string, title: string) {
  const letters = (length: number) =>
    Array.from({ length }, () => 'ABCDEFGHJKMNPQRSTVWXYZ0123456789'[random.int(0, 31)]).join('');
  const kind = `${title.toUpperCase().replace(/[^A-Z]/g, '')}XXX`.slice(0, 3);
  const fsn = `${kind}${letters(13)}`;
  return {
    sku,
    title,
    /** The platform's product, 16 characters; writes must name it. */
    fsn,
    listingId: `LST${fsn}${letters(2)}${random.int(1_000, 8_999)}`,
    status: 'ACTIVE' as 'ACTIVE' | 'INACTIVE',
    archived: 'NONE' as 'NONE' | 'ARCHIVED',
    profile: 'NON_FBF' as 'NON_FBF' | 'FBF',
    price: random.int(99, 1_999),
    /** By location. */
    places: new Map<string, Place>(),
  };
}

/** The number of one listing at one location. */
export type Place = ReturnType<typeof newPlace>;

function newPlace(location: string) {
  return {
    location,
    inventory: 0,
    /** Units of orders not dispatched. */
    pending: 0,
    enabled: true,
    stale: null as Stale<{ inventory: number; pending: number }>,
  };
}

/** The number of a listing at a location, which begins with 0 there. */
export function placeAt({ places }: Listing, location: string): Place {
  const place = places.get(location) ?? newPlace(location);
  places.set(location, place);
  return place;
}

/** The states in which the units are still with the merchant (FK-5.4). */
export const beforeDispatch = [
  'APPROVED',
  'PACKING_IN_PROGRESS',
  'PACKED',
  'FORM_FAILED',
  'READY_TO_DISPATCH',
] as const;

/** Where a shipment is on its way, as long as it is not cancelled. */
export type Stage =
  | (typeof beforeDispatch)[number]
  | 'PICKUP_COMPLETE'
  | 'SHIPPED'
  | 'DELIVERED'
  | 'COMPLETED';

/** The platform's unit of an order: never mixes orders, one location (FK-5.2). */
export type Shipment = ReturnType<typeof newShipment>;

export function newShipment(
  site: Site,
  facts: { orderId: string; type: string; items(): Item[]; spot: Spot },
) {
  const { ids, now } = site;
  const { orders: random } = site.chance;
  const { orderId, type, items, spot } = facts;
  const dispatchAfter = now() + (random.chance(0.3) ? random.int(1, 4) * dayMs : 0);
  return {
    ...newHistory(now()),
    orderId,
    type,
    /** Grows with each new shipment. */
    number: ids.next(),
    id: ids.shipment(),
    location: spot.location,
    stage: 'APPROVED' as Stage,
    hold: false,
    /** Whose warehouse it leaves. */
    profile: spot.listing.profile,
    paymentType: random.chance(0.6) ? 'COD' : 'PREPAID',
    items: items(),
    /** What the platform tells as the time of change; nothing finer than seconds leaves the shop. */
    updatedAt: now(),
    dispatchAfter,
    dispatchBy: dispatchAfter + dayMs,
    /** The filter does not find it before. */
    searchableAt: 0,
  };
}

/** A listing where it lies. */
export interface Spot {
  listing: Listing;
  location: string;
}

/** One line of a purchase. */
export interface Wish extends Spot {
  quantity: number;
  /** Lines of one group are cancelled together; default: a group of its own. */
  groupId?: string;
}

/** A line of a shipment. */
export type Item = ReturnType<typeof newItem>;

export function newItem(
  site: Site,
  wish: Wish,
  { mps, replacement }: { mps: boolean; replacement: boolean },
) {
  const { ids, chance } = site;
  return {
    /** Digits beyond 2^53. */
    id: ids.item(),
    groupId: wish.groupId ?? ids.group(),
    listing: wish.listing,
    /** Units left after units were called off; a wholly cancelled item keeps its last one. */
    quantity: wish.quantity,
    /** Units called off so far. */
    called: 0,
    /** Units by which the sale lowered the number, that a cancellation may give back. */
    drawn: 0,
    cancelled: null as (Cause & { at: number }) | null,
    replacement,
    packageIds: Array.from({ length: mps ? chance.orders.int(2, 3) : 1 }, () => ids.package()),
  };
}

/** Who called an item off, in the words of the filter, and why. */
export interface Cause {
  by: 'sellerCancellation' | 'buyerCancellation' | 'marketplaceCancellation';
  reason: string;
  subReason: string;
}

export interface Line {
  shipment: Shipment;
  item: Item;
}

/** One unit that comes back (FK-5.5). */
export type Return = ReturnType<typeof newReturn>;

export function newReturn(site: Site, line: Line, source: 'courier_return' | 'customer_return') {
  const { ids, now, chance } = site;
  return {
    ...line,
    source,
    number: ids.next(),
    id: ids.return(),
    status: 'CREATED' as 'CREATED' | 'COMPLETED' | 'CANCELLED',
    reason:
      source === 'courier_return' ? 'order_cancelled' : chance.returns.pick(['quality_issue', 'size_issue']),
    trackingId: ids.tracking(),
    createdAt: now(),
    updatedAt: now(),
  };
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
  return !beforeDispatch.some((stage) => stage === shipment.stage);
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

/** What couriers and the platform do by themselves, after so long in real life. */
export function after({ life, timeScale }: Site, realMs: number, run: () => void): void {
  life.add({ afterMs: platformMs(realMs, timeScale), group: 'life', run });
}
