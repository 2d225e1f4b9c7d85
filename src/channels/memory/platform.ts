import type { Json } from '../channel.ts';
import { bound } from '../kit/bound.ts';
import { annotate, cancel, edit, hookForOrder, refund, sell, ship, unsettle } from './selling.ts';
import { counterOf, listingOf, set } from './shelf.ts';
import {
  emptyState,
  type MemoryListing,
  type MemoryOptions,
  type MemoryState,
  type MemoryWrite,
  nextId,
} from './state.ts';
import { hookOf } from './wire.ts';

/** A platform in memory, as its shoppers, its merchant and a test see it. Orders and lines are live objects: read them, never write. */
export type MemoryPlatform = ReturnType<typeof createMemoryPlatform>;

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
function createMemoryPlatform(name: string, options: MemoryOptions) {
  const state = emptyState(name, options);
  return {
    name,
    state,
    faults: state.faults,
    ...bound(state, { list, shown, set, ...{ sell, cancel, refund, edit, ship, annotate, unsettle } }),
    /** A signed delivery with the order's present state and a fresh key. */
    hookForOrder: (orderId: string) => hookForOrder(state, orderId),
    /** A signed delivery of another topic (see `hookOf`). */
    hook: (topic: string, content: Json, key = nextId(state, `${name}-d`)) =>
      hookOf(state, topic, content, key),
    unlist: (listingId: string) => void state.listings.delete(listingId),
    /** Deletes the order for good; the platform tells nobody. */
    forget: (orderId: string) => void state.orders.delete(orderId),
    order: (orderId: string) => state.orders.get(orderId),
    orders: () => [...state.orders.values()],
    writes: (): readonly MemoryWrite[] => state.writes,
    /** Where each change's delivery goes from now on; null: nowhere. */
    sendTo(sink: MemoryState['sink']) {
      state.sink = sink;
    },
  };
}

/** Puts a listing up with its number (null: no number is kept). Counter and listing id default to the SKU. */
function list(
  state: MemoryState,
  item: Partial<MemoryListing> & { sku: string | null; shown: number | null },
): MemoryListing {
  const { shown, ...told } = item;
  const listingId = item.listingId ?? item.sku ?? nextId(state, 'listing-');
  const title = item.sku ?? listingId;
  const usual = { listingId, counterKey: listingId, title, aliases: [], unwritable: null };
  const listing: MemoryListing = { ...usual, ...told };
  state.listings.set(listingId, listing);
  state.counters.set(listing.counterKey, { shown, stale: null, late: [] });
  return listing;
}

/** The platform's true number, whatever reads still show. */
function shown(state: MemoryState, ref: string): number | null {
  const listing = listingOf(state, ref);
  return listing === undefined ? null : counterOf(state, listing).shown;
}
