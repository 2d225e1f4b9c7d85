import type { Random } from '../kit/random.ts';
import { listOf, tableOf, textOf } from '../kit/untyped.ts';
import type { Call, Result, Route } from './call.ts';
import { type Filter, filterIn } from './filter.ts';
import { momentIn } from './moment.ts';
import type { Orders } from './orders.ts';
import { Problem } from './problem.ts';
import type { Return, Shipment, Site } from './site.ts';
import { returnView, shipmentView } from './views.ts';

/** Shipments, returns and the test orders of the sandbox (FK-5, FK-8, FK-9; last verified 2026-11). */

interface Context {
  site: Site;
  orders: Orders;
  random: Random;
  /** Pages to come, by token: bound to their filter. */
  pages: Map<string, { filter: Filter; after: Shipment; key: number }>;
  returnPages: Map<string, { rows: Return[]; from: number }>;
}

const mostIds = 100;
const mostReturnIds = 25;
const mostCancels = 25;
const returnPage = 20;
const pagesKept = 2_000;

/** Routes of the order calls. */
export function shipmentRoutes(deps: Pick<Context, 'site' | 'orders' | 'random'>): Route[] {
  const context: Context = { ...deps, pages: new Map(), returnPages: new Map() };
  const route = (method: Route['method'], path: string, run: (call: Call) => Result): Route => ({
    method,
    family: 'orders',
    pattern: new RegExp(`^/sellers${path}$`),
    run,
  });
  return [
    // The URL is published with and without the slash at its end.
    route('POST', '/v3/shipments/filter/?', (call) => begin(context, call)),
    route('GET', '/v3/shipments/filter/?', (call) => proceed(context, call)),
    { ...route('POST', '/v3/shipments/cancel', (call) => cancel(context, call)), writes: true },
    route('GET', '/v3/shipments/?', (call) => lookUp(context, call)),
    route('GET', '/v3/shipments/([^/]+)', (call) => byId(context, call)),
    route('GET', '/v2/returns', (call) => listReturns(context, call)),
    { ...route('POST', '/orders/sandbox/test_orders', (call) => testOrder(context, call)), writes: true },
  ];
}

// ------------------------------------------------------------------------------------------------ the filter

function begin(context: Context, call: Call): Result {
  return pageOf(context, filterIn(context.site, call.body), null);
}

function proceed(context: Context, call: Call): Result {
  const page = context.pages.get(call.query.get('next_token') ?? '');
  if (page === undefined || [...call.query.keys()].length !== 1)
    throw new Problem(400, 'next_token is invalid; nextPageUrl must be called as it is');
  return pageOf(context, page.filter, page);
}

/** A page goes on behind the last shipment of the one before, whatever has left or joined the list meanwhile. */
function pageOf(context: Context, filter: Filter, after: { after: Shipment; key: number } | null): Result {
  const { site, pages, random } = context;
  const sign = filter.ascending ? 1 : -1;
  const order = (a: [number, number], b: [number, number]) => sign * (a[0] - b[0] || a[1] - b[1]);
  const rows = [...site.shipments.values()]
    .filter(filter.fits)
    .map((shipment) => ({ shipment, at: [filter.key(shipment), shipment.number] as [number, number] }))
    .filter(({ at }) => after === null || order(at, [after.key, after.after.number]) > 0)
    .sort((a, b) => order(a.at, b.at));
  const shown = rows.slice(0, filter.pageSize);
  const last = shown.at(-1);
  const more = rows.length > shown.length && last !== undefined;
  let nextPageUrl = '';
  if (more) {
    const token = random.hex(32);
    const [oldest] = pages.keys();
    if (pages.size >= pagesKept && oldest !== undefined) pages.delete(oldest);
    pages.set(token, { filter, after: last.shipment, key: last.at[0] });
    nextPageUrl = `/v3/shipments/filter?next_token=${token}`;
  }
  const shipments = shown.map(({ shipment }) => shipmentView(site, shipment));
  return { status: 200, body: { hasMore: more, nextPageUrl, shipments } };
}

