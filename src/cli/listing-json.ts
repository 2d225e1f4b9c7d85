import { AppError, EXIT } from '../errors.ts';
import type { ListingRow } from '../store/store.ts';
import { standing } from '../sync/standing.ts';
import { type Books, channelNamed } from './books.ts';

/** A listing as every document shows it. */
export function listingJson(row: ListingRow, resembles: string | null = null) {
  const { state, why, mend } = standing(row, resembles);
  return {
    id: row.id,
    channel: row.channel,
    listing_id: row.listingId,
    channel_sku: row.channelSku,
    title: row.title,
    parts: row.parts.map(({ sku, units }) => ({ sku, units })),
    mode: row.mode,
    state,
    why: why === '' ? null : why,
    mend: mend === '' ? null : mend,
    mapped_by: row.mappedBy,
    buffer: row.offer.buffer,
    percent: row.offer.percent,
    max: row.offer.max,
    fixed: row.fixed,
    note: row.unwritable,
  };
}

/** `MUG-BLK x2 + SPOON x4`; empty without parts. */
export function partsText(parts: readonly { sku: string; units: number }[]): string {
  return parts.map(({ sku, units }) => (units === 1 ? sku : `${sku} x${units}`)).join(' + ');
}

/** The listing that a person means. Throws AppError `unknown_listing` or `ambiguous_listing`. */
export async function findListing(books: Books, channel: string, listing: string): Promise<ListingRow> {
  const row = channelNamed(books, channel);
  const found = await books.store.listings.find(row.name, listing);
  if (found === 'ambiguous') {
    throw new AppError('ambiguous_listing', `more than one listing of ${channel} has the SKU "${listing}"`, {
      hint: `name it by its id: invsync listings list --channel ${channel}`,
      exitCode: EXIT.usage,
    });
  }
  if (found !== null) return found;
  throw new AppError('unknown_listing', `${channel} has no listing "${listing}"`, {
    hint: `invsync listings list --channel ${channel} shows them; invsync listings import ${channel} reads them again`,
  });
}
