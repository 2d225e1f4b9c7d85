import type { SellRequest, SellResult } from '../shop.ts';
import { createOrder, type NewLine } from './orders.ts';
import { productBySku, stockHolder, stockStatusOf } from './products.ts';
import type { Order, Product, Site } from './site.ts';

/** The block checkout: unlike REST it looks at the stock (WOO-O.5, WOO-O.8; last verified 2026-11). */

const BUYER: Record<string, string> = {
  first_name: 'Sandbox',
  last_name: 'Shopper',
  company: '',
  address_1: '1 Test Street',
  address_2: '',
  city: 'Test',
  state: '',
  postcode: '10115',
  country: 'DE',
  email: 'shopper@example.com',
  phone: '',
};

/** The share of refused shoppers that leave a `checkout-draft` behind. */
const DRAFT_RATE = 0.5;
/** The share of buyers who pay by bank transfer: their order waits on-hold, its stock taken. */
const TRANSFER_RATE = 0.2;

/** A shopper buys, or is told that there is not enough. */
export function sell(site: Site, request: SellRequest): SellResult {
  const lines: NewLine[] = [];
  for (const { sku, quantity } of request.lines) {
    const product = productBySku(site, sku);
    if (product === undefined || product.type === 'variable') return { sold: false, reason: 'unknown_sku' };
    lines.push({ product, quantity });
  }
  if (site.faults.hits('checkout_draft')) place(site, lines, 'checkout-draft');
  if (request.force !== true && !enough(site, lines)) {
    if (site.random.chance(DRAFT_RATE)) place(site, lines, 'checkout-draft');
    return { sold: false, reason: 'out_of_stock' };
  }
  const first = lines[0];
  if (first !== undefined && site.faults.hits('decimal_quantity')) first.quantity += 0.5;
  const unpaid = site.faults.hits('unpaid_checkout');
  const transfer = site.random.chance(TRANSFER_RATE);
  const order = place(site, lines, unpaid ? 'pending' : transfer ? 'on-hold' : 'processing');
  return {
    sold: true,
    order_id: String(order.id),
    lines: order.lines.map(({ id, soldSku: sku, quantity }) => ({ line_id: String(id), sku, quantity })),
  };
}

/** The sale that slips in between somebody's read and write: one piece, if there is one. */
export function sellBeforeWrite(site: Site, product: Product): void {
  if (product.status !== 'publish' || !enough(site, [{ product, quantity: 1 }])) return;
  place(site, [{ product, quantity: 1 }], 'processing');
}

function enough(site: Site, lines: NewLine[]): boolean {
  const wanted = new Map<Product, number>();
  for (const { product, quantity } of lines) {
    if (product === null || product.status !== 'publish') return false;
    const holder = stockHolder(site, product);
    if (holder === undefined) {
      if (stockStatusOf(site, product) === 'outofstock') return false;
      continue;
    }
    const total = (wanted.get(holder) ?? 0) + quantity;
    wanted.set(holder, total);
    if (holder.backorders === 'no' && (holder.stock ?? 0) < total) return false;
  }
  return true;
}

function place(site: Site, lines: NewLine[], status: string): Order {
  const { email: _, ...shipping } = BUYER;
  return createOrder(site, {
    status,
    lines,
    createdVia: 'store-api',
    paymentMethod: status === 'on-hold' ? 'bacs' : 'cod',
    billing: BUYER,
    shipping,
    customerNote: '',
    customerId: 0,
    first: 'updated',
  });
}
