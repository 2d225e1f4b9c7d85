import { z } from 'zod';
import type { FetchedOrder, OrderPage } from '../channel.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { type Gathered, gather, handedOut } from '../kit/gather.ts';
import { allOf } from '../kit/shapes.ts';
import { walkPages } from '../kit/walk.ts';
import type { Task } from './api.ts';
import { capabilities } from './capabilities.ts';
import { KeptOrder, needsReason, OrderRow } from './order.ts';

const path = '/sell/fulfillment/v1/order';
/** More is an error (EBAY-6). */
const pageSize = 200;
/** Most ids of one call. */
const idsPerCall = 50;
const dayMs = 86_400_000;

const ListPage = z.object({
  total: z.number().nullish(),
  next: z.string().nullish(),
  orders: allOf(z.unknown()),
});
/** What is answered about one order: a list of one. */
const OnePage = z.unknown().transform((order) => ({ orders: [order] }));
type ListPage = z.infer<typeof ListPage>;

/** All orders changed since (eBay's clock, ms), cancelled and shipped ones too, oldest change first. */
export function ordersSince(task: Task, since: number): AsyncIterable<OrderPage> {
  return walk(task, { field: 'lastmodifieddate', since, time: (order) => order.modifiedAt });
}

/** All orders created since (eBay's clock, ms). */
export function ordersCreatedSince(task: Task, since: number): AsyncIterable<OrderPage> {
  return walk(task, { field: 'creationdate', since, time: (order) => order.placedAt });
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
async function* walk(task: Task, search: Search): AsyncGenerator<OrderPage> {
  const found = new Map<string, Gathered>();
  const filter = `${search.field}:[${startOf(task, search.since)}..]`;
  const what = 'the list of orders';
  const pages = () =>
    walkPages({
      what,
      first: 0,
      mostPages: 2_000,
      // Orders are counted here, not pages (EBAY-9.17).
      ask(offset: number) {
        const query = { filter, limit: String(pageSize), offset: String(offset) };
        return task.ask({ path, query, data: ListPage });
      },
      next: ({ data }, offset) => (data.next && data.orders.length > 0 ? offset + pageSize : null),
    });
  const rows = (page: ListPage): Gathered[] => page.orders.map(gathered);
  const span = await gather({ what, pages, rows, total: ({ total }) => total ?? 0 }, found);
  const kept = [...found.values()].filter(({ item }) => {
    const order = KeptOrder.safeParse(item).data;
    return order === undefined || search.time(order) >= search.since;
  });
  yield* handedOut(kept, span, pageSize);
}

/** Two years back at most, and never in the future, which is refused (30850). The end is left open: clocks differ. */
function startOf(task: Task, since: number): string {
  const now = task.deps.clock.now();
  const oldest = now - (capabilities.orderHistoryMs ?? 0) + dayMs;
  return new Date(Math.min(Math.max(since, oldest), now - 60_000)).toISOString();
}

/** A row that cannot be read is handed on as such, so that it is seen and not skipped. */
function gathered(row: unknown): Gathered {
  const order = OrderRow.safeParse(row).data;
  if (order !== undefined) return { id: order.orderId, item: order, changedAt: order.modifiedAt };
  const id = z.object({ orderId: z.coerce.string() }).safeParse(row).data?.orderId ?? 'without id';
  return { id, item: { kind: 'unreadable', orderId: id }, changedAt: null };
}

/** Orders by id, in order, 50 a call. A cancelled one is asked for by itself: a list does not tell why. */
export function fetchOrders(task: Task, ids: readonly string[]): Promise<FetchedOrder[]> {
  return fetchInChunks(ids, {
    signal: task.signal,
    perCall: idsPerCall,
    isSound: () => true,
    async ask(some) {
      const single = some.length === 1 ? some[0] : undefined;
      const call =
        single === undefined
          ? { path, query: { orderIds: some.join(','), limit: String(pageSize) }, data: ListPage }
          : { path: `${path}/${encodeURIComponent(single)}`, data: OnePage };
      const { data, askedAt, answeredAt } = await task.ask<{ orders: unknown[] }>(call);
      return data.orders.flatMap((row) => {
        const order = OrderRow.safeParse(row).data;
        const orderId = single ?? order?.orderId;
        const isLeftOut = single === undefined && (order === undefined || needsReason(order));
        if (orderId === undefined || isLeftOut) return [];
        return [{ orderId, item: order ?? { kind: 'unreadable', orderId }, askedAt, answeredAt }];
      });
    },
    refused(_, refusal) {
      // 32100: not the form of an order id (from memory).
      if (refusal.status === 404 || refusal.has(32100)) return null;
      throw refusal;
    },
  });
}
