import type { WriteRecord } from '../kit/records.ts';
import { jsonAnswer, type ShopAnswer } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { tableOf, textOf } from '../kit/untyped.ts';
import { bad, type Call, errorRow, need, type Route } from './call.ts';
import type { Floor } from './notifier.ts';
import { sell } from './orders.ts';
import { freeAt } from './shelves.ts';
import { type Listing, placeAt, type Site } from './site.ts';
import { listingView } from './views.ts';

/** Listings and their numbers (FK-3 and FK-4, last verified 2026-11). */

/** SKUs in one call, reading or writing. */
const longestBatch = 10;
const longestSku = 64;
const highest = 2 ** 31 - 1;

/** Routes of the listing calls. `pageSize`: listings on a page of the search. */
export function listingRoutes(floor: Floor, pageSize: number): Route[] {
  const at = (path: string) => ({
    family: 'listings' as const,
    pattern: new RegExp(`^/sellers/listings/v3/${path}$`),
  });
  return [
    { method: 'POST', ...at('search'), run: (call) => search(floor, call, pageSize) },
    { method: 'POST', ...at('update/inventory'), writes: true, run: (call) => update(floor, call) },
    // One segment: a slash inside a SKU, encoded or not, makes another path of it.
    { method: 'GET', ...at('([^/]+)'), run: (call) => read(floor, call) },
  ];
}

// ----------------------------------------------------------------------------------------------------- reading

/** Ids only, no numbers. The filter of the text is another one than that of the schema (FK-3.1). */
function search({ faults, listings: shelf }: Site, call: Call, pageSize: number): ShopAnswer {
  const { filters, page_id = null } = tableOf(call.body);
  const spelling = faults.hits('filter_spelling') ? 'listing_status' : 'lisitng_status';
  const wanted = textOf(tableOf(filters)[spelling]);
  const from = page_id === null ? 0 : pageIn(page_id, wanted);
  const all = [...shelf.values()].filter(({ status }) => wanted === '' || status === wanted);
  const end = from + pageSize;
  const rows = all
    .slice(from, end)
    .map(({ listingId, fsn, sku }) => ({ listing_id: listingId, product_id: fsn, sku_id: sku }));
  const has_more = end < all.length;
  const next = Buffer.from(JSON.stringify({ at: end, status: wanted })).toString('base64url');
  const listings = faults.hits('listings_as_object') ? Object.fromEntries(rows.entries()) : rows;
  return jsonAnswer(200, { next_page_id: has_more ? next : null, has_more, listings });
}

/** Where the page begins; a page belongs to its search. */
function pageIn(token: unknown, wanted: string): number {
  try {
    const { at, status } = JSON.parse(Buffer.from(textOf(token), 'base64url').toString('utf8'));
    if (typeof at === 'number' && status === wanted) return at;
  } catch {
    // Told below.
  }
  return bad('page_id is invalid for this search');
}

/** The path is decoded before it is split: a comma inside a SKU makes two of it (FK-3.2). */
function read(site: Site, call: Call): ShopAnswer {
  const skus = [...new Set((call.params[0] ?? '').split(','))];
  need(skus.length <= longestBatch, `at most ${longestBatch} SKUs are allowed`);
  const available: [string, unknown][] = [];
  const unavailable: string[] = [];
  const invalid: string[] = [];
  let pending = 0;
  for (const sku of skus) {
    const listing = site.listings.get(sku);
    if (isMalformed(sku)) invalid.push(sku);
    else if (listing === undefined) unavailable.push(sku);
    else {
      available.push([sku, listingView(site, listing)]);
      for (const place of listing.places.values()) pending += place.pending;
    }
  }
  // A number stands beside the listings, as the published example shows it.
  if (available.length > 0) available.push(['orders_to_be_fulfilled', pending]);
  return jsonAnswer(200, { available: Object.fromEntries(available), unavailable, invalid });
}

function isMalformed(sku: string): boolean {
  return sku.trim() !== sku || sku === '' || sku.length > longestSku || /\p{Cc}/u.test(sku);
}

// ----------------------------------------------------------------------------------------------------- writing

/** What a row wants: locations and numbers, checked as far as their types go. */
interface Wish {
  sku: string;
  product: string;
  spots: { id: string; inventory: number | null; enabled: boolean | null }[];
}

/** Why a row is not obeyed. */
interface Refusal {
  errors: unknown[];
  attribute_errors: unknown[];
}

