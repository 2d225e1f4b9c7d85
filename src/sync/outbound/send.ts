import type { PushLine, PushOutcome } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import type { CounterReading, PushResult, PushSettlement } from '../../store/store.ts';
import { reviewAlerts } from '../alerts.ts';
import { askedWaitMs } from '../backoff.ts';
import { answered, park, unanswered } from '../contact.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { refOf } from '../reading.ts';
import { noteRise } from '../rises.ts';
import { surely } from '../surely.ts';
import type { Lane, Passage } from './lane.ts';
import { jitterMs, outcomeOfFailure, resultOf, type SentPush } from './outcome.ts';

/** From this many calls in a row without any answer the lane pauses between tries. */
const silentCallsBeforePause = 3;
/** A channel that is down is tried at least this often: once it is back, a lower number leaves within this time. */
const longestPauseMs = 60_000;

/** One call for stored plans: sends them and settles every line by itself. */
export async function sendPushes(
  engine: Engine,
  passage: Passage,
  sends: SentPush[],
  signal: AbortSignal,
): Promise<void> {
  const { lane } = passage;
  const { outcomes, failure } = await callSetStock(engine, lane.live, sends, signal);
  const pausedUntil = pauseAfter(engine, lane, outcomes, failure);
  const settlements: PushSettlement[] = [];
  const lows: CounterReading[] = [];
  for (const [index, sent] of sends.entries()) {
    const outcome = outcomes[index] ?? { kind: 'unknown', error: 'no outcome' };
    const result = postponed(resultOf(engine, passage, sent, outcome), failure, pausedUntil);
    noteConflict(lane, sent, outcome);
    if (outcome.kind === 'conflict')
      noteRise(engine, lane.live, sent.view, {
        shown: outcome.shown,
        expected: sent.plan.base,
        askedAt: outcome.askedAt,
      });
    const low = lowOf(sent, outcome);
    if (low !== null) lows.push(low);
    const { counterId, version, key } = sent.plan;
    settlements.push({ counterId, version, key, result });
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
  await afterwards(engine, passage, { sends, outcomes, settlements }, signal);
}

/** What one `setStock` call brought: an outcome per push, and the error when the call failed as a whole. */
interface CallAnswer {
  outcomes: PushOutcome[];
  failure: unknown;
}

/** One call for a batch. It never outlives the channel's time-out, on which the stored deadlines rest. */
async function callSetStock(
  engine: Engine,
  live: LiveChannel,
  batch: SentPush[],
  signal: AbortSignal,
): Promise<CallAnswer> {
  const lines = batch.map(lineOf);
  try {
    const outcomes = await inTime(engine, live.timeoutMs, signal, (limited) =>
      live.channel.setStock(lines, limited),
    );
    const error = 'the channel answered fewer lines than were sent';
    const missing: PushOutcome = { kind: 'unknown', error };
    return { outcomes: batch.map((_, index) => outcomes[index] ?? missing), failure: null };
  } catch (failure) {
    const outcome = outcomeOfFailure(failure);
    return { outcomes: batch.map(() => outcome), failure };
  }
}

function lineOf({ view, plan }: SentPush): PushLine {
  return { ...refOf(view), quantity: plan.quantity, base: plan.base, key: plan.key };
}

async function inTime<T>(
  engine: Engine,
  limitMs: number,
  signal: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const timer = new AbortController();
  const late = engine.clock.sleep(limitMs, AbortSignal.any([timer.signal, signal])).then(() => {
    if (timer.signal.aborted) return new Promise<never>(() => undefined);
    over.abort();
    throw new ChannelError(
      'unknown',
      signal.aborted ? 'stopped before the answer' : `no answer within ${limitMs} ms`,
    );
  });
  try {
    return await Promise.race([call(AbortSignal.any([over.signal, signal])), late]);
  } finally {
    timer.abort();
  }
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

/** When the whole call failed, no line's attempt is counted: each is tried again when the lane's pause is over. */
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

function isOkDue(engine: Engine, { lastOkAt, parkedSince, failingSince }: Passage['row']): boolean {
  if (parkedSince !== null || failingSince !== null || lastOkAt === null) return true;
  return engine.clock.now() - lastOkAt > okEveryMs;
}

/** Outcomes that only a channel which received and understood the call can give. */
function isGood({ kind }: PushOutcome): boolean {
  return kind === 'applied' || kind === 'accepted' || kind === 'conflict' || kind === 'rejected';
}

async function afterwards(
  engine: Engine,
  { lane, row }: Passage,
  done: { sends: SentPush[]; outcomes: PushOutcome[]; settlements: PushSettlement[] },
  signal: AbortSignal,
): Promise<void> {
  const { live } = lane;
  if (done.outcomes.some((outcome) => outcome.kind === 'conflict')) engine.wakes.pull(live.id);
  const auth = done.outcomes.find((outcome) => outcome.kind === 'auth');
  if (auth !== undefined) await park(engine, live, new ChannelError('auth', auth.error));
  else if (done.outcomes.some(isGood) && isOkDue(engine, row)) await answered(engine, live);
  // What is refused, or no longer is, stands in the books.
  const moved = done.settlements.some(({ result }, index) => {
    const view = done.sends[index]?.view;
    const stood = view?.exposed === true || view?.error != null;
    return result.kind === 'rejected' || (result.kind === 'applied' && stood);
  });
  if (moved) await reviewAlerts(engine);
  const failure = failureIn(done.outcomes);
  // What was called off because we stop says nothing about the channel.
  if (failure !== null && !signal.aborted) await unanswered(engine, live, failure);
}

/** Not one line of the call was answered: the channel fails. */
function failureIn(outcomes: PushOutcome[]): { kind: 'retry'; message: string } | null {
  const [first] = outcomes;
  const failed = outcomes.every(({ kind }) => kind === 'retry' || kind === 'unknown');
  if (!failed || first === undefined || !('error' in first)) return null;
  return { kind: 'retry', message: first.error };
}
