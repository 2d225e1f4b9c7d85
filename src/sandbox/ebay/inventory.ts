import type { Random } from '../kit/random.ts';
import { jsonAnswer, type ShopAnswer } from '../kit/server.ts';
import { shownTo } from '../kit/shelves.ts';
import { platformMs } from '../kit/time.ts';
import { listOf, tableOf, textOf } from '../kit/untyped.ts';
import { scope } from './auth.ts';
import {
  bounded,
  empty,
  errorsOf,
  ok,
  type RestCall,
  type RestError,
  RestProblem,
  type Route,
  routesUnder,
  systemError,
} from './call.ts';
import { addCounter, openListing, putOn } from './shelves.ts';
import { type Counter, isLive, type State, shownOf, unitsOf } from './state.ts';
import { revisionsPerDay, type Stock } from './stock.ts';

const domain = 'API_INVENTORY';
const { bad, problem } = errorsOf(domain);
const base = '/sell/inventory/v1';
const writers = [scope('sell.inventory')];
const reads = {
  family: 'inventory',
  token: 'user',
  scopes: [...writers, scope('sell.inventory.readonly')],
} as const;
const writes = { family: 'inventory', token: 'user', scopes: writers } as const;
const numbers = { ...writes, writesStock: true } as const;
const longestBatch = 25;
/** How long the platform works on one write; another on the same item or group meanwhile is refused (25025). */
const writeMs = 60;
const highest = 2 ** 31 - 1;

interface Context {
  state: State;
  stock: Stock;
  random: Random;
  /** SKUs and group keys that a write is working on. */
  locked: Set<string>;
}

/** Routes of the Inventory API (EBAY-4.1 and EBAY-5.1). */
export function inventoryRoutes(state: State, stock: Stock): Route[] {
  const context: Context = { state, stock, random: state.random.fork('inventory'), locked: new Set() };
  const at = routesUnder(context, base);
  return [
    at('GET /inventory_item', reads, listItems),
    at('GET /inventory_item/#', reads, getItem),
    at('POST /bulk_get_inventory_item', reads, bulkGet),
    at('GET /inventory_item_group/#', reads, getGroup),
    at('GET /offer', reads, listOffers),
    at('GET /offer/#', reads, (_, call) => ok(offerView(context, offerIn(context, call)))),
    at('POST /bulk_update_price_quantity', numbers, bulkUpdate),
    at('PUT /inventory_item/#', numbers, replaceItem),
    at('PUT /offer/#', numbers, replaceOffer),
    at('POST /offer/#/publish', writes, publish),
    at('POST /offer/#/withdraw', writes, withdraw),
  ];
}

function itemOf(context: Context, sku: string): Counter | undefined {
  return context.state.bySku.get(sku)?.find((counter) => counter.model === 'inventory');
}

// ------------------------------------------------------------------------------------------------------ reads

/** The item as reads show it, which may trail a write. */
function itemView(context: Context, counter: Counter): Record<string, unknown> {
  const { stale, warehouses, listing } = counter;
  const quantity = shownTo(stale, context.state.now(), counter.available);
  const spread = warehouses?.map(({ key, quantity: part }) => ({ merchantLocationKey: key, quantity: part }));
  const group = listing?.groupKey ?? null;
  return {
    sku: counter.sku,
    locale: 'en_US',
    product: { title: counter.title, aspects: counter.aspect === null ? {} : { Color: [counter.aspect] } },
    condition: 'NEW',
    ...(group === null ? {} : { groupIds: [group], inventoryItemGroupKeys: [group] }),
    availability: {
      shipToLocationAvailability: {
        quantity,
        allocationByFormat: { auction: 0, fixedPrice: quantity },
        ...(spread === undefined ? {} : { availabilityDistributions: spread }),
      },
    },
  };
}

/** EBAY-4.1: the offset is the number of a page here, not of a record. */
function listItems(context: Context, call: RestCall): ShopAnswer {
  const refusal = (message: string, parameters: Record<string, string>) =>
    problem(400, 25706, message, parameters);
  const limit = bounded(call, ['limit', 25, 1, 200], refusal);
  const offset = bounded(call, ['offset', 0, 0, 1_000_000], refusal);
  const items = context.state.counters.filter(({ model }) => model === 'inventory');
  const link = (page: number) => `${base}/inventory_item?limit=${limit}&offset=${page}`;
  const page = items.slice(offset * limit, (offset + 1) * limit);
  return ok({
    href: link(offset),
    ...((offset + 1) * limit < items.length ? { next: link(offset + 1) } : {}),
    ...(offset > 0 ? { prev: link(offset - 1) } : {}),
    limit,
    size: page.length,
    total: items.length,
    inventoryItems: page.map((item) => itemView(context, item)),
  });
}

