import type { FetchedOrder, Json, OrderPage } from '../channel.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import { type Gathered, type GatheredSpan, type GatherPlan, gather, handedOut } from '../kit/gather.ts';
import type { Shop } from './api.ts';
import {
  allQueries,
  openQueries,
  pagesOf,
  type Query,
  type ShipmentList,
  type Since,
  shipmentsById,
} from './filter.ts';
import { idOf, Shipment } from './shipment.ts';

/** Items of one page that is handed out. */
const pageSize = 100;
/** The platform takes 100 (FK-5.3); half of it keeps the address short. */
const idsPerCall = 50;

/** All shipments changed since (Flipkart's clock, ms), held, shipped and cancelled ones too, oldest change first. */
export function ordersSince(shop: Shop, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { queries: allQueries, field: 'modifiedDate', since }, signal);
}

/** All shipments whose order was placed since (Flipkart's clock, ms). */
export function ordersCreatedSince(shop: Shop, since: number, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { queries: allQueries, field: 'orderDate', since }, signal);
}

/** All shipments that hold stock, of whatever age. */
export function openOrders(shop: Shop, signal: AbortSignal): AsyncIterable<OrderPage> {
  return walk(shop, { queries: openQueries, field: null, since: 0 }, signal);
}

/** Shipments by id, in order. A refused id that is not simply unknown is told as unreadable. */
export function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  return fetchInChunks(ids, {
    signal,
    perCall: idsPerCall,
    isSound: (id) => /^[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,99}$/.test(id),
    async ask(some) {
      const found: FetchedOrder[] = [];
      let askedAt: number | null = null;
      for await (const answer of shipmentsById(shop, some, signal)) {
        askedAt ??= answer.askedAt;
        for (const row of answer.data.shipments ?? [])
          found.push({ orderId: idOf(row), item: itemOf(row), askedAt, answeredAt: answer.answeredAt });
      }
      return found;
    },
    refused(orderId, { status }) {
      if (status === 404) return null;
      const now = shop.deps.clock.now();
      return { orderId, item: { kind: 'unreadable', shipmentId: orderId }, askedAt: now, answeredAt: now };
    },
  });
}

function itemOf(row: unknown): Json {
  return Shipment.safeParse(row).data?.kept ?? { kind: 'unreadable', shipmentId: idOf(row) };
}

interface Search extends Since {
  queries: readonly Query[];
}

/**
 * Reads everything before the first page is handed out: six lists make one, and of a shipment that moved from one list to
 * the next while they were read, the newer state counts. What its pages hold when a list moves is not documented.
 */
async function* walk(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<OrderPage> {
  const found = new Map<string, Gathered>();
  const spans: GatheredSpan[] = [];
  const { field, since } = search;
  for (const query of search.queries) {
    const plan: GatherPlan<ShipmentList> = {
      what: 'the list of shipments',
      pages: () => pagesOf(shop, { query, field, since }, signal),
      rows: ({ shipments }) => (shipments ?? []).flatMap((row) => gathered(row, search)),
    };
    spans.push(await gather(plan, found));
  }
  const [first] = spans;
  const answeredAt = spans.at(-1)?.answeredAt;
  if (first === undefined || answeredAt === undefined) return;
  yield* handedOut(found.values(), { ...first, answeredAt }, pageSize);
}

/** A row of a list, unless it is older than was asked for; times have whole seconds. */
function gathered(row: unknown, { field, since }: Since): Gathered[] {
  const read = Shipment.safeParse(row).data;
  const id = idOf(row);
  if (read === undefined) return [{ id, item: itemOf(row), changedAt: null }];
  const { placedAt, updatedAt } = read.kept;
  const changedAt = Math.max(updatedAt ?? 0, placedAt ?? 0);
  const time = field === 'orderDate' ? (placedAt ?? changedAt) : read.movedAt;
  const isAsked = field === null || time >= Math.floor(since / 1_000) * 1_000;
  return isAsked ? [{ id, item: read.kept, changedAt }] : [];
}