// ------------------------------------------------------------------------------------------------ by their ids

/** Ids that nobody knows are left out. */
function byId({ site }: Context, call: Call): Result {
  const ids = idsIn(call.params[0] ?? '', mostIds);
  const found = ids.flatMap((id) => site.shipments.get(id) ?? []);
  return { status: 200, body: { shipments: found.map((shipment) => shipmentView(site, shipment)) } };
}

function lookUp({ site }: Context, call: Call): Result {
  const tests: Record<string, (shipment: Shipment, ids: string[]) => boolean> = {
    shipmentIds: (shipment, ids) => ids.includes(shipment.id),
    orderItemIds: (shipment, ids) => shipment.items.some(({ id }) => ids.includes(id)),
    orderIds: (shipment, ids) => ids.includes(shipment.orderId),
  };
  const [[name, text] = ['', ''], ...rest] = [...call.query];
  const test = tests[name];
  if (test === undefined || rest.length > 0)
    throw new Problem(400, 'one of shipmentIds, orderItemIds, orderIds is needed');
  const ids = idsIn(text, mostIds);
  const found = [...site.shipments.values()].filter((shipment) => test(shipment, ids));
  return { status: 200, body: { shipments: found.map((shipment) => shipmentView(site, shipment)) } };
}

function idsIn(text: string, most: number): string[] {
  const ids = [...new Set(text.split(',').filter((id) => id !== ''))];
  if (ids.length === 0 || ids.length > most) throw new Problem(400, `between 1 and ${most} ids are allowed`);
  return ids;
}

// ------------------------------------------------------------------------------------------------- cancelling

/** By the seller, before the shipment is packed (FK-8). Rows fail on their own. */
function cancel({ orders, site }: Context, call: Call): Result {
  const rows = listOf(tableOf(call.body)['shipments']);
  if (rows.length === 0 || rows.length > mostCancels)
    throw new Problem(400, `between 1 and ${mostCancels} shipments are allowed`);
  const answers = rows.map((entry) => {
    const row = tableOf(entry);
    const shipmentId = textOf(row['shipmentId']);
    const shipment = site.shipments.get(shipmentId);
    const fail = (errorCode: string, errorMessage: string) => ({
      shipmentId,
      status: 'FAILURE',
      errorCode,
      errorMessage,
    });
    if (shipment === undefined) return fail('SHIPMENT_NOT_FOUND', 'the shipment does not exist');
    if (row['locationId'] !== shipment.location)
      return fail('LOCATION_MISMATCH', 'the shipment is not at this location');
    if (textOf(row['reason']) === '') return fail('INVALID_REASON', 'a reason is needed');
    const groups = row['cancellationGroupIds'];
    const items = shipment.items.filter(
      ({ groupId }) => groups === undefined || listOf(groups).includes(groupId),
    );
    if (items.length === 0) return fail('INVALID_GROUP', 'no such cancellation group in the shipment');
    if (items.every(({ cancelled }) => cancelled !== null))
      return fail('ALREADY_CANCELLED', 'the shipment is cancelled already');
    if (!['APPROVED', 'PACKING_IN_PROGRESS', 'FORM_FAILED'].includes(shipment.stage))
      return fail('INVALID_STATE', 'the shipment is packed already');
    orders.cancelItems(shipment, items, {
      by: 'sellerCancellation',
      reason: 'seller_cancellation',
      subReason: textOf(row['reason']),
    });
    return { shipmentId, status: 'SUCCESS', errorCode: '', errorMessage: '' };
  });
  return { status: 200, body: { shipments: answers } };
}

// ---------------------------------------------------------------------------------------------------- returns