function getItem(context: Context, call: RestCall): ShopAnswer {
  const counter = itemOf(context, call.params[0] ?? '');
  if (counter !== undefined) return ok(itemView(context, counter));
  const text = "We didn't find the entity you are requesting. Please verify the request";
  throw problem(404, 25710, text);
}

function bulkGet(context: Context, call: RestCall): ShopAnswer {
  const rows = listOf(tableOf(call.body)['requests']);
  checkBatch(rows);
  const responses = rows.map((row) => {
    const sku = textOf(tableOf(row)['sku']);
    const counter = itemOf(context, sku);
    if (counter === undefined) {
      return { sku, statusCode: 404, errors: [missing(sku)], warnings: [] };
    }
    return { sku, statusCode: 200, inventoryItem: itemView(context, counter), errors: [], warnings: [] };
  });
  return jsonAnswer(responses.every(({ statusCode }) => statusCode === 200) ? 200 : 207, { responses });
}

/** EBAY-9.18: new SKUs are letters and digits only, in the platform's own words. */
function malformed(sku: string): RestError {
  return bad(25707, 'Invalid sku. sku has to be alphanumeric with upto 50 characters', { sku });
}

function missing(sku: string): RestError {
  if (sku === '' || sku.length > 50) return malformed(sku);
  return bad(25702, `${sku} could not be found or is not available in the system.`, { sku });
}

function checkBatch(rows: unknown[]): void {
  if (rows.length >= 1 && rows.length <= longestBatch) return;
  throw problem(400, 25002, `Between 1 and ${longestBatch} requests are allowed.`);
}

function getGroup(context: Context, call: RestCall): ShopAnswer {
  const key = call.params[0] ?? '';
  const members = context.state.counters.filter(
    ({ model, listing }) => model === 'inventory' && listing?.groupKey === key,
  );
  if (members.length === 0) throw problem(404, 25705, 'The inventory item group could not be found.');
  return ok({
    inventoryItemGroupKey: key,
    title: members[0]?.listing?.title,
    variantSKUs: members.map(({ sku }) => sku),
    variesBy: { specifications: [{ name: 'Color', values: members.map(({ aspect }) => aspect) }] },
  });
}

// ----------------------------------------------------------------------------------------------------- offers

function offerView(context: Context, counter: Counter): Record<string, unknown> {
  const { offer, listing } = counter;
  const status = !isLive(listing) ? 'ENDED' : unitsOf(counter) > 0 ? 'ACTIVE' : 'OUT_OF_STOCK';
  return {
    offerId: offer?.offerId,
    sku: counter.sku,
    marketplaceId: context.state.marketplace,
    format: 'FIXED_PRICE',
    listingDuration: 'GTC',
    ...(offer?.available === null ? {} : { availableQuantity: offer?.available }),
    status: offer?.published === true ? 'PUBLISHED' : 'UNPUBLISHED',
    ...(listing === null
      ? {}
      : {
          listing: {
            listingId: listing.itemId,
            listingStatus: status,
            soldQuantity: counter.sold,
            listingOnHold: listing.onHold,
          },
        }),
  };
}

/** EBAY-4.1: the SKU is mandatory; there is no list of all offers. */
function listOffers(context: Context, call: RestCall): ShopAnswer {
  const sku = call.query.get('sku');
  if (sku === null || sku === '') throw problem(400, 25709, 'Invalid value for sku.', { sku: '' });
  if (!/^[A-Za-z0-9]+$/.test(sku) && context.state.faults.hits('sku_refused'))
    throw new RestProblem(400, malformed(sku));
  const counter = itemOf(context, sku);
  if (counter === undefined || counter.offer === null) throw new RestProblem(404, noOffer({ sku }));
  const href = `${base}/offer?sku=${encodeURIComponent(sku)}&offset=0&limit=25`;
  return ok({ href, total: 1, size: 1, limit: 25, offers: [offerView(context, counter)] });
}

function offerIn(context: Context, call: RestCall): Counter {
  const [offerId = ''] = call.params;
  const counter = context.state.offers.get(offerId);
  if (counter !== undefined) return counter;
  throw new RestProblem(404, noOffer({ offerId }));
}

function noOffer(parameters: Record<string, string>): RestError {
  return bad(25713, 'This Offer is not available.', parameters);
}

/** Full replacement: a number that is left out is gone. */
function replaceOffer(context: Context, call: RestCall): ShopAnswer {
  const counter = offerIn(context, call);
  const { offer } = counter;
  const wanted = tableOf(call.body)['availableQuantity'];
  if (wanted !== undefined && !isQuantity(wanted)) throw problem(400, 25004, 'Invalid quantity.');
  if (!context.stock.revise(counter.listing)) throw new RestProblem(400, exhausted(counter));
  const from = shownOf(counter);
  if (offer !== null) offer.available = isQuantity(wanted) ? wanted : null;
  note(context, call, counter, { from, to: unitsOf(counter), applied: true });
  return ok({ offerId: offer?.offerId, warnings: [] });
}

