import { z } from 'zod';
import type { OrderSnapshot, SnapshotLine } from '../../stock/order.ts';
import type { FactsOf, Obtaining } from '../channel.ts';
import { Id, maybe, Text } from '../kit/shapes.ts';
import { aspectsRef } from './facts.ts';

/** Not a time is not a number. */
const Time = z.string().transform(Date.parse).pipe(z.number());

const Line = z.object({
  lineItemId: Id,
  legacyItemId: Id.nullish(),
  legacyVariationId: Id.nullish(),
  sku: Text,
  quantity: z.number().int().nonnegative(),
  lineItemFulfillmentStatus: Text,
  variationAspects: maybe(z.array(z.object({ name: z.string(), value: z.string() }))),
});

/** What is kept of an order. Times in milliseconds on eBay's clock. `refs`: names of the listing, the best one first. */
export const KeptOrder = z.object({
  kind: z.literal('order'),
  orderId: z.string(),
  placedAt: z.number(),
  modifiedAt: z.number(),
  payment: z.string(),
  cancel: z.string(),
  /** Why it is cancelled, as eBay names the reasons; null when the row did not tell, as rows of lists never do. */
  cancelReasons: z.array(z.string()).nullable().default(null),
  lines: z.array(
    z.object({
      key: z.string(),
      refs: z.array(z.string()).min(1),
      sku: z.string().nullable(),
      quantity: z.int().nonnegative(),
      fulfilled: z.boolean(),
    }),
  ),
});
export type KeptOrder = z.infer<typeof KeptOrder>;

/** The kept fields of an order's row, in lists and by id alike (EBAY-6); nothing of the buyer. */
export const OrderRow = z
  .object({
    orderId: Id,
    creationDate: Time,
    lastModifiedDate: Time,
    orderPaymentStatus: Text,
    orderFulfillmentStatus: Text,
    cancelStatus: z
      .object({
        cancelState: Text,
        cancelRequests: maybe(z.array(z.object({ cancelReason: Text }))),
      })
      .nullish(),
    lineItems: z.array(Line),
  })
  .transform((row): KeptOrder => {
    const requests = row.cancelStatus?.cancelRequests ?? [];
    return {
      kind: 'order',
      orderId: row.orderId,
      placedAt: row.creationDate,
      modifiedAt: row.lastModifiedDate,
      payment: row.orderPaymentStatus ?? '',
      cancel: row.cancelStatus?.cancelState ?? '',
      cancelReasons:
        requests.length === 0 ? null : requests.flatMap(({ cancelReason }) => cancelReason ?? []),
      lines: row.lineItems.map((line) => ({
        key: line.lineItemId,
        refs: refsOf(line),
        sku: line.sku || null,
        quantity: line.quantity,
        fulfilled: (line.lineItemFulfillmentStatus ?? row.orderFulfillmentStatus) === 'FULFILLED',
      })),
    };
  });

/** A cancelled order of a list: only the order by itself tells why (EBAY-9.15). */
export function needsReason(order: KeptOrder): boolean {
  return isCancelled(order) && order.cancelReasons === null;
}

/**
 * Names under which discovery may know the listing of a line: item and SKU (either model), the variation by its
 * aspects, the item alone, and the SKU alone, which outlives a new ItemID after withdraw and publish (EBAY-9.21).
 */
function refsOf(line: z.infer<typeof Line>): string[] {
  const item = line.legacyItemId ?? null;
  const aspects = line.variationAspects ?? [];
  const refs = [
    item !== null && line.sku ? `${item}/${line.sku}` : null,
    item !== null && aspects.length > 0 ? aspectsRef(item, aspects) : null,
    line.legacyVariationId ? null : item,
    line.sku || null,
    item,
  ];
  const named = [...new Set(refs.filter((ref) => ref !== null))];
  return named.length === 0 ? [line.lineItemId] : named;
}

/**
 * The snapshot of an order, by the state table of EBAY-6. Payment decides nothing: a pending order has lowered
 * eBay's number already, and a refund alone puts nothing back. A cancelled order lets go of all that was not shipped;
 * a cancellation under way lets go of nothing. Lines are known by lineItemId, which survives the regrouping of orders
 * into one (combined invoices).
 */
export function snapshotOf(order: KeptOrder, facts: FactsOf, how: Obtaining): OrderSnapshot {
  const cancelled = isCancelled(order);
  // The seller's own reason, which counts as its defect; a buyer's wish and an address have others.
  const notFound = order.cancelReasons?.includes('OUT_OF_STOCK_OR_CANNOT_FULFILL') === true;
  const snapshot: OrderSnapshot = {
    orderId: order.orderId,
    number: order.orderId,
    version: order.modifiedAt,
    clock: 'lastModifiedDate',
    obtained: how.obtained,
    askedAt: how.askedAt,
    answeredAt: how.answeredAt,
    complete: true,
    placedAt: order.placedAt,
    changedAt: Math.max(order.modifiedAt, order.placedAt),
    status: statusOf(order),
    cancelled,
    lines: order.lines.map((line): SnapshotLine => {
      const free = cancelled && !line.fulfilled;
      const taken = free ? 0 : line.quantity;
      return {
        lineKey: line.key,
        listingId: line.refs.find((ref) => facts(ref) !== undefined) ?? line.refs[0] ?? null,
        channelSku: line.sku,
        taken,
        gone: line.fulfilled ? taken : 0,
        takenAt: null,
        goneAt: null,
        ...(free && notFound ? { doubted: line.quantity } : {}),
      };
    }),
  };
  const held = snapshot.lines.some((line) => line.taken > line.gone);
  if (order.payment === 'FULLY_REFUNDED' && held) {
    snapshot.warnings = [
      'refunded in full but not cancelled: its units stay held until it is cancelled or shipped',
    ];
  }
  return snapshot;
}

function isCancelled(order: KeptOrder): boolean {
  return order.cancel === 'CANCELED' || order.cancel === 'CANCELLED';
}

function statusOf(order: KeptOrder): string {
  if (isCancelled(order)) return 'cancelled';
  if (order.cancel === 'IN_PROGRESS') return 'cancellation in progress';
  const shipped = order.lines.length > 0 && order.lines.every((line) => line.fulfilled);
  return `${order.payment || 'payment unknown'}${shipped ? ', FULFILLED' : ''}`;
}
