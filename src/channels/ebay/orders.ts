import { z } from 'zod';
import type { FetchedOrder, OrderPage } from '../channel.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { type Gathered, gather, handedOut } from '../kit/gather.ts';
import type { Answer } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import type { Shop } from './api.ts';
import { capabilities } from './capabilities.ts';
import { KeptOrder, keptOrder, needsReason, OrderRow } from './order.ts';

const path = '/sell/fulfillment/v1/order';
/** More is an error (EBAY-6). */
const pageSize = 200;
/** Most ids of one call. */
const idsPerCall = 50;
const dayMs = 86_400_000;

const ListPage = z.object({
  total: z.number().nullish(),
  next: z.string().nullish(),
  orders: z.array(z.unknown()).nullish(),
});
type ListPage = z.infer<typeof ListPage>;

/** All orders changed since (eBay's clock, ms), cancelled and shipped ones too, oldest change first. */
export function ordersSince(shop: Shop, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { field: 'lastmodifieddate', since, time: (order) => order.modifiedAt }, signal);
}

/** All orders created since (eBay's clock, ms). */
export function ordersCreatedSince(shop: Shop, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { field: 'creationdate', since, time: (order) => order.placedAt }, signal);
}

interface Search {
  field: 'lastmodifieddate' | 'creationdate';
  since: number;
  time(order: KeptOrder): number;
}

/**
 * Reads the whole list before the first page is handed out: eBay promises no order of the rows, and its paging by
 * offset may skip a row when the list moves.
 */
async function* walk(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<OrderPage> {
  const found = new Map<string, Gathered>();
  const span = await gather<ListPage>(
    {
      what: 'the list of orders',
      pages: () => pages(shop, search, signal),
      rows: ({ orders }) => (orders ?? []).map(gathered),
      total: ({ total }) => total ?? 0,
    },
    found,
  );
  const rows = [...found.values()].filter(({ item }) => {
    const order = KeptOrder.safeParse(item).data;
    return order === undefined || search.time(order) >= search.since;
  });
  yield* handedOut(rows, span, pageSize);
}

function pages(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<Answer<ListPage>> {
  const filter = `${search.field}:[${startOf(shop, search.since)}..]`;
  return walkPages({
    what: 'the list of orders',
    first: 0,
    mostPages: 2_000,
    // Orders are counted here, not pages (EBAY-9.17).
    ask(offset: number) {
      const query = { filter, limit: String(pageSize), offset: String(offset) };
      return shop.ask({ path, query, data: ListPage }, signal);
    },
    next: ({ data }, offset) => (data.next && (data.orders ?? []).length > 0 ? offset + pageSize : null),
  });
}

/** Two years back at most, and never in the future, which is refused (30850). The end is left open: clocks differ. */
function startOf(shop: Shop, since: number): string {
  const now = shop.deps.clock.now();
  const oldest = now - (capabilities.orderHistoryMs ?? 0) + dayMs;
  return new Date(Math.min(Math.max(since, oldest), now - 60_000)).toISOString();
}

/** A row that cannot be read is handed on as such, so that it is seen and not skipped. */
function gathered(row: unknown): Gathered {
  const parsed = OrderRow.safeParse(row);
  if (!parsed.success) {
    const id = z.object({ orderId: z.coerce.string() }).safeParse(row).data?.orderId ?? 'without id';
    return { id, item: { kind: 'unreadable', orderId: id }, changedAt: null };
  }
  const order = keptOrder(parsed.data);
  return { id: order.orderId, item: order, changedAt: order.modifiedAt };
}

/** Orders by id, in order, 50 a call. A cancelled one is asked for by itself: a list does not tell why. */
export function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  return fetchInChunks(ids, {
    signal,
    perCall: idsPerCall,
    isSound: () => true,
    ask: (some) =>
      some.length === 1 ? fetchOne(shop, some[0] ?? '', signal) : fetchSome(shop, some, signal),
    refused(_, refusal) {
      // 32100: not the form of an order id (from memory).
      if (refusal.status === 404 || refusal.has(32100)) return null;
      throw refusal;
    },
  });
}

async function fetchSome(shop: Shop, ids: readonly string[], signal: AbortSignal): Promise<FetchedOrder[]> {
  const query = { orderIds: ids.join(','), limit: String(pageSize) };
  const { data, askedAt, answeredAt } = await shop.ask({ path, query, data: ListPage }, signal);
  return (data.orders ?? []).flatMap((row) => {
    const parsed = OrderRow.safeParse(row).data;
    const order = parsed === undefined ? null : keptOrder(parsed);
    if (order === null || needsReason(order)) return [];
    return [{ orderId: order.orderId, item: order, askedAt, answeredAt }];
  });
}

async function fetchOne(shop: Shop, orderId: string, signal: AbortSignal): Promise<FetchedOrder[]> {
  const call = { path: `${path}/${encodeURIComponent(orderId)}`, data: z.unknown() };
  const { data, askedAt, answeredAt } = await shop.ask(call, signal);
  const row = OrderRow.safeParse(data).data;
  const item = row === undefined ? { kind: 'unreadable', orderId } : keptOrder(row);
  return [{ orderId, item, askedAt, answeredAt }];
}
