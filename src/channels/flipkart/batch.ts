import type { PushLine, PushOutcome } from '../channel.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import type { Shop } from './shop.ts';

/** One call of `setStock` on its way. */
export interface Batch {
  shop: Shop;
  signal: AbortSignal;
  outcomes: Map<PushLine, PushOutcome>;
}

/** A failure as the outcome of a line. */
export function outcomeOf(error: unknown): PushOutcome {
  return lineOutcome(error, { throttledMs: 2_000, hint: 'run: invsync check' });
}
