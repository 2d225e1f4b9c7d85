import { changed, newHistory } from '../kit/orders.ts';
import { wooProblem } from './problem.ts';
import { moveStock, stockHolder } from './products.ts';
import {
  dropMeta,
  findMeta,
  type Line,
  type Meta,
  type Order,
  type Product,
  putMeta,
  type Site,
} from './site.ts';

/** The orders engine: statuses, and what they do to stock. WOO-O.5, last verified 2026-11. */

/** Entering one of these takes the stock, once. */
const TAKING = ['processing', 'completed', 'on-hold'];
/** Entering one of these gives back what was taken. `refunded` and the trash give nothing back. */
const GIVING = ['cancelled', 'pending', 'failed'];
const PAID = ['processing', 'completed'];

export interface NewLine {
  /** Null: the product is unknown, the line says nothing. */
  product: Product | null;
  quantity: number;
}

export interface NewOrder
  extends Pick<
    Order,
    'status' | 'createdVia' | 'paymentMethod' | 'billing' | 'shipping' | 'customerNote' | 'customerId'
  > {
  lines: NewLine[];
  /** Which of the two hooks fires first: REST created, the storefront updated (WOO-O.8). */
  first: 'created' | 'updated';
}

/** Makes an order; stock moves by its status before this returns, unless `late_reduced_stock` is due. */
export function createOrder(site: Site, { lines, first, ...given }: NewOrder): Order {
  const createdAt = site.seconds();
  const order: Order = {
    ...newHistory(site.now()),
    ...given,
    id: site.nextPostId(),
    createdAt,
    modifiedAt: createdAt,
    paidAt: null,
    completedAt: null,
    orderKey: `wc_order_${site.random.hex(13)}`,
    meta: [],
    lines: [],
    refunds: [],
    notes: [],
    stockReduced: false,
    untracked: site.faults.hits('no_reduced_stock'),
    deleted: false,
  };
  for (const line of lines) order.lines.push(newLine(site, line));
  site.orders.set(order.id, order);
  stampDates(site, order);
  const isCart = order.status === 'checkout-draft' && order.createdVia !== 'rest-api';
  const events = isCart ? ['updated'] : [first, first === 'created' ? 'updated' : 'created'];
  stepStock(site, order, () => {
    for (const event of events) site.emit(`order.${event}`, order.id);
    site.emit(`action.woocommerce_order_status_${order.status}`, order.id);
  });
  return order;
}

export function newLine(site: Site, input: NewLine): Line {
  const { product, quantity } = input;
  const variation = product?.type === 'variation';
  const total = product === null ? 0 : Number(product.price) * quantity;
  const meta: Meta[] = [];
  for (const option of product?.options ?? []) {
    meta.push({ id: site.nextMetaId(), key: option.name.toLowerCase(), value: option.option });
  }
  return {
    id: site.nextLineId(),
    name: product?.name ?? '',
    productId: product === null ? 0 : variation ? product.parentId : product.id,
    variationId: variation && product !== null ? product.id : 0,
    quantity,
    subtotal: total,
    total,
    meta,
    soldSku: product?.sku ?? '',
    unseen: false,
  };
}

/** Marks a change that readers can see and moves `date_modified`, which has whole seconds only. */
export function touchOrder(site: Site, order: Order): void {
  order.modifiedAt = site.seconds();
  changed(order, site.now());
}

/** Saves an order as it stands and fires `order.updated`. */
export function saveOrder(site: Site, order: Order): void {
  touchOrder(site, order);
  site.emit('order.updated', order.id);
}

/** Moves an order to a status and saves it; the status is saved before the stock moves. */
export function setStatus(site: Site, order: Order, status: string): void {
  const from = order.status;
  if (from === status) {
    saveOrder(site, order);
    return;
  }
  order.status = status;
  stampDates(site, order);
  touchOrder(site, order);
  addNote(site, order, `Order status changed from ${from} to ${status}.`);
  if (status === 'refunded') refundRemainder(site, order);
  stepStock(site, order, () => {
    site.emit('order.updated', order.id);
    site.emit(`action.woocommerce_order_status_${status}`, order.id);
  });
}

function stampDates(site: Site, order: Order): void {
  if (PAID.includes(order.status) && order.paidAt === null) order.paidAt = site.seconds();
  if (order.status === 'completed') order.completedAt = site.seconds();
}

/** Fires the hooks and moves stock by status: normally in one go, with `late_reduced_stock` some time later. */
function stepStock(site: Site, order: Order, fire: () => void): void {
  const step = () => {
    fire();
    if (TAKING.includes(order.status)) reduceStock(site, order);
    else if (GIVING.includes(order.status)) giveBackStock(site, order);
  };
  const takes = TAKING.includes(order.status) && !order.stockReduced;
  const lateMs = takes ? site.faults.dueMs('late_reduced_stock') : null;
  if (lateMs !== null) {
    site.later(lateMs || LATE_STEP_MS, step);
    return;
  }
  step();
}

