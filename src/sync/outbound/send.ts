import type { PushOutcome } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import type { CounterReading, PushResult, PushSettlement } from '../../store/store.ts';
import { settleAlerts } from '../alerts.ts';
import { askedWaitMs } from '../backoff.ts';
import { answered, park, unanswered } from '../contact.ts';
import type { Engine } from '../engine.ts';
import type { Lane, LaneContext } from '../push-context.ts';
import { noteRise } from '../rises.ts';
import { surely } from '../surely.ts';
import { callSetStock } from './call.ts';
import { jitterMs, resultOf, type SentPush } from './outcome.ts';

/** From this many calls in a row without any answer the lane pauses between tries. */
const silentCallsBeforePause = 3;
/** A channel that is down is tried at least so often, so that a lowering waits no longer once it is back. */
const longestPauseMs = 60_000;

/** One call for stored plans: sends them and settles every line by itself. */
export async function sendPushes(
  engine: Engine,
  lane: Lane,
  context: LaneContext,
  sends: SentPush[],
  signal: AbortSignal,
): Promise<void> {
  const { outcomes, failure } = await callSetStock(engine, lane.live, sends, signal);
  const pausedUntil = pauseAfter(engine, lane, outcomes, failure);
  const settlements: PushSettlement[] = [];
  const lows: CounterReading[] = [];
  for (const [index, sent] of sends.entries()) {
    const outcome = outcomes[index] ?? { kind: 'unknown', error: 'no outcome' };
    const result = postponed(resultOf(engine, context, sent, outcome), failure, pausedUntil);
    noteConflict(lane, sent, outcome);
    if (outcome.kind === 'conflict')
      noteRise(engine, lane.live, sent.view, {
        shown: outcome.shown,
        expected: sent.plan.base,
        askedAt: outcome.askedAt,
      });
    const low = lowOf(sent, outcome);
    if (low !== null) lows.push(low);
    settlements.push({
      counterId: sent.plan.counterId,
      version: sent.plan.version,
      key: sent.plan.key,
      result,
    });
  }
  // A number below its base is most likely a sale that nobody has told us about: nothing is raised until a pull that
  // began later is complete. This and the lows first: no later decision may raise over a sale that was not seen yet.
  const unheard = outcomes.some((outcome, index) => fellBelow(outcome, sends[index]?.plan.base ?? null));
  await surely(
    engine,
    'the answer of a channel',
    async () => {
      const now = engine.clock.now();
      if (unheard) await engine.store.channels.markFeed(lane.live.id, { gapAt: now });
      if (lows.length > 0) await engine.store.outbox.read(lows, now);
      await engine.store.outbox.settle(settlements, now);
    },
    signal,
  );
  for (const low of lows) lane.onLow(lane.live.id, low.counterId, low.askedAt);
  await afterwards(engine, lane, context, { sends, outcomes, settlements });
}

/** How long the whole lane pauses for what the call brought; 0 when it goes on. */
function pauseAfter(engine: Engine, lane: Lane, outcomes: PushOutcome[], failure: unknown): number {
  const now = engine.clock.now();
  let until = 0;
  for (const outcome of outcomes)
    if (outcome.kind === 'throttled') until = Math.max(until, now + askedWaitMs(outcome.afterMs, 0));
  if (failure === null) lane.failures = 0;
  else {
    lane.failures += 1;
    const [first] = outcomes;
    const silent = first?.kind === 'unknown';
    const afterMs = first?.kind === 'retry' ? first.afterMs : undefined;
    if (first?.kind === 'retry' || (silent && lane.failures >= silentCallsBeforePause))
      until = Math.max(
        until,
        now + askedWaitMs(afterMs, Math.min(longestPauseMs, jitterMs(engine, lane.failures))),
      );
  }
  if (until > 0) lane.pausedUntil = Math.max(lane.pausedUntil, until);
  return until;
}

