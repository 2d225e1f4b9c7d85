import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { noNumber, type Span, shownAs } from '../kit/reading.ts';
import { isNotFound, nullWhen, Refusal } from '../kit/refusal.ts';
import { allOf } from '../kit/shapes.ts';
import { chunksOf } from '../kit/write.ts';
import type { Task } from './api.ts';
import { rowsPerCall } from './capabilities.ts';
import { type Due, type InventoryFacts, type Look, revisedBy } from './facts.ts';
import { RestError, refusedRow, wordsOf } from './failures.ts';

const root = '/sell/inventory/v1';
/** Why a SKU with stock at several warehouses is left alone (EBAY-5.1). */
const distributed =
  'its stock is kept per warehouse on eBay (availabilityDistributions): a plain number would conflict with it';

const Availability = z.object({
  quantity: z.number().nullish(),
  availabilityDistributions: allOf(z.unknown()),
});
/** An inventory item: the number that all marketplaces of a SKU share (EBAY-4.1), null when it has none. */
export const Item = z
  .object({
    sku: z.string().min(1),
    product: z.object({ title: z.string().nullish() }).nullish(),
    availability: z.object({ shipToLocationAvailability: Availability.nullish() }).nullish(),
  })
  .transform(({ sku, product, availability }) => {
    const { quantity, availabilityDistributions = [] } = availability?.shipToLocationAvailability ?? {};
    return {
      sku,
      title: product?.title ?? sku,
      shown: Number.isSafeInteger(quantity) ? (quantity ?? null) : null,
      unwritable: availabilityDistributions.length > 0 ? distributed : null,
    };
  });
export type Item = z.infer<typeof Item>;

/** An offer of a SKU on one marketplace. */
const Offer = z.object({
  offerId: z.string(),
  format: z.string().nullish(),
  status: z.string().nullish(),
  availableQuantity: z.number().nullish(),
  listing: z.object({ listingId: z.string().nullish() }).nullish(),
});
export type Offer = z.infer<typeof Offer>;

const Offers = z.object({ offers: allOf(Offer) });
/** Rows of bulk calls, each with its own status, also under HTTP 200. */
const Row = z.object({
  sku: z.string().nullish(),
  statusCode: z.number(),
  inventoryItem: z.unknown().optional(),
  errors: allOf(RestError),
});
type Row = z.infer<typeof Row>;
const Rows = z.object({ responses: z.array(Row) });

/** Error ids for a SKU that is not there (EBAY-5.1). */
const notFound = [25701, 25702, 25710, 25707];

/** Reads SKUs, 25 a call, by listing id; the number shown is capped by the offers that carry one of their own. */
export async function lookAtItems(task: Task, wanted: readonly InventoryFacts[]): Promise<Map<string, Look>> {
  const looks = new Map<string, Look>();
  const path = `${root}/bulk_get_inventory_item`;
  const items = [...new Map(wanted.map((each) => [each.id, each])).values()];
  for (const some of chunksOf(items, rowsPerCall)) {
    const body = { requests: some.map(({ sku }) => ({ sku })) };
    const ask = { method: 'POST', path, body, data: Rows, effect: 'read' } as const;
    const { data, askedAt, answeredAt } = await task.ask(ask);
    for (const facts of some) {
      const row = data.responses.find(({ sku }) => sku === facts.sku);
      looks.set(facts.id, lookOf(facts, row, { askedAt, answeredAt }));
    }
  }
  for (const { id, offers } of items) {
    const look = looks.get(id);
    if (look === undefined || look.shown === null) continue;
    for (const { offerId } of offers.filter((offer) => offer.pinned)) {
      const ask = { path: `${root}/offer/${encodeURIComponent(offerId)}`, data: Offer };
      const offer = await task.ask(ask).catch(nullWhen(isNotFound));
      look.shown = Math.min(look.shown, offer?.data.availableQuantity ?? look.shown);
      look.answeredAt = Math.max(look.answeredAt, offer?.answeredAt ?? task.deps.clock.now());
    }
  }
  return looks;
}