/** The second version of the API beside the third of everything else. One source at a time. */
function listReturns(context: Context, call: Call): Result {
  const token = call.query.get('next_token');
  if (token !== null) {
    const page = context.returnPages.get(token);
    if (page === undefined) throw new Problem(400, 'next_token is invalid');
    return returnsFrom(context, page.rows, page.from);
  }
  const { query } = call;
  const ids = query.get('returnIds');
  const tracking = query.get('trackingIds');
  const source = query.get('source');
  if (ids === null && tracking === null && source !== 'courier_return' && source !== 'customer_return')
    throw new Problem(400, 'source must be courier_return or customer_return');
  const tests: ((one: Return) => boolean)[] = [];
  if (ids !== null) {
    const wanted = idsIn(ids, mostReturnIds);
    tests.push(({ id }) => wanted.includes(id));
  }
  if (tracking !== null) {
    const wanted = idsIn(tracking, mostReturnIds);
    tests.push(({ trackingId }) => wanted.includes(trackingId));
  }
  if (source !== null) tests.push((one) => one.source === source);
  const location = query.get('locationId');
  if (location !== null) tests.push(({ shipment }) => shipment.location === location);
  const bound = (name: string, fits: (one: Return, at: number) => boolean) => {
    const text = query.get(name);
    if (text === null) return;
    const at = momentIn(text);
    if (at === null) throw new Problem(400, `${name} must be a date-time with an offset`);
    tests.push((one) => fits(one, at));
  };
  const second = (ms: number) => Math.floor(ms / 1000) * 1000;
  bound('createdAfter', (one, at) => second(one.createdAt) >= at);
  bound('createdBefore', (one, at) => second(one.createdAt) <= at);
  bound('modifiedAfter', (one, at) => second(one.updatedAt) >= at);
  bound('modifiedBefore', (one, at) => second(one.updatedAt) <= at);
  const rows = [...context.site.returns.values()].filter((one) => tests.every((test) => test(one)));
  return returnsFrom(context, rows, 0);
}

function returnsFrom({ returnPages, random }: Context, rows: Return[], from: number): Result {
  const more = from + returnPage < rows.length;
  let nextUrl = '';
  if (more) {
    const token = random.hex(32);
    returnPages.set(token, { rows, from: from + returnPage });
    nextUrl = `/v2/returns?next_token=${token}`;
  }
  const returnItems = rows.slice(from, from + returnPage).map(returnView);
  return { status: 200, body: { hasMore: more, nextUrl, returnItems } };
}

// ------------------------------------------------------------------------------------------------- test orders

/** The platform's own sandbox call: sells whatever is there or not (FK-9). A sub-item is a gift with the item. */
function testOrder({ site, orders }: Context, call: Call): Result {
  const body = tableOf(call.body);
  const location = textOf(body['locationId']);
  const type = textOf(body['shipmentType']);
  if (!site.locations.includes(location)) throw new Problem(400, 'locationId is unknown');
  if (!['EXPRESS', 'NORMAL', 'SELF'].includes(type)) throw new Problem(400, 'shipmentType is unknown');
  const named = (value: unknown) => {
    const id = textOf(tableOf(value)['listingId']);
    const listing = [...site.listings.values()].find(({ listingId }) => listingId === id);
    if (listing === undefined) throw new Problem(400, `listingId ${id} is unknown`);
    return listing;
  };
  const wishes = listOf(body['orderItems']).flatMap((entry) => {
    const { quantity, subItem } = tableOf(entry);
    if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1)
      throw new Problem(400, 'quantity must be a positive integer');
    const groupId = site.ids.group();
    const main = { listing: named(entry), quantity, location, groupId };
    return subItem === undefined || subItem === null ? [main] : [main, { ...main, listing: named(subItem) }];
  });
  if (wishes.length === 0) throw new Problem(400, 'orderItems must not be empty');
  const shipments = orders.place(wishes, type);
  const orderItems = shipments.flatMap(({ items }) =>
    items.map(({ id, listing, quantity }) => ({ orderItemId: id, listingId: listing.listingId, quantity })),
  );
  return { status: 200, body: { orderId: shipments[0]?.orderId, orderItems } };
}
