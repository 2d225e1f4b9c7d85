import type { Anchor, OwnChange, Range, RangeFacts, UnreadPush } from './anchor.ts';
import { changesAfter, expectedRange, single } from './anchor.ts';
import type { Cause } from './cause.ts';
import type { Target } from './target.ts';

/** What a push is decided on: one counter as the store shows it. */
export interface CounterFacts {
  /** `doubted`: the equal SKU that it was mapped by is not its SKU any more. */
  listings: readonly {
    mode: 'on' | 'off';
    unwritable: string | null;
    doubted?: boolean;
    vanished?: boolean;
  }[];
  target: Target;
  state: 'idle' | 'in_flight' | 'unknown' | 'accepted';
  /** Numbers sent and not yet known to be settled, oldest first. */
  unread: readonly UnreadPush[];
  anchor: Anchor | null;
  previousNumber: number | null;
  own: readonly OwnChange[];
  lowSince: number | null;
  lowNumber: number | null;
  /** Why its number is not what recorded sales and pushes make it; null when they do. */
  doubt: Cause | null;
  lastRead: { shown: number | null } | null;
}

/** What a push is decided on besides its counter. */
export interface PushContext {
  now: number;
  /** The channel's facts for the expected range. */
  range: RangeFacts;
  /** How long after a write a read may still show the old number. */
  settleMs: number;
  /** Anchors that began earlier do not count. */
  liveSince: number;
  /** `stale`: some live channel's orders are not read up to now, so nothing is raised. */
  feeds: 'fresh' | 'stale';
  compareAndSet: 'native' | 'read-check' | 'none';
  /**
   * `raises`: a brake holds them; `zeros`: it holds this counter's unexplained zero as well; `doubt`: its number is in
   * doubt, and no run has judged yet whether a brake should close over its raise.
   */
  brake: 'none' | 'raises' | 'zeros' | 'doubt';
  maxQuantity: number;
}

/**
 * What to do about one due counter. `read`: its number must be seen first. `wait` names the time to look again, or
 * null when freshness (or a brake) decides and no time is known.
 */
export type PushDecision =
  | { kind: 'send'; quantity: number; base: number | null }
  | { kind: 'close'; reason: string }
  | { kind: 'wait'; until: number | null; needs: 'answer' | 'fresh' | 'brake'; reason: string }
  | { kind: 'read'; reason: string }
  | { kind: 'dead'; error: string; exposed: boolean };

/**
 * Decides one push. A lower number always leaves, at once; a higher one needs fresh feeds, no open brake, and no
 * unanswered push that could still act; a counter that shows its target by its own sales alone is left alone.
 */
export function decidePush(counter: CounterFacts, context: PushContext): PushDecision {
  const idle = refusal(counter, context);
  if (idle !== null) return idle;
  if (counter.target.kind !== 'number') return { kind: 'close', reason: counter.target.kind };
  const target = counter.target.quantity;

  const anchor = validAnchor(counter.anchor, context.liveSince);
  if (anchor === null)
    return { kind: 'read', reason: 'its number is not known since the channel became live' };
  const unread = counter.unread.filter((push) => anchor.from < readableAt(push, counter.state, context));
  const known = expectedRange(anchor, counter.own, [], context.range);
  const possible = expectedRange(anchor, counter.own, unread, context.range);
  // When the last read began after every unanswered push was sent, its number is what the channel shows now, even if
  // the channel carries out one of those pushes later.
  const seenSince = unread.every((push) => anchor.from > push.sentAt);
  const base = seenSince ? single(known) : null;

  // An accepted push is different: its number may appear at any moment, so the read does not rule it out, and a lower
  // target is sent without waiting for it. If the last number sent is already as low as the target, no second call is
  // made: its answer is awaited.
  const seesAll = seenSince && (counter.state !== 'accepted' || unread.length === 0);
  const last = unread.at(-1)?.quantity ?? Number.MAX_SAFE_INTEGER;
  const highest = seesAll ? known.high : Math.min(possible.high, last);
  if (target < highest) return lowered(target, base, context);
  if (unread.length > 0) return answerAwaited(counter, { unread, seenSince }, context);

  const low = openLow(counter, context.range);
  if (low !== null && target > low.high)
    return { kind: 'close', reason: `unexplained low: ${target} is held until it is proved` };
  if (target === single(known)) return alreadyShown(counter, target, anchor, context);
  return lifted(counter, target, base, context);
}

/** Why nothing is written to this counter whatever its number, or null. */
function refusal(counter: CounterFacts, context: PushContext): PushDecision | null {
  if (counter.listings.every((listing) => listing.mode === 'off'))
    return { kind: 'close', reason: 'left alone: mode off' };
  // A read that shows a number there again is the only reason to write to what is gone.
  if (counter.listings.every((listing) => listing.vanished === true) && counter.lastRead?.shown == null)
    return { kind: 'close', reason: 'it is gone from the channel' };
  if (counter.target.kind !== 'number') return { kind: 'close', reason: counter.target.kind };
  const { quantity } = counter.target;
  if (!Number.isInteger(quantity) || quantity < 0 || quantity > context.maxQuantity)
    return { kind: 'dead', error: `${quantity} is no number that this channel takes`, exposed: false };
  const unwritable = unwritableReason(counter);
  if (unwritable === null) return null;
  const highest = mayShow(counter, context);
  return { kind: 'dead', error: unwritable, exposed: highest !== null && highest > quantity };
}