/** A channel that cannot be reached spends nobody's attempts: its lines wait for the lane. */
function postponed(result: PushResult, failure: unknown, pausedUntil: number): PushResult {
  if (failure === null || pausedUntil === 0) return result;
  if (result.kind === 'rejected' && failure instanceof ChannelError && failure.kind === 'retry')
    return { kind: 'retry', error: result.error, dueAt: pausedUntil, spendsAttempt: false };
  return result.kind === 'retry' ? { ...result, dueAt: pausedUntil, spendsAttempt: false } : result;
}

function noteConflict(lane: Lane, { plan }: SentPush, outcome: PushOutcome): void {
  if (outcome.kind === 'applied' || outcome.kind === 'accepted') lane.conflicts.delete(plan.counterId);
  if (outcome.kind !== 'conflict' || plan.base === null) return;
  lane.conflicts.set(plan.counterId, [...(lane.conflicts.get(plan.counterId) ?? []), plan.base]);
}

/**
 * A failed compare that found less than was there by the books, and no more than was to be shown: an unseen sale,
 * until something else is proved.
 */
function lowOf({ plan }: SentPush, outcome: PushOutcome): CounterReading | null {
  if (outcome.kind !== 'conflict' || outcome.shown === null) return null;
  const { shown, askedAt, answeredAt } = outcome;
  const unseen =
    shown < plan.quantity || (shown === plan.quantity && plan.base !== null && shown < plan.base);
  if (!unseen) return null;
  return {
    counterId: plan.counterId,
    shown,
    askedAt,
    answeredAt,
    cause: 'unexplained low',
    anchors: false,
    lowSince: askedAt,
    lowNumber: shown,
    doubt: 'unexplained low',
    dueAt: null,
  };
}

function fellBelow(outcome: PushOutcome, base: number | null): boolean {
  return outcome.kind === 'conflict' && outcome.shown !== null && base !== null && outcome.shown < base;
}

/** The channel's last success is put on record at most this often, and at once when it had failed. */
const okEveryMs = 30_000;

function isOkDue(engine: Engine, { lastOkAt, parkedSince, failingSince }: LaneContext['row']): boolean {
  if (parkedSince !== null || failingSince !== null || lastOkAt === null) return true;
  return engine.clock.now() - lastOkAt > okEveryMs;
}

/** Only a platform that understood the call speaks like this. */
function isGood({ kind }: PushOutcome): boolean {
  return kind === 'applied' || kind === 'accepted' || kind === 'conflict' || kind === 'rejected';
}

async function afterwards(
  engine: Engine,
  lane: Lane,
  context: LaneContext,
  done: { sends: SentPush[]; outcomes: PushOutcome[]; settlements: PushSettlement[] },
): Promise<void> {
  const { live } = lane;
  if (done.outcomes.some((outcome) => outcome.kind === 'conflict')) engine.wakes.pull(live.id);
  const auth = done.outcomes.find((outcome) => outcome.kind === 'auth');
  if (auth !== undefined) await park(engine, live, new ChannelError('auth', auth.error));
  else if (done.outcomes.some(isGood) && isOkDue(engine, context.row)) await answered(engine, live);
  // What is refused, or no longer is, stands in the books.
  const moved = done.settlements.some(({ result }, index) => {
    const view = done.sends[index]?.view;
    const stood = view?.exposed === true || view?.error != null;
    return result.kind === 'rejected' || (result.kind === 'applied' && stood);
  });
  if (moved) await settleAlerts(engine);
  const failure = failureIn(done.outcomes);
  if (failure !== null) await unanswered(engine, live, failure);
}

/** Not one line of the call was answered: the channel fails. */
function failureIn(outcomes: PushOutcome[]): { kind: 'retry'; message: string } | null {
  const [first] = outcomes;
  const failed = outcomes.every(({ kind }) => kind === 'retry' || kind === 'unknown');
  if (!failed || first === undefined || !('error' in first)) return null;
  return { kind: 'retry', message: first.error };
}
