import { AppError } from '../../errors.ts';
import type { SellRequest, SellResult } from '../shop.ts';

/** What a shop sells under a SKU. Throws AppError `unknown_sku`. */
export function listed<Listing>(listing: Listing | undefined, sku: string): Listing {
  if (listing === undefined) throw new AppError('unknown_sku', `no ${sku} in this shop`);
  return listing;
}

/** A number that readers are still shown after it was changed, until then. */
export type Stale<Shown> = { shown: Shown; until: number } | null;

/** The number that readers are shown. */
export function shownTo<Shown>(stale: Stale<Shown>, now: number, truth: Shown): Shown {
  return stale !== null && stale.until > now ? stale.shown : truth;
}

/** Where the units of one line of a sale come from. */
export interface Picked<Place> {
  sku: string;
  place: Place;
  quantity: number;
}

/**
 * For each line the first of its places that has enough beside the lines before, else the first, which only a forced
 * sale may draw from. Or why nothing is sold: a SKU without places says `unknown_sku`, unless `placesOf` knows better.
 */
export function picksOf<Place>(
  request: SellRequest,
  placesOf: (sku: string) => readonly Place[] | 'out_of_stock',
  freeAt: (place: Place) => number,
): Picked<Place>[] | Extract<SellResult, { sold: false }>['reason'] {
  const wanted = new Map<Place, number>();
  const picks: Picked<Place>[] = [];
  let enough = true;
  for (const { sku, quantity } of request.lines) {
    const places = placesOf(sku);
    if (places === 'out_of_stock') return places;
    const fitting = places.find((place) => freeAt(place) - (wanted.get(place) ?? 0) >= quantity);
    const place = fitting ?? places[0];
    if (place === undefined) return 'unknown_sku';
    if (fitting === undefined) enough = false;
    wanted.set(place, (wanted.get(place) ?? 0) + quantity);
    picks.push({ sku, place, quantity });
  }
  return enough || request.force === true ? picks : 'out_of_stock';
}
