import { z } from 'zod';
import type { Priority } from '../kit/pace.ts';
import { isNotFound, nullWhen } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import type { Task } from './account.ts';
import type { Call, Query } from './api.ts';
import { type ListingsItem, listingsItem } from './item.ts';

/** Most items of a page, and most identifiers of a query (AMZ-4.1). */
export const pageSize = 20;

/** What tells of a next page, in every list. */
export const paged = z.object({ pagination: z.object({ nextToken: z.string().nullish() }).nullish() });
const results = paged.extend({ numberOfResults: z.int(), items: z.array(listingsItem) });
export type SearchAnswer = Answer<z.infer<typeof results>>;

/** Whether a SKU can be a path segment: the two that address parsers resolve, and broken text, cannot. */
function isAddressable(sku: string): boolean {
  if (sku === '' || sku === '.' || sku === '..') return false;
  return Buffer.from(sku, 'utf8').toString('utf8') === sku;
}

/** One page of a search. */
export function searchPage(
  { ask, config }: Task,
  query: Query,
  turn: Pick<Call<unknown>, 'priority' | 'patienceMs'> = {},
): Promise<SearchAnswer> {
  return ask('searchListingsItems', {
    ids: [config.seller_id],
    query: { marketplaceIds: config.marketplaces, pageSize: String(pageSize), ...query },
    data: results,
    ...turn,
  });
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
  task: Task,
  skus: readonly string[],
  priority: Priority,
): Promise<Map<string, FoundItem>> {
  const now = task.deps.clock.now();
  const found = new Map<string, FoundItem>();
  for (const sku of skus) found.set(sku, { item: null, askedAt: now, answeredAt: now });
  const asked = [...found.keys()].filter(isAddressable);
  for (const sku of asked) if (sku.includes(',')) found.set(sku, await getItem(task, sku, priority));
  const listed = asked.filter((sku) => !sku.includes(','));
  if (listed.length === 0) return found;
  const query = { identifiersType: 'SKU', identifiers: listed, includedData: wanted };
  const pages = walkPages<string | null, SearchAnswer>({
    what: 'the list of listings',
    first: null,
    ask: (token) => searchPage(task, { ...query, pageToken: token ?? undefined }, { priority }),
    next: nextToken,
  });
  for await (const { data, askedAt, answeredAt } of pages) {
    for (const sku of listed) {
      const item = data.items.find((each) => each.sku === sku) ?? found.get(sku)?.item ?? null;
      found.set(sku, { item, askedAt, answeredAt });
    }
    if (listed.every((sku) => found.get(sku)?.item != null)) break;
  }
  return found;
}

async function getItem({ ask, config, deps }: Task, sku: string, priority: Priority): Promise<FoundItem> {
  const askedAt = deps.clock.now();
  const query = { marketplaceIds: config.marketplaces, includedData: wanted };
  const call = { ids: [config.seller_id, sku], query, data: listingsItem, priority };
  const answer = await ask('getListingsItem', call).catch(nullWhen(isNotFound));
  if (answer === null) return { item: null, askedAt, answeredAt: deps.clock.now() };
  return { item: answer.data, askedAt: answer.askedAt, answeredAt: answer.answeredAt };
}
