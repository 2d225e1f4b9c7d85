import { z } from 'zod';
import type { FetchedOrder, OrderPage } from '../channel.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { type Gathered, type GatheredSpan, gather, handedOut } from '../kit/gather.ts';
import type { Refusal } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import { allOf, rowsOf, Text, Whole } from '../kit/shapes.ts';
import { type Shop, searched } from './api.ts';
import { capabilities, rowsPerPage } from './capabilities.ts';
import { lacksScope } from './failures.ts';
import { Id, isId } from './ids.ts';
import { keptOrder, OrderRow } from './order.ts';

const hourMs = 3_600_000;
/**
 * Longest window of one search (TTS-5.1): a day where orders move while they are paged; where they stand still, less
 * than the week beyond which searches are said to be refused.
 */
const windowsMs = { update_time: 24 * hourMs, create_time: 6 * 24 * hourMs };
/** TikTok gives a delivery up after 15.5 hours (TTS-2.4): so far back orders are looked through once an hour. */
const lookBackMs = 20 * hourMs;
/** Most ids of one call (TTS-5.2; the API's own field description). */
const idsPerCall = 50;

const Page = z.object({
  total_count: Whole,
  next_page_token: z.string().nullish(),
  orders: allOf(z.unknown()),
});
type Page = z.infer<typeof Page>;
const Found = z.object({ orders: allOf(z.unknown()) }).nullish();

interface Search {
  field: 'update_time' | 'create_time';
  since: number;
}

/**
 * All orders changed since (TikTok's clock, ms), oldest change first. Once an hour it reaches back 20 hours. Orders of
 * which a part was cancelled are fetched, because their own time of change tells of their status only.
 */
export async function* ordersSince(
  shop: Shop,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<OrderPage> {
  const now = shop.serverClock.now();
  const isLookingBack = since <= now && now - shop.learned.lookedBackAt >= hourMs;
  const from = isLookingBack ? Math.min(since, now - lookBackMs) : since;
  yield* walk(shop, { field: 'update_time', since: from }, signal);
  if (isLookingBack) shop.learned.lookedBackAt = now;
}

/** All orders created since (TikTok's clock, ms). */
export function ordersCreatedSince(shop: Shop, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { field: 'create_time', since }, signal);
}

/** Orders by id, in order. Ids are joined by commas: anything else than digits would ask for other orders. */
export function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  return fetchInChunks(ids, {
    signal,
    perCall: idsPerCall,
    isSound: isId,
    async ask(some) {
      const query = { ids: some.join(',') };
      const path = '/order/202507/orders';
      const answer = await shop.api.call({ method: 'GET', path, query, data: Found }, signal);
      const { askedAt, answeredAt } = answer;
      return (answer.data?.orders ?? []).map((row) => {
        const { id: orderId, item } = gathered(row);
        return { orderId, item, askedAt, answeredAt };
      });
    },
    refused(_, refusal) {
      if (isUnknownOrder(refusal)) return null;
      throw refusal;
    },
  });
}

/** No code for this is documented, so that the words decide; codes of the gateway (36009…) never mean it. */
function isUnknownOrder({ codes: [code], message }: Refusal): boolean {
  if (typeof code !== 'number' || Math.floor(code / 1000) === 36_009) return false;
  return /not (?:be )?(?:found|exist)|no such|doesn.?t exist|does not exist|invalid order/i.test(message);
}

/** A window in Unix seconds, `to` excluded; the last one has no end, so that clocks need not agree. */
interface Window {
  from: number;
  to: number | null;
}

