import { z } from 'zod';

const Text = z.string().nullish().catch(null);

const Place = z.object({
  id: z.string().min(1),
  status: Text,
  inventory: z.int().nullish().catch(null),
});
type Place = z.infer<typeof Place>;

/** What is read of a listing (FK-3.2). Entries of the map that are no objects are not listings (FK-3.2). */
export const Row = z.object({
  listing_id: z
    .union([z.string().min(1), z.number()])
    .transform(String)
    .nullish()
    .catch(null),
  product_id: z.string().min(1).nullish().catch(null),
  fulfillment_profile: Text,
  archived_status: Text,
  locations: z
    .array(z.unknown())
    .nullish()
    .catch(null)
    .transform((rows) => (rows ?? []).flatMap((row) => Place.safeParse(row).data ?? [])),
});
export type Row = z.infer<typeof Row>;

/** Profiles with stock of the seller's own (FK-3.2). FBF alone lies in Flipkart's warehouse. */
const ownStock = new Set(['NON_FBF', 'FBF_LITE', 'FBF_AND_FBF_LITE', 'FBF_AND_NON_FBF']);

/** The listing's entry for a location. */
export function placeOf(row: Row, location: string): Place | null {
  return row.locations.find((place) => place.id === location) ?? null;
}

/** The number that Flipkart shows for a location; null when it tells none. */
export function shownOf(row: Row, location: string): number | null {
  return placeOf(row, location)?.inventory ?? null;
}

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
  return (
    sku !== '' &&
    !/[,/\\]/.test(sku) &&
    !/^\.{1,2}$/.test(sku) &&
    sku !== '__proto__' &&
    !/[\uD800-\uDFFF]/u.test(sku)
  );
}

/** Why a SKU that is not addressable is left alone. */
export const unaddressable =
  'Flipkart’s API cannot address this SKU (a comma, a slash, or a reserved word): it would need another SKU there';
