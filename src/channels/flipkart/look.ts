import { z } from 'zod';
import type { ListingRef, StockReading } from '../channel.ts';
import { noNumber, type Reading, type Span, shownAs } from '../kit/reading.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import { MaybeId, rowsOf, Text, Whole } from '../kit/shapes.ts';
import { chunksOf } from '../kit/write.ts';
import type { Shop } from './api.ts';
import { skusPerCall } from './capabilities.ts';

const Place = z.object({ id: z.string().min(1), status: Text, inventory: Whole });
type Place = z.infer<typeof Place>;

/** What is read of a listing (FK-3.2). Entries of the map that are no objects are not listings. */
const Row = z.object({
  listing_id: MaybeId,
  product_id: Text,
  fulfillment_profile: Text,
  archived_status: Text,
  locations: rowsOf(Place),
});
export type Row = z.infer<typeof Row>;

/**
 * What a live read found of one SKU. `absent`: Flipkart said that it has no such listing. `unread`: it is there in a form
 * that cannot be read, Flipkart will not hear of such a SKU, or it cannot be asked for. `left out`: the answer does not
 * name it at all. `why`: in words.
 */
export type Look = Span &
  (
    | { kind: 'found'; row: Row; why: null }
    | { kind: 'absent' | 'unread' | 'left out'; row: null; why: string }
  );

/** An answer without any of the three says nothing, and does not say that there is nothing. */
const Listings = z
  .object({
    available: z.record(z.string(), z.unknown()).nullish(),
    unavailable: z.array(z.unknown()).nullish().catch(null),
    invalid: z.array(z.unknown()).nullish().catch(null),
  })
  .refine(({ available, unavailable, invalid }) => available ?? unavailable ?? invalid);
type Listings = z.infer<typeof Listings>;

/** Live numbers of the channel's location, ten SKUs a request. */
export async function readStock(
  shop: Shop,
  listings: readonly ListingRef[],
  signal: AbortSignal,
): Promise<StockReading[]> {
  const skus = listings.map(({ listingId }) => listingId);
  const look = await lookUp(shop, skus, { priority: 'read', signal });
  return skus.map((listingId) => ({ listingId, ...readingOf(look(listingId), shop.config.location) }));
}

/**
 * Live rows by SKU, ten a request (FK-3.2); every wanted SKU has one. A request that Flipkart refuses is halved down to
 * the SKU that it does not take. Throws `ChannelError`.
 */
export async function lookUp(
  shop: Shop,
  skus: readonly string[],
  reading: Reading,
): Promise<(sku: string) => Look> {
  const now = shop.deps.clock.now();
  const none: Look = { kind: 'unread', row: null, why: unaddressable, askedAt: now, answeredAt: now };
  const found = new Map<string, Look>(skus.map((sku) => [sku, none]));
  for (const some of chunksOf([...found.keys()].filter(isAddressable), skusPerCall))
    for (const [sku, look] of await lookUpSome(shop, some, reading)) found.set(sku, look);
  return (sku) => found.get(sku) ?? none;
}

async function lookUpSome(
  shop: Shop,
  skus: readonly string[],
  { priority, signal }: Reading,
): Promise<[string, Look][]> {
  const askedAt = shop.deps.clock.now();
  const path = `/listings/v3/${skus.map(encodeURIComponent).join(',')}`;
  try {
    const answer = await shop.api.call(
      { family: 'listings', method: 'GET', path, data: Listings, priority },
      signal,
    );
    return skus.map((sku) => [sku, lookOf(sku, answer)]);
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'rejected') throw error;
    const looks: [string, Look][] = [];
    if (skus.length > 1) {
      for (const half of chunksOf(skus, Math.ceil(skus.length / 2)))
        looks.push(...(await lookUpSome(shop, half, { priority, signal })));
      return looks;
    }
    // A refusal is no word that there is no such listing, except where it says just that.
    const kind = error.status === 404 ? 'absent' : 'unread';
    const span = { askedAt, answeredAt: shop.deps.clock.now() };
    return skus.map((sku) => [sku, { kind, row: null, why: error.message, ...span }]);
  }
}

function lookOf(sku: string, { data, askedAt, answeredAt }: Answer<Listings>): Look {
  const span = { askedAt, answeredAt };
  const none = (kind: 'absent' | 'unread' | 'left out', why: string): Look => ({
    kind,
    row: null,
    why,
    ...span,
  });
  if ((data.unavailable ?? []).includes(sku)) return none('absent', 'the account does not list this SKU');
  if ((data.invalid ?? []).includes(sku)) return none('absent', 'Flipkart calls this SKU malformed');
  const entry = Object.hasOwn(data.available ?? {}, sku) ? data.available?.[sku] : undefined;
  if (typeof entry !== 'object' || entry === null)
    return none('left out', 'Flipkart’s answer leaves this SKU out');
  const row = Row.safeParse(entry);
  if (!row.success) return none('unread', 'Flipkart shows this listing in a form that cannot be read');
  return { kind: 'found', row: row.data, why: null, ...span };
}

/** What a look says about the number at a location. */
export function readingOf(look: Look, location: string): Omit<StockReading, 'listingId'> {
  const { row, kind } = look;
  if (row === null) return noNumber(kind === 'absent' ? 'not-listed' : 'unwritable', look.why, look);
  const why = whyUnwritable(row, location);
  if (why !== null) return noNumber('unwritable', why, look);
  const shown = shownOf(row, location);
  if (shown !== null) return shownAs(shown, look);
  const detail = `Flipkart shows no number at the location ${location}: set one in the seller dashboard once`;
  return noNumber('untracked', detail, look);
}

/** The listing's entry for a location. */
export function placeOf(row: Row, location: string): Place | null {
  return row.locations.find((place) => place.id === location) ?? null;
}

/** The number that Flipkart shows for a location; null when it tells none. */
export function shownOf(row: Row, location: string): number | null {
  return placeOf(row, location)?.inventory ?? null;
}

/** Profiles with stock of the seller's own (FK-3.2). FBF alone lies in Flipkart's warehouse. */
const ownStock = new Set(['NON_FBF', 'FBF_LITE', 'FBF_AND_FBF_LITE', 'FBF_AND_NON_FBF']);

/** Why the number of a listing at a location may not be written, in words, or null. */
export function whyUnwritable(row: Row, location: string): string | null {
  const profile = row.fulfillment_profile ?? '';
  if (profile === 'FBF')
    return 'Flipkart ships it from its own warehouse (FBF): the number there is Flipkart’s';
  if (profile !== '' && !ownStock.has(profile))
    return `its fulfilment profile ${profile.slice(0, 40)} is not known`;
  if ((row.archived_status ?? '').toUpperCase() === 'ARCHIVED') return 'the listing is archived';
  if (!row.product_id) return 'Flipkart tells no product id (FSN), which a write needs';
  if (placeOf(row, location) === null) return `the listing is not offered at the location ${location}`;
  return null;
}

/**
 * Can this SKU stand in the path of a read and as a key of a write? A comma or slash cannot be told from the path's own,
 * dots alone lead elsewhere (FK-3.2, FK-7.4), and this one key is lost wherever JSON becomes objects (FK-7.3).
 */
export function isAddressable(sku: string): boolean {
  return !/^(?:\.{0,2}|__proto__)$|[,/\\\uD800-\uDFFF]/u.test(sku);
}

/** Why a SKU that is not addressable is left alone. */
export const unaddressable =
  'Flipkart’s API cannot address this SKU (a comma, a slash, or a reserved word): it would need another SKU there';
