import { z } from 'zod';
import type { Json, Listing, ListingRef, StockReading } from '../channel.ts';
import type { Priority } from '../kit/pace.ts';
import { noNumber, type Span, shownAs } from '../kit/reading.ts';
import { isNotFound, nullWhen } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import { chunksOf } from '../kit/write.ts';
import type { Account, Call, Query, Task } from './api.ts';

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
const listingsItem = z.object({
  sku: z.string().min(1),
  summaries: z.array(summary).nullish(),
  attributes: attributes.nullish(),
  fulfillmentAvailability: z.array(availability).nullish(),
});
type ListingsItem = z.infer<typeof listingsItem>;

/** Merchant-fulfilled, the only kind whose number is written (AMZ-5.3, AMZ-5.4). */
const ownChannel = 'DEFAULT';

const listingFacts = z.object({
  /** Fulfilment channels, each once, sorted; empty for a variation parent. */
  channels: z.array(z.string()),
  /** Marketplaces in which the SKU is listed. */
  marketplaces: z.array(z.string()),
  /** Handling time and restock date, for people; a push never touches them (AMZ-9.6). */
  lead_time_days: z.number().nullable(),
  restock_date: z.string().nullable(),
});

export function listingOf(item: ListingsItem): Listing {
  const own = item.attributes?.fulfillment_availability?.find(
    (each) => (each.fulfillment_channel_code ?? ownChannel) === ownChannel,
  );
  const facts: z.infer<typeof listingFacts> = {
    channels: channelsOf(item),
    marketplaces: listedIn(item),
    lead_time_days: own?.lead_time_to_ship_max_days ?? null,
    restock_date: own?.restock_date ?? null,
  };
  return {
    listingId: item.sku,
    counterKey: item.sku,
    channelSku: item.sku,
    title: item.summaries?.find((each) => each.itemName != null)?.itemName ?? item.sku,
    aliases: [],
    ambiguous: false,
    ...stateOf(item),
    facts,
  };
}

function channelsOf(item: ListingsItem): string[] {
  const codes = (item.fulfillmentAvailability ?? []).map((each) => each.fulfillmentChannelCode);
  return [...new Set(codes)].sort();
}

/** Why the number of a listing with these facts may not be written; null where they tell no reason. */
export function whyRemembered(facts: Json): string | null {
  const known = listingFacts.safeParse(facts).data;
  return known === undefined ? null : whyUnwritable(known.channels);
}

/**
 * Why the number may not be written, in words; null only when the merchant ships it from the one default place.
 * Anything else fails closed: a quantity that is written to an offer fulfilled by Amazon turns it into one that is
 * not, and strands its stock (AMZ-5.3).
 */
function whyUnwritable(channels: readonly string[]): string | null {
  const first = channels.find((code) => code !== ownChannel);
  if (first?.startsWith('AMAZON')) return `fulfilled by Amazon (${first}): Amazon counts its stock itself`;
  if (first !== undefined)
    return `its stock lies at the supply source ${first}: only ${ownChannel} can be kept in step`;
  if (channels.length === 0)
    return 'Amazon tells no fulfilment channel: a variation parent, or an offer that is not complete';
  return null;
}

/**
 * Why the number may not be written, and the number shown where it may; null when there is none. Where one SKU shows
 * several (marketplaces that do not share their number), the highest counts: it is what could be sold.
 */
