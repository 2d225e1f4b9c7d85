import { found } from '../kit/untyped.ts';
import { runBatch } from './batch.ts';
import { CRITICAL_ERROR } from './front.ts';
import { filterDates, filterIds, pageOf, sortRows } from './listing.ts';
import { noteView, orderView, refundView } from './order-view.ts';
import {
  addLine,
  addNote,
  createOrder,
  deleteOrder,
  editLine,
  findOrder,
  type NewLine,
  refundOrder,
  saveOrder,
  setStatus,
  trashOrder,
} from './orders.ts';
import { asFields, asFlag, asList, asText, type Fields, intval } from './php.ts';
import { invalidParam, missingParam, RestProblem, wooProblem } from './problem.ts';
import { productBySku } from './products.ts';
import { forced, listParam, type RestCall, type RestResult, validate } from './request.ts';
import { applyMeta, type Order, type Product, type Site } from './site.ts';

const STATUSES = [
  'auto-draft',
  'pending',
  'processing',
  'on-hold',
  'completed',
  'cancelled',
  'refunded',
  'failed',
  'checkout-draft',
];

const WRITE_SCHEMA = {
  status: { oneOf: STATUSES },
  payment_method: 'string',
  customer_note: 'string',
  set_paid: 'boolean',
} as const;

// ------------------------------------------------------------------------------------------------ reading

export function listOrders(site: Site, call: RestCall): RestResult {
  const { query } = call;
  const wanted = listParam(query['status'] ?? 'any');
  const known = ['any', 'trash', ...STATUSES];
  for (const [index, status] of wanted.entries()) {
    if (known.includes(status)) continue;
    throw invalidParam('status', `status[${index}] is not one of ${known.join(', ')}.`, 'rest_not_in_enum');
  }
  const lagMs = site.faults.dueMs('order_lag') ?? 0;
  const rows = [...site.orders.values()].filter(
    (order) =>
      !order.deleted &&
      site.now() - order.changedAt >= lagMs &&
      // "any" leaves out the trash and drafts, not the carts of the block checkout.
      (wanted.includes(order.status) ||
        (wanted.includes('any') && order.status !== 'trash' && order.status !== 'auto-draft')),
  );
  const kept = filterDates(site, filterIds(rows, query), query);
  return pageOf(site, call, sortRows(kept, query), (order) => orderView(site, order));
}

export function getOrder(site: Site, call: RestCall): RestResult {
  return { status: 200, body: orderView(site, needOrder(site, call.ids[0], 404)) };
}

function needOrder(site: Site, id: unknown, status: number): Order {
  return found(findOrder(site, intval(id)), () => wooProblem('shop_order_invalid_id', 'Invalid ID.', status));
}

// ------------------------------------------------------------------------------------------------ writing

export function postOrder(site: Site, call: RestCall): RestResult {
  validateOrder(call.body);
  return { status: 201, body: orderView(site, create(site, call.body)) };
}

export function putOrder(site: Site, call: RestCall): RestResult {
  const order = needOrder(site, call.ids[0], 400);
  validateOrder(call.body);
  update(site, order, call.body);
  return { status: 200, body: orderView(site, order) };
}

function validateOrder(body: Fields): void {
  validate(body, WRITE_SCHEMA);
  for (const [index, entry] of asList(body['line_items']).entries()) {
    const quantity = asFields(entry)['quantity'];
    if (quantity === undefined || Number.isInteger(Number(quantity))) continue;
    throw invalidParam('line_items', `line_items[${index}][quantity] is not of type integer.`);
  }
}

/** No idempotency key, no look at the stock: the same POST twice is two orders. */
function create(site: Site, body: Fields): Order {
  const lines = asList(body['line_items']).map((entry) => orderLine(site, asFields(entry)));
  const status = knownStatus(body);
  const paymentMethod = asText(body['payment_method']);
  const order = createOrder(site, {
    status: asFlag(body['set_paid']) && status === 'pending' ? paidBy(paymentMethod) : status,
    lines,
    createdVia: 'rest-api',
    paymentMethod,
    billing: address(body['billing'], true),
    shipping: address(body['shipping'], false),
    customerNote: asText(body['customer_note']),
    customerId: intval(body['customer_id']),
    first: 'created',
  });
  applyMeta(site, order.meta, body['meta_data']);
  return order;
}

/** A status that does not exist passes only in a batch, where nothing is validated, and becomes pending. */
function knownStatus(body: Fields): string {
  return STATUSES.find((candidate) => candidate === body['status']) ?? 'pending';
}

const paidBy = (method: string) => (method === 'cod' ? 'completed' : 'processing');

function orderLine(site: Site, entry: Fields): NewLine {
  const product = namedProduct(site, entry);
  const quantity = entry['quantity'] === undefined ? 1 : intval(entry['quantity']);
  if (quantity === 0) {
    throw new RestProblem('internal_server_error', CRITICAL_ERROR, 500, {
      error: { type: 1, message: 'Uncaught DivisionByZeroError: Division by zero' },
    });
  }
  return { product, quantity };
}

/** An id that nothing bears makes a line of no product; neither id nor SKU is refused. */
function namedProduct(site: Site, entry: Fields): Product | null {
  const id = intval(entry['variation_id']) || intval(entry['product_id']);
  if (id !== 0) return site.products.get(id) ?? null;
  const sku = asText(entry['sku']);
  if (sku === '') {
    throw wooProblem('required_product_reference', 'Product ID or SKU is required.');
  }
  return productBySku(site, sku) ?? null;
}

