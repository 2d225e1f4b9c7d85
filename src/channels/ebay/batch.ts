import type { PushLine, PushOutcome } from '../channel.ts';
import type { ChannelError } from '../errors.ts';
import { lineOutcome } from '../kit/outcomes.ts';
import type { Facts } from './facts.ts';
import type { Shop } from './shop.ts';

/** A line that is to be written, with the facts that address it. */
export interface Due<F extends Facts> {
  line: PushLine;
  facts: F;
}

/** One call of `setStock` on its way: what became of each line so far. */
export interface Batch {
  shop: Shop;
  signal: AbortSignal;
  outcomes: Map<PushLine, PushOutcome>;
}

/** The eBay listings whose revision a write of these facts costs. */
export function revisedBy(facts: Facts): string[] {
  return facts.model === 'trading' ? [facts.itemId] : [...new Set(facts.offers.map(({ itemId }) => itemId))];
}

/** The outcome of a line whose request failed as a whole. */
export function outcomeOf(error: ChannelError): PushOutcome {
  if (error.kind === 'auth') return { kind: 'auth', error: `${error.message}. ${error.hint}`.trim() };
  return lineOutcome(error, { throttledMs: 60_000, hint: 'run: invsync check' });
}

/** The outcome of a line that was not sent because of this failure: nobody can have written it. */
export function unsent(error: ChannelError): PushOutcome {
  return error.kind === 'unknown' ? { kind: 'retry', error: `not sent: ${error.message}` } : outcomeOf(error);
}

/** Settles every line that has no outcome yet. */
export function settleRest<F extends Facts>(
  batch: Batch,
  due: readonly Due<F>[],
  outcome: (line: PushLine) => PushOutcome,
): void {
  for (const { line } of due) if (!batch.outcomes.has(line)) batch.outcomes.set(line, outcome(line));
}
