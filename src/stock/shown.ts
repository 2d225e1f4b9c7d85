import type { OfferedListing, Settings } from './target.ts';

/** What a shown number says of the stock behind it; `reason` completes "it is no count, because …". */
export type Behind = { kind: 'number'; available: number } | { kind: 'refused'; reason: string };

/** A listing of the counter as it is offered, apart from what the number behind it is. */
export interface ShownListing {
  listing: Pick<OfferedListing, 'fixed' | 'openUnits'> & { parts: readonly { sku: number; units: number }[] };
  settings: Settings;
}

/** The counter whose number is read. `calibrated`: two looks have proved that a gross number contains open orders. */
export interface ShownCounter {
  basis: 'net' | 'gross';
  calibrated: boolean;
  maxQuantity: number;
}

/**
 * Undoes `targetOf`: how much is available of the one SKU behind a counter that shows this number. Refused wherever
 * more than one stock shows the same number, so that an answer put back in gives exactly the number that was shown.
 */
export function availableBehind(
  shown: number,
  listings: readonly ShownListing[],
  counter: ShownCounter,
): Behind {
  const [first, ...others] = listings;
  if (first === undefined) return refused('no listing behind it is mapped and switched on');
  const odd = unlike(first, others) ?? unsuited(first);
  if (odd !== null) return refused(odd);
  if (counter.basis === 'gross' && !counter.calibrated)
    return refused(
      'nobody has shown yet that its number contains the open orders (channels calibrate finds out)',
    );
  const open = listings.reduce((sum, { listing }) => sum + listing.openUnits, 0);
  const share = counter.basis === 'gross' ? shown - open : shown;
  if (share < 0) return refused(`it shows fewer than the ${open} units that its own open orders need`);
  const { buffer, max } = first.settings;
  if (shown >= counter.maxQuantity)
    return refused(`the channel takes no number above ${counter.maxQuantity}, and more may be there`);
  if (share >= max) return refused(`its maximum of ${max} is reached, and more may be there`);
  if (share === 0 && buffer > 0)
    return refused(`it shows none, and up to ${buffer} (its buffer) may be there`);
  return { kind: 'number', available: share + buffer };
}

/** Several listings may share a number only when all of them would show the same. */
function unlike(first: ShownListing, others: readonly ShownListing[]): string | null {
  const face = ({ listing, settings }: ShownListing) =>
    JSON.stringify([listing.parts, listing.fixed, settings]);
  return others.every((other) => face(other) === face(first))
    ? null
    : 'several listings with different settings share its number';
}

function unsuited({ listing, settings }: ShownListing): string | null {
  if (listing.fixed !== null) return `it always shows ${listing.fixed} (made to order)`;
  const [part] = listing.parts;
  if (part === undefined) return 'no SKU stands behind it';
  if (listing.parts.length > 1) return 'it is a bundle of several SKUs';
  if (part.units > 1) return `it is a pack of ${part.units}, and single pieces do not show`;
  return settings.percent === 100
    ? null
    : `it shows ${settings.percent} % of the stock, rounded down, which several stocks give`;
}

function refused(reason: string): Behind {
  return { kind: 'refused', reason };
}
