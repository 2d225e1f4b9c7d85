import type { Range } from './anchor.ts';
import type { Cause } from './cause.ts';
import {
  type DriftContext,
  type Evidence,
  type Finding,
  judgeSight,
  proofOfRaise,
  type Sight,
  visibleFrom,
} from './drift.ts';
import { type CounterFacts, doubtReason, readableAt, unwritableReason } from './push.ts';

/** What a live read brought: a number, or why there is none. */
export interface Reading {
  shown: number | null;
  state: 'ok' | 'not-listed' | 'untracked' | 'unwritable';
  detail: string | null;
  askedAt: number;
  answeredAt: number;
}

/** One line of a reconcile plan, before brakes. */
export interface Verdict {
  cause: Cause;
  expected: Range | null;
  action: 'lower' | 'raise' | 'wait' | 'none' | 'refused';
  /** For `wait`: when it can go on by itself. */
  until: number | null;
  /** A raise that lacks nothing but fresh feeds: the outbox may hold it until then. */
  lacks: 'fresh' | null;
  note: string | null;
  explained: boolean;
  anchors: boolean;
  low: Finding['low'];
  /** Why the number is in doubt from now on; null: it agrees; undefined: as before. */
  doubt: Cause | null | undefined;
}

/** What a verdict rests on besides counter and reading. */
export interface VerdictContext extends DriftContext {
  evidence: Evidence;
  /** Orders that this run has learned and that moved this counter. */
  learned: number;
}

/**
 * What a counter's reading means and what to do about it. Above the target: lower, without proof. Below: raise once
 * proved. Null is not 0; what is not counted, not listed or not writable is left alone and said.
 */
export function classify(counter: CounterFacts, reading: Reading, context: VerdictContext): Verdict {
  if (counter.target.kind !== 'number') {
    const note = counter.target.kind === 'uncounted' ? 'count it first' : 'map the listing first';
    return left(counter.target.kind === 'uncounted' ? 'uncounted' : 'unverifiable', note);
  }
  const target = counter.target.quantity;
  if (reading.state === 'not-listed') return left('not listed', reading.detail);
  const refused =
    unwritableReason(counter) ?? (reading.state === 'ok' ? null : (reading.detail ?? reading.state));
  if (refused !== null) {
    const high = reading.shown !== null && reading.shown > target;
    return { ...left(high ? 'exposed' : 'unverifiable', refused), action: high ? 'refused' : 'none' };
  }
  if (reading.shown === null) return left('not listed', reading.detail);

  const sight: Sight = { shown: reading.shown, askedAt: reading.askedAt, answeredAt: reading.answeredAt };
  const finding = judgeSight(counter, sight, context);
  const missed = context.learned > 0 && finding.explained;
  const { expected, explained, anchors, low } = finding;
  const cause = missed ? ('missed sale' as const) : finding.cause;
  const verdict = {
    cause,
    doubt: doubtAfter(finding),
    expected,
    explained,
    anchors,
    low,
    until: null,
    lacks: null,
    note: null,
  };
  if (sight.shown === target) return { ...verdict, action: 'none' };
  if (sight.shown > target) return { ...verdict, action: 'lower' };

  const showsAt = counter.anchor === null || anchors ? 0 : visibleFrom(counter.anchor, context);
  const answerAt = Math.max(
    showsAt,
    ...counter.unread.map((push) => readableAt(push, counter.state, context)),
  );
  if (!finding.tells || (finding.cause === 'in flight' && sight.askedAt < answerAt)) {
    const until = Math.max(answerAt, sight.answeredAt);
    return { ...verdict, action: 'wait', until, note: 'an earlier push may still act' };
  }
  const doubt = doubtReason(counter);
  if (doubt !== null) return { ...verdict, action: 'wait', note: doubt };
  const proof = proofOfRaise(finding, sight, context.evidence);
  if (proof.kind === 'proved') return { ...verdict, action: 'raise', anchors: true, low: null };
  const lacks = proof.needs === 'fresh' && low === null ? 'fresh' : null;
  return { ...verdict, action: 'wait', until: proof.until, note: proof.note, lacks };
}

function doubtAfter({ cause, explained, tells }: Finding): Verdict['doubt'] {
  if (!tells) return undefined;
  if (cause === 'in sync') return null;
  return explained ? undefined : cause;
}

function left(cause: Cause, note: string | null): Verdict {
  return {
    cause,
    expected: null,
    action: 'none',
    until: null,
    lacks: null,
    note,
    explained: false,
    anchors: false,
    low: null,
    doubt: undefined,
  };
}