/** Why no listing of the counter may be written, or null when one may. */
export function unwritableReason(counter: Pick<CounterFacts, 'listings'>): string | null {
  const on = counter.listings.filter((listing) => listing.mode === 'on');
  return on.some((listing) => listing.unwritable === null) ? null : (on[0]?.unwritable ?? null);
}

/** The highest number that the counter may show by all we know; null when nothing is known. */
export function mayShow(counter: CounterFacts, context: { range: RangeFacts }): number | null {
  if (counter.anchor === null) return counter.lastRead?.shown ?? null;
  return expectedRange(counter.anchor, counter.own, counter.unread, context.range).high;
}

/** An anchor counts when it began since the channel became live. */
export function validAnchor(anchor: Anchor | null, liveSince: number): Anchor | null {
  return anchor !== null && anchor.from >= liveSince ? anchor : null;
}

/**
 * From when on a read tells what became of a push: an accepted one shows a settle time after it was sent, an
 * unanswered one may act until its deadline and shows a settle time later.
 */
export function readableAt(
  push: UnreadPush,
  state: CounterFacts['state'],
  context: { settleMs: number },
): number {
  return state === 'accepted'
    ? Math.max(push.deadline, push.sentAt + context.settleMs)
    : push.deadline + context.settleMs;
}

function lowered(target: number, base: number | null, context: PushContext): PushDecision {
  if (target === 0 && context.brake === 'zeros')
    return { kind: 'wait', until: null, needs: 'brake', reason: 'a brake holds unexplained zeros' };
  return sendFrom(target, base, context);
}

const heldBy = {
  raises: 'a brake holds raises',
  zeros: 'a brake holds raises',
  doubt: 'its number is in doubt: a reconcile run judges the raise',
} as const;

/** Why nothing is raised at this counter until a person has said what its listings are; null when they are sure. */
export function doubtReason(counter: Pick<CounterFacts, 'listings'>): string | null {
  const doubted = counter.listings.some((listing) => listing.mode === 'on' && listing.doubted === true);
  return doubted
    ? 'its SKU there is not the one that it was mapped by: invsync listings unmatched --changed'
    : null;
}

function lifted(
  counter: CounterFacts,
  target: number,
  base: number | null,
  context: PushContext,
): PushDecision {
  const doubt = doubtReason(counter);
  if (doubt !== null) return { kind: 'close', reason: `not raised: ${doubt}` };
  if (context.brake !== 'none')
    return { kind: 'wait', until: null, needs: 'brake', reason: heldBy[context.brake] };
  if (context.feeds === 'stale')
    return { kind: 'wait', until: null, needs: 'fresh', reason: 'waits until all order feeds are fresh' };
  return sendFrom(target, base, context);
}

function sendFrom(quantity: number, base: number | null, context: PushContext): PushDecision {
  if (context.compareAndSet === 'none') return { kind: 'send', quantity, base };
  if (base === null) return { kind: 'read', reason: 'its number is not certain enough to compare with' };
  return { kind: 'send', quantity, base };
}

/** The first look after what may have acted; the rests between looks double. */
const firstLookMs = 1_000;

/**
 * What was accepted shows at its time. What has no answer is read at once, and again with growing rests: its deadline
 * only says when it can act no more.
 */
function answerAwaited(
  { state }: CounterFacts,
  sent: { unread: readonly UnreadPush[]; seenSince: boolean },
  context: PushContext,
): PushDecision {
  const until = Math.max(...sent.unread.map((push) => readableAt(push, state, context)));
  if (context.now >= until)
    return { kind: 'read', reason: state === 'accepted' ? 'accepted: read back' : 'no answer: read' };
  const reason = 'an earlier push may still act';
  if (state === 'accepted') return { kind: 'wait', until, needs: 'answer', reason };
  if (!sent.seenSince) return { kind: 'read', reason: 'no answer yet: read' };
  const sentAt = Math.max(...sent.unread.map((push) => push.sentAt));
  const rest = Math.max(firstLookMs, context.now - sentAt);
  return { kind: 'wait', until: Math.min(until, context.now + rest), needs: 'answer', reason };
}

/**
 * The expected number is the target. Left alone without own changes, or when the channel's own sales, all surely
 * after the anchor, brought it there (the origin rule); a rise is written again, since the channel may not have made it.
 */
function alreadyShown(
  counter: CounterFacts,
  target: number,
  anchor: Anchor,
  context: PushContext,
): PushDecision {
  if (context.range.basis === 'gross') return { kind: 'close', reason: 'shows it already' };
  const later = changesAfter(anchor, counter.own, context.range.clockMarginMs);
  if (later.length === 0) return { kind: 'close', reason: 'shows it already' };
  // The range is one number, so each of these is surely after the anchor: what cannot be ordered widens it.
  const sold = later.every((change) => change.delta < 0);
  if (sold) return { kind: 'close', reason: 'lowered itself by its own sale' };
  return target > anchor.number
    ? lifted(counter, target, target, context)
    : sendFrom(target, target, context);
}

/**
 * The number that a counter was last seen too low at, moved by its own sales since; null when none is open. A push
 * that was answered later made it moot.
 */
export function openLow(counter: CounterFacts, range: RangeFacts, readAt?: Range): Range | null {
  const { lowSince, lowNumber, anchor } = counter;
  if (lowSince === null || lowNumber === null) return null;
  if (anchor !== null && anchor.from > lowSince) return null;
  return expectedRange(
    { number: lowNumber, from: lowSince, until: lowSince },
    counter.own,
    [],
    range,
    readAt,
  );
}
