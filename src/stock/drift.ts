import { type Anchor, expectedRange, type Range, single } from './anchor.ts';
import { type CounterFacts, openLow, type PushContext, readableAt, validAnchor } from './push.ts';

/** Why a counter shows what it shows. */
export type Cause =
  | 'in sync'
  | 'in flight'
  | 'missed sale'
  | 'lost push'
  | 'foreign edit'
  | 'unexplained low'
  | 'uncounted'
  | 'exposed'
  | 'not listed'
  | 'unverifiable';

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
  /** The open unexplained low: since when and at what number; null ends one. */
  low: { since: number; number: number } | null;
}

/** The part of a push's context that a finding depends on. */
export type DriftContext = Pick<PushContext, 'range' | 'settleMs' | 'liveSince'>;

/**
 * Compares a sight with the range that was expected at the time of the read. A number below it and below the target
 * is an unexplained low and never becomes the anchor: it is what an unseen sale looks like.
 */
export function judgeSight(counter: CounterFacts, sight: Sight, context: DriftContext): Finding {
  const target = counter.target.kind === 'number' ? counter.target.quantity : sight.shown;
  const { shown } = sight;
  const readAt = { low: sight.askedAt, high: sight.answeredAt };
  const anchor = validAnchor(counter.anchor, context.liveSince);
  if (anchor === null) {
    const cause = shown === target ? 'in sync' : 'unverifiable';
    return { cause, expected: null, explained: false, anchors: true, low: null };
  }
  const unread = counter.unread.filter((push) => anchor.from < readableAt(push, counter.state, context));
  const expected = expectedRange(anchor, counter.own, unread, context.range, readAt);
  // A sight overtaken by a newer push, or by one that may still land, proves nothing about what will be there.
  const overtaken = anchor.until > sight.askedAt && anchor.from !== sight.askedAt;
  const settled = unread.every((push) => sight.askedAt >= readableAt(push, counter.state, context));
  const found = (cause: Cause, explained: boolean): Finding => ({
    cause,
    expected,
    explained,
    anchors: settled && !overtaken,
    low: null,
  });

  if (overtaken) return found(shown === target ? 'in sync' : 'in flight', true);
  const last = unread.at(-1);
  if (last !== undefined && within(expected, shown)) {
    if (!settled) return found('in flight', true);
    const sent = { number: last.quantity, from: last.sentAt, until: last.deadline };
    const fitsLast = within(expectedRange(sent, counter.own, [], context.range, readAt), shown);
    if (!fitsLast) return found('lost push', true);
  }
  if (shown === target) return found('in sync', true);
  // An answered write may take its time to show: until then the number that it replaced is no news.
  if (sight.askedAt < settledAt(anchor, context) && fitsReplaced(counter, shown, context, readAt))
    return { ...found('in flight', true), anchors: false };

  const low = openLow(counter, context.range, readAt);
  const stillLow = low !== null && shown <= low.high;
  if (shown < target && (shown < expected.low || stillLow)) {
    const sameLow =
      low !== null && shown >= low.low && counter.lowSince !== null && counter.lowNumber !== null;
    return {
      cause: 'unexplained low',
      expected,
      explained: false,
      anchors: false,
      low: sameLow
        ? { since: counter.lowSince ?? sight.askedAt, number: counter.lowNumber ?? shown }
        : { since: sight.askedAt, number: shown },
    };
  }
  if (shown < expected.low) return found('unexplained low', false);
  if (within(expected, shown)) return found('in flight', true);
  return found(fitsReplaced(counter, shown, context, readAt) ? 'lost push' : 'foreign edit', false);
}

/** From when on a read no longer shows what an answered write replaced. */
export function settledAt(anchor: Anchor, context: Pick<DriftContext, 'settleMs'>): number {
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
  /** A person has asked for it: the channel's lag need not pass, everything else must hold. */
  askedByPerson: boolean;
}

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
    const lagMs = evidence.askedByPerson ? 0 : (evidence.orderLagMs ?? evidence.raiseAfterMs);
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
