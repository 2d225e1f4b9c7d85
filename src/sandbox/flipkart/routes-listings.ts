import { AppError } from '../../errors.ts';
import type { WriteRecord } from '../kit/records.ts';
import { platformMs } from '../kit/time.ts';
import { listOf, tableOf, textOf } from '../kit/untyped.ts';
import type { Call, Result, Route } from './call.ts';
import type { Orders } from './orders.ts';
import { errorRow, Problem } from './problem.ts';
import { freeAt, newPlace } from './shelves.ts';
import type { Listing, Site } from './site.ts';
import { listingView } from './views.ts';

/** Listings and their numbers (FK-3 and FK-4, last verified 2026-11). */

interface Context {
  site: Site;
  orders: Orders;
  /** SKUs that spoil every batch. */
  poison: Set<string>;
  /** Listings on a page of the search. */
  pageSize: number;
}

/** SKUs in one call, reading or writing. */
const longestBatch = 10;
const longestSku = 64;
const highest = 2 ** 31 - 1;

/** Routes of the listing calls. */
export function listingRoutes(context: Context): Route[] {
  const family = 'listings';
  const base = '/sellers/listings/v3';
  return [
    { method: 'POST', family, pattern: new RegExp(`^${base}/search$`), run: (call) => search(context, call) },
    {
      method: 'POST',
      family,
      pattern: new RegExp(`^${base}/update/inventory$`),
      writes: true,
      run: (call) => update(context, call),
    },
    // One segment: a slash inside a SKU, encoded or not, makes another path of it.
    { method: 'GET', family, pattern: new RegExp(`^${base}/([^/]+)$`), run: (call) => read(context, call) },
  ];
}

// ----------------------------------------------------------------------------------------------------- reading

/** Ids only, no numbers. The filter of the text is another one than that of the schema (FK-3.1). */
function search({ site, pageSize }: Context, call: Call): Result {
  const body = tableOf(call.body);
  const spelling = site.faults.hits('filter_spelling') ? 'listing_status' : 'lisitng_status';
  const wanted = textOf(tableOf(body['filters'])[spelling]);
  const pageId = body['page_id'] ?? null;
  const from = pageId === null ? { at: 0, status: wanted } : pageIn(pageId);
  if (from === null || from.status !== wanted) throw new Problem(400, 'page_id is invalid for this search');
  const all = [...site.listings.values()].filter(({ status }) => wanted === '' || status === wanted);
  const rows = all
    .slice(from.at, from.at + pageSize)
    .map(({ listingId, fsn, sku }) => ({ listing_id: listingId, product_id: fsn, sku_id: sku }));
  const more = from.at + pageSize < all.length;
  const next = Buffer.from(JSON.stringify({ at: from.at + pageSize, status: wanted })).toString('base64url');
  const listings = site.faults.hits('listings_as_object') ? Object.fromEntries(rows.entries()) : rows;
  return { status: 200, body: { next_page_id: more ? next : null, has_more: more, listings } };
}

function pageIn(token: unknown): { at: number; status: string } | null {
  try {
    const page = tableOf(JSON.parse(Buffer.from(textOf(token), 'base64url').toString('utf8')));
    const at = page['at'];
    return typeof at === 'number' ? { at, status: textOf(page['status']) } : null;
  } catch {
    return null;
  }
}

/** The path is decoded before it is split: a comma inside a SKU makes two of it (FK-3.2). */
function read({ site }: Context, call: Call): Result {
  const skus = [...new Set((call.params[0] ?? '').split(','))];
  if (skus.length > longestBatch) throw new Problem(400, `at most ${longestBatch} SKUs are allowed`);
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
  return { status: 200, body: { available: Object.fromEntries(available), unavailable, invalid } };
}

function isMalformed(sku: string): boolean {
  return sku.trim() !== sku || sku === '' || sku.length > longestSku || /\p{Cc}/u.test(sku);
}

// ----------------------------------------------------------------------------------------------------- writing

interface LocationWish {
  id: string;
  inventory: number | null;
  enabled: boolean | null;
}

/** A row that can be obeyed, or why not. */
type Verdict =
  | { listing: Listing; wishes: LocationWish[] }
  | { errors: unknown[]; attribute_errors: unknown[] };

function update(context: Context, call: Call): Result {
  const { site, poison } = context;
  const { faults } = site;
  const rows = Object.entries(tableOf(call.body));
  if (rows.length === 0) throw new Problem(400, 'the request names no SKU');
  if (rows.length > longestBatch) throw new Problem(400, `at most ${longestBatch} SKUs are allowed`);
  // One value of a wrong type spoils the whole request.
  const wishes = rows.map(([sku, row]) => [sku, tableOf(row), wishesIn(sku, row)] as const);
  if (faults.hits('poison_sku')) poison.add(site.random.pick(rows)[0]);
  if (rows.some(([sku]) => poison.has(sku))) throw new Problem(400, 'the request could not be processed');
  disturb(context, wishes);
  const laterMs = site.faults.dueMs('accepted_202', minutes(site));
  const odd = site.random.pick(rows)[0];
  const isOdd = (name: string) => (sku: string) => sku === odd && faults.hits(name);
  const [fails, warns, hides] = ['row_failure', 'row_warning', 'row_missing'].map(isOdd);
  const answer: [string, unknown][] = [];
  for (const [sku, row, wish] of wishes) {
    if (hides?.(sku) === true) continue;
    const verdict = fails?.(sku) === true ? internal() : verdictOn(site, sku, row, wish);
    if ('errors' in verdict) {
      answer.push([sku, { status: 'FAILURE', ...verdict }]);
      continue;
    }
    carryOut(site, call.writes, verdict, laterMs);
    const remarks =
      warns?.(sku) === true ? [{ ...errorRow(3001, 'price is above the market'), severity: 'WARNING' }] : [];
    const status = remarks.length > 0 ? 'WARNING' : 'SUCCESS';
    answer.push([sku, { status, errors: remarks, attribute_errors: [] }]);
  }
  return { status: laterMs === null ? 200 : 202, body: Object.fromEntries(answer) };
}

