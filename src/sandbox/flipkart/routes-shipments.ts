import { jsonAnswer, type ShopAnswer } from '../kit/server.ts';
import { listOf, tableOf, textOf } from '../kit/untyped.ts';
import { bad, type Call, need, type Route } from './call.ts';
import { type Filter, filterIn } from './filter.ts';
import { momentIn, wholeSecond } from './moment.ts';
import type { Floor } from './notifier.ts';
import { bySeller, cancelItems, place } from './orders.ts';
import type { Return, Shipment, Site } from './site.ts';
import { returnView, shipmentView } from './views.ts';

/** Shipments, returns and the test orders of the sandbox (FK-5, FK-8, FK-9; last verified 2026-11). */

interface Context extends Floor {
  /** Pages to come, by the address that the page before told: bound to their filter. */
  pages: Map<string, () => ShopAnswer>;
}

const mostIds = 100;
const mostReturnIds = 25;
const mostCancels = 25;
const returnPage = 20;
const pagesKept = 2_000;

/** Routes of the order calls. */
export function shipmentRoutes(floor: Floor): Route[] {
  const context: Context = { ...floor, pages: new Map() };
  const route = (
    method: Route['method'],
    path: string,
    run: (context: Context, call: Call) => ShopAnswer,
  ): Route => ({
    method,
    family: 'orders',
    pattern: new RegExp(`^/sellers${path}$`),
    run: (call) => run(context, call),
  });
  return [
    // The URL is published with and without the slash at its end.
    route('POST', '/v3/shipments/filter/?', begin),
    route('GET', '/v3/shipments/filter/?', proceed),
    { ...route('POST', '/v3/shipments/cancel', cancel), writes: true },
    route('GET', '/v3/shipments/?', lookUp),
    route('GET', '/v3/shipments/([^/]+)', byId),
    route('GET', '/v2/returns', listReturns),
    { ...route('POST', '/orders/sandbox/test_orders', testOrder), writes: true },
  ];
}

// ------------------------------------------------------------------------------------------------ the filter

function begin(context: Context, call: Call): ShopAnswer {
  return pageOf(context, filterIn(context, call.body), null);
}

function proceed({ pages }: Context, { query }: Call): ShopAnswer {
  const page = pages.get(`/v3/shipments/filter?${query}`);
  return page?.() ?? bad('next_token is invalid; nextPageUrl must be called as it is');
}

/** The address of a page to come. */
function addressOf({ pages, chance }: Context, path: string, page: () => ShopAnswer): string {
  const url = `${path}?next_token=${chance.pages.hex(32)}`;
  const [oldest] = pages.keys();
  if (pages.size >= pagesKept && oldest !== undefined) pages.delete(oldest);
  pages.set(url, page);
  return url;
}

/** A page goes on behind the last shipment of the one before, whatever has left or joined the list meanwhile. */
function pageOf(context: Context, filter: Filter, after: [number, number] | null): ShopAnswer {
  const sign = filter.ascending ? 1 : -1;
  const order = (a: [number, number], b: [number, number]) => sign * (a[0] - b[0] || a[1] - b[1]);
  const at = (shipment: Shipment): [number, number] => [filter.key(shipment), shipment.number];
  const rows = [...context.shipments.values()]
    .filter((shipment) => filter.fits(shipment) && (after === null || order(at(shipment), after) > 0))
    .sort((a, b) => order(at(a), at(b)));
  const shown = rows.slice(0, filter.pageSize);
  const last = shown.at(-1);
  const hasMore = rows.length > shown.length && last !== undefined;
  const next = () => pageOf(context, filter, last === undefined ? null : at(last));
  const nextPageUrl = hasMore ? addressOf(context, '/v3/shipments/filter', next) : '';
  return shipments(context, shown, { hasMore, nextPageUrl });
}

function shipments(site: Site, rows: readonly Shipment[], fields: Record<string, unknown> = {}): ShopAnswer {
  return jsonAnswer(200, { ...fields, shipments: rows.map((shipment) => shipmentView(site, shipment)) });
}

// ------------------------------------------------------------------------------------------------ by their ids

/** Ids that nobody knows are left out. */
function byId(site: Context, call: Call): ShopAnswer {
  const ids = idsIn(call.params[0] ?? '', mostIds);
  return shipments(
    site,
    ids.flatMap((id) => site.shipments.get(id) ?? []),
  );
}

const lookUps: Record<string, (shipment: Shipment) => string[]> = {
  shipmentIds: ({ id }) => [id],
  orderItemIds: ({ items }) => items.map(({ id }) => id),
  orderIds: ({ orderId }) => [orderId],
};

function lookUp(site: Context, call: Call): ShopAnswer {
  const [[name, text] = ['', ''], ...rest] = [...call.query];
  const idsOf = lookUps[name];
  if (idsOf === undefined || rest.length > 0)
    return bad('one of shipmentIds, orderItemIds, orderIds is needed');
  const ids = new Set(idsIn(text, mostIds));
  const all = [...site.shipments.values()];
  return shipments(
    site,
    all.filter((shipment) => idsOf(shipment).some((id) => ids.has(id))),
  );
}

function idsIn(text: string, most: number): string[] {
  const ids = [...new Set(text.split(',').filter((id) => id !== ''))];
  need(ids.length > 0 && ids.length <= most, `between 1 and ${most} ids are allowed`);
  return ids;
}

// ------------------------------------------------------------------------------------------------- cancelling

