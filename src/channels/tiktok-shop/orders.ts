import { z } from 'zod';
import type { Json, OrderPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Answer } from './api.ts';
import { ordersCancelledSince } from './cancellations.ts';
import { capabilities, rowsPerPage } from './capabilities.ts';
import { fetchOrders } from './fetch.ts';
import { Id } from './ids.ts';
import { asJson, keptOrder, OrderRow } from './order.ts';
import type { Shop } from './shop.ts';

const hourMs = 3_600_000;
/**
 * Longest window of one search (TTS-5.1): a day where orders move while they are paged; where they stand still, less
 * than the week beyond which searches are said to be refused.
 */
const windowsMs = { update_time: 24 * hourMs, create_time: 6 * 24 * hourMs };
/** TikTok gives a delivery up after 15.5 hours (TTS-2.4): so far back orders are looked through once an hour. */
const lookBackMs = 20 * hourMs;
const mostPages = 2_000;
/** Passes over a window that moves while it is read. */
const mostPasses = 5;

const Page = z.object({
  total_count: z.int().nullish().catch(null),
  next_page_token: z.string().nullish(),
  orders: z.array(z.unknown()).nullish(),
});

interface Search {
  field: 'update_time' | 'create_time';
  since: number;
}

interface Found {
  item: Json;
  changedAt: number;
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

/** A window in Unix seconds, `to` excluded; the last one has no end, so that clocks need not agree. */
interface Window {
  from: number;
  to: number | null;
}

async function* walk(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<OrderPage> {
  let channelClock: number | null = null;
  for (const window of windowsOf(shop, search)) {
    const found = new Map<string, Found>();
    const first = await readWindow(shop, { search, window, found }, signal);
    channelClock ??= first.channelClock;
    let { answeredAt } = first;
    if (window.to === null && search.field === 'update_time') {
      answeredAt = await addCancelled(shop, { since: search.since, found, answeredAt }, signal);
    }
    const items = [...found.values()].sort((a, b) => a.changedAt - b.changedAt).map(({ item }) => item);
    const span = { askedAt: first.askedAt, answeredAt };
    for (let at = 0; at < items.length || (at === 0 && window.to === null); at += rowsPerPage) {
      const isLast = window.to === null && at + rowsPerPage >= items.length;
      yield { items: items.slice(at, at + rowsPerPage), ...span, end: isLast ? { channelClock } : null };
    }
  }
}

/** From the beginning to an open end. A beginning in the future is moved to now and what is older left out. */
function windowsOf(shop: Shop, { field, since }: Search): Window[] {
  const windowMs = windowsMs[field];
  const now = shop.serverClock.now();
  const oldest = now - (capabilities.orderHistoryMs ?? 0);
  const windows: Window[] = [];
  let from = Math.min(Math.max(since, oldest), now - 60_000);
  for (; now - from > windowMs; from += windowMs) {
    windows.push({ from: Math.floor(from / 1000), to: Math.floor((from + windowMs) / 1000) });
  }
  return [...windows, { from: Math.floor(from / 1000), to: null }];
}

/**
 * Reads a whole window before anything of it is handed out, and again when TikTok counted more orders than were seen:
 * an order that changes while we page moves to the end and may push another one off its page. Returns the first answer
 * with the time of the last.
 */
async function readWindow(
  shop: Shop,
  at: { search: Search; window: Window; found: Map<string, Found> },
  signal: AbortSignal,
): Promise<Answer<unknown>> {
  let first: Answer<unknown> | null = null;
  let answeredAt = 0;
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const seen = new Set<string>();
    let total = 0;
    for await (const answer of pages(shop, at, signal)) {
      first ??= answer;
      answeredAt = answer.answeredAt;
      total = answer.data.total_count ?? 0;
      for (const row of answer.data.orders ?? []) seen.add(keep(row, at));
    }
    if (seen.size >= total) break;
  }
  if (first === null) throw new ChannelError('retry', 'the list of orders could not be read');
  return { ...first, answeredAt };
}

async function* pages(
  shop: Shop,
  { search, window }: { search: Search; window: Window },
  signal: AbortSignal,
): AsyncGenerator<Answer<z.infer<typeof Page>>> {
  const { field } = search;
  const end = window.to === null ? {} : { [`${field}_lt`]: window.to };
  let token = '';
  for (let page = 0; page < mostPages; page += 1) {
    const answer = await shop.api.call(
      {
        method: 'POST',
        path: '/order/202309/orders/search',
        query: {
          page_size: String(rowsPerPage),
          sort_field: field,
          sort_order: 'ASC',
          ...(token === '' ? {} : { page_token: token }),
        },
        body: { [`${field}_ge`]: window.from, ...end },
        data: Page,
      },
      signal,
    );
    yield answer;
    const next = answer.data.next_page_token ?? '';
    if (next === '') return;
    if (next === token) throw new ChannelError('retry', 'the list of orders stands still');
    token = next;
  }
  throw new ChannelError('retry', 'the list of orders has more pages than can be read');
}

/** Keeps a row and returns its id. A row that cannot be read is handed on as such, so that it is seen and not skipped. */
function keep(row: unknown, { search, found }: { search: Search; found: Map<string, Found> }): string {
  const parsed = OrderRow.safeParse(row);
  if (!parsed.success) {
    const orderId = z.object({ id: Id }).safeParse(row).data?.id ?? 'without id';
    found.set(orderId, { item: { kind: 'unreadable', orderId }, changedAt: search.since });
    return orderId;
  }
  const order = keptOrder(parsed.data);
  const time = search.field === 'update_time' ? order.updatedAt : order.placedAt;
  const known = found.get(order.orderId);
  const isNew = known === undefined || known.changedAt <= order.updatedAt;
  if (isNew && time >= Math.floor(search.since / 1000) * 1000) {
    found.set(order.orderId, { item: asJson(order), changedAt: order.updatedAt });
  }
  return order.orderId;
}

/** Adds the orders of cancellations that the list of orders did not bring; returns when the last answer came. */
async function addCancelled(
  shop: Shop,
  at: { since: number; found: Map<string, Found>; answeredAt: number },
  signal: AbortSignal,
): Promise<number> {
  const from = Math.max(at.since, shop.serverClock.now() - lookBackMs);
  const ids = await ordersCancelledSince(shop, from, signal);
  const unseen = ids.filter((id) => !at.found.has(id));
  let { answeredAt } = at;
  for (const each of await fetchOrders(shop, unseen, signal)) {
    if ('missing' in each) continue;
    const changedAt = z.object({ updatedAt: z.number() }).safeParse(each.item).data?.updatedAt ?? at.since;
    at.found.set(each.orderId, { item: each.item, changedAt });
    answeredAt = Math.max(answeredAt, each.answeredAt);
  }
  return answeredAt;
}
