import { recipeText, type SkuDoubt } from '../../stock/listing.ts';
import type { Db } from './open.ts';
import { codeOf, skuIdOf } from './sku.ts';

/**
 * True for a listing `l` whose mapping was made because its SKU equalled a known one, and whose SKU there is not that
 * one any more. A listing that is gone or left alone is nobody's question.
 */
export const reasonGone = `l.mapped_by = 'sku' and l.vanished = 0 and l.mode = 'on' and not exists (
  select 1 from listing_part p
  where p.listing_ref = l.id and p.sku_id in (
    (select id from sku where code = l.channel_sku),
    (select sku_id from sku_alias where code = l.channel_sku),
    (select id from sku where code = l.sku),
    (select sku_id from sku_alias where code = l.sku)))`;

/** A listing with the columns that its identity is judged by. */
export interface NamedListing {
  id: number;
  channel_id: number;
  channel_sku: string | null;
  sku: string | null;
  counter_id: number;
  parts: string | null;
}

/** What has become of the SKU of a listing whose mapping has lost its reason. */
export function doubtOf(db: Db, listing: NamedListing): SkuDoubt {
  const text = listing.channel_sku?.trim() ?? '';
  if (text === '') return { kind: 'emptied' };
  const skuId = skuIdOf(db, text);
  const swapped = skuId === null ? null : swappedWith(db, listing, skuId);
  if (swapped !== null) return { kind: 'swapped', with: swapped };
  if (skuId !== null) return { kind: 'other', sku: codeOf(db, skuId) };
  const bundle = db
    .sql(
      `select parts from listing
       where sku = ? and id <> ? and vanished = 0 and mapped_by = 'name'
       order by channel_id <> ?, id
       limit 1`,
    )
    .pluck()
    .get(listing.sku, listing.id, listing.channel_id) as string | undefined;
  return bundle === undefined ? { kind: 'unknown' } : { kind: 'bundle', parts: partsText(db, bundle) };
}

/** The listing that is mapped to the SKU which this one prints now, and prints the SKU that this one is mapped to. */
function swappedWith(db: Db, listing: NamedListing, skuId: number): string | null {
  const rows = db
    .sql(
      `select l.listing_id, coalesce(l.sku, l.channel_sku) as sku
       from listing_part p join listing l on l.id = p.listing_ref
       where p.sku_id = ? and l.channel_id = ? and l.id <> ? and ${reasonGone}`,
    )
    .all(skuId, listing.channel_id, listing.id) as { listing_id: string; sku: string | null }[];
  const own = (JSON.parse(listing.parts ?? '[]') as [number, number][]).map(([part]) => part);
  const other = rows.find(({ sku }) => sku !== null && own.includes(skuIdOf(db, sku) ?? 0));
  return other?.listing_id ?? null;
}

/** Parts as `listings map` takes them. */
export function partsText(db: Db, parts: string): string {
  return recipeText(recipeOf(db, parts));
}

/** Stored parts with their SKUs by name. */
export function recipeOf(db: Db, parts: string): { sku: string; units: number }[] {
  return (JSON.parse(parts) as [number, number][]).map(([skuId, units]) => ({
    sku: codeOf(db, skuId),
    units,
  }));
}

/** Does another number of the channel have the same SKU? What is gone has none. */
export function hasTwin(db: Db, listing: NamedListing): boolean {
  if (listing.sku === null) return false;
  const row = db
    .sql(
      `select 1 from listing
       where channel_id = ? and sku = ? and vanished = 0 and counter_id <> ?
       limit 1`,
    )
    .get(listing.channel_id, listing.sku, listing.counter_id);
  return row !== undefined;
}
