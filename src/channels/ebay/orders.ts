import { z } from 'zod';
import type { FetchedOrder, Json, OrderPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { capabilities } from './capabilities.ts';
import { Refusal } from './failures.ts';
import { asJson, type KeptOrder, keptOrder, needsReason, OrderRow } from './order.ts';
import type { Answer } from './rest.ts';
import type { Shop } from './shop.ts';

const path = '/sell/fulfillment/v1/order';
/** More is an error (EBAY-6). */
const pageSize = 200;
/** Most ids of one call. */
const idsPerCall = 50;
const mostPages = 2_000;
/** Passes over a list that moves while it is read. */
const mostPasses = 5;
const dayMs = 86_400_000;

const ListPage = z.object({
  total: z.number().nullish(),
  next: z.string().nullish(),
  orders: z.array(z.unknown()).nullish(),
});

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

interface Found {
  order: Json;
  time: number;
  modifiedAt: number;
}

/**
 * Reads the whole list before the first page is handed out: eBay promises no order of the rows, and its paging by
 * offset may skip a row when the list moves. A pass that saw fewer orders than eBay counted is repeated.
 */
async function* walk(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<OrderPage> {
  const found = new Map<string, Found>();
  let first: Answer<unknown> | null = null;
  let answeredAt = 0;
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const seen = new Set<string>();
    let total = 0;
    for await (const answer of pages(shop, search, signal)) {
      first ??= answer;
      answeredAt = answer.answeredAt;
      total = answer.data.total ?? 0;
      for (const row of answer.data.orders ?? []) keep(row, { search, seen, found });
    }
    if (seen.size >= total) break;
  }
  if (first === null) throw new ChannelError('retry', 'the list of orders could not be read');
  const { askedAt, channelClock } = first;
  const sorted = [...found.values()]
    .filter(({ time }) => time >= search.since)
    .sort((a, b) => a.time - b.time);
  for (let at = 0; at < sorted.length || at === 0; at += pageSize) {
    const items = sorted.slice(at, at + pageSize).map(({ order }) => order);
    const end = at + pageSize >= sorted.length ? { channelClock } : null;
    yield { items, askedAt, answeredAt, end };
  }
}

async function* pages(
  shop: Shop,
  search: Search,
  signal: AbortSignal,
): AsyncGenerator<Answer<z.infer<typeof ListPage>>> {
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await shop.rest.call(
      {
        method: 'GET',
        path,
        query: [
          ['filter', `${search.field}:[${startOf(shop, search.since)}..]`],
          ['limit', String(pageSize)],
          // Orders are counted here, not pages (EBAY-9.17).
          ['offset', String(page * pageSize)],
        ],
        data: ListPage,
      },
      signal,
    );
    yield answer;
    if (!answer.data.next || (answer.data.orders ?? []).length === 0) return;
  }
  throw new ChannelError('retry', 'the list of orders has more pages than can be read');
}

/** Two years back at most, and never in the future, which is refused (30850). The end is left open: clocks differ. */
function startOf(shop: Shop, since: number): string {
  const now = shop.deps.clock.now();
  const oldest = now - (capabilities.orderHistoryMs ?? 0) + dayMs;
  return new Date(Math.min(Math.max(since, oldest), now - 60_000)).toISOString();
}

/** A row that cannot be read is handed on as such, so that it is seen and not skipped. */
function keep(row: unknown, into: { search: Search; seen: Set<string>; found: Map<string, Found> }): void {
  const { search, seen, found } = into;
  const parsed = OrderRow.safeParse(row);
  if (!parsed.success) {
    const id = idOf(row);
    seen.add(id);
    found.set(id, { order: { kind: 'unreadable', orderId: id }, time: search.since, modifiedAt: 0 });
    return;
  }
  const order = keptOrder(parsed.data);
  seen.add(order.orderId);
  const known = found.get(order.orderId);
  if (known !== undefined && known.modifiedAt > order.modifiedAt) return;
  found.set(order.orderId, { order: asJson(order), time: search.time(order), modifiedAt: order.modifiedAt });
}

function idOf(row: unknown): string {
  return z.object({ orderId: z.coerce.string() }).safeParse(row).data?.orderId ?? 'without id';
}

/** Orders by id, in order, 50 a call. Those that a call leaves out are asked for one by one before they are missing. */
export async function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  const found = new Map<string, FetchedOrder>();
  const wanted = [...new Set(ids)];
  for (let at = 0; at < wanted.length; at += idsPerCall) {
    const batch = wanted.slice(at, at + idsPerCall);
    if (batch.length > 1) await fetchTogether(shop, batch, found, signal);
    for (const id of batch) if (!found.has(id)) found.set(id, await fetchOne(shop, id, signal));
  }
  return ids.map((orderId) => found.get(orderId) ?? { orderId, missing: true });
}

async function fetchTogether(
  shop: Shop,
  ids: readonly string[],
  found: Map<string, FetchedOrder>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const query = [
      ['orderIds', ids.join(',')],
      ['limit', String(pageSize)],
    ] as const;
    const { data, askedAt, answeredAt } = await shop.rest.call(
      { method: 'GET', path, query, data: ListPage },
      signal,
    );
    for (const row of data.orders ?? []) {
      const parsed = OrderRow.safeParse(row);
      if (!parsed.success || !ids.includes(parsed.data.orderId)) continue;
      const order = keptOrder(parsed.data);
      // Asked for by itself next.
      if (needsReason(order)) continue;
      found.set(order.orderId, { orderId: order.orderId, item: asJson(order), askedAt, answeredAt });
    }
  } catch (error) {
    // One id of no sound form fails them all; each is then asked for by itself.
    if (!(error instanceof Refusal) || error.kind !== 'rejected') throw error;
  }
}

async function fetchOne(shop: Shop, orderId: string, signal: AbortSignal): Promise<FetchedOrder> {
  try {
    const answer = await shop.rest.call(
      { method: 'GET', path: `${path}/${encodeURIComponent(orderId)}`, data: z.unknown() },
      signal,
    );
    const { askedAt, answeredAt } = answer;
    const parsed = OrderRow.safeParse(answer.data);
    if (!parsed.success) return { orderId, item: { kind: 'unreadable', orderId }, askedAt, answeredAt };
    return { orderId, item: asJson(keptOrder(parsed.data)), askedAt, answeredAt };
  } catch (error) {
    // 32100: not the form of an order id (from memory).
    if (error instanceof Refusal && (error.status === 404 || error.has(32100)))
      return { orderId, missing: true };
    throw error;
  }
}