function lookOf(facts: InventoryFacts, row: Row | undefined, span: Span): Look {
  const failed = (detail: string): Look => ({ shown: null, state: 'failed', detail, ...span });
  if (row === undefined) return failed('the answer lacks this SKU');
  if (row.statusCode === 404 || row.errors.some(({ code }) => notFound.includes(code)))
    return noNumber('not-listed', 'eBay has no such SKU (any more)', span);
  const item = Item.safeParse({ sku: facts.sku, ...(row.inventoryItem ?? {}) }).data;
  if (row.statusCode >= 300 || item === undefined || row.inventoryItem === undefined)
    return failed(`eBay could not read it (status ${row.statusCode})`);
  const { shown } = item;
  const why = facts.unwritable ?? item.unwritable;
  if (why !== null) return { ...noNumber('unwritable', why, span), shown };
  if (shown !== null) return shownAs(shown, span);
  return noNumber('untracked', 'the inventory item carries no quantity on eBay', span);
}

/**
 * The offers of a SKU. Null: eBay does not take this SKU in an address (EBAY-9.18), so that nothing is known of them.
 * None: 404, which a few accounts also get for other reasons (25713, EBAY-9.20).
 */
export async function offersOf(task: Task, sku: string): Promise<Offer[] | null> {
  try {
    const query = { sku, limit: '100' };
    const { data } = await task.ask({ path: `${root}/offer`, query, data: Offers });
    return data.offers;
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'rejected') throw error;
    if (error.status === 404) return [];
    if (error.has(25707, 25702, 25709)) return null;
    throw error;
  }
}

/**
 * Writes SKUs by bulk_update_price_quantity, 25 a call (EBAY-5.1). Offers that carry a number get the same one, or they
 * would pin the listing (EBAY-9.4). The method's own text says one SKU a call, its schema 25: a refusal of the whole call
 * teaches smaller ones.
 */
export async function writeInventory(
  task: Task,
  rows: readonly Due<InventoryFacts>[],
): Promise<Map<PushLine, PushOutcome>> {
  const { learned } = task;
  const revised = rows.flatMap(({ facts }) => revisedBy(facts));
  if (revised.length > 0) await task.revisions.spend(revised);
  const body = { requests: rows.map(requestOf) };
  const path = `${root}/bulk_update_price_quantity`;
  try {
    const ask = { method: 'POST', path, body, data: Rows } as const;
    const { data } = await task.ask(ask);
    learned.rowsPerWrite = Math.min(rowsPerCall, learned.rowsPerWrite + 1);
    return new Map(rows.map((each, at) => [each.line, rowOutcome(each, data.responses, at)]));
  } catch (error) {
    const isRefused = error instanceof Refusal && error.kind === 'rejected' && rows.length > 1;
    if (isRefused) learned.rowsPerWrite = Math.ceil(rows.length / 2);
    throw error;
  }
}

function requestOf({ line, facts }: Due<InventoryFacts>) {
  const pinned = facts.offers.filter((offer) => offer.pinned);
  const offers = pinned.map(({ offerId }) => ({ offerId, availableQuantity: line.quantity }));
  return {
    sku: facts.sku,
    shipToLocationAvailability: { quantity: line.quantity },
    ...(offers.length === 0 ? {} : { offers }),
  };
}

/** A SKU may have one row for its item and one for each offer: the worst of them counts. */
function rowOutcome({ line, facts }: Due<InventoryFacts>, rows: readonly Row[], at: number): PushOutcome {
  const own = rows.filter((row) => row.sku === facts.sku);
  const byPlace = rows[at];
  const mine = own.length === 0 && byPlace !== undefined && !byPlace.sku ? [byPlace] : own;
  if (mine.length === 0) return { kind: 'unknown', error: 'the answer lacks this SKU' };
  const bad = mine.find((row) => row.statusCode >= 300 || row.statusCode < 200);
  if (bad === undefined) return { kind: 'applied', shown: line.quantity };
  const { statusCode: status, errors } = bad;
  const has = (code: number): boolean => errors.some((error) => error.code === code);
  const error = `status ${status} ${wordsOf(errors)}`.trim();
  if (has(25025) || status === 503) return { kind: 'retry', error };
  if (status === 429) return { kind: 'throttled', error, afterMs: 60_000 };
  return status >= 500 || has(25001) ? { kind: 'unknown', error } : refusedRow(errors, error);
}
