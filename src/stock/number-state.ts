import { expectedRange, type RangeFacts, single } from './anchor.ts';
import { type CounterFacts, openLow } from './push.ts';

/** A counter as its state is told to people. */
export interface StatedCounter extends CounterFacts {
  version: number;
  doneVersion: number;
  dead: boolean;
  exposed: boolean;
}

/** What the words depend on besides the counter. */
export interface StateContext {
  range: Omit<RangeFacts, 'restoresOnCancel'>;
  mode: 'observe' | 'shadow' | 'live';
  /** What the channel was last seen to show; null: never. */
  shown: number | null;
  /** How long after a low number was first seen it may be proved; null: not known. */
  proofAfterMs: number | null;
}

/**
 * One counter's number in the words that every view uses. `in sync` is said only of a number that was seen to equal its
 * target.
 */
export function numberState(counter: StatedCounter, context: StateContext): string {
  const { target } = counter;
  if (target.kind !== 'number') return target.kind;
  if (counter.exposed) return 'exposed';
  if (counter.dead) return 'dead';
  if (counter.state !== 'idle') return counter.state;
  if (context.mode !== 'live' && context.shown !== target.quantity) return `not sent: mode ${context.mode}`;
  const low = tooLow(counter, target.quantity, context);
  if (low !== null) return low;
  if (counter.version > counter.doneVersion) return 'due';
  if (context.shown === null) return 'not read yet';
  if (context.shown === target.quantity) return 'in sync';
  return movedSince(counter, target.quantity, context);
}

function tooLow(
  counter: StatedCounter,
  target: number,
  { range, proofAfterMs }: StateContext,
): string | null {
  const low = openLow(counter, { ...range, restoresOnCancel: true });
  if (low === null || counter.lowSince === null || low.high >= target) return null;
  const proof = proofAfterMs === null ? 'awaiting proof' : `proof at ${iso(counter.lowSince + proofAfterMs)}`;
  return `too low since ${iso(counter.lowSince)}, ${proof}`;
}

/** Nothing is to be sent, and the number last seen is another: what happened there since, by our books. */
function movedSince(counter: StatedCounter, target: number, { range, shown }: StateContext): string {
  if (counter.listings.every((listing) => listing.mode === 'off')) return 'left alone: mode off';
  const { anchor, own } = counter;
  const expected = anchor === null ? null : single(expectedRange(anchor, own, [], sure(range)));
  if (expected === target && own.some(({ delta }) => delta < 0)) return 'own sale lowered it, not read since';
  return (shown ?? 0) > target ? 'too high, not looked at since' : 'too low, not looked at since';
}

/** A rise that the channel may not have made is sent again, so only falls are sure. */
function sure(range: StateContext['range']): RangeFacts {
  return { ...range, restoresOnCancel: false };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
