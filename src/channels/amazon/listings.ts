import type { ListingPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { walkPages } from '../kit/walk.ts';
import type { Query, Task } from './api.ts';
import { listingOf, nextToken, pageSize, type SearchAnswer, searchPage } from './items.ts';

/** No more items than this can be paged through, whatever the number of results says (AMZ-4.1, AMZ-9.10). */
const mostPerQuery = 1_000;
/** Amazon opened to merchants later than this. */
const firstCreated = Date.UTC(1995, 0, 1);
/** Listings that are made while we walk lie a little ahead of our clock at most. */
const aheadMs = 86_400_000;

const query: Query = {
  sortBy: 'sku',
  sortOrder: 'ASC',
  includedData: ['summaries', 'fulfillmentAvailability', 'attributes'],
};

/**
 * The catalogue, one listing per SKU: all marketplaces of the region show its one number. Catalogues beyond the limit
 * are read in windows of creation time that are halved until each fits.
 */
export async function* listListings(task: Task): AsyncGenerator<ListingPage> {
  const { clock, log } = task.deps;
  const first = await searchPage(task, query);
  const total = first.data.numberOfResults;
  const seen = new Set<string>();
  const pages =
    total < mostPerQuery
      ? pagesOf(task, query, first)
      : windowPages(task, firstCreated, clock.now() + aheadMs);
  for await (const { data } of pages) {
    const fresh = data.items.filter(({ sku }) => !seen.has(sku));
    for (const { sku } of fresh) seen.add(sku);
    // Amazon may cap the number at its limit, so that it counts as the whole only when it lies below.
    yield { listings: fresh.map(listingOf), total: total === mostPerQuery ? null : total };
  }
  if (seen.size < total) log.warn({ total, read: seen.size }, 'Amazon listed fewer items than it counted');
}

/** Items created within a span in milliseconds, both ends included. */
async function* windowPages(task: Task, from: number, to: number): AsyncGenerator<SearchAnswer> {
  const createdAfter = new Date(from).toISOString();
  const createdBefore = new Date(to).toISOString();
  const window = { ...query, createdAfter, createdBefore };
  const first = await goOn(task, window, null);
  const count = first.data.numberOfResults;
  const middle = Math.floor((from + to) / 2_000) * 1_000;
  if (count >= mostPerQuery && middle > from && middle < to) {
    yield* windowPages(task, from, middle);
    yield* windowPages(task, middle, to);
    return;
  }
  if (count >= 2 * mostPerQuery) {
    throw new ChannelError(
      'rejected',
      `${count} listings were created within one second (${createdAfter}): Amazon cannot list them all`,
      { hint: 'ask Amazon support; sales of listings that are known already are still counted' },
    );
  }
  yield* pagesOf(task, window, first);
  if (count < mostPerQuery) return;
  // A second cannot be halved any more: its first thousand by SKU, then its last.
  const fromLast = { ...window, sortOrder: 'DESC' };
  yield* pagesOf(task, fromLast, await goOn(task, fromLast, null));
}

/** The pages of one query up to the limit of Amazon. */
function pagesOf(task: Task, asked: Query, first: SearchAnswer): AsyncGenerator<SearchAnswer> {
  let pages = 0;
  return walkPages<string | null, SearchAnswer>({
    what: 'the list of listings',
    first: null,
    ask: async (token) => (token === null ? first : goOn(task, asked, token)),
    next(answer) {
      pages += 1;
      return pages * pageSize < mostPerQuery ? nextToken(answer) : null;
    },
  });
}

/** Refusals for the rate that one page of a walk outlives; each rests the operation for a while by itself. */
const mostRefusals = 8;

/** A page of a walk that has begun: a catalogue that is half read is not thrown away for a refused request, nor for its rest. */
async function goOn(task: Task, asked: Query, token: string | null): Promise<SearchAnswer> {
  const turn = token === null ? {} : { patienceMs: Number.POSITIVE_INFINITY };
  for (let refusals = 1; ; refusals += 1) {
    try {
      return await searchPage(task, { ...asked, pageToken: token ?? undefined }, turn);
    } catch (error) {
      const isRate = error instanceof ChannelError && error.kind === 'throttled';
      if (!isRate || refusals >= mostRefusals || task.signal.aborted) throw error;
    }
  }
}
