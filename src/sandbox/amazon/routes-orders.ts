import { platformMs } from '../kit/time.ts';
import { found } from '../kit/untyped.ts';
import { type Call, type Handler, json, type Query, wholeSecond, writeToken } from './call.ts';
import { oldStatus, orderView, v0ItemView, v0View } from './order-views.ts';
import { invalidInput, invalidValue, Problem } from './problem.ts';
import type { Order, Site } from './site.ts';

/** Orders 2026-01-01 and Orders v0 (AMZ-6.1, AMZ-6.2, last verified 2026-11). */

const statuses = [
  'PENDING_AVAILABILITY',
  'PENDING',
  'UNSHIPPED',
  'PARTIALLY_SHIPPED',
  'SHIPPED',
  'CANCELLED',
  'UNFULFILLABLE',
];
const oldStatuses = [
  'PendingAvailability',
  'Pending',
  'Unshipped',
  'PartiallyShipped',
  'Shipped',
  'Canceled',
  'Unfulfillable',
  'InvoiceUnconfirmed',
];
const dataSets = [
  'BUYER',
  'RECIPIENT',
  'PROCEEDS',
  'EXPENSE',
  'PROMOTION',
  'CANCELLATION',
  'FULFILLMENT',
  'PACKAGES',
  'TAX',
  'PAYMENT',
  'FULFILLMENT_ORDERS',
];
const orderIdPattern = /^\d{3}-\d{7}-\d{7}$/;

export function orderRoutes(site: Site) {
  const orderOf = (call: Call): Order => {
    const id = call.params[0] ?? '';
    if (!orderIdPattern.test(id)) throw new Problem(400, 'InvalidInput', 'Invalid Input', null);
    return found(site.orders.get(id), () => new Problem(404, 'NotFound', `Order ${id} not found.`, null));
  };

  return {
    search: (call) => search(site, call),
    get(call) {
      const included = call.query.chosen('includedData', dataSets);
      return json(200, { order: orderView(orderOf(call), included) });
    },
    searchV0: (call) => searchV0(site, call),
    getV0: (call) => json(200, { payload: v0View(orderOf(call)) }),
    itemsV0(call) {
      const order = orderOf(call);
      const OrderItems = order.lines.map((line) => v0ItemView(order, line));
      return json(200, { payload: { AmazonOrderId: order.id, OrderItems } });
    },
  } satisfies Record<string, Handler>;
}

/** The span that a search walks, fixed with its first page. */
interface Walk {
  by: 'created' | 'updated';
  after: number;
  before: number;
  /** Where the page before ended: time and id of its last order. */
  last: [number, string] | null;
}

const timeIn = (order: Order, by: Walk['by']) =>
  Math.floor((by === 'created' ? order.placedAt : order.updatedAt) / 1000) * 1000;

/** A page, oldest first, and the walk that goes on after it. Whoever changes meanwhile falls out of the span. */
function pageOf(
  site: Site,
  walk: Walk,
  size: number,
  keep: (order: Order) => boolean,
): { orders: Order[]; next: Walk | null } {
  const now = site.now();
  const key = (order: Order): [number, string] => [timeIn(order, walk.by), order.id];
  const beyond = ([at, id]: [number, string]) =>
    walk.last === null || at > walk.last[0] || (at === walk.last[0] && id > walk.last[1]);
  const rest = [...site.orders.values()]
    .filter((order) => {
      const [at] = key(order);
      return at >= walk.after && at <= walk.before && order.searchableAt <= now && keep(order);
    })
    .filter((order) => beyond(key(order)))
    .sort((a, b) => key(a)[0] - key(b)[0] || (a.id < b.id ? -1 : 1));
  const orders = rest.slice(0, size);
  const final = orders.at(-1);
  const more = final !== undefined && rest.length > orders.length;
  return { orders, next: more ? { ...walk, last: key(final) } : null };
}

/** The newest API writes its names in camel case, the old one in Pascal case. */
type Spelling = (name: string) => string;
const asIs: Spelling = (name) => name;
const pascal: Spelling = (name) => name.charAt(0).toUpperCase() + name.slice(1);

