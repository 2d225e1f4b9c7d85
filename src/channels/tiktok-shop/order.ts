import { z } from 'zod';
import { Flag, maybe, Text } from '../kit/shapes.ts';
import { Id, wholeOf } from './ids.ts';

const Seconds = wholeOf(12);
const Time = maybe(Seconds);

const Row = z.object({
  sku_id: maybe(Id),
  seller_sku: Text,
  display_status: Text,
  package_id: Text,
  package_status: Text,
  cancel_user: Text,
  cancel_reason: Text,
  sku_type: Text,
  /** Not in the schema of 2026-11: one row is one unit. Read in case that it comes. */
  quantity: maybe(z.int().min(1).max(100_000)),
  combined_listing_skus: maybe(
    z.array(z.object({ sku_id: Id, sku_count: z.int().min(1).max(100_000).catch(1) })),
  ),
});
type Row = z.infer<typeof Row>;

/** An order of the API, as far as it is read (TTS-5.2): never the buyer, an address or a price. */
export const OrderRow = z.object({
  id: Id,
  status: z.string().min(1).max(60),
  create_time: Seconds,
  update_time: Time,
  collection_time: Time,
  fulfillment_type: Text,
  cancellation_initiator: Text,
  is_buyer_request_cancel: Flag,
  is_on_hold_order: Flag,
  line_items: z.array(Row),
});
export type OrderRow = z.infer<typeof OrderRow>;

const Group = z.object({
  sku: z.string().nullable(),
  sellerSku: z.string().nullable(),
  status: z.string(),
  /** It has left the shelf, whatever the status says now. */
  collected: z.boolean(),
  /** The seller called it off because it was out of stock. */
  notFound: z.boolean().default(false),
  type: z.string(),
  units: z.int().min(1),
  parts: z.array(z.object({ sku: z.string(), units: z.int().min(1) })),
});
/** Units of one order that are alike. */
export type Group = z.infer<typeof Group>;

export const KeptOrder = z.object({
  kind: z.literal('order'),
  orderId: z.string(),
  placedAt: z.number(),
  updatedAt: z.number(),
  collectedAt: z.number().nullable(),
  status: z.string(),
  fulfilledByTikTok: z.boolean(),
  cancelAsked: z.boolean(),
  groups: z.array(Group),
});
/** What is kept of an order, however it came. Times in ms. */
export type KeptOrder = z.infer<typeof KeptOrder>;

/** Webhooks say CANCEL, orders CANCELLED (TTS-2.2). */
export function statusOf(word: string): string {
  return word === 'CANCEL' || word === 'CANCELED' ? 'CANCELLED' : word;
}

export function keptOrder(row: OrderRow): KeptOrder {
  const status = statusOf(row.status);
  const collected = timeOf(row.collection_time);
  // Called off on the way (lost, damaged): the carrier had it before (TTS-5.3). Units that were cancelled earlier,
  // before the others were packed, have no package.
  const isLost = status === 'CANCELLED' && collected !== null;
  const isPacked = row.line_items.some((item) => item.package_id);
  const groups = new Map<string, Group>();
  for (const item of row.line_items) {
    const lostOnTheWay = isLost && (!isPacked || Boolean(item.package_id));
    const group = groupOf(item, { status, lostOnTheWay, canceller: row.cancellation_initiator ?? '' });
    const { units, ...alike } = group;
    const key = JSON.stringify(alike);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, group);
    else known.units += units;
  }
  return {
    kind: 'order',
    orderId: row.id,
    placedAt: row.create_time * 1000,
    updatedAt: Math.max(row.update_time ?? 0, row.create_time) * 1000,
    collectedAt: collected,
    status,
    fulfilledByTikTok: row.fulfillment_type === 'FULFILLMENT_BY_TIKTOK',
    cancelAsked: row.is_buyer_request_cancel === true,
    groups: [...groups.values()],
  };
}

/** Package states that follow the carrier's collection (from the API's own field descriptions). */
const collectedPackages = new Set(['FULFILLING', 'COMPLETED']);

/**
 * `seller_cancel_reason_out_of_stock`, `seller_cancel_unpaid_reason_out_of_stock`, `…_uk` (reasons that sellers' programs
 * send, 2026-11), or the English words for it.
 */
const outOfStock = /out[ _-]of[ _-]stock|no[ _-]stock/i;

function groupOf(item: Row, order: { status: string; lostOnTheWay: boolean; canceller: string }): Group {
  const own = statusOf(item.display_status || order.status);
  return {
    sku: item.sku_id ?? null,
    sellerSku: item.seller_sku || null,
    status: order.status === 'CANCELLED' ? 'CANCELLED' : own.slice(0, 60),
    collected: order.lostOnTheWay || collectedPackages.has(item.package_status ?? ''),
    notFound: (item.cancel_user || order.canceller) === 'SELLER' && outOfStock.test(item.cancel_reason ?? ''),
    type: (item.sku_type ?? '').slice(0, 60),
    units: item.quantity ?? 1,
    parts: (item.combined_listing_skus ?? []).map((part) => ({ sku: part.sku_id, units: part.sku_count })),
  };
}

function timeOf(seconds: number | null | undefined): number | null {
  return seconds ? seconds * 1000 : null;
}
