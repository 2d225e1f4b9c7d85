import type { CatalogueItem } from '../shop.ts';
import type { Counter, Listing, Model, State } from './state.ts';

/**
 * Which kind of listing each ten items of the catalogue become: 0, 3 single inventory listings; 4, 5 variations of an
 * inventory item group; 1, 2, 9 single Trading listings; 6, 7, 8 variations of one Trading listing.
 */
const kinds: readonly { model: Model; group: string | null }[] = [
  { model: 'inventory', group: null },
  { model: 'trading', group: null },
  { model: 'trading', group: null },
  { model: 'inventory', group: null },
  { model: 'inventory', group: 'SET' },
  { model: 'inventory', group: 'SET' },
  { model: 'trading', group: 'RANGE' },
  { model: 'trading', group: 'RANGE' },
  { model: 'trading', group: 'RANGE' },
  { model: 'trading', group: null },
];

/** Fills the shop: the catalogue over both models, then the oddities. */
export function stockShelves(state: State, catalogue: readonly CatalogueItem[]): void {
  const groups = new Map<string, Listing>();
  catalogue.forEach((item, index) => {
    const kind = kinds[index % kinds.length];
    if (kind === undefined) return;
    const counter = newCounter(kind.model, item.sku, item.title, item.stock);
    addCounter(state, counter);
    const key = kind.group === null ? null : `${kind.group}-${Math.floor(index / kinds.length) + 1}`;
    const known = key === null ? undefined : groups.get(key);
    const listing = known ?? openListing(state, kind.model, key ?? item.title, key);
    if (key !== null) groups.set(key, listing);
    putOn(state, listing, counter);
    if (kind.model === 'inventory') {
      // EBAY-D6: every second offer carries a number of its own, which pins the listing.
      const pinned = index % 2 === 0 ? item.stock : null;
      addOffer(state, counter, { available: pinned, published: true });
    }
  });
  addOddities(state);
}

/** What a shop has that an importer stumbles over (EBAY-9). */
function addOddities(state: State): void {
  const single = (sku: string | null, title: string, stock: number) => {
    const counter = newCounter('trading', sku, title, stock);
    addCounter(state, counter);
    const listing = openListing(state, 'trading', title, null);
    putOn(state, listing, counter);
    return listing;
  };
  const stored = (sku: string, title: string, stock: number) => {
    const counter = newCounter('inventory', sku, title, stock);
    addCounter(state, counter);
    return counter;
  };
  single('DUP-1', 'Twin, left', 4);
  single('DUP-1', 'Twin, right', 6);
  single(null, 'Lamp without a number of its own', 5);
  single('AUCTION-1', 'One of a kind', 1).auction = true;
  const scarf = openListing(state, 'trading', 'Scarf', 'SCARF');
  for (const sku of ['SCARF-RED', null]) {
    const counter = newCounter('trading', sku, 'Scarf', 3);
    addCounter(state, counter);
    putOn(state, scarf, counter);
  }
  stored('LOOSE-1', 'Never offered', 5);
  addOffer(state, stored('DRAFT-1', 'Not published yet', 5), { available: null, published: false });
  const spread = stored('WAREHOUSE-1', 'In two warehouses', 9);
  spread.warehouses = [
    { key: 'north', quantity: 4 },
    { key: 'south', quantity: 5 },
  ];
  putOn(state, openListing(state, 'inventory', spread.title, null), spread);
  addOffer(state, spread, { available: null, published: true });
}

/** A counter that nobody lists yet. */
export function newCounter(model: Model, sku: string | null, title: string, stock: number): Counter {
  return {
    model,
    sku,
    title,
    aspect: null,
    variationId: null,
    listing: null,
    available: stock,
    sold: 0,
    offer: null,
    warehouses: null,
    stale: null,
  };
}

/** Puts a counter into the shop's books. */
export function addCounter(state: State, counter: Counter): void {
  state.counters.push(counter);
  if (counter.sku === null) return;
  state.bySku.set(counter.sku, [...(state.bySku.get(counter.sku) ?? []), counter]);
}

/** A live listing without counters; `groupKey` makes it one with variations. */
export function openListing(state: State, model: Model, title: string, groupKey: string | null): Listing {
  const listing: Listing = {
    itemId: state.ids.item(),
    model,
    title,
    auction: false,
    multi: groupKey !== null,
    groupKey,
    counters: [],
    startedAt: state.now(),
    endedAt: null,
    onHold: false,
    revisions: { day: 0, count: 0 },
  };
  state.listings.set(listing.itemId, listing);
  return listing;
}

/** Lists a counter, as a variation where the listing has them. */
export function putOn(state: State, listing: Listing, counter: Counter): void {
  counter.listing = listing;
  listing.counters.push(counter);
  if (!listing.multi) return;
  counter.variationId = state.ids.variation();
  counter.aspect = counter.sku ?? 'Plain';
}

/** Makes the offer of an inventory item. */
export function addOffer(
  state: State,
  counter: Counter,
  offer: { available: number | null; published: boolean },
): void {
  const offerId = state.ids.offer();
  counter.offer = { offerId, ...offer };
  state.offers.set(offerId, counter);
}
