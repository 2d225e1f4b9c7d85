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
    if (counter === undefined) return { sku, statusCode: 404, errors: [missing(sku).error], warnings: [] };
    return { sku, statusCode: 200, inventoryItem: itemView(context, counter), errors: [], warnings: [] };
  });
  return jsonAnswer(responses.every(({ statusCode }) => statusCode === 200) ? 200 : 207, { responses });
}

/** EBAY-9.18: new SKUs are letters and digits only, in the platform's own words. */
function malformed(sku: string, status = 400): RestProblem {
  const text = 'Invalid sku. sku has to be alphanumeric with upto 50 characters';
  return problem(status, 25707, text, { sku });
}

function missing(sku: string): RestProblem {
  if (sku === '' || sku.length > 50) return malformed(sku, sku === '' ? 400 : 404);
  return problem(404, 25702, `${sku} could not be found or is not available in the system.`, { sku });
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
  if (!/^[A-Za-z0-9]+$/.test(sku) && context.state.faults.hits('sku_refused')) throw malformed(sku);
  const counter = itemOf(context, sku);
  if (counter === undefined || counter.offer === null) throw noOffer({ sku });
  const href = `${base}/offer?sku=${encodeURIComponent(sku)}&offset=0&limit=25`;
  return ok({ href, total: 1, size: 1, limit: 25, offers: [offerView(context, counter)] });
}

function offerIn(context: Context, call: RestCall): Counter {
  const [offerId = ''] = call.params;
  const counter = context.state.offers.get(offerId);
  if (counter !== undefined) return counter;
  throw noOffer({ offerId });
}

function noOffer(parameters: Record<string, string>): RestProblem {
  return problem(404, 25713, 'This Offer is not available.', parameters);
}

