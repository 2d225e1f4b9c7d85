import { z } from 'zod';
import type { PushOutcome } from '../channel.ts';

/** A user error of inventorySetQuantities. `code` may be one that the schema no longer lists, or absent. */
export const SetUserError = z.object({
  code: z.string().nullish(),
  field: z.array(z.string()).nullish(),
  message: z.string(),
});
export type SetUserError = z.infer<typeof SetUserError>;

/** What a user error means for its row, or for the whole call. */
export type Trouble =
  | { kind: 'stale' }
  | { kind: 'not-stocked'; error: string }
  | { kind: 'previous-attempt-failed' }
  | { kind: 'row'; outcome: PushOutcome }
  | { kind: 'whole-call'; outcome: PushOutcome };

/** Rows that will not get better by themselves, with what to do (SHP-5.1). */
const rejections: Record<string, string> = {
  INVALID_INVENTORY_ITEM: 'the item is gone from Shopify; run: invsync listings import',
  NON_MUTABLE_INVENTORY_ITEM: 'a bundle parent cannot be written; map its components instead',
  INVALID_QUANTITY_NEGATIVE: 'Shopify takes no negative number',
  INVALID_QUANTITY_TOO_HIGH: 'the number is beyond 1,000,000,000',
  INVALID_QUANTITY_TOO_LOW: 'the number is below -1,000,000,000',
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR:
    'the item was named twice in one call; this is a fault in invsync',
};

/** Errors about the call as a whole. */
const callFaults: Record<string, string> = {
  INVALID_NAME: 'this is a fault in invsync',
  INVALID_REASON: 'this is a fault in invsync',
  INVALID_REFERENCE_DOCUMENT: 'this is a fault in invsync',
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH: 'this is a fault in invsync',
  COMPARE_QUANTITY_REQUIRED: 'the shop answers with an API version before 2026-04; check api_version',
};

/**
 * What one user error means. Not stocked has two dialects (SHP-5.1): ITEM_NOT_STOCKED_AT_LOCATION up to 2026-07;
 * 2026-10 dropped that code without saying what takes its place, so INVALID_LOCATION and an error without a code that
 * speaks of stocking count too. Last verified 2026-11 against both schemas, never against a live shop.
 */
export function classify(error: SetUserError): Trouble {
  const code = error.code ?? '';
  const text = `Shopify: ${error.message.slice(0, 200)}`;
  if (code === 'CHANGE_FROM_QUANTITY_STALE' || code === 'COMPARE_QUANTITY_STALE') return { kind: 'stale' };
  if (code === 'ITEM_NOT_STOCKED_AT_LOCATION' || code === 'INVALID_LOCATION')
    return { kind: 'not-stocked', error: text };
  if (code === '' && /not\s+stocked/i.test(error.message)) return { kind: 'not-stocked', error: text };
  if (code === 'IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED') return { kind: 'previous-attempt-failed' };
  if (code === 'IDEMPOTENCY_CONCURRENT_REQUEST') {
    // The twin of this call is still running; the same lines give the same key, and the key gives its result.
    return { kind: 'whole-call', outcome: { kind: 'retry', error: text, afterMs: 2_000 } };
  }
  const fault = callFaults[code];
  if (fault !== undefined)
    return { kind: 'whole-call', outcome: { kind: 'rejected', error: text, hint: fault } };
  const hint = rejections[code] ?? 'see the message';
  return { kind: 'row', outcome: { kind: 'rejected', error: text, hint } };
}

/** The row that an error is about, from a path like `input, quantities, 3, changeFromQuantity`; null when it names none. */
export function indexOf(error: SetUserError, rows: number): number | null {
  const path = error.field ?? [];
  const at = path.indexOf('quantities');
  const index = at < 0 ? Number.NaN : Number(path[at + 1] ?? Number.NaN);
  return Number.isInteger(index) && index >= 0 && index < rows ? index : null;
}
