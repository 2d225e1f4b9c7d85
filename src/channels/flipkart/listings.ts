import { z } from 'zod';
import type { AccountIdentity, Listing, ListingPage } from '../channel.ts';
import type { Answer } from '../kit/rest.ts';
import { Id, MaybeId, rowsOf } from '../kit/shapes.ts';
import { walkPages } from '../kit/walk.ts';
import { chunksOf } from '../kit/write.ts';
import type { Shop } from './api.ts';
import { skusPerCall } from './capabilities.ts';
import { type Look, lookUp, shownOf, whyUnwritable } from './look.ts';

/** Rows without a SKU can be neither mapped nor written. */
const Rows = rowsOf(z.object({ listing_id: MaybeId, sku_id: Id }));
/**
 * The schema types `listings` as an object, the example shows an array (FK-3.1). An answer that tells neither rows nor
 * an end is not an empty catalogue.
 */
const SearchPage = z
  .object({
    next_page_id: z.string().nullish(),
    has_more: z.boolean().nullish(),
    listings: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish(),
  })
  .refine(({ has_more, listings }) => listings || has_more === false)
  .transform(({ listings, ...rest }) => ({ ...rest, named: Rows.parse(Object.values(listings ?? {})) }));
export type SearchPage = z.infer<typeof SearchPage>;

/** Listings of one page that is handed out: ten reads. */
const pageSize = 100;

/** One page of the search, 500 listings without numbers. No filter is sent: the schema misspells its name (FK-7.5). */
export function searchPage(
  shop: Shop,
  pageId: string | null,
  signal: AbortSignal,
): Promise<Answer<SearchPage>> {
  const body = { filters: {}, page_id: pageId };
  const path = '/listings/v3/search';
  return shop.api.call(
    { family: 'listings', method: 'POST', path, body, data: SearchPage, effect: 'read' },
    signal,
  );
}

/**
 * The location is what this channel keeps: it belongs to one seller for good, where an application may be made anew, and
 * a seller with two locations has two channels. No call of this API names the seller. Asks something that needs the
 * credentials.
 */
export async function identity(shop: Shop, signal: AbortSignal): Promise<AccountIdentity> {
  await searchPage(shop, null, signal);
  const { location } = shop.config;
  return { accountId: location, title: `Flipkart location ${location}` };
}

/** The catalogue: all SKUs first, which are cheap, then their numbers page by page. */
export async function* listListings(shop: Shop, signal: AbortSignal): AsyncGenerator<ListingPage> {
  const idsBySku = await allSkus(shop, signal);
  const total = idsBySku.size;
  if (total === 0) yield { listings: [], total };
  for (const page of chunksOf([...idsBySku], pageSize)) {
    const skus = page.map(([sku]) => sku);
    const look = await lookUp(shop, skus, { priority: 'read', signal });
    const listings = page.map((each) => listingOf(each, look(each[0]), shop.config.location));
    yield { listings, total };
  }
}

/** The SKUs of the catalogue, each with the ids of the listings that carry it. */
async function allSkus(shop: Shop, signal: AbortSignal): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const pages = walkPages<string | null, Answer<SearchPage>>({
    what: 'the list of listings',
    first: null,
    mostPages: 2_000,
    ask: (pageId) => searchPage(shop, pageId, signal),
    next: ({ data }) => (data.has_more === true ? (data.next_page_id ?? undefined) : null),
  });
  for await (const { data } of pages) {
    for (const { sku_id: sku, listing_id: id } of data.named) {
      const ids = found.get(sku) ?? [];
      found.set(sku, id && !ids.includes(id) ? [...ids, id] : ids);
    }
  }
  return found;
}

function listingOf([sku, found]: [string, string[]], look: Look, location: string): Listing {
  const { row } = look;
  const ids = found.length === 0 && row?.listing_id ? [row.listing_id] : found;
  return {
    listingId: sku,
    counterKey: sku,
    channelSku: sku,
    // No call of this API tells a title.
    title: sku,
    aliases: ids.filter((id) => id !== sku),
    unwritable: row === null ? look.why : whyUnwritable(row, location),
    ambiguous: ids.length > 1,
    shown: row === null ? null : shownOf(row, location),
    facts: null,
  };
}

/** Requests of a read of so many listings, and how long they take at the configured rate. */
export function forecast(shop: Shop, listings: number): { requests: number; expectedMs: number } {
  const requests = Math.ceil(listings / skusPerCall);
  return { requests, expectedMs: Math.ceil((requests * 1_000) / shop.config.requests_per_second) };
}