const LATE_STEP_MS = 50;

function reduceStock(site: Site, order: Order): void {
  if (order.stockReduced || order.untracked) return;
  const moves: string[] = [];
  for (const line of order.lines) {
    const holder = lineHolder(site, line);
    if (holder === undefined || reducedOf(line) !== 0) continue;
    const { from, to } = moveStock(site, holder, -line.quantity);
    holder.totalSales += line.quantity;
    putMeta(site, line.meta, '_reduced_stock', String(line.quantity));
    moves.push(`${line.name} (${line.soldSku}) ${from}&rarr;${to}`);
  }
  order.stockReduced = true;
  changed(order, site.now());
  if (moves.length > 0) addNote(site, order, `Stock levels reduced: ${moves.join(', ')}`);
}

function giveBackStock(site: Site, order: Order): void {
  if (!order.stockReduced) return;
  for (const line of order.lines) {
    const holder = lineHolder(site, line);
    const reduced = reducedOf(line);
    if (holder === undefined || reduced === 0) continue;
    moveStock(site, holder, reduced);
    dropMeta(line.meta, '_reduced_stock');
  }
  order.stockReduced = false;
  changed(order, site.now());
}

/** The product behind a line; undefined once it was deleted. */
export function lineProduct(site: Site, line: Line): Product | undefined {
  return site.products.get(line.variationId === 0 ? line.productId : line.variationId);
}

function lineHolder(site: Site, line: Line): Product | undefined {
  const product = lineProduct(site, line);
  return product === undefined ? undefined : stockHolder(site, product);
}

const unitsIn = (key: string) => (line: Line) => Number(findMeta(line.meta, key)?.value ?? 0);
const reducedOf = unitsIn('_reduced_stock');
const restockedOf = unitsIn('_restock_refunded_items');

/** `wc_maybe_adjust_line_item_product_stock`: what an edit of a line does to the stock. */
function adjustLine(site: Site, order: Order, line: Line, quantity: number): void {
  const holder = lineHolder(site, line);
  if (holder === undefined || order.untracked) return;
  line.unseen = site.faults.hits('edit_without_stock');
  if (line.unseen) return;
  const restocked = restockedOf(line);
  const diff = quantity === 0 ? -reducedOf(line) : quantity - restocked - reducedOf(line);
  if (diff === 0) return;
  moveStock(site, holder, -diff);
  putMeta(site, line.meta, '_reduced_stock', String(quantity - restocked));
  if (quantity > 0) order.stockReduced = true;
}

/** Changes the quantity of a line (0 removes it). The caller saves the order afterwards. */
export function editLine(site: Site, order: Order, line: Line, quantity: number): void {
  if (quantity === 0) {
    adjustLine(site, order, line, 0);
    order.lines = order.lines.filter((candidate) => candidate !== line);
    return;
  }
  line.quantity = quantity;
  if (TAKING.includes(order.status)) adjustLine(site, order, line, quantity);
}

/** Adds a line to an existing order. The caller saves the order afterwards. */
export function addLine(site: Site, order: Order, input: NewLine): void {
  const line = newLine(site, input);
  order.lines.push(line);
  if (TAKING.includes(order.status)) adjustLine(site, order, line, line.quantity);
}

export interface RefundRequest {
  /** Null: the sum of the lines. */
  amount: number | null;
  reason: string;
  lines: { line: Line; quantity: number; total: number }[];
  restock: boolean;
}

/** Refunds part of an order. Nothing in REST tells afterwards whether it was restocked but `_reduced_stock`. */
export function refundOrder(site: Site, order: Order, request: RefundRequest): Order['refunds'][number] {
  const amount = request.amount ?? request.lines.reduce((sum, entry) => sum + entry.total, 0);
  const remaining = remainingOf(order);
  if (amount < 0 || amount > remaining + 0.001) {
    throw wooProblem('cannot_create_order_refund', 'Invalid refund amount.', 500);
  }
  const refund = {
    id: site.nextPostId(),
    createdAt: site.seconds(),
    amount,
    reason: request.reason,
    lines: request.lines.map((entry) => refundLine(site, entry)),
    meta: [{ id: site.nextMetaId(), key: '_refund_type', value: amount < remaining ? 'partial' : 'full' }],
  };
  if (request.restock) {
    for (const { line, quantity } of request.lines) restockLine(site, line, quantity);
  }
  order.refunds.unshift(refund);
  if (amount > 0 && remaining - amount < 0.005) order.status = 'refunded';
  saveOrder(site, order);
  return refund;
}

function refundLine(site: Site, entry: RefundRequest['lines'][number]): Line {
  return {
    ...entry.line,
    id: site.nextLineId(),
    quantity: -entry.quantity,
    subtotal: -entry.total,
    total: -entry.total,
    meta: [{ id: site.nextMetaId(), key: '_refunded_item_id', value: String(entry.line.id) }],
  };
}

