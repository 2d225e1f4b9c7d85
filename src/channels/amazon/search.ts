import { z } from 'zod';
import type { Priority } from '../kit/pace.ts';
import { isNotFound } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import type { Account } from './account.ts';
import type { Query } from './api.ts';
import { type ListingsItem, listingsItem } from './item.ts';

const root = '/listings/2021-08-01/items';
/** Most items of a page, and most identifiers of a query (AMZ-4.1). */
export const pageSize = 20;

/** What tells of a next page, in every list. */
export const paged = z.object({ pagination: z.object({ nextToken: z.string().nullish() }).nullish() });
const results = paged.extend({ numberOfResults: z.int(), items: z.array(listingsItem) });
export type SearchAnswer = Answer<z.infer<typeof results>>;

/** `/listings/2021-08-01/items/{sellerId}[/{sku}]`; a SKU is one path segment whatever is in it (AMZ-9.8). */
export function listingPath(sellerId: string, sku?: string): string {
  const seller = `${root}/${encodeURIComponent(sellerId)}`;
  return sku === undefined ? seller : `${seller}/${encodeURIComponent(sku)}`;
}

/** Whether a SKU can be a path segment: the two that address parsers resolve, and broken text, cannot. */
function isAddressable(sku: string): boolean {
  if (sku === '' || sku === '.' || sku === '..') return false;
  return Buffer.from(sku, 'utf8').toString('utf8') === sku;
}

type SearchAsk = { query: Query; includedData: readonly string[]; priority?: Priority; patienceMs?: number };

/** One page of a search. */
export function searchPage(
  account: Account,
  { query, includedData, ...turn }: SearchAsk,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const { api, config } = account;
  return api.call(
    {
      operation: 'searchListingsItems',
      method: 'GET',
      path: listingPath(config.seller_id),
      query: { marketplaceIds: config.marketplaces, includedData, pageSize: String(pageSize), ...query },
      data: results,
      ...turn,
    },
    signal,
  );
}

/** The next page's token; null at the end. */
export function nextToken({ data }: Answer<z.infer<typeof paged>>): string | null {
  return data.pagination?.nextToken ?? null;
}

/** An item as it was found, with the span of the request; `item` is null when the account does not list the SKU. */
export interface FoundItem {
  item: ListingsItem | null;
  askedAt: number;
  answeredAt: number;
}

const wanted = ['summaries', 'fulfillmentAvailability'];

/**
 * Up to 20 SKUs by one request, keyed by SKU exactly as written: Amazon tells `a` from `A` (AMZ-9.8). A SKU with a comma
 * cannot stand in a list, so that it is asked for alone.
 */
export async function findItems(
  account: Account,
  skus: readonly string[],
  priority: Priority,
  signal: AbortSignal,
): Promise<Map<string, FoundItem>> {
  const found = new Map<string, FoundItem>();
  const asked = [...new Set(skus)].filter(isAddressable);
  const now = account.deps.clock.now();
  for (const sku of skus) found.set(sku, { item: null, askedAt: now, answeredAt: now });
  for (const sku of asked) {
    if (sku.includes(',')) found.set(sku, await getItem(account, sku, priority, signal));
  }
  const listed = asked.filter((sku) => !sku.includes(','));
  if (listed.length === 0) return found;
  const pages = walkPages<string | null, SearchAnswer>({
    what: 'the list of listings',
    first: null,
    ask(token) {
      const query = { identifiersType: 'SKU', identifiers: listed, pageToken: token ?? undefined };
      return searchPage(account, { query, includedData: wanted, priority }, signal);
    },
    next: nextToken,
  });
  for await (const answer of pages) {
    const { askedAt, answeredAt } = answer;
    for (const sku of listed) {
      const item = answer.data.items.find((each) => each.sku === sku) ?? found.get(sku)?.item ?? null;
      found.set(sku, { item, askedAt, answeredAt });
    }
    if (listed.every((sku) => found.get(sku)?.item != null)) break;
  }
  return found;
}

async function getItem(
  account: Account,
  sku: string,
  priority: Priority,
  signal: AbortSignal,
): Promise<FoundItem> {
  const { api, config, deps } = account;
  const askedAt = deps.clock.now();
  try {
    const answer = await api.call(
      {
        operation: 'getListingsItem',
        method: 'GET',
        path: listingPath(config.seller_id, sku),
        query: { marketplaceIds: config.marketplaces, includedData: wanted },
        data: listingsItem,
        priority,
      },
      signal,
    );
    return { item: answer.data, askedAt: answer.askedAt, answeredAt: answer.answeredAt };
  } catch (error) {
    if (isNotFound(error)) return { item: null, askedAt, answeredAt: deps.clock.now() };
    throw error;
  }
}
