import { z } from 'zod';
import type { PushLine, PushOutcome } from '../channel.ts';
import { Refusal, short } from '../kit/refusal.ts';
import { maybe, Text } from '../kit/shapes.ts';
import { type Due as AnyDue, compared, groupsOf, writeInBatches } from '../kit/write.ts';
import type { Shop } from './api.ts';
import { capabilities } from './capabilities.ts';
import { hourlyLimitCode, rejectHints, staleWarehouseCodes, throttleCodes, transientCodes } from './codes.ts';
import { Code } from './failures.ts';
import { Id, isId } from './ids.ts';
import { factsOf } from './listings.ts';
import { readingOf, readSkus, type SkuStock } from './stock.ts';
import { type Sites, spread } from './warehouses.ts';

/** A line that is to be written, with what was read of its SKU. */
interface Due extends AnyDue {
  stock: SkuStock;
}

const SkuError = z.object({
  code: maybe(Code),
  message: Text,
  detail: maybe(
    z.object({ sku_id: maybe(Id), extra_errors: maybe(z.array(z.object({ code: maybe(Code) }))) }),
  ),
});
type SkuError = z.infer<typeof SkuError>;
/** A list of errors that cannot be read must not look like success. */
const Answer = z.object({ errors: z.array(SkuError).nullish() }).nullish();

const importHint = 'run: invsync listings import; unmap the listing if it is gone for good';

/**
 * Sets numbers: read, compare with `base`, write, one call a product (TTS-4). The read also brings every warehouse
 * that must be named. What shows its number already is not written. Where the warehouses of a SKU changed since they were
 * read, both are read again, once.
 */
export async function setStock(
  shop: Shop,
  lines: readonly PushLine[],
  signal: AbortSignal,
): Promise<PushOutcome[]> {
  const stale = new Set<PushLine>();
  const first = await writeWith(shop, lines, { signal, stale, sites: () => shop.warehouses.known(signal) });
  if (stale.size === 0) return first;
  const again = [...stale];
  const second = await writeWith(shop, again, { signal, stale, sites: () => shop.warehouses.fresh(signal) });
  const settled = new Map(again.map((line, at) => [line, second[at]]));
  return lines.flatMap((line, at) => settled.get(line) ?? first[at] ?? []);
}

function writeWith(
  shop: Shop,
  lines: readonly PushLine[],
  at: { signal: AbortSignal; stale: Set<PushLine>; sites(): Promise<Sites> },
): Promise<PushOutcome[]> {
  let sites: Sites | null = null;
  return writeInBatches<Due>(lines, {
    maxQuantity: capabilities.maxQuantity,
    batches: (due) => groupsOf(due, ({ stock }) => stock.productId, capabilities.batchSize),
    refusal(line) {
      if (!isId(line.listingId)) return { error: 'this is no SKU id of TikTok Shop', hint: importHint };
      const why = factsOf(line).unwritable;
      const hint = 'once that was changed on TikTok Shop, run: invsync listings import';
      return why === null ? null : { error: why, hint };
    },
    async read(wanted) {
      const known = await at.sites();
      sites = known;
      const ids = wanted.map(({ listingId }) => listingId);
      const found = await readSkus(shop, ids, { priority: 'push', signal: at.signal });
      return new Map(wanted.map((line) => [line, dueOf(line, found.get(line.listingId), known)]));
    },
    write: (rows) => writeProduct(shop, rows, { ...at, sites }),
  });
}

function dueOf(line: PushLine, stock: SkuStock | undefined, sites: Sites): Due | PushOutcome {
  if (stock === undefined)
    return { kind: 'rejected', error: 'TikTok Shop has no such SKU in this shop', hint: importHint };
  // Without the warehouses nobody can tell what else a write would overwrite.
  const reading = readingOf(stock, sites, null);
  const settled = compared(line, reading, 'look at its stock in Seller Center');
  if (settled !== null) return settled;
  return reading.shown === line.quantity ? { kind: 'applied', shown: line.quantity } : { line, stock };
}

/**
 * Some SKUs of one product in one call (TTS-4). Code 0 may have failures inside; one that names none of the SKUs refuses
 * the call as a whole.
 */
async function writeProduct(
  shop: Shop,
  rows: Due[],
  at: { signal: AbortSignal; stale: Set<PushLine>; sites: Sites | null },
): Promise<Map<PushLine, PushOutcome>> {
  const { sites, stale, signal } = at;
  const [only] = rows;
  if (sites === null || only === undefined) return new Map();
  const skus = rows.map(({ line, stock }) => ({
    id: line.listingId,
    inventory: spread(stock.levels ?? [], line.quantity, sites),
  }));
  const isStale = (codes: readonly unknown[]) => codes.some((code) => staleWarehouseCodes.has(Number(code)));
  const path = `/product/202309/products/${only.stock.productId}/inventory/update`;
  try {
    const { data } = await shop.api.call(
      { method: 'POST', path, body: { skus }, data: Answer, effect: 'write', priority: 'push' },
      signal,
    );
    const errors = data?.errors ?? [];
    const unnamed = errors.find((error) => !rows.some(({ line }) => line.listingId === skuOf(error)));
    if (unnamed !== undefined && rows.length > 1) throw new Refusal('rejected', wordsOf(unnamed));
    return new Map(
      rows.map(({ line }) => {
        const own = errors.find((error) => skuOf(error) === line.listingId) ?? unnamed;
        if (own === undefined) return [line, { kind: 'applied', shown: line.quantity }];
        if (isStale(codesOf(own))) stale.add(line);
        return [line, outcomeIn(own)];
      }),
    );
  } catch (error) {
    if (error instanceof Refusal && rows.length === 1 && isStale(error.codes)) stale.add(only.line);
    throw error;
  }
}

function outcomeIn(own: SkuError): PushOutcome {
  const codes = codesOf(own);
  const error = wordsOf(own);
  if (codes.some((code) => throttleCodes.has(code))) return { kind: 'throttled', error, afterMs: 1_000 };
  if (codes.includes(hourlyLimitCode)) return { kind: 'throttled', error, afterMs: 3_600_000 };
  if (codes.some((code) => transientCodes.has(code))) return { kind: 'unknown', error };
  const hint = codes.map((code) => rejectHints.get(code)).find((text) => text !== undefined);
  return { kind: 'rejected', error, hint: hint ?? 'look at the product in Seller Center' };
}

function wordsOf({ code, message }: SkuError): string {
  return short(`code ${code ?? 'unknown'} ${message ?? ''}`);
}

function skuOf(error: SkuError): string | null {
  return error.detail?.sku_id ?? null;
}

function codesOf(error: SkuError): number[] {
  const codes = [error.code, ...(error.detail?.extra_errors ?? []).map(({ code }) => code)];
  return codes.filter((code) => typeof code === 'number');
}
