import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { Answer } from './api.ts';
import type { Shop } from './shop.ts';
import { timeText } from './time.ts';

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
const mostPages = 2_000;

/** Shipments as the filter and the reads by id answer them. What tells neither rows nor an end is not an empty list. */
export const ShipmentList = z
  .object({
    hasMore: z.boolean().nullish(),
    nextPageUrl: z.string().nullish(),
    shipments: z.array(z.unknown()).nullish(),
  })
  .refine(({ hasMore, shipments }) => shipments || hasMore === false);
export type ShipmentList = z.infer<typeof ShipmentList>;

/** All pages of one query. Throws `ChannelError`. */
export async function* pagesOf(
  shop: Shop,
  query: Query,
  span: Span | null,
  signal: AbortSignal,
): AsyncGenerator<Answer<ShipmentList>> {
  const first = await shop.api.call(
    {
      family: 'orders',
      method: 'POST',
      path: '/v3/shipments/filter',
      body: {
        filter: filterOf(shop, query, span),
        pagination: { pageSize },
        sort: { field: 'modifiedDate', order: 'asc' },
      },
      data: ShipmentList,
    },
    signal,
  );
  yield first;
  yield* nextPages(shop, first.data, signal);
}

/** The pages after one: the address is Flipkart's own and used as it is, below our host only. */
export async function* nextPages(
  shop: Shop,
  before: ShipmentList,
  signal: AbortSignal,
): AsyncGenerator<Answer<ShipmentList>> {
  let { hasMore, nextPageUrl } = before;
  for (let page = 1; hasMore === true; page += 1) {
    if (page >= mostPages)
      throw new ChannelError('retry', `a list of shipments has more than ${mostPages} pages`);
    if (!nextPageUrl || !/^\/(?!\/)[\x21-\x7e]*$/.test(nextPageUrl))
      throw new ChannelError('retry', 'a list of shipments says that it goes on, but not where');
    const path = nextPageUrl.replace(/^\/sellers(?=\/)/, '');
    const answer: Answer<ShipmentList> = await shop.api.call(
      { family: 'orders', method: 'GET', path, data: ShipmentList },
      signal,
    );
    yield answer;
    ({ hasMore, nextPageUrl } = answer.data);
  }
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
