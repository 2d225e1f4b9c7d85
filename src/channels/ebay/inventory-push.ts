import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Shop } from './api.ts';
import { rowsPerCall } from './capabilities.ts';
import { type Due, type InventoryFacts, revisedBy } from './facts.ts';
import { RestError, wordsOf } from './failures.ts';

const Row = z.object({
  sku: z.string().nullish(),
  offerId: z.string().nullish(),
  statusCode: z.number(),
  errors: z.array(RestError).nullish(),
});
type Row = z.infer<typeof Row>;
const Answer = z.object({ responses: z.array(Row) });

const importHint = 'run: invsync listings import';
/** Hints by error id (EBAY-5.1, verified 2026-11). */
const hints = new Map<number, string>([
  [25004, 'eBay does not take this number'],
  [25019, 'the listing cannot be revised just now: look at it in Seller Hub'],
  [25026, 'the selling limit of the account is reached: ask eBay for a higher one'],
  [25097, 'eBay has put the listing on hold: see its messages'],
  [25701, importHint],
  [25702, importHint],
  [25707, 'the Inventory API takes letters and digits only in a SKU'],
  [25710, importHint],
  [25713, `${importHint}; the offer may also be barred on this marketplace`],
  [25759, 'an auction holds more than this number'],
]);

/**
 * Writes SKUs of the Inventory API by bulk_update_price_quantity, 25 a call (EBAY-5.1). Each row has its own
 * status, also under HTTP 200. Offers that carry a number get the same one, or they would pin the listing (EBAY-9.4). The
 * method's own text says one SKU a call, its schema 25: a refusal of the whole call teaches smaller ones.
 */
export async function writeInventory(
  shop: Shop,
  rows: readonly Due<InventoryFacts>[],
  signal: AbortSignal,
): Promise<Map<PushLine, PushOutcome>> {
  const { learned } = shop;
  const revised = rows.flatMap(({ facts }) => revisedBy(facts));
  if (revised.length > 0) await shop.revisions.spend(revised);
  const body = { requests: rows.map(requestOf) };
  const path = '/sell/inventory/v1/bulk_update_price_quantity';
  try {
    const { data } = await shop.rest.call(
      { method: 'POST', path, body, data: Answer, priority: 'push' },
      signal,
    );
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
  return bad === undefined ? { kind: 'applied', shown: line.quantity } : refusalOf(bad);
}

function refusalOf(row: Row): PushOutcome {
  const errors = row.errors ?? [];
  const ids = errors.map((error) => error.errorId);
  const error = `status ${row.statusCode} ${wordsOf(errors)}`.trim();
  if (ids.includes(25025) || row.statusCode === 503) return { kind: 'retry', error };
  if (row.statusCode === 429) return { kind: 'throttled', error, afterMs: 60_000 };
  if (row.statusCode >= 500 || ids.includes(25001)) return { kind: 'unknown', error };
  const hint = ids.map((id) => hints.get(id)).find((text) => text !== undefined);
  return { kind: 'rejected', error, hint: hint ?? 'look at the listing in Seller Hub' };
}
