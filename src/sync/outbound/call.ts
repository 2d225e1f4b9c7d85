import type { PushLine, PushOutcome } from '../../channels/channel.ts';
import { ChannelError } from '../../channels/errors.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { refOf } from '../reading.ts';
import { outcomeOfFailure, type SentPush } from './outcome.ts';

/** What one `setStock` call brought: an outcome per push, and the error when the call failed as a whole. */
export interface CallAnswer {
  outcomes: PushOutcome[];
  failure: unknown;
}

/** One call for a batch. It never outlives the channel's time-out, on which the stored deadlines rest. */
export async function callSetStock(
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
    const missing: PushOutcome = {
      kind: 'unknown',
      error: 'the channel answered fewer lines than were sent',
    };
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
