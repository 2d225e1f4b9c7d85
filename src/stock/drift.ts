import { type Anchor, expectedRange, type Range, single } from './anchor.ts';
import type { Cause } from './cause.ts';
import { type CounterFacts, openLow, type PushContext, readableAt, validAnchor } from './push.ts';

/** A number read live, with the span of the request. */
export interface Sight {
  shown: number;
  askedAt: number;
  answeredAt: number;
}

/** What a sight means. */
export interface Finding {
  cause: Cause;
  /** What the channel should have shown; null when nothing was known. */
  expected: Range | null;
  /** Recorded sales and pushes account for the number. */
  explained: boolean;
  /** The number may become the anchor. */
  anchors: boolean;
  /** The sight tells what is there: no newer push overtook it, and none that may still act blurs it. */
  tells: boolean;
  /** The open unexplained low: since when and at what number; null ends one. */
  low: { since: number; number: number } | null;
}

/** The part of a push's context that a finding depends on. */
export type DriftContext = Pick<PushContext, 'range' | 'settleMs' | 'liveSince'>;

/**
 * Compares a sight with the range that was expected at the time of the read. A number below it and below the target
 * is an unexplained low and never becomes the anchor: it is what an unseen sale looks like. A number that was in doubt
 * stays in doubt until it agrees or is pushed: that it was read, and is the anchor now, explains nothing.
 */
export function judgeSight(counter: CounterFacts, sight: Sight, context: DriftContext): Finding {
  const finding = compare(counter, sight, context);
  const { doubt } = counter;
  if (doubt === null || finding.cause === 'in sync') return finding;
  const known = finding.anchors && (finding.cause === 'in flight' || finding.cause === 'unverifiable');
  const cause = known ? doubt : finding.cause;
  return { ...finding, cause, explained: false };
}

function compare(counter: CounterFacts, sight: Sight, context: DriftContext): Finding {
  const target = counter.target.kind === 'number' ? counter.target.quantity : sight.shown;
  const { shown } = sight;
  const readAt = { low: sight.askedAt, high: sight.answeredAt };
  const anchor = validAnchor(counter.anchor, context.liveSince);
  const low = openLow(counter, context.range, readAt);
  if (anchor === null) {
    const found = { expected: null, explained: false, anchors: true, tells: true, low: null };
    if (shown === target) return { ...found, cause: 'in sync' };
    if (low === null || shown > Math.min(low.high, target)) return { ...found, cause: 'unverifiable' };
    return { ...found, cause: 'unexplained low', anchors: false, low: lowAfter(counter, sight, low) };
  }
  const unread = counter.unread.filter((push) => anchor.from < readableAt(push, counter.state, context));
  const expected = expectedRange(anchor, counter.own, unread, context.range, readAt);
  // If a push was answered after this read was asked for, or may still be carried out, the number read proves nothing
  // about what the channel shows next.
  const overtaken = anchor.until > sight.askedAt && anchor.from !== sight.askedAt;
  const visible = unread.every((push) => sight.askedAt >= readableAt(push, counter.state, context));
  const found = (cause: Cause, explained: boolean): Finding => ({
    cause,
    expected,
    explained,
    anchors: visible && !overtaken,
    tells: visible && !overtaken,
    low: null,
  });
  // A read that proves nothing must not end an open low.
  const undecided = (cause: Cause): Finding => ({
    ...found(cause, true),
    anchors: false,
    tells: false,
    low: low === null ? null : keptLow(counter),
  });

  if (overtaken) return undecided(shown === target ? 'in sync' : 'in flight');
  const last = unread.at(-1);
  if (last !== undefined && within(expected, shown)) {
    const sent = { number: last.quantity, from: last.sentAt, until: last.deadline };
    const fitsLast = within(expectedRange(sent, counter.own, [], context.range, readAt), shown);
    if (!visible) {
      // A request acts once: where only it explains the number, it has acted, and nothing is left to wait for.
      const before = expectedRange(anchor, counter.own, [], context.range, readAt);
      const alone = unread.every((push) => push.quantity === last.quantity);
      const acted = counter.state === 'unknown' && alone && fitsLast && !within(before, shown);
      if (!acted || sight.askedAt <= last.sentAt) return undecided('in flight');
      const known = found(shown === target ? 'in sync' : 'in flight', true);
      return { ...known, anchors: true, tells: true };
    }
    if (!fitsLast) return found('lost push', true);
  }
  if (shown === target) return found('in sync', true);
  // An answered write may take its time to show: until then the number that it replaced is no news.
  if (sight.askedAt < visibleFrom(anchor, context) && fitsReplaced(counter, shown, context, readAt))
    return undecided('in flight');

  const stillLow = low !== null && shown <= low.high;
  if (shown < target && (shown < expected.low || stillLow)) {
    const seen = { since: sight.askedAt, number: shown };
    const kept = low === null ? seen : lowAfter(counter, sight, low);
    return { ...found('unexplained low', false), anchors: false, tells: true, low: kept };
  }
  if (shown < expected.low) return found('unexplained low', false);
  if (within(expected, shown)) return found('in flight', true);
  return found(fitsReplaced(counter, shown, context, readAt) ? 'lost push' : 'foreign edit', false);
}

