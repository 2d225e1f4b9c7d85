import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { type Batch, outcomeOf } from './batch.ts';
import { Refusal, short } from './failures.ts';

/** A line that may be written. `status`: what the location says now, echoed; null: none was told, none is sent. */
export interface Due {
  line: PushLine;
  fsn: string;
  status: string | null;
}

const Fault = z.object({
  severity: z.string().nullish().catch(null),
  code: z.union([z.number(), z.string()]).nullish().catch(null),
  description: z.string().nullish().catch(null),
  attribute: z.string().nullish().catch(null),
});
type Fault = z.infer<typeof Fault>;
const Faults = z
  .array(z.unknown())
  .nullish()
  .catch(null)
  .transform((rows) => (rows ?? []).flatMap((row) => Fault.safeParse(row).data ?? []));
const Result = z.object({ status: z.string(), errors: Faults, attribute_errors: Faults });
type Result = z.infer<typeof Result>;
/** SKU → result. 202 may come without a body. */
const Results = z.record(z.string(), z.unknown()).nullable();

/**
 * Writes by `update/inventory`, never by the calls that replace a whole listing (FK-4). A refused call is halved
 * down to the SKU that spoils it; a SKU that the answer leaves out is sent once more by itself. Settles every line.
 */
export async function writeAll(batch: Batch, due: readonly Due[]): Promise<void> {
  const queue: { rows: readonly Due[]; again: 'yes' | 'no' }[] = [];
  if (due.length > 0) queue.push({ rows: due, again: 'yes' });
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { rows } = next;
    const failure = await write(batch, rows);
    if (failure === null) {
      const left = rows.filter(({ line }) => !batch.outcomes.has(line));
      if (next.again === 'yes' && rows.length > 1)
        queue.push(...left.map((row) => ({ rows: [row], again: 'no' as const })));
      else for (const { line } of left) batch.outcomes.set(line, leftOut);
      continue;
    }
    if (failure instanceof Refusal && rows.length > 1) {
      const half = Math.ceil(rows.length / 2);
      queue.unshift({ ...next, rows: rows.slice(0, half) }, { ...next, rows: rows.slice(half) });
      continue;
    }
    for (const { line } of rows) batch.outcomes.set(line, outcomeOf(failure));
    if (failure.kind === 'rejected') continue;
    for (const rest of queue.splice(0))
      for (const { line } of rest.rows) batch.outcomes.set(line, unsent(failure));
  }
}

const leftOut: PushOutcome = { kind: 'retry', error: 'Flipkart’s answer leaves this SKU out' };

/** Lines that were not sent share the fate of what stopped the call, but nothing of theirs is in doubt. */
function unsent(failure: ChannelError): PushOutcome {
  if (failure.kind !== 'unknown') return outcomeOf(failure);
  return { kind: 'retry', error: 'not sent: an earlier part of the call had no answer' };
}

/** One call. Null when it was answered; lines that the answer names have their outcome then. */
async function write(batch: Batch, rows: readonly Due[]): Promise<ChannelError | null> {
  const { shop, signal, outcomes } = batch;
  try {
    const { data } = await shop.api.call(
      {
        family: 'listings',
        method: 'POST',
        path: '/listings/v3/update/inventory',
        body: bodyOf(rows, shop.config.location),
        data: Results,
        effect: 'write',
        priority: 'push',
      },
      signal,
    );
    for (const { line } of rows) {
      const outcome = resultIn(data, line.listingId);
      if (outcome !== null) outcomes.set(line, outcome);
    }
    return null;
  } catch (error) {
    if (error instanceof ChannelError) return error;
    throw error;
  }
}

/** SKUs are keys: entries are defined, not assigned, so that none of them can touch a prototype (FK-7.3). */
function bodyOf(rows: readonly Due[], location: string): Record<string, unknown> {
  return Object.fromEntries(
    rows.map(({ line, fsn, status }) => [
      line.listingId,
      {
        product_id: fsn,
        locations: [{ id: location, ...(status === null ? {} : { status }), inventory: line.quantity }],
      },
    ]),
  );
}

/** HTTP 200 says nothing about a SKU (FK-7.9). Null: the answer does not name it. */
function resultIn(data: z.infer<typeof Results>, sku: string): PushOutcome | null {
  if (data === null) return { kind: 'accepted' };
  const result = Result.safeParse(Object.hasOwn(data, sku) ? data[sku] : undefined);
  return result.success ? outcomeOfResult(result.data) : null;
}

/**
 * A warning was obeyed with remarks (FK-4). Codes have no public list, so that words decide. A success shows a few
 * minutes later (FK-3.4): it is accepted, and read back after the settle time.
 */
function outcomeOfResult({ status, errors, attribute_errors }: Result): PushOutcome {
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
