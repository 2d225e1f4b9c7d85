import type { MemoryFaults } from './faults.ts';
import {
  annotate,
  cancel,
  edit,
  hookForOrder,
  type MemorySale,
  refund,
  sell,
  ship,
  unsettle,
} from './selling.ts';
import { counterOf, listingOf, setByHand } from './shelf.ts';
import type { MemoryHook } from './state.ts';
import {
  emptyState,
  type MemoryListing,
  type MemoryOptions,
  type MemoryOrder,
  type MemoryState,
  type MemoryWrite,
  nextId,
} from './state.ts';
import { hookOf } from './wire.ts';

/** A platform in memory, as its shoppers, its merchant and a test see it. Orders and lines are live objects: read them, never write. */
export interface MemoryPlatform {
  readonly name: string;
  readonly state: MemoryState;
  readonly faults: MemoryFaults;
  /** Puts a listing up with its number (null: no number is kept). Counter and listing id default to the SKU. */
  list(item: Partial<MemoryListing> & { sku: string | null; shown: number | null }): MemoryListing;
  unlist(listingId: string): void;
  /** The platform's true number, whatever reads still show. */
  shown(ref: string): number | null;
  set(ref: string, quantity: number | null): void;
  sell(sale: MemorySale): MemoryOrder | null;
  cancel(orderId: string, how?: { restock?: boolean; lacking?: boolean }): void;
  refund(orderId: string, what: { line: string; quantity: number; restock: boolean }): void;
  edit(orderId: string, what: { line: string; quantity: number }): void;
  ship(orderId: string): void;
  annotate(orderId: string, status: string): void;
  unsettle(orderId: string, ms: number): void;
  /** Deletes the order for good; the platform tells nobody. */
  forget(orderId: string): void;
  order(orderId: string): MemoryOrder | undefined;
  orders(): MemoryOrder[];
  writes(): readonly MemoryWrite[];
  /** A signed delivery with the order's present state and a fresh key. */
  hookForOrder(orderId: string): MemoryHook;
  /** A signed delivery of another topic (see `hookOf`). */
  hook(topic: string, content: Parameters<typeof hookOf>[2], key?: string): MemoryHook;
  /** Where each change's delivery goes from now on; null: nowhere. */
  sendTo(sink: ((hook: MemoryHook) => void) | null): void;
}

const platforms = new Map<string, MemoryPlatform>();

/** The process-wide platform of this name; made when it is not there, with the options of whoever came first. */
export function memoryPlatform(name: string, options: MemoryOptions = {}): MemoryPlatform {
  const found = platforms.get(name);
  if (found !== undefined) return found;
  const made = createMemoryPlatform(name, options);
  platforms.set(name, made);
  return made;
}

/** Forgets the platform of this name, so that the next one starts empty. */
export function dropMemoryPlatform(name: string): void {
  platforms.delete(name);
}

/** A platform that is in no registry. */
function createMemoryPlatform(name: string, options: MemoryOptions = {}): MemoryPlatform {
  const state = emptyState(name, options);
  return {
    name,
    state,
    faults: state.faults,
    list(item) {
      const listingId = item.listingId ?? item.sku ?? nextId(state, 'listing-');
      const listing: MemoryListing = {
        listingId,
        counterKey: item.counterKey ?? listingId,
        sku: item.sku,
        title: item.title ?? item.sku ?? listingId,
        aliases: item.aliases ?? [],
        unwritable: item.unwritable ?? null,
      };
      state.listings.set(listingId, listing);
      state.counters.set(listing.counterKey, { shown: item.shown, stale: null, late: [] });
      return listing;
    },
    unlist: (listingId) => void state.listings.delete(listingId),
    shown(ref) {
      const listing = listingOf(state, ref);
      return listing === undefined ? null : counterOf(state, listing).shown;
    },
    set: (ref, quantity) => setByHand(state, ref, quantity),
    sell: (sale) => sell(state, sale),
    cancel: (orderId, how) => cancel(state, orderId, how),
    refund: (orderId, what) => refund(state, orderId, what),
    edit: (orderId, what) => edit(state, orderId, what),
    ship: (orderId) => ship(state, orderId),
    annotate: (orderId, status) => annotate(state, orderId, status),
    unsettle: (orderId, ms) => unsettle(state, orderId, ms),
    forget: (orderId) => void state.orders.delete(orderId),
    order: (orderId) => state.orders.get(orderId),
    orders: () => [...state.orders.values()],
    writes: () => state.writes,
    hookForOrder: (orderId) => hookForOrder(state, orderId),
    hook: (topic, content, key) => hookOf(state, topic, content, key ?? nextId(state, `${name}-d`)),
    sendTo(sink) {
      state.sink = sink;
    },
  };
}
