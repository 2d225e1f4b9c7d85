import type { Listing, ListingPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Account } from './account.ts';
import { factsOf, type ListingsItem, shownOf, whyUnwritable } from './item.ts';
import { nextToken, pageSize, type SearchAnswer, searchPage } from './search.ts';

/** No more items than this can be paged through, whatever the number of results says (dossier 4.1, trap 10). */
const mostPerQuery = 1_000;
/** Amazon opened to merchants later than this. */
const firstCreated = Date.UTC(1995, 0, 1);
/** Listings that are made while we walk lie a little ahead of our clock at most. */
const aheadMs = 86_400_000;

const includedData = ['summaries', 'fulfillmentAvailability', 'attributes'];

/** A span of creation times in whole seconds of milliseconds, both ends included. */
interface Span {
  from: number;
  to: number;
}

/**
 * The catalogue, one listing per SKU: all marketplaces of the region show its one number. Catalogues beyond the limit
 * are read in windows of creation time that are halved until each fits.
 */
export async function* listListings(account: Account, signal: AbortSignal): AsyncGenerator<ListingPage> {
  const first = await search(account, null, undefined, signal);
  const total = first.data.numberOfResults;
  const isWhole = total < mostPerQuery;
  const seen = new Set<string>();
  const pages = isWhole
    ? pagesOf(account, null, first, signal)
    : windowPages(account, { from: firstCreated, to: account.deps.clock.now() + aheadMs }, signal);
  for await (const { data } of pages) {
    const fresh = data.items.filter(({ sku }) => !seen.has(sku));
    for (const { sku } of fresh) seen.add(sku);
    // Amazon may cap the number at its limit, so that it counts as the whole only when it lies below.
    yield { listings: fresh.map(listingOf), total: total === mostPerQuery ? null : total };
  }
  if (seen.size < total) {
    account.deps.log.warn({ total, read: seen.size }, 'Amazon listed fewer items than it counted');
  }
}

async function* windowPages(account: Account, span: Span, signal: AbortSignal): AsyncGenerator<SearchAnswer> {
  const first = await search(account, span, undefined, signal);
  if (first.data.numberOfResults < mostPerQuery) {
    yield* pagesOf(account, span, first, signal);
    return;
  }
  const middle = Math.floor((span.from + span.to) / 2_000) * 1_000;
  if (middle <= span.from || middle >= span.to) {
    throw new ChannelError(
      'rejected',
      `more than ${mostPerQuery} listings were created within one second (${new Date(span.from).toISOString()}): Amazon cannot list them all`,
      { hint: 'ask Amazon support; sales of listings that are known already are still counted' },
    );
  }
  yield* windowPages(account, { from: span.from, to: middle }, signal);
  yield* windowPages(account, { from: middle, to: span.to }, signal);
}

async function* pagesOf(
  account: Account,
  span: Span | null,
  first: SearchAnswer,
  signal: AbortSignal,
): AsyncGenerator<SearchAnswer> {
  let answer = first;
  let token: string | undefined;
  for (let pages = 1; ; pages += 1) {
    yield answer;
    const next = nextToken(answer, token);
    if (next === null) return;
    if (pages * pageSize >= mostPerQuery) {
      throw new ChannelError('retry', 'Amazon lists more items than it counted; the walk begins again later');
    }
    token = next;
    answer = await search(account, span, token, signal);
  }
}

function search(
  account: Account,
  span: Span | null,
  pageToken: string | undefined,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const window =
    span === null
      ? {}
      : { createdAfter: new Date(span.from).toISOString(), createdBefore: new Date(span.to).toISOString() };
  const query = { sortBy: 'sku', sortOrder: 'ASC', ...window, pageToken };
  return searchPage(account, { query, includedData }, signal);
}

function listingOf(item: ListingsItem): Listing {
  const facts = factsOf(item);
  const unwritable = whyUnwritable(facts.channels);
  return {
    listingId: item.sku,
    counterKey: item.sku,
    channelSku: item.sku,
    title: item.summaries?.find((each) => each.itemName != null)?.itemName ?? item.sku,
    aliases: [],
    unwritable,
    ambiguous: false,
    shown: unwritable === null ? shownOf(item) : null,
    facts,
  };
}