/** By the seller, before the shipment is packed (FK-8). Rows fail on their own. */
function cancel(context: Context, call: Call): ShopAnswer {
  const rows = listOf(tableOf(call.body)['shipments']);
  const fits = rows.length > 0 && rows.length <= mostCancels;
  need(fits, `between 1 and ${mostCancels} shipments are allowed`);
  return jsonAnswer(200, { shipments: rows.map((row) => cancelled(context, tableOf(row))) });
}

function cancelled(context: Context, row: Record<string, unknown>): Record<string, unknown> {
  const shipmentId = textOf(row['shipmentId']);
  const shipment = context.shipments.get(shipmentId);
  const fail = (errorCode: string, errorMessage: string) => ({
    shipmentId,
    status: 'FAILURE',
    errorCode,
    errorMessage,
  });
  if (shipment === undefined) return fail('SHIPMENT_NOT_FOUND', 'the shipment does not exist');
  if (row['locationId'] !== shipment.location)
    return fail('LOCATION_MISMATCH', 'the shipment is not at this location');
  const reason = textOf(row['reason']);
  if (reason === '') return fail('INVALID_REASON', 'a reason is needed');
  const groups = row['cancellationGroupIds'];
  const wanted = (groupId: string) => groups === undefined || listOf(groups).includes(groupId);
  const items = shipment.items.filter(({ groupId }) => wanted(groupId));
  if (items.length === 0) return fail('INVALID_GROUP', 'no such cancellation group in the shipment');
  if (items.every((item) => item.cancelled !== null))
    return fail('ALREADY_CANCELLED', 'the shipment is cancelled already');
  if (!['APPROVED', 'PACKING_IN_PROGRESS', 'FORM_FAILED'].includes(shipment.stage))
    return fail('INVALID_STATE', 'the shipment is packed already');
  cancelItems(context, shipment, { items, ...bySeller(reason) });
  return { shipmentId, status: 'SUCCESS', errorCode: '', errorMessage: '' };
}

// ---------------------------------------------------------------------------------------------------- returns

/** The second version of the API beside the third of everything else. One source at a time. */
function listReturns(context: Context, { query }: Call): ShopAnswer {
  const token = query.get('next_token');
  if (token !== null) {
    const page = context.pages.get(`/v2/returns?next_token=${token}`);
    return page?.() ?? bad('next_token is invalid');
  }
  const ids = query.get('returnIds');
  const tracking = query.get('trackingIds');
  const source = query.get('source');
  const sourced = source === 'courier_return' || source === 'customer_return';
  need(ids !== null || tracking !== null || sourced, 'source must be courier_return or customer_return');
  const tests: ((one: Return) => boolean)[] = [];
  const among = (text: string | null, idOf: (one: Return) => string) => {
    const wanted = text === null ? null : idsIn(text, mostReturnIds);
    if (wanted !== null) tests.push((one) => wanted.includes(idOf(one)));
  };
  among(ids, ({ id }) => id);
  among(tracking, ({ trackingId }) => trackingId);
  if (source !== null) tests.push((one) => one.source === source);
  const location = query.get('locationId');
  if (location !== null) tests.push(({ shipment }) => shipment.location === location);
  for (const [what, key] of [
    ['created', 'createdAt'],
    ['modified', 'updatedAt'],
  ] as const) {
    for (const [side, sign] of [
      ['After', 1],
      ['Before', -1],
    ] as const) {
      const text = query.get(`${what}${side}`);
      if (text === null) continue;
      const at = momentIn(text) ?? bad(`${what}${side} must be a date-time with an offset`);
      tests.push((one) => sign * (wholeSecond(one[key]) - at) >= 0);
    }
  }
  const rows = [...context.returns.values()].filter((one) => tests.every((test) => test(one)));
  return returnsFrom(context, rows, 0);
}

function returnsFrom(context: Context, rows: Return[], from: number): ShopAnswer {
  const end = from + returnPage;
  const hasMore = end < rows.length;
  const nextUrl = hasMore ? addressOf(context, '/v2/returns', () => returnsFrom(context, rows, end)) : '';
  return jsonAnswer(200, { hasMore, nextUrl, returnItems: rows.slice(from, end).map(returnView) });
}

// ------------------------------------------------------------------------------------------------- test orders

/** The platform's own sandbox call: sells whatever is there or not (FK-9). A sub-item is a gift with the item. */
function testOrder(context: Context, call: Call): ShopAnswer {
  const body = tableOf(call.body);
  const location = textOf(body['locationId']);
  const type = textOf(body['shipmentType']);
  need(context.locations.includes(location), 'locationId is unknown');
  need(['EXPRESS', 'NORMAL', 'SELF'].includes(type), 'shipmentType is unknown');
  const named = (value: unknown) => {
    const id = textOf(tableOf(value)['listingId']);
    const listing = [...context.listings.values()].find(({ listingId }) => listingId === id);
    return listing ?? bad(`listingId ${id} is unknown`);
  };
  const wishes = listOf(body['orderItems']).flatMap((entry) => {
    const { quantity, subItem } = tableOf(entry);
    if (typeof quantity !== 'number' || !Number.isInteger(quantity) || quantity < 1)
      return bad('quantity must be a positive integer');
    const groupId = context.ids.group();
    const main = { listing: named(entry), quantity, location, groupId };
    return subItem === undefined || subItem === null ? [main] : [main, { ...main, listing: named(subItem) }];
  });
  need(wishes.length > 0, 'orderItems must not be empty');
  const made = place(context, wishes, type);
  const orderItems = made.flatMap(({ items }) =>
    items.map(({ id, listing, quantity }) => ({ orderItemId: id, listingId: listing.listingId, quantity })),
  );
  return jsonAnswer(200, { orderId: made[0]?.orderId, orderItems });
}
