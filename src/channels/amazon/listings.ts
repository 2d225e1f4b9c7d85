import type { Listing, ListingPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { walkPages } from '../kit/walk.ts';
import type { Account } from './account.ts';
import { factsOf, type ListingsItem, shownOf, whyUnwritable } from './item.ts';
import { nextToken, pageSize, type SearchAnswer, searchPage } from './search.ts';

/** No more items than this can be paged through, whatever the number of results says (AMZ-4.1, AMZ-9.10). */
const mostPerQuery = 1_000;
/** Amazon opened to merchants later than this. */
const firstCreated = Date.UTC(1995, 0, 1);
/** Listings that are made while we walk lie a little ahead of our clock at most. */
const aheadMs = 86_400_000;

const includedData = ['summaries', 'fulfillmentAvailability', 'attributes'];

/** A span of creation times in milliseconds, both ends included. */
interface Span {
  from: number;
  to: number;
}

/** A query: all times, or a span, in one of the two orders of SKUs. */
interface Ask {
  span: Span | null;
  sortOrder: 'ASC' | 'DESC';
}

/**
 * The catalogue, one listing per SKU: all marketplaces of the region show its one number. Catalogues beyond the limit
 * are read in windows of creation time that are halved until each fits.
 */
export async function* listListings(account: Account, signal: AbortSignal): AsyncGenerator<ListingPage> {
  const first = await search(account, { span: null, sortOrder: 'ASC' }, undefined, signal);
  const total = first.data.numberOfResults;
  const isWhole = total < mostPerQuery;
  const seen = new Set<string>();
  const pages = isWhole
    ? pagesOf(account, { span: null, sortOrder: 'ASC' }, first, signal)
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
  const first = await goOn(account, { span, sortOrder: 'ASC' }, undefined, signal);
  if (first.data.numberOfResults < mostPerQuery) {
    yield* pagesOf(account, { span, sortOrder: 'ASC' }, first, signal);
    return;
  }
  const middle = Math.floor((span.from + span.to) / 2_000) * 1_000;
  if (middle > span.from && middle < span.to) {
    yield* windowPages(account, { from: span.from, to: middle }, signal);
    yield* windowPages(account, { from: middle, to: span.to }, signal);
    return;
  }
  if (first.data.numberOfResults >= 2 * mostPerQuery) {
    throw new ChannelError(
      'rejected',
      `${first.data.numberOfResults} listings were created within one second (${new Date(span.from).toISOString()}): Amazon cannot list them all`,
      { hint: 'ask Amazon support; sales of listings that are known already are still counted' },
    );
  }
  // A second cannot be halved any more: its first thousand by SKU, then its last.
  yield* pagesOf(account, { span, sortOrder: 'ASC' }, first, signal);
  const last = await goOn(account, { span, sortOrder: 'DESC' }, undefined, signal);
  yield* pagesOf(account, { span, sortOrder: 'DESC' }, last, signal);
}

/** The pages of one query up to the limit of Amazon. */
function pagesOf(
  account: Account,
  ask: Ask,
  first: SearchAnswer,
  signal: AbortSignal,
): AsyncGenerator<SearchAnswer> {
  let pages = 0;
  return walkPages<string | null, SearchAnswer>({
    what: 'the list of listings',
    first: null,
    ask: async (token) => (token === null ? first : goOn(account, ask, token, signal)),
    next(answer) {
      pages += 1;
      return pages * pageSize < mostPerQuery ? nextToken(answer) : null;
    },
  });
}

/** Refusals for the rate that one page of a walk outlives; each rests the operation for a while by itself. */
const mostRefusals = 8;

/** A page of a walk that has begun: a catalogue that is half read is not thrown away for a refused request, nor for its rest. */
async function goOn(
  account: Account,
  ask: Ask,
  pageToken: string | undefined,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  for (let refusals = 1; ; refusals += 1) {
    try {
      return await search(account, ask, pageToken, signal);
    } catch (error) {
      const isRate = error instanceof ChannelError && error.kind === 'throttled';
      if (!isRate || refusals >= mostRefusals || signal.aborted) throw error;
    }
  }
}

function search(
  account: Account,
  { span, sortOrder }: Ask,
  pageToken: string | undefined,
  signal: AbortSignal,
): Promise<SearchAnswer> {
  const window =
    span === null
      ? {}
      : { createdAfter: new Date(span.from).toISOString(), createdBefore: new Date(span.to).toISOString() };
  const query = { sortBy: 'sku', sortOrder, ...window, pageToken };
  const turn = pageToken === undefined ? {} : { patienceMs: Number.POSITIVE_INFINITY };
  return searchPage(account, { query, includedData, ...turn }, signal);
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
