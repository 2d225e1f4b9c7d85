import type { PushLine, PushOutcome } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import type { SkuStock } from './inventory.ts';
import type { Shop } from './shop.ts';

/** A line that is to be written, with what was read of its SKU. */
export interface Due {
  line: PushLine;
  stock: SkuStock;
}

/** One call of `setStock` on its way: what became of each line so far. */
export interface Batch {
  shop: Shop;
  signal: AbortSignal;
  outcomes: Map<PushLine, PushOutcome>;
  /** Lines whose warehouses had changed when they were written. */
  stale: Map<PushLine, string>;
}

/** The outcome of a line whose request failed as a whole. */
export function outcomeOf(error: ChannelError): PushOutcome {
  if (error.kind === 'auth' && error.hint !== '')
    return { kind: 'auth', error: `${error.message}. ${error.hint}` };
  return lineOutcome(error, { throttledMs: 60_000, hint: 'run: invsync check' });
}

/** The outcome of a line that was not sent because of this failure: nobody can have written it. */
export function unsent(error: unknown): PushOutcome {
  if (!(error instanceof ChannelError)) throw error;
  return error.kind === 'unknown' ? { kind: 'retry', error: `not sent: ${error.message}` } : outcomeOf(error);
}
