import { dayOf } from './quota.ts';
import type { Counter, Listing, State } from './state.ts';
import { controlsOutOfStock, unitsOf } from './state.ts';

/** Revisions of one listing in one day of the platform (EBAY-D5). */
export const revisionsPerDay = 250;

/** How numbers move. Tells the listeners which listings ended or ran out. */
export interface Stock {
  /** A sale or commitment: eBay's own count falls, never below 0. */
  take(counter: Counter, quantity: number): void;
  /** A cancel in a flow that restores; nothing comes back to a listing that has ended (EBAY-6). */
  giveBack(counter: Counter, quantity: number): void;
  /** The number as the merchant or a program sets it; null leaves the offer's own number alone. */
  put(counter: Counter, available: number, offerAvailable: number | null): void;
  /** Counts a revision; false when the listing's day is used up. */
  revise(listing: Listing | null): boolean;
  end(listing: Listing): void;
}

/** `happened` hears of what the platform tells sellers about. */
export function createStock(deps: {
  state: State;
  happened(event: 'ItemClosed' | 'ItemOutOfStock' | 'ItemRevised', counter: Counter): void;
}): Stock {
  const { state, happened } = deps;

  const end = (listing: Listing) => {
    if (listing.endedAt !== null) return;
    listing.endedAt = state.now();
    const [first] = listing.counters;
    if (first !== undefined) happened('ItemClosed', first);
  };

  /** EBAY-5.3: without the option a Trading listing with nothing left is over. */
  const reached = (counter: Counter) => {
    const { listing } = counter;
    if (listing === null || listing.endedAt !== null || unitsOf(counter) > 0) return;
    happened('ItemOutOfStock', counter);
    if (listing.model !== 'trading' || controlsOutOfStock(state)) return;
    if (listing.counters.every((other) => unitsOf(other) === 0)) end(listing);
  };

  /** Warehouses keep adding up to the whole. */
  const spread = (counter: Counter) => {
    if (counter.warehouses === null) return;
    let missing = counter.warehouses.reduce((sum, { quantity }) => sum + quantity, 0) - counter.available;
    for (const warehouse of counter.warehouses) {
      const part = missing > 0 ? Math.min(missing, warehouse.quantity) : missing;
      warehouse.quantity -= part;
      missing -= part;
    }
  };

  const move = (counter: Counter, units: number) => {
    counter.available = Math.max(0, counter.available + units);
    if (counter.offer !== null && counter.offer.available !== null) {
      counter.offer.available = Math.max(0, counter.offer.available + units);
    }
    spread(counter);
  };

  return {
    take(counter, quantity) {
      move(counter, -quantity);
      counter.sold += quantity;
      reached(counter);
    },
    giveBack(counter, quantity) {
      counter.sold = Math.max(0, counter.sold - quantity);
      if (counter.listing === null || counter.listing.endedAt !== null) return;
      move(counter, quantity);
    },
    put(counter, available, offerAvailable) {
      counter.available = available;
      if (counter.offer !== null && offerAvailable !== null) counter.offer.available = offerAvailable;
      spread(counter);
      if (counter.listing !== null) happened('ItemRevised', counter);
      reached(counter);
    },
    revise(listing) {
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
