import type { PushOutcome } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import { lineOutcome } from '../../channels/kit/outcomes.ts';
import { mayShow } from '../../stock/push.ts';
import type { CounterView, PushPlan, PushResult } from '../../store/store.ts';
import { askedWaitMs, doublingMs } from '../backoff.ts';
import type { Engine } from '../engine.ts';
import { driftContext } from '../push-context.ts';
import type { Passage } from './lane.ts';

/** A lowering that cannot be written is tried again after this. */
export const exposedRetryMs = 3_600_000;
/** Refused this often by `retry`, a line is parked as dead (or exposed). */
const mostAttempts = 12;
const firstRetryMs = 1_000;
const longestRetryMs = 10 * 60_000;
const longestLookMs = 30_000;

/** A push on its way: the view it was decided on and the plan that was stored. */
export interface SentPush {
  view: CounterView;
  plan: Extract<PushPlan, { kind: 'send' }>;
}

/** What an outcome is to the store. Times are those of our clock, the span of the call. */
export function resultOf(engine: Engine, passage: Passage, sent: SentPush, outcome: PushOutcome): PushResult {
  const now = engine.clock.now();
  switch (outcome.kind) {
    case 'applied':
      return { kind: 'applied', shown: outcome.shown, answeredAt: now };
    case 'accepted':
      return { kind: 'accepted', answeredAt: now, readAt: now + passage.lane.live.capabilities.settleMs };
    case 'conflict':
      return { ...outcome, dueAt: now };
    case 'throttled':
    case 'waits':
    case 'auth': {
      const waitMs = outcome.kind === 'auth' ? 0 : askedWaitMs(outcome.afterMs, 0);
      return { kind: 'retry', error: outcome.error, dueAt: now + waitMs, spendsAttempt: false };
    }
    case 'unknown': {
      // It may have acted: it is read soon, each time later while the answers stay away.
      const rest = doublingMs(sent.view.unread.length + 1, firstRetryMs, longestLookMs);
      return { kind: 'unknown', error: outcome.error, dueAt: now + rest };
    }
    case 'rejected':
      return rejection(engine, passage, sent, outcome);
    case 'retry': {
      const attempt = sent.view.attempts + 1;
      if (attempt >= mostAttempts) {
        const hint = 'mend the cause, then: invsync pushes retry';
        return rejection(engine, passage, sent, { error: outcome.error, hint });
      }
      const waitMs = askedWaitMs(outcome.afterMs, jitterMs(engine, attempt));
      return { kind: 'retry', error: outcome.error, dueAt: now + waitMs, spendsAttempt: true };
    }
  }
}

/** Full jitter: anything between a tenth and the whole of the doubling wait; `attempt` counts from 1. */
export function jitterMs(engine: Engine, attempt: number): number {
  const most = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(20, attempt - 1));
  const fraction = Number.parseInt(engine.randomHex(4), 16) / 0x1_0000_0000;
  return Math.round(most * Math.max(0.1, fraction));
}

/** One outcome per line for a call that failed as a whole; anything that is no ChannelError has no known end. */
export function outcomeOfFailure(error: unknown): PushOutcome {
  if (!(error instanceof ChannelError)) return { kind: 'unknown', error: 'the call ended without an answer' };
  return lineOutcome(error, { throttledMs: firstRetryMs, hint: '' });
}

function rejection(
  engine: Engine,
  passage: Passage,
  { view, plan }: SentPush,
  outcome: { error: string; hint: string },
): PushResult {
  const { error, hint } = outcome;
  const exposed = lowers(view, plan.quantity, passage);
  const dueAt = exposed ? engine.clock.now() + exposedRetryMs : null;
  return { kind: 'rejected', error, hint, exposed, dueAt };
}

function lowers(view: CounterView, quantity: number, { lane, row }: Passage): boolean {
  const highest = mayShow(view, driftContext(row, lane.live));
  return highest !== null && highest > quantity;
}
