import { dayOf } from './quota.ts';
import type { Counter, Listing, State } from './state.ts';
import { controlsOutOfStock, isLive, unitsOf } from './state.ts';

/** Revisions of one listing in one day of the platform (EBAY-D5). */
export const revisionsPerDay = 250;

/** How numbers move. */
export type Stock = ReturnType<typeof createStock>;

/** `happened` hears of what the platform tells sellers about. */
export function createStock(
  state: State,
  happened: (event: 'ItemClosed' | 'ItemOutOfStock' | 'ItemRevised', counter: Counter) => void,
) {
  const end = (listing: Listing) => {
    if (listing.endedAt !== null) return;
    listing.endedAt = state.now();
    const [first] = listing.counters;
    if (first !== undefined) happened('ItemClosed', first);
  };

  /** EBAY-5.3: without the option a Trading listing with nothing left is over. */
  const reached = (counter: Counter) => {
    const { listing } = counter;
    if (!isLive(listing) || unitsOf(counter) > 0) return;
    happened('ItemOutOfStock', counter);
    if (listing.model !== 'trading' || controlsOutOfStock(state)) return;
    if (listing.counters.every((other) => unitsOf(other) === 0)) end(listing);
  };

  return {
    /** A sale or commitment: eBay's own count falls, never below 0. */
    take(counter: Counter, quantity: number): void {
      move(counter, -quantity);
      counter.sold += quantity;
      reached(counter);
    },
    /** A cancel in a flow that restores; nothing comes back to a listing that has ended (EBAY-6). */
    giveBack(counter: Counter, quantity: number): void {
      counter.sold = Math.max(0, counter.sold - quantity);
      if (isLive(counter.listing)) move(counter, quantity);
    },
    /** The number as the merchant or a program sets it; null leaves the offer's own number alone. */
    put(counter: Counter, available: number, offerAvailable: number | null): void {
      counter.available = available;
      if (counter.offer !== null && offerAvailable !== null) counter.offer.available = offerAvailable;
      spread(counter);
      if (counter.listing !== null) happened('ItemRevised', counter);
      reached(counter);
    },
    /** Counts a revision; false when the listing's day is used up. */
    revise(listing: Listing | null): boolean {
      if (listing === null) return true;
      const day = dayOf(state);
      if (listing.revisions.day !== day) listing.revisions = { day, count: 0 };
      if (state.faults.hits('revision_limit')) listing.revisions.count = revisionsPerDay;
      if (listing.revisions.count >= revisionsPerDay) return false;
      listing.revisions.count += 1;
      return true;
    },
    end,
  };
}

function move(counter: Counter, units: number): void {
  counter.available = Math.max(0, counter.available + units);
  if (counter.offer !== null && counter.offer.available !== null) {
    counter.offer.available = Math.max(0, counter.offer.available + units);
  }
  spread(counter);
}

/** Warehouses keep adding up to the whole. */
function spread(counter: Counter): void {
  if (counter.warehouses === null) return;
  let missing = counter.warehouses.reduce((sum, { quantity }) => sum + quantity, 0) - counter.available;
  for (const warehouse of counter.warehouses) {
    const part = missing > 0 ? Math.min(missing, warehouse.quantity) : missing;
    warehouse.quantity -= part;
    missing -= part;
  }
}