function walkOf(site: Site, query: Query, spell: Spelling): Walk {
  const [createdAfter, createdBefore] = [spell('createdAfter'), spell('createdBefore')];
  const [updatedAfter, updatedBefore] = [spell('lastUpdatedAfter'), spell('lastUpdatedBefore')];
  const created = query.time(createdAfter);
  const updated = query.time(updatedAfter);
  const strict = site.now() - platformMs(site.unsearchableMs, site.timeScale);
  if ((created === null) === (updated === null)) {
    throw invalidInput(
      `Exactly one of '${createdAfter}' and '${updatedAfter}' must be provided.`,
      'Dates were not provided',
    );
  }
  const by = created === null ? 'updated' : 'created';
  const [own, other] = by === 'created' ? [createdBefore, updatedBefore] : [updatedBefore, createdBefore];
  if (query.get(other) !== null) throw invalidInput(`'${other}' cannot be used here.`);
  const after = created ?? updated ?? 0;
  const before = query.time(own);
  if (before !== null && before > strict) {
    throw invalidInput(`'${own}' must be no later than 2 minutes before the time of the request.`, own);
  }
  if (before !== null && before < after) throw invalidInput(`'${own}' must not be before the start.`, own);
  return { by, after, before: before ?? strict, last: null };
}

/** Null: the search begins. */
function walkIn(query: Query, name: string): Walk | null {
  const token = query.token(name);
  if (token === null) return null;
  const { by, after, before, last } = token;
  const [at, id] = Array.isArray(last) ? last : [];
  const isOurs = by === 'created' || by === 'updated';
  const isSpan = typeof after === 'number' && typeof before === 'number';
  if (!isOurs || !isSpan || typeof at !== 'number' || typeof id !== 'string') {
    throw invalidValue(name);
  }
  return { by, after, before, last: [at, id] };
}

const isAmong = (chosen: string[], value: string) => chosen.length === 0 || chosen.includes(value);

/** What both searches tell of a walk: where its page ends. */
const upTo = ({ by, before }: Walk, spell: Spelling) => ({
  [spell(by === 'created' ? 'createdBefore' : 'lastUpdatedBefore')]: wholeSecond(before),
});

function search(site: Site, { query }: Call) {
  const size = query.count('maxResultsPerPage', [1, 100], 100);
  const included = query.chosen('includedData', dataSets);
  const states = query.chosen('fulfillmentStatuses', statuses);
  const fulfilledBy = query.chosen('fulfilledBy', ['MERCHANT', 'AMAZON']);
  const places = query.marketplaces('marketplaceIds', 'all');
  const walk = walkIn(query, 'paginationToken') ?? walkOf(site, query, asIs);
  const { orders, next } = pageOf(
    site,
    walk,
    size,
    (order) =>
      places.includes(order.marketplaceId) &&
      isAmong(states, order.status) &&
      isAmong(fulfilledBy, order.fulfilledBy === 'AFN' ? 'AMAZON' : 'MERCHANT'),
  );
  return json(200, {
    orders: orders.map((order) => orderView(order, included)),
    ...(next === null ? {} : { pagination: { nextToken: writeToken(next) } }),
    ...upTo(walk, asIs),
  });
}

function searchV0(site: Site, { query }: Call) {
  const size = query.count('MaxResultsPerPage', [1, 100], 100);
  const states = query.chosen('OrderStatuses', oldStatuses);
  const channels = query.chosen('FulfillmentChannels', ['AFN', 'MFN']);
  const places = query.marketplaces('MarketplaceIds');
  const ids = query.list('AmazonOrderIds');
  const whole: Walk = { by: 'created', after: 0, before: site.now(), last: null };
  const walk = walkIn(query, 'NextToken') ?? (ids.length > 0 ? whole : walkOf(site, query, pascal));
  const { orders, next } = pageOf(
    site,
    walk,
    size,
    (order) =>
      places.includes(order.marketplaceId) &&
      isAmong(ids, order.id) &&
      isAmong(states, oldStatus(order)) &&
      isAmong(channels, order.fulfilledBy),
  );
  return json(200, {
    payload: {
      Orders: orders.map(v0View),
      ...(next === null ? {} : { NextToken: writeToken(next) }),
      ...upTo(walk, pascal),
    },
  });
}
