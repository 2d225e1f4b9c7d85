import type { Ground } from '../kit/ground.ts';
import { type Indexed, newHistory } from '../kit/orders.ts';
import type { Random } from '../kit/random.ts';
import type { Stale } from '../kit/shelves.ts';

/** What the shop knows, in memory. Times are ms since 1970 on the shop's clock. */
export interface State extends Ground {
  seller: { userId: string; username: string; eiasToken: string };
  /** `EBAY_US` and the like: where the listings are. */
  marketplace: string;
  /** What the merchant set; the fault of that name wins over it. */
  outOfStockControl: boolean;
  listings: Map<string, Listing>;
  /** Everything that holds a number, listed or not. */
  counters: Counter[];
  /** By SKU, ended listings included. */
  bySku: Map<string, Counter[]>;
  offers: Map<string, Counter>;
  orders: Order[];
  /** Ids of orders that were combined lead to the order that holds their lines now. */
  ordersById: Map<string, Order>;
  ids: ReturnType<typeof createIds>;
}

/** Inventory API or Trading API: a listing can only be revised with its own (EBAY-D1). */
export type Model = 'inventory' | 'trading';

/** What the site shows under one item number. */
export interface Listing {
  itemId: string;
  model: Model;
  title: string;
  auction: boolean;
  /** Several counters, each a variation, or exactly one. */
  multi: boolean;
  groupKey: string | null;
  counters: Counter[];
  startedAt: number;
  endedAt: number | null;
  onHold: boolean;
  /** Revisions on a day of the platform, counted for all variations together (EBAY-5.4). */
  revisions: { day: number; count: number };
}

/** What holds one number: a single listing, a variation, or an inventory item that is not listed. */
export interface Counter {
  model: Model;
  /** Null: a Trading listing or variation without a SKU. */
  sku: string | null;
  title: string;
  /** Value of the variation's one aspect, `Color`. */
  aspect: string | null;
  variationId: string | null;
  /** Null: an inventory item that no listing offers. */
  listing: Listing | null;
  /** Units left; for the inventory model the ship-to number. */
  available: number;
  sold: number;
  /** The inventory model's offer; null where none was made. */
  offer: { offerId: string; available: number | null; published: boolean } | null;
  /** Stock by warehouse; `available` is its sum. */
  warehouses: { key: string; quantity: number }[] | null;
  stale: Stale<number>;
}

/** One purchase; `placedAt` is its checkout. */
export type Order = ReturnType<typeof newOrder>;

export function newOrder({ ids, now }: State, lines: OrderLine[], paid: boolean) {
  return {
    ...newHistory(now()),
    orderId: ids.order(),
    /** `committed`: bought without checkout, no order for anybody yet. */
    state: 'committed' as 'committed' | 'placed',
    updatedAt: now(),
    indexed: [] as Indexed['indexed'],
    paid,
    cancel: null as Cancellation | null,
    shippedAt: null as number | null,
    lines,
  };
}

/** A cancellation; `requests` is what only a look at the single order tells (EBAY-6). */
export interface Cancellation {
  id: string;
  state: 'IN_PROGRESS' | 'CANCELED';
  requestedAt: number;
  doneAt: number | null;
  initiator: 'BUYER' | 'SELLER';
  reason: string;
}

/** A line; its id exists from the commitment on and survives combining (EBAY-6). */
export type OrderLine = ReturnType<typeof newLine>;

export function newLine({ ids }: State, counter: Counter, quantity: number) {
  const { sku, title, variationId, listing } = counter;
  return {
    lineItemId: ids.lineItem(),
    transactionId: ids.transaction(),
    counter,
    itemId: listing?.itemId ?? '',
    variationId,
    sku,
    title,
    quantity,
    refunded: 0,
  };
}

/** Numbers that the platform gives out: seeded, with gaps, as others sell in between. */
export function createIds(random: Random) {
  const last = new Map<string, number>();
  const next = (kind: string, first: number, gap: number) => {
    const id = (last.get(kind) ?? first) + random.int(1, gap);
    last.set(kind, id);
    return String(id);
  };
  let orders = random.int(0, 9_999);
  return {
    item: () => next('item', 110_123_456_000, 97),
    variation: () => next('variation', 410_987_654_000, 11),
    offer: () => next('offer', 5_123_456_011, 31),
    /** `12-34567-89012`; the last part never repeats within a shop. */
    order() {
      orders = (orders + 1) % 100_000;
      const middle = String(random.int(0, 99_999)).padStart(5, '0');
      return `${random.int(10, 27)}-${middle}-${String(orders).padStart(5, '0')}`;
    },
    lineItem: () => next('line', 10_012_345_670_000, 7_919),
    transaction: () => next('transaction', 2_000_345_678_019, 613),
    cancellation: () => next('cancellation', 5_104_000_000, 13),
  };
}

/** What the site shows of a counter; null when it is not for sale: not listed, ended. */
export function shownOf(counter: Counter): number | null {
  return isLive(counter.listing) ? unitsOf(counter) : null;
}

/** Listed, and not ended. */
export function isLive(listing: Listing | null): listing is Listing {
  return listing !== null && listing.endedAt === null;
}

/** EBAY-D6: an offer that carries a number pins the listing to the smaller of the two. */
export function unitsOf(counter: Counter): number {
  return Math.min(counter.available, counter.offer?.available ?? Number.POSITIVE_INFINITY);
}

/** How the shop's records name the counter: SKU, or item number, with the SKU behind it for a variation. */
export function listingIdOf(counter: Counter): string {
  if (counter.model === 'inventory' || counter.listing === null) return counter.sku ?? '';
  const { itemId, multi } = counter.listing;
  return multi ? `${itemId}/${counter.sku ?? counter.variationId ?? ''}` : itemId;
}

/** Is the out-of-stock option on for the account? */
export function controlsOutOfStock(state: State): boolean {
  return state.outOfStockControl && !state.faults.armed().includes('out_of_stock_control_off');
}
