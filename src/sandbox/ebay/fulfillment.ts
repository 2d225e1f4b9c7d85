import { indexedAt } from '../kit/orders.ts';
import type { ShopAnswer } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { scope } from './auth.ts';
import { bounded, errorsOf, ok, type RestCall, type Route, routesUnder } from './call.ts';
import { orderView } from './order-view.ts';
import type { Order, State } from './state.ts';

const { problem } = errorsOf('API_FULFILLMENT');
const scopes = [scope('sell.fulfillment'), scope('sell.fulfillment.readonly')];
const needs = { family: 'fulfillment', token: 'user', scopes } as const;
const dayMs = 86_400_000;
const historyMs = 2 * 365 * dayMs;
const defaultWindowMs = 90 * dayMs;
const idForm = /^\d{2}-\d{5}-\d{5}$/;

/** Routes of the Fulfillment API (EBAY-6). */
export function fulfillmentRoutes(state: State, url: () => string): Route[] {
  const at = routesUnder({ state, url }, '/sell/fulfillment/v1/order');
  return [at('GET /#', needs, getOrder), at('GET ', needs, listOrders)];
}

interface Context {
  state: State;
  url(): string;
}

function getOrder({ state }: Context, { params: [id = ''] }: RestCall): ShopAnswer {
  const order = found(state, id);
  if (order !== undefined) return ok(orderView(state, order, true));
  throw problem(404, 32100, `Invalid order ID: ${id}.`);
}

/** Ids of orders that were combined lead nowhere for callers. */
function found({ orders, ordersById }: State, id: string): Order | undefined {
  const order = ordersById.get(id);
  const leads = order?.orderId === id && order.state === 'placed' && orders.includes(order);
  return leads ? order : undefined;
}

function listOrders(context: Context, call: RestCall): ShopAnswer {
  const { state } = context;
  const ids = call.query.get('orderIds');
  if (ids !== null) {
    const orders = byIds(ids).flatMap((id) => found(state, id) ?? []);
    return pageOf(context, call, { orders, limit: 50, offset: 0 });
  }
  const whole = (name: string, errorId: number, [fallback, low, high]: [number, number, number]) =>
    bounded(call, [name, fallback, low, high], (message, parameters) =>
      problem(400, errorId, message, parameters),
    );
  const limit = whole('limit', 30820, [50, 1, 200]);
  const offset = whole('offset', 30830, [0, 0, 1_000_000]);
  return pageOf(context, call, { orders: searched(state, call.query.get('filter') ?? ''), limit, offset });
}

function byIds(text: string): string[] {
  const ids = text.split(',').map((id) => id.trim());
  if (ids.length > 50) throw problem(400, 30810, 'Up to 50 order IDs are allowed.');
  const wrong = ids.find((id) => !idForm.test(id));
  if (wrong !== undefined) throw problem(400, 30800, `Invalid order ID format: ${wrong}.`);
  return [...new Set(ids)];
}

function pageOf(
  { state, url }: Context,
  { query: asked, path }: RestCall,
  { orders, limit, offset }: { orders: Order[]; limit: number; offset: number },
): ShopAnswer {
  const at = (start: number) => {
    const query = new URLSearchParams(asked);
    query.set('limit', String(limit));
    query.set('offset', String(start));
    return `${url()}${path}?${query}`;
  };
  // EBAY-6: the offset counts orders here.
  const page = orders.slice(offset, offset + limit);
  return ok({
    href: at(offset),
    total: orders.length,
    ...(offset + limit < orders.length ? { next: at(offset + limit) } : {}),
    ...(offset > 0 ? { prev: at(Math.max(0, offset - limit)) } : {}),
    limit,
    offset,
    orders: page.map((order) => orderView(state, order, false)),
  });
}

/**
 * The index, newest order first. A set that moves while somebody pages: a new or changed order enters it in front of
 * others and pushes them over page borders.
 */
function searched(state: State, filter: string): Order[] {
  const now = state.now();
  const windowStart = now - platformMs(defaultWindowMs, state.timeScale);
  const oldest = now - platformMs(historyMs, state.timeScale);
  const filters = filtersIn(filter);
  const created = filters.get('creationdate');
  // EBAY-6: with both dates only the creation date counts.
  const modified = created === undefined ? filters.get('lastmodifieddate') : undefined;
  const range = modified === undefined ? rangeOf(created, now, windowStart) : rangeOf(modified, now, oldest);
  const wanted = filters
    .get('orderfulfillmentstatus')
    ?.replace(/^\{|\}$/g, '')
    .split('|');
  return state.orders
    .filter((order) => {
      const changed = indexedAt(order, now);
      if (order.state !== 'placed' || changed === null || order.placedAt < oldest) return false;
      const at = modified === undefined ? order.placedAt : changed;
      if (at < range.from || at > range.to) return false;
      return wanted === undefined || wanted.includes(order.shippedAt === null ? 'NOT_STARTED' : 'FULFILLED');
    })
    .sort((a, b) => b.placedAt - a.placedAt || (a.orderId < b.orderId ? 1 : -1));
}

const known = ['creationdate', 'lastmodifieddate', 'orderfulfillmentstatus'];

function filtersIn(text: string): Map<string, string> {
  const filters = new Map<string, string>();
  const rest = text.replace(/(\w+):(\[[^\]]*\]|\{[^}]*\})/g, (_, name: string, value: string) => {
    filters.set(name.toLowerCase(), value);
    return '';
  });
  const strange = [...filters.keys()].find((name) => !known.includes(name));
  if (strange !== undefined || rest.replace(/[,\s]/g, '') !== '') {
    throw problem(400, 30840, 'Invalid filter.', { filter: text });
  }
  return filters;
}

function rangeOf(text: string | undefined, now: number, fallback: number): { from: number; to: number } {
  if (text === undefined) return { from: fallback, to: now };
  const parts = /^\[([^\].]*(?:\.\d+Z)?)\.\.([^\]]*)\]$/.exec(text);
  const [, start = '', end = ''] = parts ?? [];
  const from = dateIn(start);
  const to = end === '' ? Number.POSITIVE_INFINITY : dateIn(end);
  if (parts === null || Number.isNaN(from) || Number.isNaN(to) || from > to) {
    throw problem(400, 30840, 'Invalid date range.', { range: text });
  }
  if (end !== '' && to > now) {
    throw problem(400, 30850, 'The end date cannot be in the future.', { date: end });
  }
  return { from, to };
}

function dateIn(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
}
