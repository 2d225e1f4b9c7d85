import type { ListingRef, StockReading } from '../channel.ts';
import { idsOf } from './facts.ts';
import { type ReadRow, readRows, type Wanted } from './rows.ts';
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
  const wanted = new Map<string, Wanted>();
  for (const { listingId } of listings) wanted.set(listingId, idsOf(listingId));
  const rows = await readRows(shop, [...wanted.values()], { priority: 'read', signal });
  const now = shop.deps.clock.now();
  return listings.map((listing) => {
    const read = rows.get(idsOf(listing.listingId).id) ?? { row: null, askedAt: now, answeredAt: now };
    const { askedAt, answeredAt } = read;
    return { listingId: listing.listingId, ...stateOf(listing, read), askedAt, answeredAt };
  });
}

/** A row as the engine sees it. A fractional number (plugins, WOO-9.18) counts its whole units. */
export function stateOf(
  listing: Pick<ListingRef, 'listingId' | 'counterKey'>,
  read: ReadRow,
): Pick<StockReading, 'shown' | 'state' | 'detail'> {
  const { row } = read;
  if (row === null)
    return { shown: null, state: 'not-listed', detail: 'the shop has no such product (any more)' };
  if (row.manage_stock === false || row.stock_quantity === null) {
    return { shown: null, state: 'untracked', detail: unmanagedReason };
  }
  const shown = Math.floor(row.stock_quantity);
  if (!Number.isSafeInteger(shown))
    return { shown: null, state: 'untracked', detail: 'the number is not readable' };
  if ((row.manage_stock === 'parent') !== sharesParent(listing)) {
    const holder = row.manage_stock === 'parent' ? 'its variable product' : 'the variation itself';
    return {
      shown,
      state: 'unwritable',
      detail: `the number is now held by ${holder}: run invsync listings import`,
    };
  }
  if (shown === row.stock_quantity) return { shown, state: 'ok', detail: null };
  return { shown, state: 'ok', detail: `the shop shows ${row.stock_quantity}; whole units count` };
}

/** The listing's number is the variable product's (`manage_stock: "parent"`). */
export function sharesParent(listing: Pick<ListingRef, 'listingId' | 'counterKey'>): boolean {
  return listing.counterKey !== listing.listingId;
}
