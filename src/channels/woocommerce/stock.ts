import type { ListingRef, StockReading } from '../channel.ts';
import { noNumber, shownAs } from '../kit/reading.ts';
import { idsOf, type ReadRow, readRows } from './rows.ts';
import type { Shop } from './shop.ts';

/** Why a number may not be written, with its remedy: part of readings, outcomes and discovery. */
export const unmanagedReason =
  'WooCommerce keeps no stock for it: tick "Track stock quantity for this product" (and WooCommerce > Settings > Products > Inventory > Enable stock management), then run invsync listings import';

/** What the shop shows now, one reading per listing in order (WOO-4; O.2). */
export async function readStock(
  shop: Shop,
  listings: readonly ListingRef[],
  signal: AbortSignal,
): Promise<StockReading[]> {
  const wanted = new Map(listings.map(({ listingId }) => [listingId, idsOf(listingId)]));
  const rows = await readRows(shop, [...wanted.values()], { priority: 'read', signal });
  const now = shop.deps.clock.now();
  const none = { row: null, askedAt: now, answeredAt: now };
  return listings.map((listing) => {
    const { listingId } = listing;
    return { listingId, ...stateOf(listing, rows.get(idsOf(listingId).id) ?? none) };
  });
}

/** A row as the engine sees it. A fractional number (plugins, WOO-9.18) counts its whole units. */
export function stateOf(
  listing: Pick<ListingRef, 'listingId' | 'counterKey'>,
  read: ReadRow,
): Omit<StockReading, 'listingId'> {
  const { row } = read;
  if (row === null) return noNumber('not-listed', 'the shop has no such product (any more)', read);
  const { manage_stock: managed, stock_quantity: told } = row;
  if (managed === false || told === null) return noNumber('untracked', unmanagedReason, read);
  const shown = Math.floor(told);
  if (!Number.isSafeInteger(shown)) return noNumber('untracked', 'the number is not readable', read);
  if ((managed === 'parent') !== sharesParent(listing)) {
    const holder = managed === 'parent' ? 'its variable product' : 'the variation itself';
    const detail = `the number is now held by ${holder}: run invsync listings import`;
    return { ...noNumber('unwritable', detail, read), shown };
  }
  const detail = shown === told ? null : `the shop shows ${told}; whole units count`;
  return { ...shownAs(shown, read), detail };
}

/** The listing's number is the variable product's (`manage_stock: "parent"`). */
export function sharesParent(listing: Pick<ListingRef, 'listingId' | 'counterKey'>): boolean {
  return listing.counterKey !== listing.listingId;
}
