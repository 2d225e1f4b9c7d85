import { datePair, gmtDate, siteDate } from './dates.ts';
import { lineProduct, totalOf } from './orders.ts';
import { links } from './product-view.ts';
import { parentOf } from './products.ts';
import type { Line, Meta, Note, Order, Refund, Site } from './site.ts';

/** An order as GET /orders/ID and the webhooks show it (recorded shape, 2026-11). */
export function orderView(site: Site, order: Order): Record<string, unknown> {
  const local = (seconds: number | null) => (seconds === null ? null : siteDate(seconds, site.zoneHours));
  const gmt = (seconds: number | null) => (seconds === null ? null : gmtDate(seconds));
  const open = ['pending', 'failed', 'checkout-draft'].includes(order.status);
  return {
    id: order.id,
    parent_id: 0,
    status: order.status,
    currency: 'TRY',
    version: '11.0.1',
    prices_include_tax: false,
    date_created: local(order.createdAt),
    date_modified: local(order.modifiedAt),
    discount_total: '0.00',
    discount_tax: '0.00',
    shipping_total: '0.00',
    shipping_tax: '0.00',
    cart_tax: '0.00',
    total: totalOf(order).toFixed(2),
    total_tax: '0.00',
    customer_id: order.customerId,
    order_key: order.orderKey,
    billing: order.billing,
    shipping: order.shipping,
    payment_method: order.paymentMethod,
    payment_method_title: '',
    transaction_id: '',
    customer_ip_address: '',
    customer_user_agent: '',
    created_via: order.createdVia,
    customer_note: order.customerNote,
    date_completed: local(order.completedAt),
    date_paid: local(order.paidAt),
    cart_hash: '',
    number: String(order.id),
    meta_data: order.meta.map((entry) => ({ ...entry })),
    line_items: order.lines.map((line) => lineView(site, line)),
    tax_lines: [],
    shipping_lines: [],
    fee_lines: [],
    coupon_lines: [],
    refunds: order.refunds.map((refund) => ({
      id: refund.id,
      reason: refund.reason,
      total: `-${refund.amount.toFixed(2)}`,
      total_tax: '0.00',
    })),
    payment_url: `${site.home}/checkout/order-pay/${order.id}/?pay_for_order=true&key=${order.orderKey}`,
    is_editable: ['pending', 'on-hold', 'auto-draft'].includes(order.status),
    needs_payment: open && totalOf(order) > 0,
    needs_processing: true,
    date_created_gmt: gmt(order.createdAt),
    date_modified_gmt: gmt(order.modifiedAt),
    date_completed_gmt: gmt(order.completedAt),
    date_paid_gmt: gmt(order.paidAt),
    currency_symbol: '₺',
    _links: {
      ...links(site, `orders/${order.id}`),
      email_templates: [
        { embeddable: true, href: `${site.home}/wp-json/wc/v3/orders/${order.id}/actions/email_templates` },
      ],
    },
  };
}

/** The SKU is looked up when read: a renamed product shows its new one, a deleted one null and product 0. */
function lineView(site: Site, line: Line): Record<string, unknown> {
  const product = lineProduct(site, line);
  return {
    id: line.id,
    name: line.name,
    product_id: product === undefined ? 0 : line.productId,
    variation_id: product === undefined ? 0 : line.variationId,
    quantity: line.quantity,
    tax_class: '',
    subtotal: line.subtotal.toFixed(2),
    subtotal_tax: '0.00',
    total: line.total.toFixed(2),
    total_tax: '0.00',
    taxes: [],
    meta_data: line.meta.map(metaView),
    sku: product?.sku ?? null,
    global_unique_id: '',
    price: line.quantity === 0 ? 0 : Number(line.total.toFixed(2)) / line.quantity,
    image: { id: line.variationId === 0 ? '' : 0, src: '' },
    parent_name: product === undefined ? null : (parentOf(site, product)?.name ?? null),
  };
}

function metaView(entry: Meta): Record<string, unknown> {
  const label = entry.key.startsWith('_')
    ? entry.key
    : entry.key.charAt(0).toUpperCase() + entry.key.slice(1);
  return { ...entry, display_key: label, display_value: entry.value };
}

export function refundView(site: Site, order: Order, refund: Refund): Record<string, unknown> {
  const path = `orders/${order.id}`;
  return {
    id: refund.id,
    ...datePair(site, 'date_created', refund.createdAt),
    amount: refund.amount.toFixed(2),
    reason: refund.reason,
    refunded_by: 1,
    refunded_payment: false,
    meta_data: refund.meta,
    line_items: refund.lines.map((line) => lineView(site, line)),
    shipping_lines: [],
    tax_lines: [],
    fee_lines: [],
    _links: links(site, `${path}/refunds/${refund.id}`, path, ['GET', 'DELETE']),
  };
}

export function noteView(site: Site, order: Order, note: Note): Record<string, unknown> {
  const path = `orders/${order.id}`;
  return {
    id: note.id,
    author: note.author,
    ...datePair(site, 'date_created', note.createdAt),
    note: note.note,
    customer_note: note.customerNote,
    _links: links(site, `${path}/notes/${note.id}`, path, ['GET', 'DELETE']),
  };
}
