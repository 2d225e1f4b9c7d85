import type { FetchedOrder, Json, Listing, ListingPage, OrderPage } from '../channel.ts';
import { meetWeather } from './calls.ts';
import { counterOf, visible } from './shelf.ts';
import { type MemoryOrder, type MemoryState, platformNow } from './state.ts';
import { itemOf, orderFieldsOf } from './wire.ts';

/** The catalogue, page by page. */
export async function* listListings(state: MemoryState, signal: AbortSignal): AsyncGenerator<ListingPage> {
  const all = [...state.listings.values()];
  const size = state.options.pageSize ?? 100;
  for (let from = 0; from === 0 || from < all.length; from += size) {
    await meetWeather(state, 'listings', signal);
    const listings = all.slice(from, from + size).map(
      (each): Listing => ({
        listingId: each.listingId,
        counterKey: each.counterKey,
        channelSku: each.sku,
        title: each.title,
        aliases: each.aliases,
        unwritable: each.unwritable,
        ambiguous: all.some(
          (other) => other.sku === each.sku && other.sku !== null && other.counterKey !== each.counterKey,
        ),
        shown: visible(state, counterOf(state, each)),
        facts: null,
      }),
    );
    yield { listings, total: all.length };
  }
}

/** Orders that `wanted` picks, oldest change first; a change younger than the list lag is not there yet. */
export async function* orderPages(
  state: MemoryState,
  wanted: (order: MemoryOrder) => boolean,
  signal: AbortSignal,
): AsyncGenerator<OrderPage> {
  const channelClock = platformNow(state);
  const newest = channelClock - (state.options.listLagMs ?? 0);
  const size = state.options.pageSize ?? 100;
  const found = [...state.orders.values()]
    .filter((order) => order.changed_at <= newest && wanted(order))
    .sort((a, b) => a.changed_at - b.changed_at);
  for (let from = 0; from === 0 || from < found.length; from += size) {
    const askedAt = state.clock.now();
    await meetWeather(state, 'orders', signal);
    const items = found.slice(from, from + size).map((order) => fieldsOfItem(state, order));
    const last = from + size >= found.length;
    yield { items, askedAt, answeredAt: state.clock.now(), end: last ? { channelClock } : null };
  }
}

/** Orders by id, in order. */
export async function fetchOrders(
  state: MemoryState,
  ids: string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  const askedAt = state.clock.now();
  await meetWeather(state, 'orders', signal);
  const answeredAt = state.clock.now();
  return ids.map((orderId) => {
    const order = state.orders.get(orderId);
    if (order === undefined) return { orderId, missing: true };
    return { orderId, item: fieldsOfItem(state, order), askedAt, answeredAt };
  });
}

function fieldsOfItem(state: MemoryState, order: MemoryOrder): Json {
  return { topic: 'order', order: orderFieldsOf(itemOf(state, order)) };
}
