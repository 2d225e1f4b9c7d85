import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { short } from '../kit/refusal.ts';
import { maybe, rowsOf, Text } from '../kit/shapes.ts';
import { type Due as AnyDue, chunksOf, compared, writeInBatches } from '../kit/write.ts';
import type { Shop } from './api.ts';
import { capabilities, skusPerCall } from './capabilities.ts';
import { isAddressable, type Look, lookUp, placeOf, type Row, readingOf, unaddressable } from './look.ts';

/** A line that may be written. `status`: what the location says now, echoed; null: none was told, none is sent. */
interface Due extends AnyDue {
  fsn: Row['product_id'];
  status: string | null;
}

const Fault = z.object({
  code: maybe(z.union([z.number(), z.string()])),
  description: Text,
  attribute: Text,
});
type Fault = z.infer<typeof Fault>;
const Result = z.object({ status: z.string(), errors: rowsOf(Fault), attribute_errors: rowsOf(Fault) });
/** SKU → result. 202 may come without a body. */
const Results = z.record(z.string(), z.unknown()).nullable();

const importHint = 'if that was changed at Flipkart, run: invsync listings import';

/**
 * Sets numbers at the channel's location: read (for the product id, the status to echo and the guard against stock that
 * Flipkart holds), compare with `base`, write by `update/inventory`, never by the calls that replace a whole listing
 * (FK-4). The whole call ends within one time-out, which is what the engine's deadline counts with.
 */
export function setStock(shop: Shop, lines: readonly PushLine[], given: AbortSignal): Promise<PushOutcome[]> {
  const signal = AbortSignal.any([given, AbortSignal.timeout(shop.deps.timeoutMs)]);
  return writeInBatches<Due>(lines, {
    maxQuantity: capabilities.maxQuantity,
    batches: (due) => chunksOf(due, skusPerCall),
    refusal: ({ listingId }) =>
      isAddressable(listingId)
        ? null
        : { error: unaddressable, hint: 'leave it unmapped, or list the product under another SKU' },
    async read(wanted) {
      const skus = wanted.map(({ listingId }) => listingId);
      const look = await lookUp(shop, skus, { priority: 'push', signal });
      return new Map(wanted.map((line) => [line, dueOf(shop, line, look(line.listingId))]));
    },
    write: (rows) => write(shop, rows, signal),
  });
}

function dueOf(shop: Shop, line: PushLine, look: Look): Due | PushOutcome {
  const { row } = look;
  if (row === null && look.kind === 'left out') return { kind: 'retry', error: look.why };
  if (row === null) return { kind: 'rejected', error: look.why, hint: importHint };
  const { location } = shop.config;
  const reading = readingOf(look, location);
  // A listing that never had a number at this location gets its first one only by force.
  const isFirst = reading.state === 'untracked' && line.base === null;
  const settled = isFirst ? null : compared(line, reading, importHint);
  return settled ?? { line, fsn: row.product_id, status: placeOf(row, location)?.status ?? null };
}

/** SKUs are keys: entries are defined, not assigned, so that none of them can touch a prototype (FK-7.3). */
async function write(shop: Shop, rows: Due[], signal: AbortSignal): Promise<Map<PushLine, PushOutcome>> {
  const { location: id } = shop.config;
  const entries = rows.map(({ line, fsn, status }) => {
    const place = { id, ...(status === null ? {} : { status }), inventory: line.quantity };
    return [line.listingId, { product_id: fsn, locations: [place] }] as const;
  });
  const body = Object.fromEntries(entries);
  const path = '/listings/v3/update/inventory';
  const { data } = await shop.api.call(
    { family: 'listings', method: 'POST', path, body, data: Results, effect: 'write', priority: 'push' },
    signal,
  );
  const outcomes = new Map<PushLine, PushOutcome>();
  for (const { line } of rows) {
    const outcome = outcomeIn(data, line.listingId);
    if (outcome !== null) outcomes.set(line, outcome);
  }
  return outcomes;
}

/**
 * HTTP 200 says nothing about a SKU (FK-7.9). A warning was obeyed with remarks (FK-4). Codes have no public list, so that
 * words decide. A success shows a few minutes later (FK-3.4): it is accepted, and read back after the settle time. Null:
 * the answer does not name the SKU.
 */
function outcomeIn(data: z.infer<typeof Results>, sku: string): PushOutcome | null {
  if (data === null) return { kind: 'accepted' };
  const result = Result.safeParse(Object.hasOwn(data, sku) ? data[sku] : undefined).data;
  if (result === undefined) return null;
  const { status, errors, attribute_errors } = result;
  if (status === 'SUCCESS' || status === 'WARNING') return { kind: 'accepted' };
  const faults = [...errors, ...attribute_errors];
  const words = faults.map(wordsOf).filter(Boolean).join('; ');
  const error = short(`Flipkart answered ${status}${words === '' ? '' : `: ${words}`}`);
  if (/too many|throttl|rate limit|try again|temporar|timed? ?out|internal|unavailable/i.test(words))
    return { kind: 'retry', error };
  return { kind: 'rejected', error, hint: hintFor(faults) };
}

function wordsOf({ code, attribute, description }: Fault): string {
  return [code, attribute, description].filter((part) => part !== null && part !== undefined).join(' ');
}

function hintFor(faults: readonly Fault[]): string {
  const about = faults.map((fault) => `${fault.attribute ?? ''} ${fault.description ?? ''}`).join(' ');
  if (/product.?id|fsn/i.test(about))
    return 'the SKU belongs to another product (FSN) now: run: invsync listings import';
  if (/location/i.test(about))
    return 'check that the location of this channel is active in the seller dashboard';
  if (/not.?found|unknown|no such|does not exist/i.test(about)) return 'run: invsync listings import';
  return 'look at the listing in the seller dashboard, then: invsync pushes retry';
}
