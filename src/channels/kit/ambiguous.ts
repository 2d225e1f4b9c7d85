import type { Listing } from '../channel.ts';

/** Marks listings whose SKU others have too: they are never matched automatically. */
export function markAmbiguous(listings: readonly Listing[]): void {
  const uses = new Map<string, number>();
  for (const { channelSku } of listings)
    if (channelSku !== null) uses.set(channelSku, (uses.get(channelSku) ?? 0) + 1);
  for (const listing of listings) listing.ambiguous = (uses.get(listing.channelSku ?? '') ?? 0) > 1;
}
