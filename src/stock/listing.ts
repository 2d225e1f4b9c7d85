/** Why a mapping that was made because the SKUs were equal has lost its reason. */
export type SkuDoubt =
  | { kind: 'emptied' }
  /** Two listings carry each other's SKU. */
  | { kind: 'swapped'; with: string }
  /** It has the SKU of another article now. */
  | { kind: 'other'; sku: string }
  /** Listings of that SKU stand for these parts. */
  | { kind: 'bundle'; parts: string }
  | { kind: 'unknown' };

/** What is known of a listing's identity. */
export interface ListingFacts {
  channel: string;
  listingId: string;
  /** Its SKU as the channel prints it. */
  channelSku: string | null;
  /** What it is mapped to, as `listings map` takes it (`MUG=2 SPOON`); empty: to nothing. */
  parts: string;
  mode: 'on' | 'off';
  fixed: number | null;
  unwritable: string | null;
  vanished: boolean;
  /** The listing that took its place. */
  heir: string | null;
  doubt: SkuDoubt | null;
  /** The channel says that its SKU is not unique, or another number there has the same. */
  ambiguous: boolean;
  /** Why its SKU there can be no SKU here. */
  fault: string | null;
  /** The known SKU that its SKU names. */
  known: string | null;
  /** A known SKU that its SKU only looks like, where somebody looked. */
  resembles?: string | null;
}

/** What is to be said of a listing in one word, the most urgent first. */
export type ListingState =
  | 'vanished'
  | 'off'
  | 'sku_changed'
  | 'unwritable'
  | 'mapped'
  | 'fixed'
  | 'ambiguous'
  | 'unmapped';

/** A listing's state, why it is in it, and the one command that mends it; both are empty where nothing is amiss. */
export interface Standing {
  state: ListingState;
  why: string;
  mend: string;
}

/** Parts as `listings map` takes them: `MUG=2 SPOON`. */
export function recipeText(parts: readonly { sku: string; units: number }[]): string {
  return parts.map(({ sku, units }) => (units === 1 ? sku : `${sku}=${units}`)).join(' ');
}

/** The one judgement on a listing: every command and page says what this says. */
export function standingOf(listing: ListingFacts): Standing {
  const { channel, listingId } = listing;
  const map = `invsync listings map ${channel} ${listingId}`;
  if (listing.vanished) return { state: 'vanished', why: goneText(listing), mend: '' };
  if (listing.mode === 'off') {
    const mend = `invsync listings set ${channel} ${listingId} --mode on`;
    return { state: 'off', why: 'left alone: mode off', mend };
  }
  if (listing.doubt !== null) return { state: 'sku_changed', ...doubtText(listing, listing.doubt) };
  if (listing.unwritable !== null) return { state: 'unwritable', why: listing.unwritable, mend: '' };
  if (listing.parts !== '') return { state: 'mapped', why: '', mend: '' };
  if (listing.fixed !== null) return { state: 'fixed', why: '', mend: '' };
  const printed = listing.channelSku?.trim() ?? '';
  if (printed === '') return { state: 'unmapped', why: 'it has no SKU at the channel', mend: `${map} SKU` };
  if (listing.ambiguous) {
    const why = 'its SKU is not unique at the channel';
    return { state: 'ambiguous', why, mend: `${map} ${listing.known ?? 'SKU'}` };
  }
  if (listing.fault !== null)
    return { state: 'unmapped', why: `its SKU there ${listing.fault}`, mend: `${map} SKU` };
  if (listing.known !== null) {
    const why = 'a SKU of that name is known: listings match maps it';
    return { state: 'unmapped', why, mend: `invsync listings match ${channel}` };
  }
  if (listing.resembles != null) {
    const why = `no SKU of that name, but it looks like ${listing.resembles}`;
    return { state: 'unmapped', why, mend: `${map} ${listing.resembles}` };
  }
  const why = 'no SKU of that name: stock count makes it, or listings match --create';
  return { state: 'unmapped', why, mend: `invsync listings match ${channel} --create` };
}

function goneText({ heir }: ListingFacts): string {
  return heir === null
    ? 'it is gone from the channel'
    : `it is gone from the channel, ${heir} took its place`;
}

/** Nothing is raised for the listing until a person has said what it is. */
function doubtText(listing: ListingFacts, doubt: SkuDoubt): { why: string; mend: string } {
  const { channel, listingId, parts, channelSku } = listing;
  const map = `invsync listings map ${channel} ${listingId}`;
  const was = `it was mapped to ${parts} because that was its SKU`;
  switch (doubt.kind) {
    case 'emptied':
      return { why: `${was}, and it has no SKU there now`, mend: `${map} ${parts}` };
    case 'swapped':
      return {
        why: `${was}, and it has swapped SKUs with ${doubt.with}: it is ${channelSku} now`,
        mend: `${map} ${channelSku}`,
      };
    case 'other':
      return { why: `${was}, and its SKU there is ${channelSku} now`, mend: `${map} ${doubt.sku}` };
    case 'bundle':
      return {
        why: `${was}, and its SKU there is ${channelSku} now, which stands for ${doubt.parts}`,
        mend: `${map} ${doubt.parts}`,
      };
    case 'unknown':
      return {
        why: `${was}, and its SKU there is ${channelSku} now, which is no known SKU`,
        mend: `${map} ${parts}`,
      };
  }
}
