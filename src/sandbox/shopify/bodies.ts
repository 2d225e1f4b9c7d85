import { gid, levelGid } from './gid.ts';
import { shopTime } from './moment.ts';
import {
  current,
  type Fulfillment,
  type InventoryItem,
  type Level,
  type Line,
  type Order,
  type Product,
  type Refund,
  type RefundRow,
  shownAt,
  unfulfilled,
} from './state.ts';

/**
 * Webhook bodies in the platform's REST shape (SHP-2.6). Ids are bigints and leave as bare digits. Personal
 * fields are null, as an app without approval for customer data gets them (SHP-1.3).
 */
export type Body = Record<string, unknown>;

export function orderBody(order: Order): Body {
  return {
    id: order.id,
    admin_graphql_api_id: gid('Order', order.id),
    app_id: 580111n,
    browser_ip: null,
    cancel_reason: order.cancelReason?.toLowerCase() ?? null,
    cancelled_at: timeOrNull(order.cancelledAt),
    closed_at: null,
    confirmed: true,
    created_at: shopTime(order.createdAt),
    currency: 'USD',
    customer: null,
    email: null,
    financial_status: financialStatus(order).toLowerCase(),
    fulfillment_status: restFulfillmentStatus(order),
    location_id: null,
    name: `#${order.number}`,
    note: null,
    number: order.number - 1000,
    order_number: order.number,
    phone: null,
    processed_at: shopTime(order.createdAt),
    source_name: 'web',
    tags: order.tags.join(', '),
    test: order.test,
    updated_at: shopTime(order.updatedAt),
    fulfillments: order.fulfillments.map((fulfillment) => fulfillmentBody(order, fulfillment)),
    line_items: order.lines.map(lineBody),
    refunds: order.refunds.map((refund) => refundBody(order, refund)),
    shipping_lines: [],
  };
}

function lineBody(line: Line): Body {
  const open = unfulfilled(line);
  return {
    id: line.id,
    admin_graphql_api_id: gid('LineItem', line.id),
    current_quantity: current(line),
    fulfillable_quantity: open,
    fulfillment_service: 'manual',
    fulfillment_status: line.fulfilled === 0 ? null : open === 0 ? 'fulfilled' : 'partial',
    gift_card: line.variant.product.giftCard,
    name: line.title,
    price: '10.00',
    product_exists: true,
    product_id: line.variant.product.id,
    properties: [],
    quantity: line.quantity,
    requires_shipping: !line.variant.product.giftCard,
    sku: line.sku,
    taxable: true,
    title: line.title,
    total_discount: '0.00',
    variant_id: line.variant.id,
    variant_inventory_management: line.variant.item.tracked ? 'shopify' : null,
    variant_title: null,
    vendor: 'Sandbox',
  };
}

export function fulfillmentBody(order: Order, fulfillment: Fulfillment): Body {
  return {
    id: fulfillment.id,
    admin_graphql_api_id: gid('Fulfillment', fulfillment.id),
    order_id: order.id,
    created_at: shopTime(fulfillment.createdAt),
    updated_at: shopTime(fulfillment.createdAt),
    location_id: null,
    name: `#${order.number}.${order.fulfillments.indexOf(fulfillment) + 1}`,
    service: 'manual',
    shipment_status: null,
    status: 'success',
    line_items: fulfillment.rows.map(({ line, quantity }) => ({ ...lineBody(line), quantity })),
  };
}

export function refundBody(order: Order, refund: Refund): Body {
  return {
    id: refund.id,
    admin_graphql_api_id: gid('Refund', refund.id),
    order_id: order.id,
    created_at: shopTime(refund.createdAt),
    processed_at: shopTime(refund.createdAt),
    note: null,
    restock: refund.rows.some(({ type }) => type !== 'NO_RESTOCK'),
    user_id: null,
    order_adjustments: [],
    transactions: [],
    refund_line_items: refund.rows.map(refundRowBody),
  };
}

function refundRowBody(row: RefundRow): Body {
  return {
    id: row.id,
    line_item_id: row.line.id,
    location_id: row.location?.id ?? null,
    quantity: row.quantity,
    restock_type: row.type.toLowerCase(),
    subtotal: 10,
    total_tax: 0,
    line_item: lineBody(row.line),
  };
}

/** Not an order: only ids and positive deltas, no SKU (SHP-2.6). */
export function editBody(
  edit: { id: bigint; at: number; added: Line[]; removed: { line: Line; quantity: number }[] },
  order: Order,
): Body {
  return {
    order_edit: {
      id: edit.id,
      app_id: null,
      created_at: shopTime(edit.at),
      committed_at: shopTime(edit.at),
      notify_customer: false,
      order_id: order.id,
      staff_note: '',
      user_id: null,
      line_items: {
        additions: edit.added.map((line) => ({ id: line.id, delta: line.quantity })),
        removals: edit.removed.map(({ line, quantity }) => ({ id: line.id, delta: quantity })),
      },
      discounts: { line_item: { additions: [], removals: [] } },
      shipping_lines: { additions: [], removals: [] },
    },
  };
}

export function levelBody(level: Level): Body {
  return {
    inventory_item_id: level.item.id,
    location_id: level.location.id,
    available: level.item.tracked ? shownAt(level, 'available') : null,
    updated_at: shopTime(level.updatedAt),
    admin_graphql_api_id: levelGid(level),
  };
}

/** Connecting and disconnecting name the two ids and little else (SHP-2.6). */
export function levelIdsBody(level: Level): Body {
  return { inventory_item_id: level.item.id, location_id: level.location.id };
}

export function inventoryItemBody(item: InventoryItem): Body {
  return {
    id: item.id,
    admin_graphql_api_id: gid('InventoryItem', item.id),
    sku: item.sku,
    tracked: item.tracked,
    cost: null,
    country_code_of_origin: null,
    requires_shipping: true,
    created_at: shopTime(item.createdAt),
    updated_at: shopTime(item.updatedAt),
  };
}

export function productBody(product: Product): Body {
  return {
    id: product.id,
    admin_graphql_api_id: gid('Product', product.id),
    title: product.title,
    status: product.status.toLowerCase(),
    created_at: shopTime(product.createdAt),
    updated_at: shopTime(product.updatedAt),
    variants: product.variants.map((variant) => ({
      id: variant.id,
      product_id: product.id,
      admin_graphql_api_id: gid('ProductVariant', variant.id),
      sku: variant.item.sku,
      title: variant.title,
      inventory_item_id: variant.item.id,
      inventory_policy: variant.policy.toLowerCase(),
      inventory_quantity: variant.item.levels.reduce((sum, level) => sum + shownAt(level, 'available'), 0),
      updated_at: shopTime(variant.updatedAt),
    })),
  };
}

export function financialStatus(order: Order): string {
  const refunded = order.refunds.some((refund) => refund.rows.length > 0);
  if (order.unpaid) return order.cancelledAt === null ? 'PENDING' : 'VOIDED';
  if (!refunded) return 'PAID';
  return order.lines.every((line) => current(line) === 0) ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
}

function restFulfillmentStatus(order: Order): string | null {
  const shipped = order.lines.some((line) => line.fulfilled > 0);
  if (!shipped) return null;
  return order.lines.every((line) => unfulfilled(line) === 0) ? 'fulfilled' : 'partial';
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : shopTime(ms);
}
