import { platformMs } from '../kit/time.ts';
import { scope } from './auth.ts';
import type { RestCall, RestResult, Route } from './call.ts';
import { orderView } from './order-view.ts';
import { badRequest, RestProblem } from './problem.ts';
import type { Order, State } from './state.ts';

const domain = 'API_FULFILLMENT';
const readers = [scope('sell.fulfillment'), scope('sell.fulfillment.readonly')];
const dayMs = 86_400_000;
const historyMs = 2 * 365 * dayMs;
const defaultWindowMs = 90 * dayMs;
const idForm = /^\d{2}-\d{5}-\d{5}$/;

/** Routes of the Fulfillment API (EBAY-6). */
export function fulfillmentRoutes(state: State, url: () => string): Route[] {
  const found = (id: string): Order | undefined => {
    const order = state.ordersById.get(id);
    // Ids of orders that were combined lead nowhere for callers.
    return order?.orderId === id && order.state === 'placed' && state.orders.includes(order)
      ? order
      : undefined;
  };
  const base = { family: 'fulfillment', scopes: readers, token: 'user' } as const;
  return [
    {
      ...base,
      method: 'GET',
      pattern: /^\/sell\/fulfillment\/v1\/order\/([^/]+)$/,
      run(call) {
        const order = found(call.params[0] ?? '');
        if (order !== undefined) return { status: 200, body: orderView(state, order, true) };
        throw new RestProblem(404, badRequest(domain, 32100, `Invalid order ID: ${call.params[0]}.`));
      },
    },
    {
      ...base,
      method: 'GET',
      pattern: /^\/sell\/fulfillment\/v1\/order$/,
      run: (call) => listOrders({ state, url, found }, call),
    },
  ];
}

interface Context {
  state: State;
  url(): string;
  found(id: string): Order | undefined;
}

function listOrders({ state, url, found }: Context, call: RestCall): RestResult {
  const ids = call.query.get('orderIds');
  if (ids !== null) {
    const orders = byIds(ids).flatMap((id) => found(id) ?? []);
    return { status: 200, body: pageOf(url(), call, orders, { limit: 50, offset: 0 }, state) };
  }
  const limit = bounded(call, 'limit', { fallback: 50, low: 1, high: 200, errorId: 30820 });
  const offset = bounded(call, 'offset', { fallback: 0, low: 0, high: 1_000_000, errorId: 30830 });
  const orders = searched(state, call.query.get('filter') ?? '');
  return { status: 200, body: pageOf(url(), call, orders, { limit, offset }, state) };
}

function byIds(text: string): string[] {
  const ids = text.split(',').map((id) => id.trim());
  if (ids.length > 50)
    throw new RestProblem(400, badRequest(domain, 30810, 'Up to 50 order IDs are allowed.'));
  const wrong = ids.find((id) => !idForm.test(id));
  if (wrong !== undefined) {
    throw new RestProblem(400, badRequest(domain, 30800, `Invalid order ID format: ${wrong}.`));
  }
  return [...new Set(ids)];
}

function pageOf(
  url: string,
  call: RestCall,
  orders: Order[],
  { limit, offset }: { limit: number; offset: number },
  state: State,
): Record<string, unknown> {
  const at = (start: number) => {
    const query = new URLSearchParams(call.query);
    query.set('limit', String(limit));
    query.set('offset', String(start));
    return `${url}${call.path}?${query}`;
  };
  // EBAY-6: the offset counts orders here.
  const page = orders.slice(offset, offset + limit);
  return {
    href: at(offset),
    total: orders.length,
    ...(offset + limit < orders.length ? { next: at(offset + limit) } : {}),
    ...(offset > 0 ? { prev: at(Math.max(0, offset - limit)) } : {}),
    limit,
    offset,
    orders: page.map((order) => orderView(state, order, false)),
  };
}

function bounded(
  call: RestCall,
  name: string,
  { fallback, low, high, errorId }: { fallback: number; low: number; high: number; errorId: number },
): number {
  const text = call.query.get(name);
  const value = text === null ? fallback : Number(text);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new RestProblem(400, badRequest(domain, errorId, `Invalid ${name}.`, { [name]: text ?? '' }));
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
  const from = modified === undefined ? rangeOf(created, now, windowStart) : null;
  const changed = modified === undefined ? null : rangeOf(modified, now, oldest);
  const wanted = filters
    .get('orderfulfillmentstatus')
    ?.replace(/^\{|\}$/g, '')
    .split('|');
  return state.orders
    .filter((order) => {
      if (order.state !== 'placed' || order.listedFrom > now || order.createdAt < oldest) return false;
      const shown = order.indexed.findLast(({ visibleAt }) => visibleAt <= now);
      if (from !== null && !within(order.createdAt, from)) return false;
      if (changed !== null && !within(shown?.modifiedAt ?? order.createdAt, changed)) return false;
      return wanted === undefined || wanted.includes(order.shippedAt === null ? 'NOT_STARTED' : 'FULFILLED');
    })
    .sort((a, b) => b.createdAt - a.createdAt || (a.orderId < b.orderId ? 1 : -1));
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
    throw new RestProblem(400, badRequest(domain, 30840, 'Invalid filter.', { filter: text }));
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
    throw new RestProblem(400, badRequest(domain, 30840, 'Invalid date range.', { range: text }));
  }
  if (end !== '' && to > now) {
    throw new RestProblem(
      400,
      badRequest(domain, 30850, 'The end date cannot be in the future.', { date: end }),
    );
  }
  return { from, to };
}

function dateIn(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
}

function within(at: number, { from, to }: { from: number; to: number }): boolean {
  return at >= from && at <= to;
}
