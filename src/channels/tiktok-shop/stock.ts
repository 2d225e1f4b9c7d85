import type { ListingRef, StockReading } from '../channel.ts';
import { stopped } from '../errors.ts';
import { factsOf } from './facts.ts';
import { isId } from './ids.ts';
import { numberOf, type Reading, readSkus, type SkuStock } from './inventory.ts';
import type { Shop } from './shop.ts';
import type { Sites } from './warehouses.ts';

const gone = 'TikTok Shop has no such SKU in this shop (any more)';
const noNumber = 'TikTok Shop tells no number for this SKU';

/** What TikTok shows now, one uncached reading per listing in order (TTS-3.2). */
export async function readStock(
  shop: Shop,
  listings: readonly ListingRef[],
  reading: Reading,
): Promise<StockReading[]> {
  if (reading.signal.aborted) throw stopped();
  const ids = listings.map(({ listingId }) => listingId).filter(isId);
  if (ids.length === 0) return listings.map(({ listingId }) => missing(listingId, shop.deps.clock.now()));
  const sites = await shop.warehouses.known(reading.signal);
  const found = await readSkus(shop, ids, reading);
  const now = shop.deps.clock.now();
  return listings.map((listing) => {
    const stock = found.get(listing.listingId);
    return stock === undefined ? missing(listing.listingId, now) : readingOf(listing, stock, sites);
  });
}

function readingOf(listing: ListingRef, stock: SkuStock, sites: Sites): StockReading {
  const { askedAt, answeredAt } = stock;
  const { listingId } = listing;
  const shown = numberOf(stock, sites);
  const why = factsOf(listing).unwritable;
  if (why !== null) return { listingId, shown, state: 'unwritable', detail: why, askedAt, answeredAt };
  if (shown === null) {
    return { listingId, shown, state: 'untracked', detail: noNumber, askedAt, answeredAt };
  }
  return { listingId, shown, state: 'ok', detail: null, askedAt, answeredAt };
}

function missing(listingId: string, now: number): StockReading {
  return { listingId, shown: null, state: 'not-listed', detail: gone, askedAt: now, answeredAt: now };
}
