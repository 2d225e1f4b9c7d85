import { z } from 'zod';
import type { Json } from '../channel.ts';

const availability = z.object({ fulfillmentChannelCode: z.string(), quantity: z.int().nullish() });
const summary = z.object({ marketplaceId: z.string(), itemName: z.string().nullish() });
/** The one attribute of a listing that is read, snake_case here and camelCase elsewhere (AMZ-5.1). */
const fulfillment = z.object({
  fulfillment_channel_code: z.string().nullish(),
  lead_time_to_ship_max_days: z.number().nullish(),
  restock_date: z.string().nullish(),
});
const attributes = z.object({ fulfillment_availability: z.array(fulfillment).nullish().catch(null) });

/** A listings item, the fields that are used (AMZ-4.1). */
export const listingsItem = z.object({
  sku: z.string().min(1),
  summaries: z.array(summary).nullish(),
  attributes: attributes.nullish(),
  fulfillmentAvailability: z.array(availability).nullish(),
});
export type ListingsItem = z.infer<typeof listingsItem>;

/** Merchant-fulfilled, the only kind whose number is written (AMZ-5.3, AMZ-5.4). */
const ownChannel = 'DEFAULT';

/** What is stored about a listing. */
export const listingFacts = z.object({
  /** Fulfilment channels, sorted; empty for a variation parent. */
  channels: z.array(z.string()),
  /** Marketplaces in which the SKU is listed. */
  marketplaces: z.array(z.string()),
  /** Handling time and restock date, for people; a push never touches them (AMZ-9.6). */
  lead_time_days: z.number().nullable(),
  restock_date: z.string().nullable(),
});
type ListingFacts = z.infer<typeof listingFacts>;

/** The facts of an item. */
export function factsOf(item: ListingsItem): ListingFacts & Json {
  const own = item.attributes?.fulfillment_availability?.find(
    (each) => (each.fulfillment_channel_code ?? ownChannel) === ownChannel,
  );
  return {
    channels: channelsOf(item),
    marketplaces: listedIn(item),
    lead_time_days: own?.lead_time_to_ship_max_days ?? null,
    restock_date: own?.restock_date ?? null,
  };
}

/** Fulfilment channels of an item, each once, sorted. */
export function channelsOf(item: ListingsItem): string[] {
  const codes = (item.fulfillmentAvailability ?? []).map((each) => each.fulfillmentChannelCode);
  return [...new Set(codes)].sort();
}

/**
 * Why the number may not be written, in words; null only when the merchant ships it from the one default place.
 * Anything else fails closed: a quantity that is written to an offer fulfilled by Amazon turns it into one that is
 * not, and strands its stock (AMZ-5.3).
 */
export function whyUnwritable(channels: readonly string[]): string | null {
  const foreign = channels.filter((code) => code !== ownChannel);
  const [first] = foreign;
  if (first?.startsWith('AMAZON')) return `fulfilled by Amazon (${first}): Amazon counts its stock itself`;
  if (first !== undefined)
    return `its stock lies at the supply source ${first}: only ${ownChannel} can be kept in step`;
  if (channels.length === 0)
    return 'Amazon tells no fulfilment channel: a variation parent, or an offer that is not complete';
  return null;
}

/**
 * The number shown, null when there is none. Where one SKU shows several (marketplaces that do not share their
 * number), the highest counts: it is what could be sold.
 */
export function shownOf(item: ListingsItem): number | null {
  const numbers = (item.fulfillmentAvailability ?? [])
    .filter((each) => each.fulfillmentChannelCode === ownChannel)
    .flatMap(({ quantity }) => quantity ?? []);
  return numbers.length === 0 ? null : Math.max(...numbers);
}

/** The marketplaces to write to: those where it is listed, of the configured ones; all where Amazon does not tell. */
export function marketplacesOf(item: ListingsItem, configured: readonly string[]): string[] {
  const listed = listedIn(item);
  const known = configured.filter((id) => listed.includes(id));
  return known.length === 0 ? [...configured] : known;
}

function listedIn({ summaries }: ListingsItem): string[] {
  return (summaries ?? []).map(({ marketplaceId }) => marketplaceId);
}
