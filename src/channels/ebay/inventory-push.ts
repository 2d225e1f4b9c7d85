import { z } from 'zod';
import type { PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { type Batch, type Due, outcomeOf, revisedBy, settleRest } from './batch.ts';
import { rowsPerCall } from './capabilities.ts';
import type { InventoryFacts } from './facts.ts';
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
 * status, also under HTTP 200. Offers that carry a number get the same one, or they would pin the listing (EBAY-9.4).
 */
export async function writeInventory(batch: Batch, due: readonly Due<InventoryFacts>[]): Promise<void> {
  const queue: Due<InventoryFacts>[][] = [];
  const size = batch.shop.learned.rowsPerWrite;
  for (let at = 0; at < due.length; at += size) queue.push(due.slice(at, at + size));
  for (let rows = queue.shift(); rows !== undefined; rows = queue.shift()) {
    const failure = await writeRows(batch, rows);
    if (failure === null) continue;
    if (failure.kind === 'rejected' && rows.length > 1) {
      queue.unshift(...halves(batch, rows));
      continue;
    }
    settleRest(batch, rows, () => outcomeOf(failure));
    if (failure.kind !== 'rejected') throw failure;
  }
}

/** The method's own text says one SKU a call, its schema 25 (EBAY-5.1): a refusal of the whole call is halved. */
function halves(batch: Batch, rows: Due<InventoryFacts>[]): Due<InventoryFacts>[][] {
  const half = Math.ceil(rows.length / 2);
  batch.shop.learned.rowsPerWrite = half;
  return [rows.slice(0, half), rows.slice(half)];
}

/** One call; null when every row has its outcome, else the failure of the whole call. */
async function writeRows(batch: Batch, rows: readonly Due<InventoryFacts>[]): Promise<ChannelError | null> {
  const { shop, signal } = batch;
  const revised = rows.flatMap(({ facts }) => revisedBy(facts));
  if (revised.length > 0) await shop.revisions.spend(revised);
  try {
    const { data } = await shop.rest.call(
      {
        method: 'POST',
        path: '/sell/inventory/v1/bulk_update_price_quantity',
        body: { requests: rows.map(requestOf) },
        data: Answer,
        priority: 'push',
      },
      signal,
    );
    for (const [at, each] of rows.entries())
      batch.outcomes.set(each.line, rowOutcome(each, data.responses, at));
    const { learned } = shop;
    learned.rowsPerWrite = Math.min(rowsPerCall, learned.rowsPerWrite + 1);
    return null;
  } catch (error) {
    if (error instanceof ChannelError) return error;
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
