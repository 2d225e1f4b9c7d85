import { z } from 'zod';
import type { PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { hourlyLimitCode, rejectHints, staleWarehouseCodes, throttleCodes, transientCodes } from './codes.ts';
import { Refusal, short } from './failures.ts';
import { Id } from './ids.ts';
import { type Batch, type Due, outcomeOf } from './outcomes.ts';
import { type Sites, spread } from './warehouses.ts';

const Code = z.union([
  z.int(),
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number),
]);
const SkuError = z.object({
  code: Code.nullish().catch(null),
  message: z.string().nullish().catch(null),
  detail: z
    .object({
      sku_id: Id.nullish().catch(null),
      extra_errors: z
        .array(z.object({ code: Code.nullish().catch(null) }))
        .nullish()
        .catch(null),
    })
    .nullish()
    .catch(null),
});
type SkuError = z.infer<typeof SkuError>;
/** A list of errors that cannot be read must not look like success. */
const Answer = z.object({ errors: z.array(SkuError).nullish() }).nullish();

interface At {
  productId: string;
  sites: Sites;
}

/**
 * Writes some SKUs of one product in one call (TTS-4). Code 0 may have failures inside. A call that is refused
 * as a whole is repeated SKU by SKU, so that a bad one costs only itself. Settles every line, then throws the failures
 * that concern the lines of other products too.
 */
export async function writeProduct(batch: Batch, at: At, due: readonly Due[]): Promise<void> {
  const sent = await send(batch, at, due);
  if (sent instanceof ChannelError) {
    if (sent.kind === 'rejected' && due.length > 1) return oneByOne(batch, at, due);
    const code = sent instanceof Refusal ? sent.code : null;
    for (const { line } of due) settle(batch, line, outcomeOf(sent), { code });
    if (sent.kind !== 'rejected') throw sent;
    return;
  }
  const unnamed = sent.find((error) => !due.some(({ line }) => line.listingId === skuOf(error)));
  if (unnamed !== undefined && due.length > 1) return oneByOne(batch, at, due);
  for (const { line } of due) {
    const own = sent.find((error) => skuOf(error) === line.listingId) ?? unnamed;
    settle(batch, line, own === undefined ? { kind: 'applied', shown: line.quantity } : outcomeIn(own), own);
  }
}

async function oneByOne(batch: Batch, at: At, due: readonly Due[]): Promise<void> {
  for (const each of due) await writeProduct(batch, at, [each]);
}

/** The failures inside the answer, or the failure of the whole call. */
async function send(
  batch: Batch,
  { productId, sites }: At,
  due: readonly Due[],
): Promise<SkuError[] | ChannelError> {
  const skus = due.map(({ line, stock }) => ({
    id: line.listingId,
    inventory: spread(stock.levels ?? [], line.quantity, sites),
  }));
  try {
    const { data } = await batch.shop.api.call(
      {
        method: 'POST',
        path: `/product/202309/products/${productId}/inventory/update`,
        body: { skus },
        data: Answer,
        effect: 'write',
        priority: 'push',
      },
      batch.signal,
    );
    return data?.errors ?? [];
  } catch (error) {
    if (error instanceof ChannelError) return error;
    throw error;
  }
}

/** A line whose warehouses had changed gets no outcome yet, but only once. */
function settle(
  batch: Batch,
  line: Due['line'],
  outcome: PushOutcome,
  error: Pick<SkuError, 'code'> | undefined,
): void {
  const isStale = error !== undefined && codesOf(error).some((code) => staleWarehouseCodes.has(code));
  if (isStale && !batch.stale.has(line) && 'error' in outcome) batch.stale.set(line, outcome.error);
  else batch.outcomes.set(line, outcome);
}

function outcomeIn(own: SkuError): PushOutcome {
  const codes = codesOf(own);
  const error = short(`code ${own.code ?? 'unknown'} ${own.message ?? ''}`.trim());
  if (codes.some((code) => throttleCodes.has(code))) return { kind: 'throttled', error, afterMs: 1_000 };
  if (codes.includes(hourlyLimitCode)) return { kind: 'throttled', error, afterMs: 3_600_000 };
  if (codes.some((code) => transientCodes.has(code))) return { kind: 'unknown', error };
  const hint = codes.map((code) => rejectHints.get(code)).find((text) => text !== undefined);
  return { kind: 'rejected', error, hint: hint ?? 'look at the product in Seller Center' };
}

function skuOf(error: SkuError): string | null {
  return error.detail?.sku_id ?? null;
}

function codesOf(error: Partial<SkuError>): number[] {
  const codes = [error.code, ...(error.detail?.extra_errors ?? []).map(({ code }) => code)];
  return codes.filter((code) => typeof code === 'number');
}
