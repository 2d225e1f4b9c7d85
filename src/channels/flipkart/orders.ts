import type { FetchedOrder, Json, OrderPage } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { fetchInChunks } from '../kit/fetch.ts';
import type { Answer } from '../kit/rest.ts';
import type { Shop } from './api.ts';
import { capabilities } from './capabilities.ts';
import {
  allQueries,
  openQueries,
  pagesOf,
  type Query,
  type ShipmentList,
  type Span,
  shipmentsById,
} from './filter.ts';
import { changeOf, idOf, keptShipment, Shipment } from './shipment.ts';

/** Items of one page that is handed out. */
const pageSize = 100;
/** Passes over a list that moves while it is read. */
const mostPasses = 4;
const secondMs = 1_000;
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
  const parsed = Shipment.safeParse(row);
  return parsed.success ? keptShipment(parsed.data) : { kind: 'unreadable', shipmentId: idOf(row) };
}

interface Search {
  queries: readonly Query[];
  /** Null: all times. */
  field: Span['field'] | null;
  since: number;
}

interface Found {
  item: Json;
  /** The time that the search is about. */
  time: number;
  changedAt: number;
  readable: 'yes' | 'no';
}

/**
 * Reads everything before the first page is handed out: six lists make one, oldest change first, and of a shipment that
 * moved from one list to the next while they were read, the newer state counts.
 */
async function* walk(shop: Shop, search: Search, signal: AbortSignal): AsyncGenerator<OrderPage> {
  const found = new Map<string, Found>();
  const ends: { first: Answer<unknown> | null; answeredAt: number } = { first: null, answeredAt: 0 };
  for (const query of search.queries) await readQuery(shop, { search, query, found, ends }, signal);
  const { first, answeredAt } = ends;
  if (first === null) throw new ChannelError('retry', 'the list of shipments could not be read');
  const from = Math.floor(search.since / secondMs) * secondMs;
  const sorted = [...found.values()]
    .filter(({ time }) => search.field === null || time >= from)
    .sort((a, b) => a.changedAt - b.changedAt);
  const { askedAt, channelClock } = first;
  for (let at = 0; at < sorted.length || at === 0; at += pageSize) {
    const items = sorted.slice(at, at + pageSize).map(({ item }) => item);
    const end = at + pageSize >= sorted.length ? { channelClock } : null;
    yield { items, askedAt, answeredAt, end };
  }
}

interface Reading {
  search: Search;
  query: Query;
  found: Map<string, Found>;
  ends: { first: Answer<unknown> | null; answeredAt: number };
}

/**
 * One list. What its pages hold when it moves is not documented: a list of several pages is read again until a pass
 * brings nothing new.
 */
async function readQuery(shop: Shop, reading: Reading, signal: AbortSignal): Promise<void> {
  const { search, query, ends } = reading;
  for (let pass = 0; pass < mostPasses; pass += 1) {
    let pages = 0;
    let fresh = 0;
    const span = search.field === null ? null : await spanOf(shop, search, search.field, signal);
    for await (const answer of pagesOf(shop, query, span, signal)) {
      ends.first ??= answer;
      ends.answeredAt = answer.answeredAt;
      pages += 1;
      fresh += keepAll(answer.data, reading);
    }
    if (pages === 1 || (pass > 0 && fresh === 0)) return;
  }
}

/**
 * From the beginning of the history to now by Flipkart's clock, rounded up to its whole seconds. A beginning in the
 * future is asked for as the last minute, and what that brings is dropped.
 */
async function spanOf(
  shop: Shop,
  { since }: Search,
  field: Span['field'],
  signal: AbortSignal,
): Promise<Span> {
  const now = shop.deps.clock.now() + (await shop.api.skewMs(signal));
  const to = Math.ceil(now / secondMs) * secondMs + secondMs;
  const oldest = now - (capabilities.orderHistoryMs ?? now);
  return { field, from: Math.min(Math.max(since, oldest), to - 60_000), to };
}

/** How many of the rows say something new. One that cannot be read is handed on as such, so that it is seen. */
function keepAll({ shipments }: ShipmentList, reading: Reading): number {
  return (shipments ?? []).filter((row) => keep(row, reading)).length;
}

function keep(row: unknown, { search, found }: Reading): boolean {
  const parsed = Shipment.safeParse(row);
  const id = idOf(row);
  const known = found.get(id);
  if (!parsed.success) {
    if (known !== undefined) return false;
    found.set(id, { item: itemOf(row), time: search.since, changedAt: search.since, readable: 'no' });
    return true;
  }
  const kept = keptShipment(parsed.data);
  const changedAt = Math.max(kept.updatedAt ?? 0, kept.placedAt ?? 0);
  const time = search.field === 'orderDate' ? (kept.placedAt ?? changedAt) : changeOf(parsed.data);
  // Whole seconds: of two states of one second the one that was read later is the newer.
  const isNewer = known === undefined || known.readable === 'no' || known.changedAt <= changedAt;
  if (isNewer) found.set(id, { item: kept, time, changedAt, readable: 'yes' });
  return known === undefined || known.changedAt < changedAt;
}
