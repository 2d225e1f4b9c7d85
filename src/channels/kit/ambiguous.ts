import type { Listing } from '../channel.ts';

/** Marks listings whose SKU stands at other numbers too: they are never matched automatically. One shared number is one article. */
export function markAmbiguous(listings: readonly Listing[]): void {
  const numbers = new Map<string, Set<string>>();
  for (const { channelSku, counterKey } of listings)
    if (channelSku !== null) numbers.set(channelSku, (numbers.get(channelSku) ?? new Set()).add(counterKey));
  for (const listing of listings) listing.ambiguous = (numbers.get(listing.channelSku ?? '')?.size ?? 0) > 1;
}
