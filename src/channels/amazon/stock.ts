import type { ListingRef, StockReading } from '../channel.ts';
import type { Account } from './account.ts';
import { channelsOf, type ListingsItem, shownOf, whyUnwritable } from './item.ts';
import { findItems, pageSize } from './search.ts';

/** Live numbers, 20 SKUs a request (AMZ-4.1: the reconciler's main read). */
export async function readStock(
  account: Account,
  listings: readonly ListingRef[],
  signal: AbortSignal,
): Promise<StockReading[]> {
  const readings: StockReading[] = [];
  for (let at = 0; at < listings.length; at += pageSize) {
    const batch = listings.slice(at, at + pageSize);
    const found = await findItems(
      account,
      batch.map((listing) => listing.listingId),
      'read',
      signal,
    );
    for (const { listingId } of batch) {
      const each = found.get(listingId);
      if (each === undefined) continue;
      const { askedAt, answeredAt } = each;
      readings.push({ listingId, ...stateOf(each.item), askedAt, answeredAt });
    }
  }
  return readings;
}

function stateOf(item: ListingsItem | null): Pick<StockReading, 'shown' | 'state' | 'detail'> {
  if (item === null)
    return { shown: null, state: 'not-listed', detail: 'the account does not list this SKU' };
  const unwritable = whyUnwritable(channelsOf(item));
  if (unwritable !== null) return { shown: null, state: 'unwritable', detail: unwritable };
  const shown = shownOf(item);
  if (shown !== null) return { shown, state: 'ok', detail: null };
  return {
    shown: null,
    state: 'untracked',
    detail: 'Amazon shows no quantity: set one in Seller Central once',
  };
}

/** Requests of a read of so many listings, and how long they take within Amazon's rate. */
export function forecast(account: Account, listings: number): { requests: number; expectedMs: number } {
  const requests = Math.ceil(listings / pageSize);
  return { requests, expectedMs: account.api.bucketOf('searchListingsItems').forecastMs(requests) };
}
