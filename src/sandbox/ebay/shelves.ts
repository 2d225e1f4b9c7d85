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
    const { model } = kind;
    const counter = addCounter(state, { ...item, model });
    const key = kind.group === null ? null : `${kind.group}-${Math.floor(index / kinds.length) + 1}`;
    const known = key === null ? undefined : groups.get(key);
    const listing = known ?? openListing(state, { model, title: key ?? item.title, groupKey: key });
    if (key !== null) groups.set(key, listing);
    putOn(state, listing, counter);
    if (model === 'inventory') {
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
    const listing = openListing(state, { model: 'trading', title, groupKey: null });
    putOn(state, listing, addCounter(state, { model: 'trading', sku, title, stock }));
    return listing;
  };
  const stored = (sku: string, title: string, stock: number) =>
    addCounter(state, { model: 'inventory', sku, title, stock });
  single('DUP-1', 'Twin, left', 4);
  single('DUP-1', 'Twin, right', 6);
  single(null, 'Lamp without a number of its own', 5);
  single('AUCTION-1', 'One of a kind', 1).auction = true;
  const kind = { model: 'trading', title: 'Scarf' } as const;
  const scarf = openListing(state, { ...kind, groupKey: 'SCARF' });
  for (const sku of ['SCARF-RED', null]) putOn(state, scarf, addCounter(state, { ...kind, sku, stock: 3 }));
  stored('LOOSE-1', 'Never offered', 5);
  addOffer(state, stored('DRAFT-1', 'Not published yet', 5), { available: null, published: false });
  const spread = stored('WAREHOUSE-1', 'In two warehouses', 9);
  spread.warehouses = [
    { key: 'north', quantity: 4 },
    { key: 'south', quantity: 5 },
  ];
  const { model, title } = spread;
  putOn(state, openListing(state, { model, title, groupKey: null }), spread);
  addOffer(state, spread, { available: null, published: true });
}

/** A counter that nobody lists yet, in the shop's books. */
export function addCounter(
  state: State,
  { stock, ...wish }: Pick<Counter, 'model' | 'sku' | 'title'> & { stock: number },
): Counter {
  const counter: Counter = {
    ...wish,
    aspect: null,
    variationId: null,
    listing: null,
    available: stock,
    sold: 0,
    offer: null,
    warehouses: null,
    stale: null,
  };
  state.counters.push(counter);
  const { sku } = counter;
  if (sku !== null) state.bySku.set(sku, [...(state.bySku.get(sku) ?? []), counter]);
  return counter;
}

/** A live listing without counters; a `groupKey` makes it one with variations. */
export function openListing(
  state: State,
  { model, title, groupKey }: Pick<Listing, 'model' | 'title' | 'groupKey'>,
): Listing {
  const listing: Listing = {
    itemId: state.ids.item(),
    model,
    title,
    groupKey,
    auction: false,
    multi: groupKey !== null,
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
