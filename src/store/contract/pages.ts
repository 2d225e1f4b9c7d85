import type { ListingRow, ListingStore } from './listings.ts';
import type { CounterView, OutboxStore } from './outbox.ts';

/** A whole list that the store answers page by page. Each page is asked for when the one before has been worked on. */
export async function* pages<Row, Place>(
  start: Place,
  ask: (after: Place) => Promise<Row[]>,
  placeOf: (last: Row) => Place,
): AsyncIterable<Row[]> {
  for (let after = start; ; ) {
    const page = await ask(after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    after = placeOf(last);
  }
}

/** All listings that the filter lets pass, from the oldest on. */
export async function* allListings(
  store: { readonly listings: ListingStore },
  filter: Omit<Parameters<ListingStore['list']>[0], 'after' | 'limit'>,
): AsyncIterable<ListingRow> {
  const ask = (after: number) => store.listings.list({ ...filter, after, limit: 1_000 });
  for await (const page of pages(0, ask, (row) => row.id)) yield* page;
}

/** All counters of a channel, so many at a time. */
export function counterPages(
  store: { readonly outbox: OutboxStore },
  channelId: number,
  size: number,
): AsyncIterable<CounterView[]> {
  const ask = (after: number) => store.outbox.page(channelId, after, size);
  return pages(0, ask, (view) => view.counterId);
}
