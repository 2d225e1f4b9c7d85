import { z } from 'zod';
import type { Answer } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import type { Shop } from './api.ts';
import { capabilities } from './capabilities.ts';
import { readRow, timeText } from './shipment.ts';

/** What one request of a poll asks for, without places and times. States must fit the type (FK-5.1). */
export interface Query {
  type: 'preDispatch' | 'postDispatch' | 'cancelled';
  states?: readonly string[];
  hold?: boolean;
  cancellationType?: 'sellerCancellation' | 'buyerCancellation' | 'marketplaceCancellation';
}

/** From when on, in milliseconds by Flipkart's clock, and by which of the filter's dates; null: all times. */
export interface Since {
  field: 'modifiedDate' | 'orderDate' | null;
  since: number;
}

const preDispatch = {
  type: 'preDispatch',
  states: ['APPROVED', 'PACKING_IN_PROGRESS', 'PACKED', 'FORM_FAILED', 'READY_TO_DISPATCH'],
} as const;

/** Shipments that hold stock. `hold` defaults to false, so that held ones show only when asked for (FK-7.6). */
export const openQueries: readonly Query[] = [
  { ...preDispatch, hold: true },
  { ...preDispatch, hold: false },
];

/** All shipments. In the order of a shipment's life: one that moves on meanwhile is seen twice rather than never. */
export const allQueries: readonly Query[] = [
  ...openQueries,
  { type: 'postDispatch', states: ['SHIPPED', 'DELIVERED', 'PICKUP_COMPLETE'] },
  { type: 'cancelled', cancellationType: 'sellerCancellation' },
  { type: 'cancelled', cancellationType: 'buyerCancellation' },
  { type: 'cancelled', cancellationType: 'marketplaceCancellation' },
];

/** More is not documented (FK-5.1: integrators use 20). */
const pageSize = 20;

/**
 * Shipments as the filter and the reads by id answer them. What tells neither rows nor an end is not an empty list; a bare
 * list is understood as well: the facts show the answer of the filter only (FK-5.3).
 */
const ShipmentList = z.preprocess(
  (answer) => (Array.isArray(answer) ? { shipments: answer } : answer),
  z
    .object({
      hasMore: z.boolean().nullish(),
      nextPageUrl: z.string().nullish(),
      shipments: z.array(z.unknown()).nullish(),
    })
    .refine(({ hasMore, shipments }) => shipments || hasMore === false)
    .transform(({ shipments, ...rest }) => ({ ...rest, found: (shipments ?? []).map(readRow) })),
);
type ShipmentList = z.infer<typeof ShipmentList>;

/** All pages of one query. Throws `ChannelError`. */
export async function* pagesOf(
  shop: Shop,
  { query, ...since }: Since & { query: Query },
  signal: AbortSignal,
): AsyncGenerator<Answer<ShipmentList>> {
  const filter = {
    ...query,
    locationId: shop.config.location,
    // Defaults to NON_FBF alone; FBF_LITE is the seller's own stock too (FK-5.1, FK-5.2).
    serviceProfiles: ['NON_FBF', 'FBF_LITE'],
    ...(since.field === null ? {} : { [dateOf(query, since)]: await spanOf(shop, since, signal) }),
  };
  const sort = { field: 'modifiedDate', order: 'asc' };
  const body = { filter, pagination: { pageSize }, sort };
  yield* walk(shop, { method: 'POST', path: '/v3/shipments/filter', body }, signal);
}

/** A cancelled shipment is found by the date of its cancellation (FK-5.1). Never by dispatch dates, which lie ahead. */
function dateOf({ type }: Query, { field }: Since): string {
  return type === 'cancelled' && field === 'modifiedDate' ? 'cancellationDate' : String(field);
}

/**
 * From the beginning of the history to now by Flipkart's clock, rounded up to its whole seconds. A beginning in the
 * future is asked for as the last minute, and what that brings is dropped.
 */
async function spanOf(
  shop: Shop,
  { since }: Since,
  signal: AbortSignal,
): Promise<{ from: string; to: string }> {
  const now = shop.deps.clock.now() + (await shop.skewMs(signal));
  const to = Math.ceil(now / 1_000) * 1_000 + 1_000;
  const oldest = now - (capabilities.orderHistoryMs ?? now);
  return { from: timeText(Math.min(Math.max(since, oldest), to - 60_000)), to: timeText(to) };
}

/** The shipments of some ids. Throws `ChannelError`. */
export function shipmentsById(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Answer<ShipmentList>> {
  const path = `/v3/shipments/${ids.map(encodeURIComponent).join(',')}`;
  return walk(shop, { method: 'GET', path }, signal);
}

interface At {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
}

/** The address of a next page is Flipkart's own and used as it is, below our host only. */
function walk(shop: Shop, first: At, signal: AbortSignal): AsyncGenerator<Answer<ShipmentList>> {
  return walkPages<At, Answer<ShipmentList>>({
    what: 'a list of shipments',
    first,
    mostPages: 2_000,
    ask: (at) => shop.api.call({ ...at, family: 'orders', data: ShipmentList, effect: 'read' }, signal),
    next({ data: { hasMore, nextPageUrl } }) {
      if (hasMore !== true) return null;
      if (!nextPageUrl || !/^\/(?!\/)[\x21-\x7e]*$/.test(nextPageUrl)) return undefined;
      return { method: 'GET', path: nextPageUrl.replace(/^\/sellers(?=\/)/, '') };
    },
  });
}
