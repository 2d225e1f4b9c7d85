import type { Rate } from '../kit/buckets.ts';
import { indexedAt } from '../kit/orders.ts';
import { listOf, tableOf } from '../kit/untyped.ts';
import { type Call, idsIn, invalid, malformed, type Route, refused, route, timeIn, wordIn } from './call.ts';
import { cancellationView, orderView, returnView } from './order-view.ts';
import { heldUnits, type Orders } from './orders.ts';
import { pageOf } from './pages.ts';
import { type Case, orderStatuses, type State, seconds, type Unit } from './state.ts';

const idsAtOnce = 50;
const weekMs = 7 * 86_400_000;

/** Orders, cancellations and returns (TTS-5). */
export function orderRoutes(state: State, orders: Orders, rates: { read: Rate; write: Rate }): Route[] {
  const read = { scope: 'seller.order.info', rate: rates.read };
  const after = { scope: 'seller.return_refund.basic', rate: rates.read };
  const change = { ...after, rate: rates.write };
  const cases = '/return_refund/202309';
  return [
    route('POST /order/202309/orders/search', read, (call) => searchOrders(state, call)),
    route('GET /order/202309,202507/orders', read, (call) => getOrders(state, call)),
    route(`POST ${cases}/cancellations/search`, after, (call) => searchCancellations(state, call)),
    route(`POST ${cases}/returns/search`, after, (call) => searchReturns(state, call)),
    route(`POST ${cases}/cancellations`, change, (call) => cancelOrder(orders, state, call)),
  ];
}

function getOrders({ orders }: State, { query }: Call): Record<string, unknown> {
  const ids = (query.get('ids') ?? '').split(',').filter((id) => id !== '');
  if (ids.length === 0) throw invalid(`Missing 'ids' query parameter.`);
  if (ids.length > idsAtOnce) throw invalid(`Invalid 'ids' query parameter: at most ${idsAtOnce}.`);
  if (ids.some((id) => !/^\d{1,20}$/.test(id))) throw invalid(`Invalid 'ids' query parameter.`);
  return { orders: [...new Set(ids)].flatMap((id) => orders.get(id) ?? []).map(orderView) };
}

function searchOrders(state: State, call: Call): Record<string, unknown> {
  const { query, body } = call;
  const field = query.get('sort_field') ?? 'create_time';
  const direction = query.get('sort_order') ?? 'DESC';
  if (field !== 'create_time' && field !== 'update_time') throw invalid(`Invalid 'sort_field'.`);
  if (direction !== 'ASC' && direction !== 'DESC') throw invalid(`Invalid 'sort_order'.`);
  const filters = {
    field,
    direction,
    status: wordIn(body, 'order_status', orderStatuses),
    shipping: wordIn(body, 'shipping_type', ['TIKTOK', 'SELLER']),
    updatedFrom: timeIn(body, 'update_time_ge'),
    updatedBefore: timeIn(body, 'update_time_lt'),
    createdFrom: timeIn(body, 'create_time_ge'),
    createdBefore: timeIn(body, 'create_time_lt'),
    asks: body['is_buyer_request_cancel'] ?? null,
  };
  const { updatedFrom, updatedBefore } = filters;
  const windowMs = updatedFrom === null ? Infinity : (updatedBefore ?? Infinity) - updatedFrom;
  if (windowMs > weekMs && state.faults.armed().includes('week_windows')) {
    throw invalid(`Invalid 'update_time_ge' and 'update_time_lt': at most seven days.`);
  }
  const now = state.now();
  const rows = [...state.orders.values()].flatMap((order) => {
    const indexed = indexedAt(order, now);
    if (indexed === null) return [];
    const at = { updated: seconds(indexed), created: seconds(order.placedAt) };
    const fits =
      within(at.updated, filters.updatedFrom, filters.updatedBefore) &&
      within(at.created, filters.createdFrom, filters.createdBefore) &&
      (filters.status === null || filters.status === order.status) &&
      filters.shipping !== 'SELLER' &&
      (typeof filters.asks !== 'boolean' || filters.asks === order.asksToCancel);
    return fits ? [{ row: order, at: field === 'update_time' ? at.updated : at.created, id: order.id }] : [];
  });
  const by = state.faults.armed().includes('shifting_pages') ? 'offset' : 'key';
  const descending = direction === 'DESC';
  const page = pageOf(call, rows, { size: [100, 20], filters, by, descending });
  return {
    orders: page.rows.map(orderView),
    total_count: rows.length,
    next_page_token: page.next,
  };
}

