import type { ListingRef, StockReading } from '../channel.ts';
import { skusPerCall } from './capabilities.ts';
import { type Look, lookAt, lookUp } from './look.ts';
import { shownOf, whyUnwritable } from './row.ts';
import type { Shop } from './shop.ts';

/** Live numbers of the channel's location, ten SKUs a request. */
export async function readStock(
  shop: Shop,
  listings: readonly ListingRef[],
  signal: AbortSignal,
): Promise<StockReading[]> {
  const skus = listings.map(({ listingId }) => listingId);
  const looks = await lookUp(shop, skus, { priority: 'read', signal });
  return listings.map(({ listingId }) => {
    const look = lookAt(looks, listingId);
    const { askedAt, answeredAt } = look;
    return { listingId, ...stateOf(look, shop.config.location), askedAt, answeredAt };
  });
}

/** What a look says about the number at a location. */
export function stateOf(look: Look, location: string): Pick<StockReading, 'shown' | 'state' | 'detail'> {
  if (look.row === null) {
    const detail = look.why ?? 'Flipkart does not show this listing';
    return { shown: null, state: look.kind === 'absent' ? 'not-listed' : 'unwritable', detail };
  }
  const why = whyUnwritable(look.row, location);
  if (why !== null) return { shown: null, state: 'unwritable', detail: why };
  const shown = shownOf(look.row, location);
  if (shown !== null) return { shown, state: 'ok', detail: null };
  const detail = `Flipkart shows no number at the location ${location}: set one in the seller dashboard once`;
  return { shown: null, state: 'untracked', detail };
}

/** Requests of a read of so many listings, and how long they take at the configured rate. */
export function forecast(shop: Shop, listings: number): { requests: number; expectedMs: number } {
  const requests = Math.ceil(listings / skusPerCall);
  return { requests, expectedMs: Math.ceil((requests * 1_000) / shop.config.requests_per_second) };
}