/** Each window is read wholly before anything of it is handed out. */
async function* walk(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<OrderPage> {
  let channelClock: number | null = null;
  const from = Math.floor(search.since / 1_000) * 1_000;
  for (const window of windowsOf(shop, search)) {
    const found = new Map<string, Gathered>();
    const span = await gather<Page>(
      {
        what: 'the list of orders',
        pages: () => pages(shop, { search, window }, signal),
        rows: ({ orders }) => orders.map(gathered),
        total: (page) => page.total_count ?? 0,
      },
      found,
    );
    channelClock ??= span.channelClock;
    const rows = [...found.values()].filter((row) => timeOf(row, search) >= from);
    const isLast = window.to === null;
    if (isLast && search.field === 'update_time')
      span.answeredAt = await addCancelled(shop, { since: search.since, found, rows, span }, signal);
    for (const page of handedOut(rows, { ...span, channelClock }, rowsPerPage))
      if (isLast || page.items.length > 0) yield isLast ? page : { ...page, end: null };
  }
}

/** From the beginning to an open end. A beginning in the future is moved to now and what is older left out. */
function windowsOf(shop: Shop, { field, since }: Search): Window[] {
  const windowMs = windowsMs[field];
  const now = shop.serverClock.now();
  const oldest = now - (capabilities.orderHistoryMs ?? 0);
  const windows: Window[] = [];
  let from = Math.min(Math.max(since, oldest), now - 60_000);
  for (; now - from > windowMs; from += windowMs)
    windows.push({ from: Math.floor(from / 1000), to: Math.floor((from + windowMs) / 1000) });
  return [...windows, { from: Math.floor(from / 1000), to: null }];
}

function pages(
  shop: Shop,
  { search, window }: { search: Search; window: Window },
  signal: AbortSignal,
): AsyncGenerator<Answer<Page>> {
  const { field } = search;
  const end = window.to === null ? {} : { [`${field}_lt`]: window.to };
  const what = 'the list of orders';
  const path = '/order/202309/orders/search';
  const query = { page_size: String(rowsPerPage), sort_field: field, sort_order: 'ASC' };
  const body = { [`${field}_ge`]: window.from, ...end };
  return searched(shop, { what, path, query, body, data: Page }, signal);
}

/** A row of any list. One that cannot be read is handed on as such, so that it is seen and not skipped. */
function gathered(row: unknown): Gathered {
  const parsed = OrderRow.safeParse(row);
  if (!parsed.success) {
    const id = z.object({ id: Id }).safeParse(row).data?.id ?? 'without id';
    return { id, item: { kind: 'unreadable', orderId: id }, changedAt: null };
  }
  const order = keptOrder(parsed.data);
  return { id: order.orderId, item: order, changedAt: order.updatedAt };
}

/** The time that a search is about; a row that cannot be read belongs to every search. */
function timeOf({ item, changedAt }: Gathered, { field }: Search): number {
  if (changedAt === null) return Number.POSITIVE_INFINITY;
  const placedAt = z.object({ placedAt: z.number() }).safeParse(item).data?.placedAt ?? 0;
  return field === 'update_time' ? changedAt : placedAt;
}

/** Adds the orders of cancellations that the list of orders did not bring; returns when the last answer came. */
async function addCancelled(
  shop: Shop,
  at: { since: number; found: Map<string, Gathered>; rows: Gathered[]; span: GatheredSpan },
  signal: AbortSignal,
): Promise<number> {
  const from = Math.max(at.since, shop.serverClock.now() - lookBackMs);
  const ids = await ordersCancelledSince(shop, from, signal);
  const unseen = ids.filter((id) => !at.rows.some((row) => row.id === id));
  let { answeredAt } = at.span;
  for (const each of await fetchOrders(shop, unseen, signal)) {
    if ('missing' in each) continue;
    const changedAt = z.object({ updatedAt: z.number() }).safeParse(each.item).data?.updatedAt ?? at.since;
    at.rows.push({ id: each.orderId, item: each.item, changedAt });
    answeredAt = Math.max(answeredAt, each.answeredAt);
  }
  return answeredAt;
}

/** The name of the list of rows is not documented where we looked: the only list there is (TTS-5.4). */
const Cancellations = z
  .looseObject({ next_page_token: Text })
  .nullish()
  .transform((page) => page ?? { next_page_token: null });
const Row = z.object({ order_id: Id });

/**
 * Ids of the orders of which anything was cancelled since (TikTok's clock, ms). Empty where the app may not read
 * cancellations: a partial cancellation is then learned from its delivery or from the daily look at open orders.
 */
async function ordersCancelledSince(shop: Shop, since: number, signal: AbortSignal): Promise<string[]> {
  const ids = new Set<string>();
  const from = Math.floor(Math.min(since, shop.serverClock.now() - 60_000) / 1000);
  const path = '/return_refund/202309/cancellations/search';
  const query = { page_size: '50', sort_field: 'update_time', sort_order: 'ASC' };
  const body = { update_time_ge: from };
  const what = 'the list of cancellations';
  try {
    for await (const { data } of searched(shop, { what, path, query, body, data: Cancellations }, signal))
      for (const row of rowsOf(Row).parse(Object.values(data).find(Array.isArray))) ids.add(row.order_id);
  } catch (error) {
    if (!lacksScope(error)) throw error;
    shop.deps.log.info({ codes: error.codes }, 'cancellations may not be read: the app lacks a scope');
    return [];
  }
  return [...ids];
}