/** Full replacement: a number that is left out is gone. */
function replaceOffer(context: Context, call: RestCall): ShopAnswer {
  const counter = offerIn(context, call);
  const { offer } = counter;
  const wanted = tableOf(call.body)['availableQuantity'];
  if (wanted !== undefined && !isQuantity(wanted)) throw problem(400, 25004, 'Invalid quantity.');
  if (!context.stock.revise(counter.listing)) throw exhausted(counter);
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

/** A row of a batch that can be tried when its turn comes. */
type Row = Exclude<ReturnType<typeof rowOf>, RestProblem>;

function isQuantity(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= highest;
}

/** One row of a batch, looked at before anything is done. */
function rowOf(context: Context, value: unknown) {
  const row = tableOf(value);
  const sku = textOf(row['sku']);
  const wrong = () => problem(400, 25004, 'Invalid quantity.', { sku });
  const counter = itemOf(context, sku);
  if (counter === undefined) return missing(sku);
  const shipTo = tableOf(row['shipToLocationAvailability']);
  const spread = listOf(shipTo['availabilityDistributions']).map((each) => {
    const { merchantLocationKey, quantity } = tableOf(each);
    return { key: textOf(merchantLocationKey), quantity: isQuantity(quantity) ? quantity : -1 };
  });
  const quantity = shipTo['quantity'];
  if (quantity !== undefined && !isQuantity(quantity)) return wrong();
  const offers = listOf(row['offers']).map(tableOf);
  for (const { offerId, availableQuantity } of offers) {
    if (offerId === undefined || offerId !== counter.offer?.offerId)
      return noOffer({ offerId: textOf(offerId) });
    if (!isQuantity(availableQuantity)) return wrong();
  }
  const offer = offers[0]?.['availableQuantity'];
  if (counter.warehouses !== null) {
    const known = new Set(counter.warehouses.map(({ key }) => key));
    const fits = spread.length > 0 && spread.every(({ key, quantity: part }) => part >= 0 && known.has(key));
    const text = 'The quantity is distributed over locations; update it per merchantLocationKey.';
    if (!fits) return problem(400, 25002, text, { sku });
  }
  return { counter, quantity: quantity ?? null, spread, offer: isQuantity(offer) ? offer : null };
}

function exhausted({ sku }: Counter): RestProblem {
  const most = `The listing may be revised up to ${revisionsPerDay} times in one calendar day.`;
  return problem(400, 25019, `Cannot revise listing. ${most}`, { sku: sku ?? '' });
}

/** What only shows when the row's turn comes. */
function refusalOf({ state, stock }: Context, { counter, quantity }: Row): RestProblem | null {
  const { listing, available } = counter;
  const sku = counter.sku ?? '';
  if (listing?.onHold === true || state.faults.hits('on_hold'))
    return problem(400, 25097, 'The listing is on hold and cannot be revised.', { sku });
  if (quantity !== null && quantity > available && state.faults.hits('selling_limit'))
    return problem(400, 25026, 'You have exceeded your selling limit.', { sku });
  return isLive(listing) && !stock.revise(listing) ? exhausted(counter) : null;
}

async function bulkUpdate(context: Context, call: RestCall): Promise<ShopAnswer> {
  const { state, locked } = context;
  const values = listOf(tableOf(call.body)['requests']);
  checkBatch(values);
  const skus = values.map((value) => textOf(tableOf(value)['sku']));
  if (values.length > 1 && state.faults.armed().includes('batch_of_one')) {
    throw problem(400, 25002, 'Only one request is allowed per call.');
  }
  if (new Set(skus).size < skus.length) throw problem(400, 25002, 'A sku may occur once per call.');
  const rows = values.map((value) => rowOf(context, value));
  const fit = rows.filter((row): row is Row => !(row instanceof RestProblem));
  const waiting = fit.filter(
    ({ counter }) =>
      locksOf(counter).some((key) => locked.has(key)) || state.faults.hits('concurrent_access'),
  );
  const mine = fit.flatMap((row) => (waiting.includes(row) ? [] : locksOf(row.counter)));
  for (const key of mine) locked.add(key);
  try {
    await state.pauses.pause(platformMs(writeMs, state.timeScale));
    const outcomes = rows.map((row) => {
      if (row instanceof RestProblem) return row;
      return waiting.includes(row) ? concurrent : obeyRow(context, call, row);
    });
    return batchResult(context, skus, outcomes);
  } finally {
    for (const key of mine) locked.delete(key);
  }
}

function locksOf({ sku, listing }: Counter): string[] {
  const group = listing?.groupKey ?? null;
  return [`sku ${sku}`, ...(group === null ? [] : [`group ${group}`])];
}

const inUse =
  'Concurrent access of the same Inventory or Inventory Item Group object is not allowed. Please try again later.';
const concurrent = new RestProblem(500, systemError(domain, 25025, inUse));

/** Null: done. */
function obeyRow(context: Context, call: RestCall, row: Row): RestProblem | null {
  const { counter, quantity, spread, offer } = row;
  const refusal = refusalOf(context, row);
  const from = shownOf(counter);
  const sum = spread.reduce((units, part) => units + part.quantity, 0);
  const to = spread.length > 0 ? sum : (quantity ?? counter.available);
  if (refusal === null) {
    hideBehindOldNumber(context, counter);
    for (const { key, quantity: part } of spread) {
      const warehouse = counter.warehouses?.find((one) => one.key === key);
      if (warehouse !== undefined) warehouse.quantity = part;
    }
    context.stock.put(counter, to, offer);
  }
  note(context, call, counter, { from, to, applied: refusal === null });
  return refusal;
}

/** EBAY-5.1: 200 or 207 when some failed, seemingly at random; 500 only when all met others. */
function batchResult({ random }: Context, skus: string[], outcomes: (RestProblem | null)[]): ShopAnswer {
  const failed = outcomes.filter((outcome) => outcome !== null);
  if (failed.length === outcomes.length && failed.every((one) => one === concurrent)) {
    return jsonAnswer(500, { errors: failed.map(({ error }) => error) });
  }
  const status = failed.length > 0 && random.chance(0.5) ? 207 : 200;
  const responses = outcomes.map((outcome, at) => ({
    sku: skus[at],
    statusCode: outcome?.answer.status ?? 200,
    errors: outcome === null ? [] : [outcome.error],
    warnings: [],
  }));
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
  if (counter.listing !== null && !context.stock.revise(counter.listing)) throw exhausted(counter);
  const from = shownOf(counter);
  counter.title = textOf(tableOf(body['product'])['title']);
  counter.warehouses = null;
  context.stock.put(counter, quantity, null);
  note(context, call, counter, { from, to: quantity, applied: true });
  return empty(known === undefined ? 201 : 204);
}