export function stateOf(item: ListingsItem): { unwritable: string | null; shown: number | null } {
  const unwritable = whyUnwritable(channelsOf(item));
  const numbers = (item.fulfillmentAvailability ?? []).flatMap(({ quantity }) => quantity ?? []);
  return { unwritable, shown: unwritable !== null || numbers.length === 0 ? null : Math.max(...numbers) };
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

/** Most items of a page, and most identifiers of a query (AMZ-4.1). */
export const pageSize = 20;

/** What tells of a next page, in every list. */
export const paged = z.object({ pagination: z.object({ nextToken: z.string().nullish() }).nullish() });
const results = paged.extend({ numberOfResults: z.int(), items: z.array(listingsItem) });
export type SearchAnswer = Answer<z.infer<typeof results>>;

/** Whether a SKU can be a path segment: the two that address parsers resolve, and broken text, cannot. */
function isAddressable(sku: string): boolean {
  return !['', '.', '..'].includes(sku) && Buffer.from(sku, 'utf8').toString('utf8') === sku;
}

type Turn = Pick<Call<unknown>, 'priority' | 'patienceMs'>;

export function searchPage({ ask, config }: Task, query: Query, turn: Turn = {}): Promise<SearchAnswer> {
  return ask('searchListingsItems', {
    ids: [config.seller_id],
    query: { marketplaceIds: config.marketplaces, pageSize: String(pageSize), ...query },
    data: results,
    ...turn,
  });
}

export function nextToken({ data }: Answer<z.infer<typeof paged>>): string | null {
  return data.pagination?.nextToken ?? null;
}

/** An item as it was found, with the span of the request; `item` is null when the account does not list the SKU. */
export type FoundItem = Span & { item: ListingsItem | null };

const wanted = ['summaries', 'fulfillmentAvailability'];

/**
 * Up to 20 SKUs by one request, each exactly as written: Amazon tells `a` from `A` (AMZ-9.8). A SKU with a comma
 * cannot stand in a list, so that it is asked for alone.
 */
export async function findItems<Ref extends ListingRef>(
  task: Task,
  refs: readonly Ref[],
  priority: Priority,
): Promise<[Ref, FoundItem][]> {
  const now = task.deps.clock.now();
  const found = new Map<string, FoundItem>();
  const asked = [...new Set(refs.map(({ listingId }) => listingId))].filter(isAddressable);
  for (const sku of asked) if (sku.includes(',')) found.set(sku, await getItem(task, sku, priority));
  const listed = asked.filter((sku) => !sku.includes(','));
  const query = { identifiersType: 'SKU', identifiers: listed, includedData: wanted };
  const pages = walkPages<string | null, SearchAnswer>({
    what: 'the list of listings',
    first: null,
    ask: (token) => searchPage(task, { ...query, pageToken: token ?? undefined }, { priority }),
    next: nextToken,
  });
  for await (const { data, askedAt, answeredAt } of listed.length === 0 ? [] : pages) {
    for (const sku of listed) {
      const item = data.items.find((each) => each.sku === sku) ?? found.get(sku)?.item ?? null;
      found.set(sku, { item, askedAt, answeredAt });
    }
    if (listed.every((sku) => found.get(sku)?.item != null)) break;
  }
  const none = { item: null, askedAt: now, answeredAt: now };
  return refs.map((ref) => [ref, found.get(ref.listingId) ?? none]);
}

async function getItem({ ask, config, deps }: Task, sku: string, priority: Priority): Promise<FoundItem> {
  const askedAt = deps.clock.now();
  const query = { marketplaceIds: config.marketplaces, includedData: wanted };
  const call = { ids: [config.seller_id, sku], query, data: listingsItem, priority };
  const answer = await ask('getListingsItem', call).catch(nullWhen(isNotFound));
  if (answer === null) return { item: null, askedAt, answeredAt: deps.clock.now() };
  return { item: answer.data, askedAt: answer.askedAt, answeredAt: answer.answeredAt };
}

/** Live numbers, 20 SKUs a request (AMZ-4.1: the reconciler's main read). */
export async function readStock(task: Task, listings: readonly ListingRef[]): Promise<StockReading[]> {
  const readings: StockReading[] = [];
  for (const batch of chunksOf(listings, pageSize))
    for (const [{ listingId }, found] of await findItems(task, batch, 'read'))
      readings.push({ listingId, ...readingOf(found) });
  return readings;
}

function readingOf(found: FoundItem): Omit<StockReading, 'listingId'> {
  if (found.item === null) return noNumber('not-listed', 'the account does not list this SKU', found);
  const { unwritable, shown } = stateOf(found.item);
  if (unwritable !== null) return noNumber('unwritable', unwritable, found);
  if (shown !== null) return shownAs(shown, found);
  return noNumber('untracked', 'Amazon shows no quantity: set one in Seller Central once', found);
}

/** Requests of a read of so many listings, and how long they take within Amazon's rate. */
export function forecast(account: Account, listings: number): { requests: number; expectedMs: number } {
  const requests = Math.ceil(listings / pageSize);
  return { requests, expectedMs: account.forecastMs('searchListingsItems', requests) };
}
