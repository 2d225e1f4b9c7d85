import type { ListingRef, StockReading } from '../channel.ts';
import { noNumber, shownAs } from '../kit/reading.ts';
import { chunksOf } from '../kit/write.ts';
import type { Account, Task } from './account.ts';
import { channelsOf, shownOf, whyUnwritable } from './item.ts';
import { type FoundItem, findItems, pageSize } from './search.ts';

/** Live numbers, 20 SKUs a request (AMZ-4.1: the reconciler's main read). */
export async function readStock(task: Task, listings: readonly ListingRef[]): Promise<StockReading[]> {
  const readings: StockReading[] = [];
  for (const batch of chunksOf(listings, pageSize)) {
    const skus = batch.map(({ listingId }) => listingId);
    const found = await findItems(task, skus, 'read');
    for (const listingId of skus) {
      const each = found.get(listingId);
      if (each !== undefined) readings.push({ listingId, ...readingOf(each) });
    }
  }
  return readings;
}

/** What an item shows. */
function readingOf(found: FoundItem): Omit<StockReading, 'listingId'> {
  const { item } = found;
  if (item === null) return noNumber('not-listed', 'the account does not list this SKU', found);
  const unwritable = whyUnwritable(channelsOf(item));
  if (unwritable !== null) return noNumber('unwritable', unwritable, found);
  const shown = shownOf(item);
  if (shown !== null) return shownAs(shown, found);
  return noNumber('untracked', 'Amazon shows no quantity: set one in Seller Central once', found);
}

/** Requests of a read of so many listings, and how long they take within Amazon's rate. */
export function forecast(account: Account, listings: number): { requests: number; expectedMs: number } {
  const requests = Math.ceil(listings / pageSize);
  return { requests, expectedMs: account.api.forecastMs('searchListingsItems', requests) };
}