function publish(context: Context, call: RestCall): ShopAnswer {
  const counter = offerIn(context, call);
  needBody(call);
  if (counter.offer !== null) counter.offer.published = true;
  if (isLive(counter.listing)) {
    // EBAY-9.22: harmless, with a warning.
    const warning = bad(25402, 'The offer is published already.');
    return ok({ listingId: counter.listing.itemId, warnings: [warning] });
  }
  const listing = openListing(context.state, { model: 'inventory', title: counter.title, groupKey: null });
  putOn(context.state, listing, counter);
  return ok({ listingId: listing.itemId });
}

function withdraw(context: Context, call: RestCall): ShopAnswer {
  const counter = offerIn(context, call);
  needBody(call);
  if (counter.offer !== null) counter.offer.published = false;
  if (counter.listing !== null) context.stock.end(counter.listing);
  return ok({ listingId: counter.listing?.itemId });
}

/** EBAY-1.4: no body is 411; `{}` will do. */
function needBody(call: RestCall): void {
  if (call.length === 0) throw new RestProblem(411, systemError(domain, 25001, 'Length Required'));
}

// ----------------------------------------------------------------------------------------------------- writes

type Row =
  | {
      kind: 'fit';
      sku: string;
      counter: Counter;
      quantity: number | null;
      spread: Spread[] | null;
      offer: number | null;
    }
  | { kind: 'unfit'; sku: string; statusCode: number; error: RestError };
interface Spread {
  key: string;
  quantity: number;
}

function isQuantity(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= highest;
}

/** One row of a batch, looked at before anything is done. */
function rowOf(context: Context, value: unknown): Row {
  const row = tableOf(value);
  const sku = textOf(row['sku']);
  const unfit = (statusCode: number, error: RestError): Row => ({ kind: 'unfit', sku, statusCode, error });
  const counter = itemOf(context, sku);
  if (counter === undefined) return unfit(sku === '' ? 400 : 404, missing(sku));
  const shipTo = tableOf(row['shipToLocationAvailability']);
  const spread = listOf(shipTo['availabilityDistributions']).map((each): Spread => {
    const { merchantLocationKey, quantity } = tableOf(each);
    return { key: textOf(merchantLocationKey), quantity: isQuantity(quantity) ? quantity : -1 };
  });
  const quantity = shipTo['quantity'];
  if (quantity !== undefined && !isQuantity(quantity))
    return unfit(400, bad(25004, 'Invalid quantity.', { sku }));
  const offers = listOf(row['offers']).map(tableOf);
  for (const { offerId, availableQuantity } of offers) {
    if (counter.offer === null || offerId !== counter.offer.offerId) {
      return unfit(404, noOffer({ offerId: textOf(offerId) }));
    }
    if (!isQuantity(availableQuantity)) return unfit(400, bad(25004, 'Invalid quantity.', { sku }));
  }
  const offer = offers[0]?.['availableQuantity'];
  if (counter.warehouses !== null) {
    const known = new Set(counter.warehouses.map(({ key }) => key));
    const wrong = spread.some(({ key, quantity: part }) => part < 0 || !known.has(key));
    if (spread.length === 0 || wrong) {
      const text = 'The quantity is distributed over locations; update it per merchantLocationKey.';
      return unfit(400, bad(25002, text, { sku }));
    }
  }
  return {
    kind: 'fit',
    sku,
    counter,
    quantity: isQuantity(quantity) ? quantity : null,
    spread: spread.length > 0 ? spread : null,
    offer: isQuantity(offer) ? offer : null,
  };
}

function exhausted(counter: Counter): RestError {
  const most = `The listing may be revised up to ${revisionsPerDay} times in one calendar day.`;
  return bad(25019, `Cannot revise listing. ${most}`, { sku: counter.sku ?? '' });
}

/** What only shows when the row's turn comes. */
function refusalOf({ state, stock }: Context, row: Extract<Row, { kind: 'fit' }>): RestError | null {
  const { counter, quantity, sku } = row;
  const { listing, available } = counter;
  if (listing?.onHold === true || state.faults.hits('on_hold'))
    return bad(25097, 'The listing is on hold and cannot be revised.', { sku });
  if (quantity !== null && quantity > available && state.faults.hits('selling_limit'))
    return bad(25026, 'You have exceeded your selling limit.', { sku });
  return isLive(listing) && !stock.revise(listing) ? exhausted(counter) : null;
}

