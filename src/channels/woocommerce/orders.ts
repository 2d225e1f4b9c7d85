import { z } from 'zod';
import type { FetchedOrder, Json, OrderPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { isNotFound } from '../kit/refusal.ts';
import { clockOf } from '../kit/retry-after.ts';
import { shaped } from './answer.ts';
import type { Answered } from './api.ts';
import { idsOf } from './facts.ts';
import { keptLines, keptOrder, listingOf, needsProducts, needsRefunds, numberIn } from './order.ts';
import { readRows } from './rows.ts';
import { type OrderFields, orderRow, refundRows, wooId } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';
import { type Walk, walkOrders } from './walk.ts';

const fields =
  'id,number,status,date_created_gmt,date_modified_gmt,date_paid_gmt,date_completed_gmt,line_items,refunds';
/** The order's own meta tell what a trashed order was before; plugins make them large, so only there. */
const fieldsWithMeta = `${fields},meta_data`;

/** Orders changed since, the trash excepted: `any` leaves it out, and trashing does not move the date (WOO-6). */
export async function* ordersSince(
  shop: Shop,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<OrderPage> {
  await wakeCron(shop, signal);
  yield* pagesOf(shop, [{ axis: 'modified', since, status: 'any', fields, signal }]);
}

/** Orders created since, those in the trash too. */
export async function* ordersCreatedSince(
  shop: Shop,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<OrderPage> {
  yield* pagesOf(shop, [
    { axis: 'created', since, status: 'any', fields, signal },
    { axis: 'created', since, status: 'trash', fields: fieldsWithMeta, signal },
  ]);
}

/** All orders that may hold stock: open ones, plugins' statuses, and the trash, which gives nothing back (WOO-O.5). */
export async function* openOrders(shop: Shop, signal: AbortSignal): AsyncGenerator<OrderPage> {
  const status = (await openStatuses(shop, signal)).join(',');
  yield* pagesOf(shop, [
    { axis: 'created', since: null, status, fields, signal },
    { axis: 'created', since: null, status: 'trash', fields: fieldsWithMeta, signal },
  ]);
}

const neverOpen = new Set([
  'pending',
  'completed',
  'cancelled',
  'refunded',
  'failed',
  'trash',
  'checkout-draft',
]);

/** The order totals report names every status that the shop has; without it only the known ones are asked for. */
async function openStatuses(shop: Shop, signal: AbortSignal): Promise<string[]> {
  const known = ['processing', 'on-hold'];
  const mapped = Object.entries(shop.config.status_map)
    .filter(([, holds]) => holds === 'hold')
    .map(([status]) => status);
  try {
    const { json } = await shop.api.get({ path: '/reports/orders/totals', signal });
    const rows = z.array(z.object({ slug: z.string() })).safeParse(json);
    const slugs = rows.success ? rows.data.map((row) => row.slug.replace(/^wc-/, '')) : [];
    const open = slugs.filter(
      (slug) => !neverOpen.has(slug) && (shop.config.status_map[slug] ?? 'hold') === 'hold',
    );
    return [...new Set([...known, ...open])];
  } catch (error) {
    if (!isNotFound(error) && !isRejected(error)) throw error;
    return [...new Set([...known, ...mapped])];
  }
}

async function* pagesOf(shop: Shop, walks: readonly Walk[]): AsyncGenerator<OrderPage> {
  let channelClock: number | null = null;
  for (const [at, walk] of walks.entries()) {
    for await (const page of walkOrders(shop, walk)) {
      channelClock ??= clockOf(page.answer);
      const ended = page.last && at === walks.length - 1;
      yield {
        items: await itemsIn(shop, page.rows, walk.signal),
        askedAt: page.answer.askedAt,
        answeredAt: page.answer.answeredAt,
        end: ended ? { channelClock } : null,
      };
    }
  }
}

async function itemsIn(shop: Shop, rows: readonly unknown[], signal: AbortSignal): Promise<Json[]> {
  const items: Json[] = [];
  for (const row of rows) items.push(await itemOf(shop, row, signal));
  return items;
}

/** One unreadable order must not stop the back-fill of all others: it becomes an alert. */
async function itemOf(shop: Shop, row: unknown, signal: AbortSignal): Promise<Json> {
  const parsed = orderRow.safeParse(row);
  const order = parsed.success ? keptOrder(parsed.data, null) : null;
  if (order !== null) return withProducts(shop, await withRefunds(shop, order, signal), signal);
  const id = z.object({ id: wooId }).safeParse(row);
  return { kind: 'unreadable-order', id: id.success ? id.data.id : null };
}

async function withRefunds(shop: Shop, order: OrderFields, signal: AbortSignal): Promise<OrderFields> {
  if (!needsRefunds(order, shop.config)) return order;
  const refunded: Record<string, number> = {};
  try {
    const { json } = await shop.api.get({
      path: `/orders/${order.id}/refunds`,
      query: [
        ['per_page', String(pageSize)],
        ['_fields', 'id,line_items'],
      ],
      signal,
    });
    for (const line of shaped(refundRows, json, 'refunds').flatMap((refund) => refund.line_items)) {
      const of = numberIn(line.meta_data, '_refunded_item_id');
      if (of === null || !Number.isFinite(line.quantity)) continue;
      refunded[String(of)] = (refunded[String(of)] ?? 0) + Math.abs(line.quantity);
    }
  } catch (error) {
    // Gone with its order, or closed by a plugin: what is held stays right, only the write-off is unknown.
    if (!isNotFound(error) && !isRejected(error)) throw error;
    shop.deps.log.warn({ order: order.id }, 'refunds cannot be read; their write-off is not known');
  }
  return { ...order, refunded };
}

async function withProducts(shop: Shop, order: OrderFields, signal: AbortSignal): Promise<OrderFields> {
  if (!needsProducts(order, shop.config)) return order;
  const kept = keptLines(order, shop.config).flatMap((line) => {
    const listing = listingOf(line);
    return listing === null ? [] : [{ line: line.id, ...idsOf(listing) }];
  });
  try {
    const rows = await readRows(shop, kept, { priority: 'read', signal });
    const ownerless = kept.filter(({ id }) => (rows.get(id)?.row?.manage_stock ?? false) === false);
    return { ...order, ownerless: ownerless.map(({ line }) => line) };
  } catch (error) {
    if (!isNotFound(error) && !isRejected(error)) throw error;
    shop.deps.log.warn(
      { order: order.id },
      'the products of an ended order cannot be read; its units stay kept',
    );
    return order;
  }
}

/** Orders by id, one answer per id, in order. Trashed orders are found, those deleted for good are missing. */
export function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  return fetchInChunks(ids, {
    signal,
    perCall: pageSize,
    isSound: (id) => /^\d+$/.test(id),
    ask: (some) =>
      some.length === 1 ? fetchOne(shop, some[0] ?? '', signal) : fetchSome(shop, some, signal),
    refused(_, refusal) {
      if (isNotFound(refusal) && String(refusal.codes[0]).includes('invalid_id')) return null;
      throw refusal;
    },
  });
}

async function fetchSome(shop: Shop, ids: string[], signal: AbortSignal): Promise<FetchedOrder[]> {
  const answer = await shop.api.get({
    path: '/orders',
    query: [
      ['include', ids.join(',')],
      ['status', 'any'],
      ['per_page', String(pageSize)],
      ['_fields', fields],
    ],
    signal,
  });
  const found: FetchedOrder[] = [];
  for (const row of shaped(z.array(z.unknown()), answer.json, 'orders by id')) {
    const id = z.object({ id: wooId }).safeParse(row).data?.id;
    if (id !== undefined && ids.includes(id)) found.push(await fetched(shop, id, row, answer, signal));
  }
  return found;
}

async function fetchOne(shop: Shop, orderId: string, signal: AbortSignal): Promise<FetchedOrder[]> {
  const query = [['_fields', fieldsWithMeta]] as const;
  const answer = await shop.api.get({ path: `/orders/${orderId}`, query, signal });
  return [await fetched(shop, orderId, answer.json, answer, signal)];
}

async function fetched(
  shop: Shop,
  orderId: string,
  row: unknown,
  answer: Answered,
  signal: AbortSignal,
): Promise<FetchedOrder> {
  const item = await itemOf(shop, row, signal);
  return { orderId, item, askedAt: answer.askedAt, answeredAt: answer.answeredAt };
}

function isRejected(error: unknown): boolean {
  return error instanceof ChannelError && error.kind === 'rejected';
}

/** Keeps the queue of a shop without visitors moving (WOO-9.25); whatever it answers is of no interest. */
async function wakeCron(shop: Shop, signal: AbortSignal): Promise<void> {
  const now = shop.deps.clock.now();
  if (!shop.config.wake_cron || now - shop.learned.wokenAt < 55_000) return;
  shop.learned.wokenAt = now;
  try {
    await shop.api.anonymous({ path: '/wp-cron.php', query: [['doing_wp_cron', '']], signal });
  } catch (error) {
    shop.deps.log.debug({ error: String(error) }, 'wp-cron.php did not answer');
  }
}