/** Half-open, in whole seconds (TTS-5.1). */
function within(at: number, fromMs: number | null, beforeMs: number | null): boolean {
  if (fromMs !== null && at < seconds(fromMs)) return false;
  return beforeMs === null || at < seconds(beforeMs);
}

/** One page of cancellations or returns that fit, oldest first unless asked otherwise (TTS-5.4). */
function searchCases<Row extends Case>(
  call: Call,
  rows: readonly Row[],
  fits: (row: Row) => boolean,
): { rows: Row[]; next: string; total: number } {
  const { query, body } = call;
  const descending = query.get('sort_order') === 'DESC';
  const [fromMs, beforeMs] = [timeIn(body, 'update_time_ge'), timeIn(body, 'update_time_lt')];
  const orderIds = idsIn(body, 'order_ids', 50);
  const fitting = rows
    .filter((row) => orderIds === null || orderIds.includes(row.order.id))
    .filter((row) => within(seconds(row.updatedAt), fromMs, beforeMs) && fits(row))
    .map((row) => ({ row, at: seconds(row.updatedAt), id: row.id }));
  const filters = { body, descending };
  const page = pageOf(call, fitting, { size: [50, 10], filters, by: 'key', descending });
  return { ...page, total: fitting.length };
}

function searchCancellations(state: State, call: Call): Record<string, unknown> {
  const { body } = call;
  const ids = idsIn(body, 'cancel_ids', 50);
  const types = listOf(body['cancel_types']);
  // TTS-2.2: the filter knows the withdrawn ones under another name than the deliveries.
  const wanted = listOf(body['cancel_status']).map((status) =>
    status === 'CANCELLATION_REQUEST_CANCEL' ? 'CANCELLATION_REQUEST_CANCELLED' : status,
  );
  const { rows, next, total } = searchCases(
    call,
    state.cancellations,
    (one) =>
      (ids === null || ids.includes(one.id)) &&
      (types.length === 0 || types.includes(one.type)) &&
      (wanted.length === 0 || wanted.includes(one.status)),
  );
  return { cancellations: rows.map(cancellationView), next_page_token: next, total_count: total };
}

function searchReturns(state: State, call: Call): Record<string, unknown> {
  const ids = idsIn(call.body, 'return_ids', 50);
  const { rows, next, total } = searchCases(
    call,
    state.returns,
    (one) => ids === null || ids.includes(one.id),
  );
  return { return_orders: rows.map(returnView), next_page_token: next, total_count: total };
}

/**
 * The seller calls an order off (TTS-8). The facts name only the path: the fields of the body, of the answer and
 * the codes of refusals (25001xxx) are from memory and not verified.
 */
function cancelOrder(orders: Orders, state: State, { body }: Call): Record<string, unknown> {
  const id = body['order_id'];
  if (typeof id !== 'string') throw malformed('order_id');
  if (typeof body['cancel_reason'] !== 'string' || body['cancel_reason'] === '')
    throw malformed('cancel_reason');
  const order = state.orders.get(id);
  if (order === undefined) throw refused(25001001, 'The order does not exist.');
  const held = heldUnits(order);
  if (order.status === 'CANCELLED') throw refused(25001002, 'The order was cancelled already.');
  if (held.length === 0) throw refused(25001003, 'The order cannot be cancelled: it has been shipped.');
  const wish = { units: wantedUnits(held, body), role: 'SELLER', reason: body['cancel_reason'] } as const;
  const cancellation = orders.cancel(order, wish);
  if (cancellation === null) throw refused(25001004, 'None of these items can be cancelled.');
  return { cancel_id: cancellation.id, cancel_status: cancellation.status };
}

function wantedUnits(held: Unit[], body: Record<string, unknown>): Unit[] {
  const lineIds = listOf(body['order_line_item_ids']);
  if (lineIds.length > 0) return held.filter((unit) => lineIds.includes(unit.id));
  const skus = listOf(body['skus']).map(tableOf);
  if (skus.length === 0) return held;
  return skus.flatMap((row) => {
    const own = held.filter((unit) => unit.sku.id === row['sku_id']);
    return own.slice(-Number(row['quantity'] ?? own.length));
  });
}