function keptLow({ lowSince, lowNumber }: CounterFacts): Finding['low'] {
  return lowSince === null || lowNumber === null ? null : { since: lowSince, number: lowNumber };
}

/** A low that is still there keeps its time; one that went lower begins anew. */
function lowAfter(counter: CounterFacts, sight: Sight, low: Range): Finding['low'] {
  const seen = { since: sight.askedAt, number: sight.shown };
  return sight.shown >= low.low ? (keptLow(counter) ?? seen) : seen;
}

/** From when on a read no longer shows what an answered write replaced. */
export function visibleFrom(anchor: Anchor, context: Pick<DriftContext, 'settleMs'>): number {
  return anchor.until + context.settleMs;
}

/** The evidence of a reconcile run for raising. */
export interface Evidence {
  /** The channel's own order pull of this run; null when there was none. */
  pull: { complete: boolean; beganAt: number } | null;
  /** Every live channel's order feed is fresh. */
  feeds: 'fresh' | 'stale';
  /** A delivery or an unmapped line that may concern the counter is open. */
  clouded: boolean;
  /** Null: no bound is known, `raiseAfterMs` decides instead. */
  orderLagMs: number | null;
  raiseAfterMs: number;
  /** A person has asked for it, which stands in for a lag that nobody knows, once the low is a while old. */
  askedByPerson: boolean;
}

/** What a person saw seconds ago may be a sale whose order is still on its way: so long even their word waits. */
export const personLagMs = 2 * 60_000;

/**
 * May a counter be raised now? `until` is when to ask again, null when time alone will not do. What waits for fresh
 * feeds only is proved otherwise.
 */
export type Proof =
  | { kind: 'proved' }
  | { kind: 'open'; needs: 'time' | 'orders' | 'fresh'; until: number | null; note: string };

/**
 * Raising needs proof. For an unexplained low: a complete pull begun later than its first sight plus the channel's
 * order lag. For every raise: a complete pull, nothing pending, dead or unmapped for it, and fresh feeds.
 */
export function proofOfRaise(finding: Finding, sight: Sight, evidence: Evidence): Proof {
  const { pull } = evidence;
  if (finding.low !== null) {
    const unbounded = evidence.askedByPerson
      ? Math.min(personLagMs, evidence.raiseAfterMs)
      : evidence.raiseAfterMs;
    const lagMs = evidence.orderLagMs ?? unbounded;
    const provableAt = finding.low.since + lagMs + 1;
    const pulled = pull?.complete === true && pull.beganAt >= provableAt && sight.askedAt >= pull.beganAt;
    if (!pulled) {
      const until = Math.max(provableAt, sight.answeredAt);
      return {
        kind: 'open',
        needs: 'time',
        until,
        note: `awaiting proof until ${new Date(until).toISOString()}`,
      };
    }
  }
  if (pull !== null && !pull.complete)
    return { kind: 'open', needs: 'orders', until: null, note: "the channel's orders could not all be read" };
  if (evidence.clouded)
    return {
      kind: 'open',
      needs: 'orders',
      until: null,
      note: 'an order of it is pending, dead or unmapped',
    };
  if (evidence.feeds === 'stale')
    return { kind: 'open', needs: 'fresh', until: null, note: 'waits until all order feeds are fresh' };
  return { kind: 'proved' };
}

function within(range: Range, shown: number): boolean {
  return shown >= range.low && shown <= range.high;
}

/** Does the number fit the one that the last push replaced? Then the push never took hold. */
function fitsReplaced(counter: CounterFacts, shown: number, context: DriftContext, readAt: Range): boolean {
  const { anchor, previousNumber } = counter;
  if (anchor === null || previousNumber === null || previousNumber === anchor.number) return false;
  const replaced = { ...anchor, number: previousNumber };
  return single(expectedRange(replaced, counter.own, [], context.range, readAt)) === shown;
}
