import type { Clock } from '../../clock.ts';
import { ChannelError, stopped } from '../errors.ts';
import { AdaptivePace, type Priority } from '../kit/was/pace.ts';
import { createTurns } from '../kit/was/turns.ts';

/** When a request may leave: in its turn, at the shop's pace, and not while the shop asked for a pause. */
export interface Gate {
  /** Throws `throttled` during a pause and `retry` when aborted before `work` began. */
  pass<T>(turn: { priority: Priority; signal: AbortSignal }, work: () => Promise<T>): Promise<T>;
  /** Tell it how the shop answered: well, or with a wish to be left alone for so long. */
  succeeded(): void;
  pause(ms: number): void;
}

/** Waits longer than this are handed to the engine instead of being slept through. */
const patienceMs = 2_000;
/** At most so many starts a second; the shop's own pace of about 18 a second rules in practice (O.11). */
const intervalMs = 10;

/** An open gate. */
export function createGate(clock: Clock): Gate {
  // One request at a time per shop, pushes before reads; the pace below spaces them.
  const turns = createTurns(clock, { intervalMs: 0 });
  const pace = new AdaptivePace(clock, { intervalMs });
  let pausedUntil = 0;
  return {
    pass: ({ priority, signal }, work) =>
      turns.run(priority, signal, async () => {
        const afterMs = pausedUntil - clock.now();
        if (afterMs > patienceMs)
          throw new ChannelError('throttled', 'the shop asked for a pause', { afterMs });
        await pace.acquire(1, priority, signal);
        if (signal.aborted) throw stopped();
        return work();
      }),
    succeeded: () => pace.succeeded(),
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, clock.now() + ms);
      pace.pause(ms);
    },
  };
}