function internal(): Verdict {
  return { errors: [errorRow(1099, 'internal error, try again')], attribute_errors: [] };
}

/** How long a change takes to show, by a vendor's word (FK-3.4). */
function minutes(site: Site): number {
  return platformMs(site.random.int(120_000, 300_000), site.timeScale);
}

/** Locations and numbers of a row. Throws Problem 400 where a value has the wrong type. */
function wishesIn(sku: string, row: unknown): LocationWish[] {
  const { locations, product_id: product } = tableOf(row);
  if (!Array.isArray(locations)) throw new Problem(400, `${sku}.locations must be an array`);
  if (product !== undefined && typeof product !== 'string')
    throw new Problem(400, `${sku}.product_id must be a string`);
  return listOf(locations).map((entry, at) => {
    const { id, inventory = null, status = null } = tableOf(entry);
    const path = `${sku}.locations[${at}]`;
    if (typeof id !== 'string') throw new Problem(400, `${path}.id must be a string`);
    if (
      inventory !== null &&
      !(typeof inventory === 'number' && Number.isInteger(inventory) && Math.abs(inventory) <= highest)
    )
      throw new Problem(400, `${path}.inventory must be an int32`);
    if (status !== null && status !== 'ENABLED' && status !== 'DISABLED')
      throw new Problem(400, `${path}.status must be one of ENABLED, DISABLED`);
    return { id, inventory, enabled: status === null ? null : status === 'ENABLED' };
  });
}

function verdictOn(site: Site, sku: string, row: Record<string, unknown>, wishes: LocationWish[]): Verdict {
  const fail = (code: number, description: string, path = ''): Verdict => ({
    errors: [errorRow(code, description, path)],
    attribute_errors: [],
  });
  const attribute = (name: string, code: number, description: string, path: string): Verdict => ({
    errors: [],
    attribute_errors: [{ ...errorRow(code, description, path), attribute: name }],
  });
  const listing = site.listings.get(sku);
  if (listing === undefined) return fail(1001, `SKU ${sku} is not listed by this seller`);
  const product = textOf(row['product_id']);
  if (product.length < 13 || product.length > 16)
    return attribute('product_id', 2003, 'product_id must have 13 to 16 characters', 'product_id');
  if (product !== listing.fsn)
    return attribute('product_id', 2004, 'product_id does not match the SKU', 'product_id');
  if (listing.profile === 'FBF') return fail(1004, 'inventory of this listing is managed by the marketplace');
  if (listing.archived === 'ARCHIVED') return fail(1005, 'the listing is archived');
  if (wishes.length === 0) return attribute('locations', 2005, 'locations must not be empty', 'locations');
  for (const [at, { id, inventory }] of wishes.entries()) {
    const path = `locations[${at}]`;
    if (!site.locations.includes(id)) return attribute('locations', 2006, `location ${id} is unknown`, path);
    if (inventory === null) return attribute('inventory', 2002, 'inventory is missing', path);
    if (inventory < 0) return attribute('inventory', 2001, 'inventory must not be negative', path);
  }
  return { listing, wishes };
}

/** Absolute; locations that are not named keep their numbers. */
function carryOut(
  site: Site,
  writes: WriteRecord[],
  { listing, wishes }: { listing: Listing; wishes: LocationWish[] },
  laterMs: number | null,
): void {
  for (const { id, inventory, enabled } of wishes) {
    const known = listing.places.get(id);
    const place = known ?? newPlace(0);
    if (known === undefined) listing.places.set(id, place);
    const to = inventory ?? place.inventory;
    const { sku } = listing;
    const call = { sku, from: place.inventory, to, applied: false, answered: false, key: null };
    const record = site.records.write(call);
    writes.push(record);
    const obey = () => {
      const lagMs = site.faults.dueMs('read_lag', minutes(site));
      const { inventory: before, pending } = place;
      place.stale = lagMs === null ? null : { inventory: before, pending, until: site.now() + lagMs };
      place.inventory = to;
      if (enabled !== null) place.enabled = enabled;
      record.from = before;
      record.applied = true;
    };
    if (laterMs === null) obey();
    else site.agenda.add({ afterMs: laterMs, group: 'late', run: obey });
  }
}

/** A buyer is faster than the write. A sale that cannot happen does not use the fault up. */
function disturb(
  { site, orders }: Context,
  rows: readonly (readonly [string, unknown, LocationWish[]])[],
): void {
  const target = rows.find(([sku, , wishes]) => {
    const places = site.listings.get(sku)?.places;
    return wishes.some(({ id }) => {
      const place = places?.get(id);
      return place !== undefined && freeAt(site, place) > 0;
    });
  });
  if (target === undefined || !site.faults.hits('sale_before_write')) return;
  orders.sell({ lines: [{ sku: target[0], quantity: 1 }] });
}

/** The listing of a SKU. Throws AppError `unknown_sku`. */
export function listingOf(site: Site, sku: string): Listing {
  const listing = site.listings.get(sku);
  if (listing === undefined) throw new AppError('unknown_sku', `no ${sku} in this shop`);
  return listing;
}
