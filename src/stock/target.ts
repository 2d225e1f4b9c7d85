/** What may be shown: per listing over per channel over default. Null means "not set here". */
export interface Offer {
  buffer: number | null;
  /** 0..100 */
  percent: number | null;
  max: number | null;
}

/** What a listing draws on. */
export interface OfferedPart {
  units: number;
  available: number;
  counted: boolean;
}

/** A listing as the target is computed from it. */
export interface OfferedListing {
  parts: readonly OfferedPart[];
  offer: Offer;
  /** Made to order: shows so many whatever the stock. */
  fixed: number | null;
  /** Own open units (taken - gone) of this listing; added last on a gross counter. */
  openUnits: number;
}

/** `uncounted`: a component was never counted, so nothing is pushed. */
export type Target = { kind: 'number'; quantity: number } | { kind: 'uncounted' } | { kind: 'unmapped' };

/** What holds of an offer. */
export type Settings = { [Key in keyof Offer]: number };

/** The first setting that is set, listing before channel before default. */
export function offerOf(listing: Offer, channel: Offer, fallback: Offer): Settings {
  return {
    buffer: listing.buffer ?? channel.buffer ?? fallback.buffer ?? 0,
    percent: listing.percent ?? channel.percent ?? fallback.percent ?? 100,
    max: listing.max ?? channel.max ?? fallback.max ?? Number.MAX_SAFE_INTEGER,
  };
}

/** What one listing should show, before the counter's basis: floor of the share, less the buffer, at most the maximum. */
function shareOf(listing: OfferedListing, settings: Settings): Target {
  if (listing.fixed !== null) return { kind: 'number', quantity: listing.fixed };
  if (listing.parts.length === 0) return { kind: 'unmapped' };
  if (listing.parts.some((part) => !part.counted)) return { kind: 'uncounted' };
  const whole = Math.min(...listing.parts.map((part) => Math.floor(part.available / part.units)));
  const share = Math.floor((whole * settings.percent) / 100) - settings.buffer;
  return { kind: 'number', quantity: Math.max(0, Math.min(share, settings.max)) };
}

/**
 * What a counter should show: the smallest of its listings' shares, never below 0 nor above the platform's maximum;
 * on a gross counter the own open units are added last.
 */
export function targetOf(
  listings: readonly {
    /** False: only its open units count. */
    binds?: boolean;
    listing: OfferedListing;
    settings: Settings;
  }[],
  counter: { basis: 'net' | 'gross'; maxQuantity: number },
): Target {
  if (listings.length === 0) return { kind: 'unmapped' };
  let lowest = Number.MAX_SAFE_INTEGER;
  let open = 0;
  for (const { listing, settings, binds } of listings) {
    if (binds === false) {
      open += listing.openUnits;
      continue;
    }
    const share = shareOf(listing, settings);
    if (share.kind !== 'number') return share;
    lowest = Math.min(lowest, share.quantity);
    open += listing.openUnits;
  }
  const shown = counter.basis === 'gross' ? lowest + open : lowest;
  return { kind: 'number', quantity: Math.max(0, Math.min(shown, counter.maxQuantity)) };
}
