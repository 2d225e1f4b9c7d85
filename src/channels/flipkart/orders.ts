import type { FetchedOrder, OrderPage } from '../channel.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { type Gathered, type GatheredSpan, gather, handedOut } from '../kit/gather.ts';
import type { Shop } from './api.ts';
import { allQueries, openQueries, pagesOf, type Query, type Since, shipmentsById } from './filter.ts';
import type { Found } from './shipment.ts';

/** The platform takes 100 (FK-5.3); half of it keeps the address short. */
const idsPerCall = 50;

/** All shipments changed since (Flipkart's clock, ms), held, shipped and cancelled ones too, oldest change first. */
export function ordersSince(shop: Shop, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { queries: allQueries, field: 'modifiedDate', since }, signal);
}

/** All shipments whose order was placed since (Flipkart's clock, ms). */
export function ordersCreatedSince(shop: Shop, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { queries: allQueries, field: 'orderDate', since }, signal);
}

/** All shipments that hold stock, of whatever age. */
export function openOrders(shop: Shop, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { queries: openQueries, field: null, since: 0 }, signal);
}

/** Shipments by id, in order. A refused id that is not simply unknown is told as unreadable. */
export function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  return fetchInChunks(ids, {
    signal,
    perCall: idsPerCall,
    isSound: (id) => /^[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,99}$/.test(id),
    async ask(some) {
      const found: FetchedOrder[] = [];
      let askedAt: number | null = null;
      for await (const { data, ...span } of shipmentsById(shop, some, signal)) {
        askedAt ??= span.askedAt;
        for (const { id, item } of data.found)
          found.push({ orderId: id, item, askedAt, answeredAt: span.answeredAt });
      }
      return found;
    },
    refused(orderId, { status }) {
      if (status === 404) return null;
      const now = shop.deps.clock.now();
      return { orderId, item: { kind: 'unreadable', shipmentId: orderId }, askedAt: now, answeredAt: now };
    },
  });
}

interface Search extends Since {
  queries: readonly Query[];
}

/**
 * Reads everything before the first page is handed out: six lists make one, and of a shipment that moved from one list to
 * the next while they were read, the newer state counts. What its pages hold when a list moves is not documented.
 */
async function* walk(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<OrderPage> {
  const found = new Map<string, Gathered>();
  let span: GatheredSpan | null = null;
  for (const query of search.queries) {
    const { field, since } = search;
    const read = await gather(
      {
        what: 'the list of shipments',
        pages: () => pagesOf(shop, { query, field, since }, signal),
        rows: (page) => page.found.flatMap((row) => gathered(row, search)),
      },
      found,
    );
    span = { ...(span ?? read), answeredAt: read.answeredAt };
  }
  if (span !== null) yield* handedOut(found.values(), span);
}

/** A row of a list, unless it is older than was asked for; times have whole seconds. */
function gathered({ id, item, times }: Found, { field, since }: Since): Gathered[] {
  if (times === null) return [{ id, item, changedAt: null }];
  const time = field === 'orderDate' ? times.placedAt : times.movedAt;
  const isAsked = field === null || time >= Math.floor(since / 1_000) * 1_000;
  return isAsked ? [{ id, item, changedAt: times.changedAt }] : [];
}
