import { z } from 'zod';
import {
  atLeastZero,
  blankToNull,
  type KeptLine,
  type KeptOrder,
  type KeptRefund,
  type KeptShipment,
  neverHadStock,
  restocks,
  shipped,
  Time,
} from './fields.ts';
import { gid } from './gid.ts';

/** Ids of webhook bodies: numbers, or strings where the lossless parser kept more than 53 bits. */
export const RestId = z.union([z.int(), z.string().regex(/^\d+$/)]).transform(String);

const blank = z.string().nullish().transform(blankToNull);

const RestLine = z.object({
  id: RestId,
  variant_id: RestId.nullish(),
  product_id: RestId.nullish(),
  sku: blank,
  vendor: blank,
  quantity: z.int().nonnegative(),
  current_quantity: z.int().nullish(),
  fulfillable_quantity: z.int().nullish(),
  fulfillment_status: z.string().nullish(),
  gift_card: z.boolean().nullish(),
});

const RestRefund = z.object({
  created_at: Time.nullish(),
  refund_line_items: z
    .array(
      z.object({ line_item_id: RestId, quantity: z.int().nonnegative(), restock_type: z.string().nullish() }),
    )
    .default([]),
});

const RestFulfillment = z.object({
  status: z.string().nullish(),
  created_at: Time,
  line_items: z.array(z.object({ id: RestId, quantity: z.int().nonnegative() })).nullish(),
});

/** Body of orders/create, orders/updated and orders/cancelled (SHP-2.6), only the fields used. */
const RestOrder = z.object({
  id: RestId,
  name: z.string().nullish(),
  created_at: Time,
  updated_at: Time,
  cancelled_at: z.string().nullish(),
  financial_status: z.string().nullish(),
  line_items: z.array(RestLine),
  refunds: z.array(RestRefund),
  fulfillments: z.array(RestFulfillment).nullish(),
});
type RestOrder = z.infer<typeof RestOrder>;

/** Just enough to fetch the order when a subscription leaves out the lists (SHP-9.16). */
const RestOrderHead = z.object({
  id: RestId,
  line_items: z.array(z.unknown()).optional(),
  refunds: z.array(z.unknown()).optional(),
});

/**
 * Reads an order body of a webhook: the order, or the id to fetch when lines or refunds are left out. Throws
 * `z.ZodError` when it is not an order.
 */
export function readRestOrder(body: unknown): KeptOrder | { kind: 'fetch'; orderId: string } {
  const head = RestOrderHead.parse(body);
  if (head.line_items === undefined || head.refunds === undefined) {
    return { kind: 'fetch', orderId: gid('Order', head.id) };
  }
  const order = RestOrder.parse(body);
  return {
    kind: 'order',
    source: 'webhook',
    orderId: gid('Order', order.id),
    number: order.name ?? null,
    createdAt: order.created_at,
    updatedAt: order.updated_at,
    cancelled: typeof order.cancelled_at === 'string',
    status: order.financial_status ?? 'open',
    complete: true,
    lines: order.line_items.flatMap(keptLine),
    refunds: order.refunds.flatMap(keptRefund),
    shipments: shipmentsOf(order),
  };
}

function keptLine(line: z.infer<typeof RestLine>): KeptLine[] {
  const variant = line.variant_id ?? null;
  const product = line.product_id ?? null;
  if (line.gift_card === true || neverHadStock({ ...line, variant, product })) return [];
  return [
    {
      key: gid('LineItem', line.id),
      variant: variant === null ? null : gid('ProductVariant', variant),
      sku: line.sku,
      quantity: line.quantity,
      current: atLeastZero(line.current_quantity),
      unshipped: line.fulfillment_status === 'fulfilled' ? 0 : atLeastZero(line.fulfillable_quantity),
    },
  ];
}

/** `legacy_restock` means restocked (SHP-2.6); an unknown or missing type gives nothing back. */
function keptRefund(refund: z.infer<typeof RestRefund>): KeptRefund[] {
  const at = refund.created_at ?? null;
  return refund.refund_line_items.map((row) => ({
    line: gid('LineItem', row.line_item_id),
    quantity: row.quantity,
    restock: restocks(row.restock_type ?? ''),
    at,
  }));
}

function shipmentsOf(order: RestOrder): KeptShipment[] | null {
  if (order.fulfillments === undefined || order.fulfillments === null) return null;
  return order.fulfillments
    .filter((fulfillment) => shipped(fulfillment.status ?? 'success'))
    .map((fulfillment) => ({
      at: fulfillment.created_at,
      lines:
        fulfillment.line_items?.map((row) => ({ line: gid('LineItem', row.id), quantity: row.quantity })) ??
        null,
    }));
}