function update(floor: Floor, call: Call): ShopAnswer {
  const { faults, poison, random } = floor;
  const rows = Object.entries(tableOf(call.body));
  need(rows.length > 0, 'the request names no SKU');
  need(rows.length <= longestBatch, `at most ${longestBatch} SKUs are allowed`);
  // One value of a wrong type spoils the whole request.
  const wishes = rows.map(([sku, row]) => wishIn(sku, tableOf(row)));
  if (faults.hits('poison_sku')) poison.add(random.pick(wishes).sku);
  need(!wishes.some(({ sku }) => poison.has(sku)), 'the request could not be processed');
  disturb(floor, wishes);
  const laterMs = faults.dueMs('accepted_202', minutes(floor));
  const odd = random.pick(wishes);
  const answer: [string, unknown][] = [];
  for (const wish of wishes) {
    const isOdd = (name: string) => wish === odd && faults.hits(name);
    if (isOdd('row_missing')) continue;
    const internal = { errors: [errorRow(1099, 'internal error, try again')], attribute_errors: [] };
    const listing = isOdd('row_failure') ? internal : accepted(floor, wish);
    if ('errors' in listing) {
      answer.push([wish.sku, { status: 'FAILURE', ...listing }]);
      continue;
    }
    carryOut(floor, call.writes, { listing, wish, laterMs });
    const warned = isOdd('row_warning');
    const remark = { ...errorRow(3001, 'price is above the market'), severity: 'WARNING' };
    const status = warned ? 'WARNING' : 'SUCCESS';
    answer.push([wish.sku, { status, errors: warned ? [remark] : [], attribute_errors: [] }]);
  }
  return jsonAnswer(laterMs === null ? 200 : 202, Object.fromEntries(answer));
}

/** How long a change takes to show, by a vendor's word (FK-3.4). */
function minutes({ random, timeScale }: Site): number {
  return platformMs(random.int(120_000, 300_000), timeScale);
}

/** Throws Problem 400 where a value has the wrong type. */
function wishIn(sku: string, { locations, product_id: product = '' }: Record<string, unknown>): Wish {
  need(Array.isArray(locations), `${sku}.locations must be an array`);
  need(typeof product === 'string', `${sku}.product_id must be a string`);
  const spots = locations.map((entry: unknown, at) => {
    const { id, inventory = null, status = null } = tableOf(entry);
    const path = `${sku}.locations[${at}]`;
    need(typeof id === 'string', `${path}.id must be a string`);
    need(inventory === null || isInt32(inventory), `${path}.inventory must be an int32`);
    const known = status === null || status === 'ENABLED' || status === 'DISABLED';
    need(known, `${path}.status must be one of ENABLED, DISABLED`);
    return { id, inventory, enabled: status === null ? null : status === 'ENABLED' };
  });
  return { sku, product, spots };
}

function isInt32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= highest;
}

/** The listing of a row that can be obeyed, or why not. */
function accepted(site: Site, { sku, product, spots }: Wish): Listing | Refusal {
  const fail = (code: number, text: string) => ({ errors: [errorRow(code, text)], attribute_errors: [] });
  const attribute = (name: string, code: number, [text, path = name]: [string, string?]) => ({
    errors: [],
    attribute_errors: [{ ...errorRow(code, text, path), attribute: name }],
  });
  const listing = site.listings.get(sku);
  if (listing === undefined) return fail(1001, `SKU ${sku} is not listed by this seller`);
  if (product.length < 13 || product.length > 16)
    return attribute('product_id', 2003, ['product_id must have 13 to 16 characters']);
  if (product !== listing.fsn) return attribute('product_id', 2004, ['product_id does not match the SKU']);
  if (listing.profile === 'FBF') return fail(1004, 'inventory of this listing is managed by the marketplace');
  if (listing.archived === 'ARCHIVED') return fail(1005, 'the listing is archived');
  if (spots.length === 0) return attribute('locations', 2005, ['locations must not be empty']);
  for (const [at, { id, inventory }] of spots.entries()) {
    const path = `locations[${at}]`;
    if (!site.locations.includes(id))
      return attribute('locations', 2006, [`location ${id} is unknown`, path]);
    if (inventory === null) return attribute('inventory', 2002, ['inventory is missing', path]);
    if (inventory < 0) return attribute('inventory', 2001, ['inventory must not be negative', path]);
  }
  return listing;
}

/** Absolute; locations that are not named keep their numbers. */
function carryOut(
  site: Site,
  writes: WriteRecord[],
  { listing, wish, laterMs }: { listing: Listing; wish: Wish; laterMs: number | null },
): void {
  for (const { id, inventory, enabled } of wish.spots) {
    const place = placeAt(listing, id);
    const to = inventory ?? place.inventory;
    const { sku } = listing;
    const call = { sku, from: place.inventory, to, applied: false, answered: false, key: null };
    const record = site.records.write(call);
    writes.push(record);
    const obey = () => {
      const lagMs = site.faults.dueMs('read_lag', minutes(site));
      const shown = { inventory: place.inventory, pending: place.pending };
      place.stale = lagMs === null ? null : { shown, until: site.now() + lagMs };
      place.inventory = to;
      if (enabled !== null) place.enabled = enabled;
      record.from = shown.inventory;
      record.applied = true;
    };
    if (laterMs === null) obey();
    else site.agenda.add({ afterMs: laterMs, group: 'late', run: obey });
  }
}

/** A buyer is faster than the write. A sale that cannot happen does not use the fault up. */
function disturb(floor: Floor, wishes: readonly Wish[]): void {
  const target = wishes.find(({ sku, spots }) => {
    const places = [...(floor.listings.get(sku)?.places.values() ?? [])];
    return places.some((place) => spots.some(({ id }) => id === place.location) && freeAt(floor, place) > 0);
  });
  if (target === undefined || !floor.faults.hits('sale_before_write')) return;
  sell(floor, { lines: [{ sku: target.sku, quantity: 1 }] });
}
