import { z } from 'zod';
import type { FetchedOrder, OrderPage } from '../channel.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { isNotFound, nullWhen } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import { Text } from '../kit/shapes.ts';
import { walkPages } from '../kit/walk.ts';
import type { Task } from './api.ts';
import { capabilities } from './capabilities.ts';
import { nextToken, paged } from './items.ts';
import { type KeptLine, type KeptOrder, statusOf, timeOf, type UnreadableOrder } from './order.ts';

const pageSize = '100';
/** Buyer and recipient are never asked for: invsync keeps out of personal data (AMZ-1.4). */
const includedData = ['FULFILLMENT', 'CANCELLATION'];
/** Times within the last two minutes are refused (AMZ-9.18); a little more for the clocks. */
const unsearchableMs = 150_000;
/** Open orders may be this old: made to order, long lead times. */
const openReachMs = 365 * 86_400_000;
const openStatuses = ['PENDING', 'UNSHIPPED', 'PARTIALLY_SHIPPED'];

const searchAnswer = paged.extend({
  orders: z.array(z.unknown()),
  lastUpdatedBefore: z.string().nullish(),
  createdBefore: z.string().nullish(),
});
type SearchAnswer = Answer<z.infer<typeof searchAnswer>>;
const getAnswer = z.object({ order: z.unknown() });

const units = z.int().min(0);
const fulfillment = z.object({ quantityFulfilled: units.nullish(), quantityUnfulfilled: units.nullish() });
const execution = z.object({ cancelledBy: Text, cancelReason: Text });
const cancellation = z.object({
  cancellationRequest: z.unknown().optional(),
  cancellationExecution: execution.nullish().catch({ cancelledBy: null, cancelReason: null }),
});
const item = z.object({
  orderItemId: z.string().min(1),
  quantityOrdered: units,
  product: z.object({ sellerSku: z.string().nullish() }),
  fulfillment: fulfillment.nullish(),
  cancellation: cancellation.nullish(),
});
/** An order of the Orders API 2026-01-01, the fields that are used (AMZ-6.1). */
const order = z.object({
  orderId: z.string().min(1),
  createdTime: z.iso.datetime({ offset: true }),
  lastUpdatedTime: z.iso.datetime({ offset: true }),
  fulfillment: z.object({ fulfillmentStatus: z.string(), fulfilledBy: z.string().nullish() }),
  orderItems: z.array(item),
});
const anyOrder = z.object({ orderId: z.string() });

/** The orders that hold stock and did not leave. Pre-orders hold nothing (AMZ-6.3). */
export function openOrders(task: Task): AsyncIterable<OrderPage> {
  const since = task.deps.clock.now() - openReachMs;
  return listOrders(task, { axis: 'created', since, fulfillmentStatuses: openStatuses });
}

interface Span {
  axis: 'lastUpdated' | 'created';
  /** Amazon's clock, ms. */
  since: number;
  /** Default: whatever their state, as cancellations are wanted. */
  fulfillmentStatuses?: string[];
}

/**
 * All orders changed or created since. One call in three minutes is what Amazon restores, 20 are saved up (AMZ-6.1): a walk
 * waits for its tokens rather than to begin again, because the watermark moves at its end only. Amazon documents no order
 * of the rows; each page is sorted.
 */
export async function* listOrders(task: Task, span: Span): AsyncGenerator<OrderPage> {
  const { axis, since, fulfillmentStatuses } = span;
  const after = Math.max(0, Math.min(since, task.deps.clock.now() - unsearchableMs));
  const query = {
    [`${axis}After`]: new Date(after).toISOString(),
    marketplaceIds: task.config.marketplaces,
    fulfilledBy: ['MERCHANT'],
    includedData,
    maxResultsPerPage: pageSize,
    fulfillmentStatuses,
  };
  let end: number | null = null;
  const pages = walkPages<string | null, SearchAnswer>({
    what: 'the list of orders',
    first: null,
    ask: (token) =>
      task.ask('searchOrders', {
        query: { ...query, paginationToken: token ?? undefined },
        data: searchAnswer,
        // A walk that has begun goes on at the pace that Amazon allows; one that could not begin soon holds up nobody.
        ...(token === null ? {} : { patienceMs: Number.POSITIVE_INFINITY }),
      }),
    next: nextToken,
  });
  for await (const answer of pages) {
    end ??= endOf(answer);
    const orders = answer.data.orders.map(keptOf);
    const items = orders.filter((each) => each.kind === 'unreadable-order' || changeOf(each, axis) >= since);
    items.sort((a, b) => changeOf(a, axis) - changeOf(b, axis));
    const { askedAt, answeredAt } = answer;
    yield { items, askedAt, answeredAt, end: nextToken(answer) === null ? { channelClock: end } : null };
  }
}