/** Units of a line refunded so far, restocked or not. */
export function refundedOf(order: Order, line: Line): number {
  const of = order.refunds.flatMap((refund) => refund.lines);
  const own = of.filter((entry) => findMeta(entry.meta, '_refunded_item_id')?.value === String(line.id));
  return own.reduce((sum, entry) => sum - entry.quantity, 0);
}

function restockLine(site: Site, line: Line, quantity: number): void {
  const holder = lineHolder(site, line);
  const reduced = reducedOf(line);
  if (holder === undefined || reduced === 0 || quantity === 0) return;
  moveStock(site, holder, quantity);
  putMeta(site, line.meta, '_reduced_stock', String(reduced - quantity));
  putMeta(site, line.meta, '_restock_refunded_items', String(restockedOf(line) + quantity));
}

export function totalOf(order: Order): number {
  return order.lines.reduce((sum, line) => sum + line.total, 0);
}

function remainingOf(order: Order): number {
  return totalOf(order) - order.refunds.reduce((sum, refund) => sum + refund.amount, 0);
}

/** A change to `refunded` by hand makes a refund of the rest, without lines and without restock. */
function refundRemainder(site: Site, order: Order): void {
  const amount = remainingOf(order);
  if (amount <= 0) return;
  const [id, createdAt, reason] = [site.nextPostId(), site.seconds(), 'Order fully refunded.'];
  order.refunds.unshift({ id, createdAt, amount, reason, lines: [], meta: [] });
}

/** Trash: the stock stays taken, `date_modified` stays, `order.deleted` fires. */
export function trashOrder(site: Site, order: Order): void {
  putMeta(site, order.meta, '_wp_trash_meta_status', `wc-${order.status}`);
  putMeta(site, order.meta, '_wp_trash_meta_time', String(site.seconds()));
  order.status = 'trash';
  changed(order, site.now());
  site.emit('order.deleted', order.id);
}

/** Deletes for good: sends nothing, gives nothing back. */
export function deleteOrder(site: Site, order: Order): void {
  order.deleted = true;
  changed(order, site.now());
}

/** The order as REST finds it: not one that was deleted for good. */
export function findOrder(site: Site, id: number): Order | undefined {
  const order = site.orders.get(id);
  return order?.deleted === true ? undefined : order;
}

export function addNote(
  site: Site,
  order: Order,
  note: string,
  { author = 'WooCommerce', customerNote = false } = {},
): Order['notes'][number] {
  const entry = { id: site.nextNoteId(), createdAt: site.seconds(), note, author, customerNote };
  order.notes.unshift(entry);
  return entry;
}

/**
 * Units that the line keeps from being sold. By the shop's own account, with two exceptions. Giving back skips products
 * that are deleted or no longer tracked, so that their lines keep a mark for ever which stands for nothing (recorded
 * 2026-11-30). And a program may edit an order without the stock step: the customer gets what was ordered, whatever the
 * mark says. Trashed and deleted orders keep theirs.
 */
export function takenBy(site: Site, order: Order, line: Line): number {
  const product = lineProduct(site, line);
  const isHeld = lineHolder(site, line) !== undefined;
  const managed = product === undefined || isHeld;
  const status = statusBeforeTrash(order);
  if (!isHeld && GIVING.includes(status)) return 0;
  if (managed && !order.untracked) {
    const active = line.unseen && !GIVING.includes(status);
    // An edit below what was restocked leaves a negative mark on the real shop too: it holds nothing.
    return Math.max(0, active ? line.quantity - restockedOf(line) : reducedOf(line));
  }
  return TAKING.includes(status) ? line.quantity : 0;
}

/**
 * Of the units that the line keeps, those that are shipped or written off: all of them once the order is completed or
 * refunded (neither gives anything back), else those that were refunded and not restocked.
 */
export function goneBy(site: Site, order: Order, line: Line): number {
  const taken = takenBy(site, order, line);
  if (ENDED.includes(statusBeforeTrash(order))) return taken;
  return Math.min(taken, Math.max(0, refundedOf(order, line) - restockedOf(line)));
}

const ENDED = ['completed', 'refunded'];

function statusBeforeTrash(order: Order): string {
  if (order.status !== 'trash') return order.status;
  return String(findMeta(order.meta, '_wp_trash_meta_status')?.value ?? '').replace(/^wc-/, '');
}

/** Orders of the storefront that nobody paid for in time (`woocommerce_hold_stock_minutes`). */
export function cancelUnpaid(site: Site, holdMs: number): void {
  for (const order of site.orders.values()) {
    if (order.status !== 'pending' || order.deleted) continue;
    if (order.createdVia !== 'checkout' && order.createdVia !== 'store-api') continue;
    if (site.now() - order.changedAt >= holdMs) setStatus(site, order, 'cancelled');
  }
}
