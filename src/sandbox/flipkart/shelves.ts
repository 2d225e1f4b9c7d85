import type { CatalogueItem } from '../shop.ts';
import { type Item, type Listing, newListing, type Place, placeAt, type Site } from './site.ts';

/** Puts a listing on the shelf, with these units at each of its locations. Throws nothing; a known SKU is replaced. */
export function list(
  site: Site,
  {
    sku,
    title,
    units,
    ...rest
  }: { sku: string; title: string; units: Record<string, number> } & Partial<Listing>,
): Listing {
  const listing = { ...newListing(site, sku, title), ...rest };
  for (const [location, inventory] of Object.entries(units)) placeAt(listing, location).inventory = inventory;
  site.listings.set(sku, listing);
  return listing;
}

/** SKUs of the listings that the platform is odd about, none of them the catalogue's. */
export const oddSkus = {
  /** Its stock lies in the platform's warehouse: no location, no writing. */
  platform: 'FBF-ONLY',
  archived: 'OLD-1',
  /** The merchant closed it at the main location. */
  disabled: 'CLOSED-1',
  twoPlaces: 'TWO-PLACES',
  /** Not at the main location. */
  elsewhere: 'ELSEWHERE',
  /** SKUs that no path can carry (FK-3.2). */
  unaddressable: ['PAIR,SET', 'HALF/HALF'],
  /** A SKU is a key of JSON objects here (FK-7.3). */
  prototype: '__proto__',
} as const;

/** Fills the shop: the catalogue at the main location, and the oddities. */
export function stockShelves(site: Site, catalogue: readonly CatalogueItem[]): void {
  const [main, second = main] = site.locations;
  for (const { sku, title, stock } of catalogue) list(site, { sku, title, units: { [main]: stock } });
  list(site, { sku: oddSkus.platform, title: 'Lamp', units: { FBF: 20 }, profile: 'FBF' });
  const old = { status: 'INACTIVE', archived: 'ARCHIVED' } as const;
  list(site, { sku: oddSkus.archived, title: 'Saucer', units: { [main]: 2 }, ...old });
  const closed = list(site, { sku: oddSkus.disabled, title: 'Basket', units: { [main]: 4 } });
  placeAt(closed, main).enabled = false;
  list(site, { sku: oddSkus.twoPlaces, title: 'Candle', units: { [main]: 3, [second]: 5 } });
  list(site, { sku: oddSkus.elsewhere, title: 'Carpet', units: { [second]: 6 } });
  for (const sku of oddSkus.unaddressable) list(site, { sku, title: 'Odd lot', units: { [main]: 2 } });
  list(site, { sku: oddSkus.prototype, title: 'Prototype', units: { [main]: 1 } });
}

/** Units that buyers can have at a place. */
export function freeAt({ basis }: Site, { enabled, inventory, pending }: Place): number {
  if (!enabled) return 0;
  return basis === 'net' ? inventory : Math.max(0, inventory - pending);
}

/** A sale. Answers by how much the number fell. */
export function take({ basis }: Site, place: Place, units: number): number {
  place.pending += units;
  if (basis === 'gross') return 0;
  const drawn = Math.min(place.inventory, units);
  place.inventory -= drawn;
  return drawn;
}

/** Units are called off: they come back to the number, or, by the seller's doing, the number is 0 (FK-2.6). */
export function giveBack(
  { faults }: Site,
  place: Place,
  { item, units, emptied }: { item: Item; units: number; emptied: boolean },
): void {
  place.pending = Math.max(0, place.pending - units);
  const given = Math.min(units, item.drawn);
  item.drawn -= given;
  if (emptied) place.inventory = 0;
  else if (given > 0 && !faults.hits('number_not_restored')) place.inventory += given;
}

/** The courier takes units along. */
export function dispatch({ basis }: Site, place: Place, units: number): void {
  place.pending = Math.max(0, place.pending - units);
  if (basis === 'gross') place.inventory = Math.max(0, place.inventory - units);
}

/** The number that the API shows at the main location; null where there is none to write. */
export function shownOf({ locations }: Site, { profile, status, places }: Listing): number | null {
  if (profile === 'FBF' || status !== 'ACTIVE') return null;
  return places.get(locations[0])?.inventory ?? null;
}