async function bulkUpdate(context: Context, call: RestCall): Promise<ShopAnswer> {
  const values = listOf(tableOf(call.body)['requests']);
  checkBatch(values);
  const skus = values.map((value) => textOf(tableOf(value)['sku']));
  if (values.length > 1 && context.state.faults.armed().includes('batch_of_one')) {
    throw problem(400, 25002, 'Only one request is allowed per call.');
  }
  if (new Set(skus).size < skus.length) throw problem(400, 25002, 'A sku may occur once per call.');
  const rows = values.map((value) => rowOf(context, value));
  const busy = (row: Row) =>
    row.kind === 'fit' &&
    (locksOf(row.counter).some((key) => context.locked.has(key)) ||
      context.state.faults.hits('concurrent_access'));
  const waiting = new Set(rows.filter(busy));
  const mine = rows.flatMap((row) => (row.kind === 'fit' && !waiting.has(row) ? locksOf(row.counter) : []));
  for (const key of mine) context.locked.add(key);
  try {
    await context.state.pauses.pause(platformMs(writeMs, context.state.timeScale));
    const responses = rows.map((row) => answerRow(context, call, [row, waiting.has(row)]));
    return batchResult(context, responses);
  } finally {
    for (const key of mine) context.locked.delete(key);
  }
}

function locksOf({ sku, listing }: Counter): string[] {
  const group = listing?.groupKey ?? null;
  return [`sku ${sku}`, ...(group === null ? [] : [`group ${group}`])];
}

const concurrent = systemError(
  domain,
  25025,
  'Concurrent access of the same Inventory or Inventory Item Group object is not allowed. Please try again later.',
);

function answerRow(context: Context, call: RestCall, [row, busy]: [Row, boolean]) {
  const { sku } = row;
  const answer = (statusCode: number, errors: RestError[]) => ({ sku, statusCode, errors, warnings: [] });
  if (row.kind === 'unfit') return answer(row.statusCode, [row.error]);
  if (busy) return answer(500, [concurrent]);
  const refusal = refusalOf(context, row);
  const from = shownOf(row.counter);
  const to =
    row.spread?.reduce((sum, part) => sum + part.quantity, 0) ?? row.quantity ?? row.counter.available;
  if (refusal !== null) {
    note(context, call, row.counter, { from, to, applied: false });
    return answer(400, [refusal]);
  }
  hideBehindOldNumber(context, row.counter);
  for (const { key, quantity } of row.spread ?? []) {
    const warehouse = row.counter.warehouses?.find((one) => one.key === key);
    if (warehouse !== undefined) warehouse.quantity = quantity;
  }
  context.stock.put(row.counter, to, row.offer);
  note(context, call, row.counter, { from, to, applied: true });
  return answer(200, []);
}

/** EBAY-5.1: 200 or 207 when some failed, seemingly at random; 500 only when all met others. */
function batchResult(context: Context, responses: ReturnType<typeof answerRow>[]): ShopAnswer {
  const failed = responses.filter(({ statusCode }) => statusCode !== 200);
  if (failed.length === responses.length && failed.every(({ statusCode }) => statusCode === 500)) {
    return jsonAnswer(500, { errors: failed.flatMap(({ errors }) => errors) });
  }
  const status = failed.length > 0 && context.random.chance(0.5) ? 207 : 200;
  return jsonAnswer(status, { responses });
}

function hideBehindOldNumber(context: Context, counter: Counter): void {
  const ms = context.state.faults.dueMs('read_lag');
  if (ms !== null) counter.stale = { shown: counter.available, until: context.state.now() + ms };
}

function note(
  context: Context,
  call: RestCall,
  counter: Counter,
  what: { from: number | null; to: number; applied: boolean },
): void {
  const sku = counter.sku ?? '';
  call.writes.push(context.state.records.write({ sku, ...what, answered: false, key: null }));
}

/** Full replacement: whatever the body leaves out is deleted, the number too (EBAY-5.1 and EBAY-9.7). */
function replaceItem(context: Context, call: RestCall): ShopAnswer {
  const sku = call.params[0] ?? '';
  const body = tableOf(call.body);
  const shipTo = tableOf(tableOf(body['availability'])['shipToLocationAvailability']);
  const quantity = shipTo['quantity'] ?? 0;
  if (!isQuantity(quantity)) throw problem(400, 25004, 'Invalid quantity.', { sku });
  const known = itemOf(context, sku);
  if (known === undefined && !/^[A-Za-z0-9]{1,50}$/.test(sku))
    throw problem(400, 25707, 'Invalid sku.', { sku });
  const counter = known ?? addCounter(context.state, { model: 'inventory', sku, title: '', stock: 0 });
  if (counter.listing !== null && !context.stock.revise(counter.listing))
    throw new RestProblem(400, exhausted(counter));
  const from = shownOf(counter);
  counter.title = textOf(tableOf(body['product'])['title']);
  counter.warehouses = null;
  context.stock.put(counter, quantity, null);
  note(context, call, counter, { from, to: quantity, applied: true });
  return empty(known === undefined ? 201 : 204);
}
