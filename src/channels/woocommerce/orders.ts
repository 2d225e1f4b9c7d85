import { z } from 'zod';
import type { FetchedOrder, Json, OrderPage } from '../channel.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { nullWhen } from '../kit/refusal.ts';
import { isDenied, isGone } from './answer.ts';
import { standings } from './config.ts';
import { keptLines, keptOrder, listingOf, needsProducts, needsRefunds, numberIn } from './order.ts';
import { idsOf, readRows } from './rows.ts';
import { anyRows, idOf, type OrderFields, refundRows } from './schema.ts';
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
  yield* pagesOf(shop, [{ axis: 'modified', since, status: 'any', fields }], signal);
}

/** Orders created since, those in the trash too. */
export function ordersCreatedSince(
  shop: Shop,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<OrderPage> {
  return createdIn(shop, { since, status: 'any' }, signal);
}

/** All orders that may hold stock: open ones, plugins' statuses, and the trash, which gives nothing back (WOO-O.5). */
export async function* openOrders(shop: Shop, signal: AbortSignal): AsyncGenerator<OrderPage> {
  const status = (await openStatuses(shop, signal)).join(',');
  yield* createdIn(shop, { since: null, status }, signal);
}

function createdIn(
  shop: Shop,
  { since, status }: Pick<Walk, 'since' | 'status'>,
  signal: AbortSignal,
): AsyncGenerator<OrderPage> {
  const walks: Walk[] = [
    { axis: 'created', since, status, fields },
    { axis: 'created', since, status: 'trash', fields: fieldsWithMeta },
  ];
  return pagesOf(shop, walks, signal);
}

const Totals = z.array(z.object({ slug: z.string() })).catch([]);

/** The order totals report names every status that the shop has; without it only the known ones are asked for. */
async function openStatuses(shop: Shop, signal: AbortSignal): Promise<string[]> {
  const map = shop.config.status_map;
  const totals = await shop.api
    .call({ method: 'GET', path: '/reports/orders/totals', data: Totals }, signal)
    .catch(nullWhen(isDenied));
  const known = Object.keys(standings).filter((status) => standings[status] === 'holds');
  const isPlugins = (status: string) => status !== 'trash' && standings[status] === undefined;
  const slugs = totals?.data.map(({ slug }) => slug.replace(/^wc-/, '')).filter(isPlugins);
  const open = slugs?.filter((slug) => (map[slug] ?? 'hold') === 'hold');
  const mapped = Object.keys(map).filter((status) => map[status] === 'hold');
  return [...new Set([...known, ...(open ?? mapped)])];
}

async function* pagesOf(shop: Shop, walks: readonly Walk[], signal: AbortSignal): AsyncGenerator<OrderPage> {
  let channelClock: number | null = null;
  for (const [at, walk] of walks.entries()) {
    for await (const { rows, answer, last } of walkOrders(shop, walk, signal)) {
      const { askedAt, answeredAt } = answer;
      channelClock ??= answer.channelClock;
      const items: Json[] = [];
      for (const row of rows) items.push(await itemOf(shop, row, signal));
      yield { items, askedAt, answeredAt, end: last && at === walks.length - 1 ? { channelClock } : null };
    }
  }
}

/** One unreadable order must not stop the back-fill of all others: it becomes an alert. */
async function itemOf(shop: Shop, row: unknown, signal: AbortSignal): Promise<Json> {
  const order = keptOrder.safeParse(row).data;
  if (order === undefined) return { kind: 'unreadable-order', id: idOf(row) };
  return withProducts(shop, await withRefunds(shop, order, signal), signal);
}

async function withRefunds(shop: Shop, order: OrderFields, signal: AbortSignal): Promise<OrderFields> {
  if (!needsRefunds(order, shop.config)) return order;
  const path = `/orders/${order.id}/refunds`;
  const query = { per_page: pageSize, _fields: 'id,line_items' };
  const found = await shop.api
    .call({ method: 'GET', path, query, data: refundRows }, signal)
    .catch(nullWhen(isDenied));
  // Gone with its order, or closed by a plugin: what is held stays right, only the write-off is unknown.
  if (found === null)
    shop.deps.log.warn({ order: order.id }, 'refunds cannot be read; their write-off is not known');
  const refunded: Record<string, number> = {};
  for (const line of found?.data.flatMap((refund) => refund.line_items) ?? []) {
    const of = numberIn(line.meta_data, '_refunded_item_id');
    if (of === null || !Number.isFinite(line.quantity)) continue;
    refunded[of] = (refunded[of] ?? 0) + Math.abs(line.quantity);
  }
  return { ...order, refunded };
}

async function withProducts(shop: Shop, order: OrderFields, signal: AbortSignal): Promise<OrderFields> {
  if (!needsProducts(order, shop.config)) return order;
  const kept = keptLines(order, shop.config).flatMap((line) => {
    const listing = listingOf(line);
    return listing === null ? [] : [{ line: line.id, ...idsOf(listing) }];
  });
  const rows = await readRows(shop, kept, { priority: 'read', signal }).catch(nullWhen(isDenied));
  if (rows === null) {
    const what = 'the products of an ended order cannot be read; its units stay kept';
    shop.deps.log.warn({ order: order.id }, what);
    return order;
  }
  const ownerless = kept.filter(({ id }) => (rows.get(id)?.row?.manage_stock ?? false) === false);
  return { ...order, ownerless: ownerless.map(({ line }) => line) };
}

const Alone = z.unknown().transform((row) => [row]);

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
    async ask(some) {
      const only = some.length === 1 ? (some[0] ?? null) : null;
      const many = { include: some.join(','), status: 'any', per_page: pageSize, _fields: fields };
      const about =
        only === null
          ? { path: '/orders', query: many, data: anyRows }
          : { path: `/orders/${only}`, query: { _fields: fieldsWithMeta }, data: Alone };
      const { data, askedAt, answeredAt } = await shop.api.call({ method: 'GET', ...about }, signal);
      const found: FetchedOrder[] = [];
      for (const row of data) {
        const orderId = only ?? idOf(row);
        if (orderId !== null && some.includes(orderId))
          found.push({ orderId, item: await itemOf(shop, row, signal), askedAt, answeredAt });
      }
      return found;
    },
    refused(_, refusal) {
      if (isGone(refusal)) return null;
      throw refusal;
    },
  });
}

/** Keeps the queue of a shop without visitors moving (WOO-9.25); whatever it answers is of no interest. */
async function wakeCron(shop: Shop, signal: AbortSignal): Promise<void> {
  const now = shop.deps.clock.now();
  if (!shop.config.wake_cron || now - shop.learned.wokenAt < 55_000) return;
  shop.learned.wokenAt = now;
  try {
    await shop.api.anonymous('/wp-cron.php', { doing_wp_cron: '' }, signal);
  } catch (error) {
    shop.deps.log.debug({ error: String(error) }, 'wp-cron.php did not answer');
  }
}
