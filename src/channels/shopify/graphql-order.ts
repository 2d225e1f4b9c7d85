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

/** `pageInfo` of any connection. */
export const PageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() });

/** A connection of nodes with its page info. */
export const connection = <T extends z.ZodType>(node: T) =>
  z.object({ nodes: z.array(node), pageInfo: PageInfo });

/** A line item node. */
export const LineNode = z.object({
  id: z.string(),
  sku: z.string().nullish(),
  quantity: z.int(),
  currentQuantity: z.int(),
  unfulfilledQuantity: z.int(),
  isGiftCard: z.boolean(),
  vendor: z.string().nullish(),
  variant: z.object({ id: z.string() }).nullish(),
});
export type LineNode = z.infer<typeof LineNode>;

/** A refund line item node. */
export const RefundRowNode = z.object({
  quantity: z.int(),
  restockType: z.string(),
  lineItem: z.object({ id: z.string() }),
});
export type RefundRowNode = z.infer<typeof RefundRowNode>;

const head = {
  id: z.string(),
  name: z.string().nullish(),
  createdAt: Time,
  updatedAt: Time,
  cancelledAt: z.string().nullish(),
  displayFinancialStatus: z.string().nullish(),
};

/** An order node as the lists bring it: refunds and shipments only counted. */
export const OrderNode = z.object({
  ...head,
  lineItems: connection(LineNode),
  refunds: z.array(z.object({ id: z.string() })),
  fulfillments: z.array(z.object({ status: z.string(), createdAt: Time })),
});
export type OrderNode = z.infer<typeof OrderNode>;

/** An order node as it is read alone. */
export const OrderDetailsNode = z.object({
  ...head,
  lineItems: connection(LineNode),
  refunds: z.array(z.object({ id: z.string(), createdAt: Time, refundLineItems: connection(RefundRowNode) })),
  fulfillments: z.array(
    z.object({
      status: z.string(),
      createdAt: Time,
      fulfillmentLineItems: connection(
        z.object({ quantity: z.int().nullish(), lineItem: z.object({ id: z.string() }) }),
      ),
    }),
  ),
});
export type OrderDetailsNode = z.infer<typeof OrderDetailsNode>;

/** Does the list's node leave something open that only OrderDetails tells? Most orders answer no. */
export function needsDetails(node: OrderNode): boolean {
  const shipments = node.fulfillments.filter((fulfillment) => shipped(fulfillment.status));
  const isCancelled = typeof node.cancelledAt === 'string';
  return (
    isCancelled || node.lineItems.pageInfo.hasNextPage || node.refunds.length > 0 || shipments.length > 1
  );
}

/** The kept order of a list node that needs no details. */
export function keptOrder(node: OrderNode): KeptOrder {
  const shipments = node.fulfillments
    .filter((fulfillment) => shipped(fulfillment.status))
    .map((fulfillment) => ({ at: fulfillment.createdAt, lines: null }));
  return assemble(node, { lines: node.lineItems.nodes, refunds: [], shipments, complete: true });
}

/** All that is known of one order after its lists have been read to the end. */
export interface OrderParts {
  lines: LineNode[];
  refunds: { rows: RefundRowNode[]; at: number }[];
  shipments: KeptShipment[];
  complete: boolean;
}

/** The kept order of a head and its parts. */
export function assemble(
  node: Omit<OrderNode, 'lineItems' | 'refunds' | 'fulfillments'>,
  parts: OrderParts,
): KeptOrder {
  return {
    kind: 'order',
    source: 'graphql',
    orderId: node.id,
    number: node.name ?? null,
    createdAt: node.createdAt,
    updatedAt: node.updatedAt,
    cancelled: typeof node.cancelledAt === 'string',
    status: node.displayFinancialStatus?.toLowerCase() ?? 'open',
    complete: parts.complete,
    lines: parts.lines.flatMap(keptLine),
    refunds: parts.refunds.flatMap(keptRefunds),
    shipments: parts.shipments,
  };
}

function keptLine(line: LineNode): KeptLine[] {
  const variant = line.variant?.id ?? null;
  const sku = blankToNull(line.sku);
  if (line.isGiftCard || neverHadStock({ variant, sku, vendor: blankToNull(line.vendor), product: null }))
    return [];
  return [
    {
      key: line.id,
      variant,
      sku,
      quantity: Math.max(0, line.quantity),
      current: atLeastZero(line.currentQuantity),
      unshipped: atLeastZero(line.unfulfilledQuantity),
    },
  ];
}

function keptRefunds(refund: { rows: RefundRowNode[]; at: number }): KeptRefund[] {
  return refund.rows.map((row) => ({
    line: row.lineItem.id,
    quantity: row.quantity,
    restock: restocks(row.restockType),
    at: refund.at,
  }));
}
