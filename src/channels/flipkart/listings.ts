import { z } from 'zod';
import type { Listing, ListingPage, ListingRef } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Answer } from './api.ts';
import { type Look, lookAt, lookUp } from './look.ts';
import { isAddressable, shownOf, unaddressable, whyUnwritable } from './row.ts';
import type { Shop } from './shop.ts';

const Id = z.union([z.string().min(1), z.number()]).transform(String);
const Found = z.object({ listing_id: Id.nullish().catch(null), sku_id: Id });
/**
 * The schema types `listings` as an object, the example shows an array (FK-3.1). An answer that tells neither rows nor
 * an end is not an empty catalogue.
 */
export const SearchPage = z
  .object({
    next_page_id: z.string().nullish(),
    has_more: z.boolean().nullish(),
    listings: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).nullish(),
  })
  .refine(({ has_more, listings }) => listings || has_more === false)
  .transform(({ listings, ...rest }) => ({
    ...rest,
    listings: Array.isArray(listings) ? listings : Object.values(listings ?? {}),
  }));
export type SearchPage = z.infer<typeof SearchPage>;

/** A SKU of the catalogue with the ids of the listings that carry it. */
interface Named {
  sku: string;
  listingIds: string[];
}

/** Listings of one page that is handed out: ten reads. */
const pageSize = 100;
const mostPages = 2_000;

/** One page of the search, 500 listings without numbers. No filter is sent: the schema misspells its name (FK-7.5). */
export function searchPage(
  shop: Shop,
  pageId: string | null,
  signal: AbortSignal,
): Promise<Answer<SearchPage>> {
  return shop.api.call(
    {
      family: 'listings',
      method: 'POST',
      path: '/listings/v3/search',
      body: { filters: {}, page_id: pageId },
      data: SearchPage,
    },
    signal,
  );
}

/** The catalogue: all SKUs first, which are cheap, then their numbers page by page. */
export async function* listListings(shop: Shop, signal: AbortSignal): AsyncGenerator<ListingPage> {
  const named = await allNamed(shop, signal);
  for (let at = 0; at < named.length || at === 0; at += pageSize) {
    const page = named.slice(at, at + pageSize);
    const looks = await lookUp(
      shop,
      page.map(({ sku }) => sku),
      { priority: 'read', signal },
    );
    const listings = page.map((each) => listingOf(shop, each, lookAt(looks, each.sku)));
    yield { listings, total: named.length };
  }
}

async function allNamed(shop: Shop, signal: AbortSignal): Promise<Named[]> {
  const found = new Map<string, Named>();
  let pageId: string | null = null;
  for (let page = 0; page < mostPages; page += 1) {
    const { data }: Answer<SearchPage> = await searchPage(shop, pageId, signal);
    for (const each of namesIn(data)) note(found, each);
    if (data.has_more !== true) return [...found.values()];
    if (!data.next_page_id || data.next_page_id === pageId)
      throw new ChannelError('retry', 'the list of listings says that it goes on, but not where');
    pageId = data.next_page_id;
  }
  throw new ChannelError('retry', `the list of listings has more than ${mostPages} pages`);
}

/** SKUs on a page of the search, with their listing ids. Rows without a SKU can be neither mapped nor written. */
export function namesIn(page: SearchPage): { sku: string; listingId: string | null }[] {
  return page.listings.flatMap((row) => {
    const parsed = Found.safeParse(row);
    return parsed.success ? [{ sku: parsed.data.sku_id, listingId: parsed.data.listing_id ?? null }] : [];
  });
}

function note(found: Map<string, Named>, each: { sku: string; listingId: string | null }): void {
  const named = found.get(each.sku) ?? { sku: each.sku, listingIds: [] };
  if (each.listingId !== null && !named.listingIds.includes(each.listingId))
    named.listingIds.push(each.listingId);
  found.set(each.sku, named);
}

function listingOf(shop: Shop, { sku, listingIds }: Named, { row, why }: Look): Listing {
  const { location } = shop.config;
  const ids = listingIds.length === 0 && row?.listing_id ? [row.listing_id] : listingIds;
  return {
    listingId: sku,
    counterKey: sku,
    channelSku: sku,
    // No call of this API tells a title.
    title: sku,
    aliases: ids.filter((id) => id !== sku),
    unwritable: unwritableOf(sku, row, { why, location }),
    ambiguous: ids.length > 1,
    shown: row === null ? null : shownOf(row, location),
    facts: { fsn: row?.product_id ?? null },
  };
}

function unwritableOf(
  sku: string,
  row: Look['row'],
  about: { why: string | null; location: string },
): string | null {
  if (!isAddressable(sku)) return unaddressable;
  if (row === null) return about.why ?? 'Flipkart does not show this listing';
  return whyUnwritable(row, about.location);
}

const Facts = z.object({ fsn: z.string().min(1).nullish().catch(null) });

/** The product id that was known when the catalogue was read. */
export function knownFsn(ref: Pick<ListingRef, 'facts'>): string | null {
  return Facts.safeParse(ref.facts).data?.fsn ?? null;
}