const ADDRESS = [
  'first_name',
  'last_name',
  'company',
  'address_1',
  'address_2',
  'city',
  'state',
  'postcode',
  'country',
  'email',
  'phone',
];

function address(value: unknown, billing: boolean): Record<string, string> {
  const given = asFields(value);
  const names = billing ? ADDRESS : ADDRESS.filter((name) => name !== 'email');
  return Object.fromEntries(names.map((name) => [name, asText(given[name])]));
}

/** Lines first, then the save, then the status: product.updated of an edit comes before order.updated. */
function update(site: Site, order: Order, body: Fields): void {
  for (const entry of asList(body['line_items'])) updateLine(site, order, asFields(entry));
  applyMeta(site, order.meta, body['meta_data']);
  if (body['customer_note'] !== undefined) order.customerNote = asText(body['customer_note']);
  if (body['payment_method'] !== undefined) order.paymentMethod = asText(body['payment_method']);
  const status = body['status'] === undefined ? order.status : knownStatus(body);
  const paid = asFlag(body['set_paid']) && ['pending', 'on-hold', 'failed', 'cancelled'].includes(status);
  if (paid) setStatus(site, order, paidBy(order.paymentMethod));
  else if (status !== order.status) setStatus(site, order, status);
  else saveOrder(site, order);
}

function updateLine(site: Site, order: Order, entry: Fields): void {
  const id = intval(entry['id']);
  if (id === 0) {
    addLine(site, order, orderLine(site, entry));
    return;
  }
  const known = order.lines.find((candidate) => candidate.id === id);
  const stranger = 'Order item ID provided is not associated with order.';
  const line = found(known, () => wooProblem('invalid_item_id', stranger));
  const removed = entry['product_id'] === null || entry['sku'] === null;
  if (removed) editLine(site, order, line, 0);
  else if (entry['quantity'] !== undefined) editLine(site, order, line, intval(entry['quantity']));
}

/** Answers with the state before. For good: nothing is sent and no stock comes back. */
export function removeOrder(site: Site, call: RestCall): RestResult {
  const order = needOrder(site, call.ids[0], 404);
  const body = orderView(site, order);
  if (forced(call)) deleteOrder(site, order);
  else if (order.status === 'trash') {
    throw wooProblem('already_trashed', 'The order has already been deleted.', 410);
  } else trashOrder(site, order);
  return { status: 200, body };
}

export function batchOrders(site: Site, call: RestCall): Promise<RestResult> {
  return runBatch(call, {
    breaksOff: () => site.faults.hits('half_batch_504'),
    create: (row) => orderView(site, create(site, row)),
    update: (row) => {
      const order = needOrder(site, row['id'], 400);
      update(site, order, row);
      return orderView(site, order);
    },
    remove: (id) => {
      const order = needOrder(site, id, 404);
      const body = orderView(site, order);
      deleteOrder(site, order);
      return body;
    },
  });
}

// ---------------------------------------------------------------------------------------- notes, refunds

function orderAbove(site: Site, call: RestCall): Order {
  const order = findOrder(site, call.ids[0] ?? 0);
  return found(order, () => wooProblem('order_invalid_id', 'Invalid order ID.', 404));
}

export function listNotes(site: Site, call: RestCall): RestResult {
  const order = orderAbove(site, call);
  const type = asText(call.query['type'] ?? 'any');
  const kept = order.notes.filter((note) => type === 'any' || note.customerNote === (type === 'customer'));
  return { status: 200, body: kept.map((note) => noteView(site, order, note)) };
}

/** Not idempotent, and the order's `date_modified` stays. */
export function postNote(site: Site, call: RestCall): RestResult {
  const order = orderAbove(site, call);
  if (call.body['note'] === undefined) throw missingParam('note');
  validate(call.body, { note: 'string', customer_note: 'boolean', added_by_user: 'boolean' });
  const note = addNote(site, order, asText(call.body['note']), {
    author: asFlag(call.body['added_by_user']) ? 'admin' : 'WooCommerce',
    customerNote: asFlag(call.body['customer_note']),
  });
  return { status: 201, body: noteView(site, order, note) };
}

export function listRefunds(site: Site, call: RestCall): RestResult {
  const order = orderAbove(site, call);
  return pageOf(site, call, order.refunds, (refund) => refundView(site, order, refund));
}

export function getRefund(site: Site, call: RestCall): RestResult {
  const order = orderAbove(site, call);
  const known = order.refunds.find((candidate) => candidate.id === call.ids[1]);
  const refund = found(known, () => wooProblem('shop_order_refund_invalid_id', 'Invalid ID.', 404));
  return { status: 200, body: refundView(site, order, refund) };
}

/** Restocks unless `api_restock` is false; an amount too large is a 500 that must not be retried (WOO-O.5). */
export function postRefund(site: Site, call: RestCall): RestResult {
  const order = orderAbove(site, call);
  const { body } = call;
  const lines = asList(body['line_items']).flatMap((value) => {
    const entry = asFields(value);
    const line = order.lines.find((candidate) => candidate.id === intval(entry['id']));
    if (line === undefined) return [];
    return [{ line, quantity: intval(entry['quantity']), total: Number(entry['refund_total'] ?? 0) || 0 }];
  });
  const refund = refundOrder(site, order, {
    amount: body['amount'] === undefined ? null : Number(asText(body['amount'])),
    reason: asText(body['reason']),
    lines,
    restock: body['api_restock'] === undefined || asFlag(body['api_restock']),
  });
  return { status: 201, body: refundView(site, order, refund) };
}
