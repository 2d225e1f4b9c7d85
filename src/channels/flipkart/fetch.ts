import { z } from 'zod';
import type { FetchedOrder } from '../channel.ts';
import { Refusal } from './failures.ts';
import { nextPages, ShipmentList } from './filter.ts';
import { asJson, idOf, keptShipment, Shipment } from './shipment.ts';
import type { Shop } from './shop.ts';

/** The platform takes 100 (FK-5.3); half of it keeps the address short. */
const idsPerCall = 50;
/** What may stand in the path. Another id cannot be one of Flipkart's. */
const soundId = /^[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,99}$/;

/** A bare list is understood as well: the facts show the answer of the filter only. */
const Answered = z.union([
  ShipmentList,
  z.array(z.unknown()).transform((shipments): ShipmentList => ({ shipments })),
]);

/** Shipments by id, in order. Those that a call leaves out are asked for one by one before they are missing. */
export async function fetchOrders(
  shop: Shop,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<FetchedOrder[]> {
  const found = new Map<string, FetchedOrder>();
  const wanted = [...new Set(ids)].filter((id) => soundId.test(id));
  for (let at = 0; at < wanted.length; at += idsPerCall) {
    const batch = wanted.slice(at, at + idsPerCall);
    await fetchSome(shop, batch, found, signal);
    if (batch.length === 1) continue;
    for (const id of batch) if (!found.has(id)) await fetchSome(shop, [id], found, signal);
  }
  return ids.map((orderId) => found.get(orderId) ?? { orderId, missing: true });
}

/** One call. A refused one leaves its ids unfound, except a single id that is no shipment's: that one is unreadable. */
async function fetchSome(
  shop: Shop,
  ids: readonly string[],
  found: Map<string, FetchedOrder>,
  signal: AbortSignal,
): Promise<void> {
  const askedAt = shop.deps.clock.now();
  try {
    const path = `/v3/shipments/${ids.map(encodeURIComponent).join(',')}`;
    const first = await shop.api.call({ family: 'orders', method: 'GET', path, data: Answered }, signal);
    note(first.data, { ids, found, askedAt: first.askedAt, answeredAt: first.answeredAt });
    for await (const { data, answeredAt } of nextPages(shop, first.data, signal))
      note(data, { ids, found, askedAt: first.askedAt, answeredAt });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const [orderId] = ids;
    if (ids.length > 1 || orderId === undefined || error.status === 404) return;
    const answeredAt = shop.deps.clock.now();
    found.set(orderId, { orderId, item: { kind: 'unreadable', shipmentId: orderId }, askedAt, answeredAt });
  }
}

function note(
  { shipments }: ShipmentList,
  to: { ids: readonly string[]; found: Map<string, FetchedOrder>; askedAt: number; answeredAt: number },
): void {
  const { ids, found, askedAt, answeredAt } = to;
  for (const row of shipments ?? []) {
    const orderId = idOf(row);
    if (!ids.includes(orderId)) continue;
    const parsed = Shipment.safeParse(row);
    const item = parsed.success
      ? asJson(keptShipment(parsed.data))
      : { kind: 'unreadable', shipmentId: orderId };
    found.set(orderId, { orderId, item, askedAt, answeredAt });
  }
}
