import { z } from 'zod';
import type { FetchedOrder, Json, OrderPage } from '../channel.ts';
import type { Answer } from '../kit/rest.ts';
import { chunksOf } from '../kit/write.ts';
import { connectionPages, type ShopifyApi } from './api.ts';
import { gid } from './gid.ts';
import { connection, keptOrder, needsDetails, OrderNode } from './graphql-order.ts';
import { readOrderDetails } from './order-details.ts';

/** Orders per page: 33 points each (SHP-7: one query may ask for 1,000). */
const pageSize = 25;

const OrdersData = z.object({ orders: connection(OrderNode) });
const NodesData = z.object({ nodes: z.array(z.union([OrderNode, z.null()])) });

/** All orders changed since (shop's clock, ms), whatever their state: cancelled and closed ones are not filtered. */
export function ordersSince(api: ShopifyApi, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(api, { document: 'OrdersChanged', query: `updated_at:>='${searchTime(since)}'` }, signal);
}

/** All orders created since (shop's clock, ms). */
export function ordersCreatedSince(
  api: ShopifyApi,
  since: number,
  signal: AbortSignal,
): AsyncIterable<OrderPage> {
  return walk(api, { document: 'OrdersCreated', query: `created_at:>='${searchTime(since)}'` }, signal);
}

/** Search wants UTC with Z, quoted, and knows no fractions: rounded down (SHP-6). */
function searchTime(at: number): string {
  return `${new Date(Math.max(0, Math.floor(at / 1000) * 1000)).toISOString().slice(0, 19)}Z`;
}

async function* walk(
  api: ShopifyApi,
  search: { document: 'OrdersChanged' | 'OrdersCreated'; query: string },
  signal: AbortSignal,
): AsyncGenerator<OrderPage> {
  const { document, query } = search;
  const pages = connectionPages(
    { what: 'the list of orders', first: pageSize },
    (at) => api.call({ document, variables: { ...at, query }, data: OrdersData }, signal),
    ({ data }) => data.orders.pageInfo,
  );
  let beganAt: number | null = null;
  for await (const page of pages) {
    beganAt ??= page.channelClock;
    const { nodes, pageInfo } = page.data.orders;
    const items: Json[] = [];
    let span: Span = page;
    for (const node of nodes) {
      const read = await wholeOrder(api, { node, span }, signal);
      if (read === null) continue;
      items.push(read.item);
      span = read;
    }
    const end = pageInfo.hasNextPage ? null : { channelClock: beganAt };
    yield { items, askedAt: page.askedAt, answeredAt: span.answeredAt, end };
  }
}

/** Orders by id, in order; accepts global and plain ids. */
export async function fetchOrders(
  api: ShopifyApi,
  ids: string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  const found: FetchedOrder[] = [];
  for (const batch of chunksOf(ids, pageSize)) {
    const asked = { ids: batch.map((id) => gid('Order', id)) };
    const answer = await api.call({ document: 'OrdersById', variables: asked, data: NodesData }, signal);
    for (const [index, orderId] of batch.entries()) {
      const node = answer.data.nodes[index] ?? null;
      const read = node === null ? null : await wholeOrder(api, { node, span: answer }, signal);
      found.push(read === null ? { orderId, missing: true } : { orderId, ...read });
    }
  }
  return found;
}

/** When something was asked and answered. */
type Span = Pick<Answer<unknown>, 'askedAt' | 'answeredAt'>;

/** A listed order, which needs no more than its node, or its details; null when it is gone by then. */
async function wholeOrder(
  api: ShopifyApi,
  { node, span: { askedAt, answeredAt } }: { node: OrderNode; span: Span },
  signal: AbortSignal,
): Promise<(Span & { item: Json }) | null> {
  if (!needsDetails(node)) return { item: keptOrder(node), askedAt, answeredAt };
  const read = await readOrderDetails(api, node.id, signal);
  return read && { item: read.order, askedAt: read.askedAt, answeredAt: read.answeredAt };
}
