import { z } from 'zod';
import type { Answer } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import type { Shop } from './api.ts';
import { timeText } from './shipment.ts';

/** What one request of a poll asks for. States must fit the type (FK-5.1). */
export interface Query {
  type: 'preDispatch' | 'postDispatch' | 'cancelled';
  hold?: boolean;
  cancellationType?: 'sellerCancellation' | 'buyerCancellation' | 'marketplaceCancellation';
}

/** A span of times by one of the filter's dates; null: all times. */
export interface Span {
  field: 'modifiedDate' | 'orderDate';
  from: number;
  to: number;
}

const preDispatch = ['APPROVED', 'PACKING_IN_PROGRESS', 'PACKED', 'FORM_FAILED', 'READY_TO_DISPATCH'];
const postDispatch = ['SHIPPED', 'DELIVERED', 'PICKUP_COMPLETE'];

/** Shipments that hold stock. `hold` defaults to false, so that held ones show only when asked for (FK-7.6). */
export const openQueries: readonly Query[] = [
  { type: 'preDispatch', hold: true },
  { type: 'preDispatch', hold: false },
];

/** All shipments. In the order of a shipment's life: one that moves on meanwhile is seen twice rather than never. */
export const allQueries: readonly Query[] = [
  ...openQueries,
  { type: 'postDispatch' },
  { type: 'cancelled', cancellationType: 'sellerCancellation' },
  { type: 'cancelled', cancellationType: 'buyerCancellation' },
  { type: 'cancelled', cancellationType: 'marketplaceCancellation' },
];

/** More is not documented (FK-5.1: integrators use 20). */
const pageSize = 20;

/** Shipments as the filter and the reads by id answer them. What tells neither rows nor an end is not an empty list. */
const ShipmentList = z
  .object({
    hasMore: z.boolean().nullish(),
    nextPageUrl: z.string().nullish(),
    shipments: z.array(z.unknown()).nullish(),
  })
  .refine(({ hasMore, shipments }) => shipments || hasMore === false);
export type ShipmentList = z.infer<typeof ShipmentList>;

/** A bare list is understood as well: the facts show the answer of the filter only (FK-5.3). */
const ListOrBare = z.union([
  ShipmentList,
  z.array(z.unknown()).transform((shipments): ShipmentList => ({ shipments })),
]);

/** All pages of one query. Throws `ChannelError`. */
export function pagesOf(
  shop: Shop,
  query: Query,
  span: Span | null,
  signal: AbortSignal,
): AsyncGenerator<Answer<ShipmentList>> {
  const body = {
    filter: filterOf(shop, query, span),
    pagination: { pageSize },
    sort: { field: 'modifiedDate', order: 'asc' },
  };
  const first = { method: 'POST', path: '/v3/shipments/filter', body } as const;
  return walk(shop, first, signal);
}

/** The shipments of some ids. Throws `ChannelError`. */
export function shipmentsById(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Answer<ShipmentList>> {
  return walk(
    shop,
    { method: 'GET', path: `/v3/shipments/${ids.map(encodeURIComponent).join(',')}` },
    signal,
  );
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
    ask: (at) => shop.api.call({ ...at, family: 'orders', data: ListOrBare, effect: 'read' }, signal),
    next({ data: { hasMore, nextPageUrl } }) {
      if (hasMore !== true) return null;
      if (!nextPageUrl || !/^\/(?!\/)[\x21-\x7e]*$/.test(nextPageUrl)) return undefined;
      return { method: 'GET', path: nextPageUrl.replace(/^\/sellers(?=\/)/, '') };
    },
  });
}

function filterOf(shop: Shop, query: Query, span: Span | null): Record<string, unknown> {
  const { type, hold, cancellationType } = query;
  const states = { preDispatch, postDispatch, cancelled: null }[type];
  return {
    type,
    ...(states === null ? {} : { states }),
    ...(hold === undefined ? {} : { hold }),
    ...(cancellationType === undefined ? {} : { cancellationType }),
    locationId: shop.config.location,
    // Defaults to NON_FBF alone; FBF_LITE is the seller's own stock too (FK-5.1, FK-5.2).
    serviceProfiles: ['NON_FBF', 'FBF_LITE'],
    ...(span === null
      ? {}
      : { [fieldOf(query, span)]: { from: timeText(span.from), to: timeText(span.to) } }),
  };
}

/** A cancelled shipment is found by the date of its cancellation (FK-5.1). Never by dispatch dates, which lie ahead. */
function fieldOf({ type }: Query, { field }: Span): string {
  return type === 'cancelled' && field === 'modifiedDate' ? 'cancellationDate' : field;
}