/**
 * Amazon's clock at the beginning, but never so late that the watermark (this less the index lag) would pass what the
 * first answer says it reaches to: `lastUpdatedBefore` is the truth about that (AMZ-6.1).
 */
function endOf({ data, channelClock }: SearchAnswer): number {
  const reached = timeOf(data.lastUpdatedBefore ?? data.createdBefore);
  return reached === null ? channelClock : Math.min(channelClock, reached + capabilities.indexLagMs);
}

/** Orders by id, in order; what does not look like an order of Amazon is not asked for. */
export function fetchOrders({ ask, signal }: Task, ids: readonly string[]): Promise<FetchedOrder[]> {
  return fetchInChunks(ids, {
    signal,
    perCall: 1,
    isSound: (id) => /^\d{3}-\d{7}-\d{7}$/.test(id),
    async ask([orderId = '']) {
      const call = { ids: [orderId], query: { includedData }, data: getAnswer };
      const { data, askedAt, answeredAt } = await ask('getOrder', call);
      return [{ orderId, item: keptOf(data.order), askedAt, answeredAt }];
    },
    refused: (_, refusal) => nullWhen(isNotFound)(refusal),
  });
}

/** One bad order never hides its neighbours: it is handed on as unreadable and ends where people see it. */
function keptOf(row: unknown): KeptOrder | UnreadableOrder {
  const parsed = order.safeParse(row);
  if (!parsed.success) {
    const orderId = anyOrder.safeParse(row).data?.orderId ?? null;
    const why = `unreadable at ${parsed.error.issues[0]?.path.join('.') ?? ''}`;
    return { kind: 'unreadable-order', orderId, why };
  }
  const { data } = parsed;
  return {
    kind: 'order',
    source: 'api',
    orderId: data.orderId,
    seller: null,
    version: Date.parse(data.lastUpdatedTime),
    clock: 'lastUpdatedTime',
    placedAt: Date.parse(data.createdTime),
    status: statusOf(data.fulfillment.fulfillmentStatus),
    fulfilledBy: data.fulfillment.fulfilledBy === 'AMAZON' ? 'amazon' : 'merchant',
    complete: true,
    lines: data.orderItems.map(keptLine),
  };
}

function keptLine(row: z.infer<typeof item>): KeptLine {
  const shipped = row.fulfillment?.quantityFulfilled ?? 0;
  const open = row.fulfillment?.quantityUnfulfilled ?? null;
  const executed = row.cancellation?.cancellationExecution ?? null;
  return {
    id: row.orderItemId,
    sku: row.product.sellerSku ?? null,
    ordered: row.quantityOrdered,
    shipped,
    open,
    // While units are still to be shipped the cancellation was of a part, which the ordered quantity shows.
    cancelled: executed !== null && (open ?? 0) === 0,
    notFound: wasMissing(row),
  };
}

/** Who asks the seller to cancel, or what else the seller names, says nothing about the shelf. */
const stockReason =
  /no[ _-]?inventory|(?:out[ _-]?of|no|lack of|insufficient)[ _-]?stock|not in stock|inventory/i;

/**
 * Did the seller call the item off because it was not there? Amazon names the seller `MERCHANT`; its reason is free text
 * (Orders API 2026-01-01, 2026-11). Without a buyer's wish and without a reason the shelf is what is left to doubt.
 */
function wasMissing({ cancellation }: z.infer<typeof item>): boolean {
  const executed = cancellation?.cancellationExecution;
  if (executed?.cancelledBy?.toUpperCase() !== 'MERCHANT') return false;
  if (executed.cancelReason) return stockReason.test(executed.cancelReason);
  return (cancellation?.cancellationRequest ?? null) === null;
}

function changeOf(read: KeptOrder | UnreadableOrder, axis: Span['axis']): number {
  if (read.kind === 'unreadable-order') return Number.NEGATIVE_INFINITY;
  return axis === 'created' ? read.placedAt : read.version;
}
