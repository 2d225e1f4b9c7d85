import type { Clock } from '../../../clock.ts';
import { stopped } from '../../errors.ts';
import type { Pace, Priority } from './pace.ts';

/** Requests per second: where to begin, how far to go, and how many may leave at once after a rest. */
export interface AimdLimits {
  startPerSecond: number;
  mostPerSecond: number;
  burst: number;
  /** No refusal slows it down further; default one in five seconds. */
  leastPerSecond?: number;
}

/** A `Pace` for a platform that tells no limit and changes it: its refusals are the only measure. */
export interface AimdPace extends Pace {
  /** A request went well. */
  succeeded(): void;
  /**
   * A request was refused for its rate. Halves the rate, and returns how long to stay away: `afterMs` as told, or 1 s
   * doubled with each refusal in a row (60 s at most), whichever is longer. Who asks here meanwhile waits 5 s at most;
   * longer rests are for the caller, so that nobody hangs.
   */
  throttled(afterMs: number | null): number;
  /** The rate just now. */
  perSecond(): number;
}

const usualLeastPerSecond = 0.2;
/** Rate won by each success until the first refusal. */
const firstGainPerSecond = 0.5;
/** Share of the rate that is won back in a minute without refusal afterwards. */
const laterGainPerMinute = 0.1;
const longestBackoffMs = 60_000;
const longestPauseMs = 5_000;
/** Pauses that follow each other before a request is let go anyway; guards against a clock that stands. */
const maxRounds = 100;

/** Additive increase, multiplicative decrease. One request starts at a time, pushes before reads. */
export function createAimdPace(clock: Clock, limits: AimdLimits): AimdPace {
  const turns = createTurns();
  const rate = createRate(clock, limits);
  let pausedUntil = 0;
  const pauseLeftMs = (): number => Math.max(0, pausedUntil - clock.now());

  return {
    async acquire(_cost, priority, signal) {
      await turns.wait(priority, signal);
      try {
        // The wait counts as served when it has been slept, so that a clock of another speed does not pile up debt.
        let ms = Math.max(rate.missingMs(), pauseLeftMs());
        for (let round = 0; ms > 0 && round < maxRounds; round += 1) {
          await clock.sleep(ms, signal);
          if (signal.aborted) throw stopped();
          ms = pauseLeftMs();
        }
        rate.take();
      } finally {
        turns.end();
      }
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.now() + ms);
    },
    succeeded: () => rate.succeeded(),
    throttled(afterMs) {
      const restMs = Math.max(afterMs ?? 0, rate.refused());
      pausedUntil = Math.max(pausedUntil, clock.now() + Math.min(restMs, longestPauseMs));
      return restMs;
    },
    perSecond: () => rate.perSecond(),
  };
}

interface Rate {
  /** How long until the next request may leave. */
  missingMs(): number;
  take(): void;
  succeeded(): void;
  /** Slows down; how long to stay away when the platform does not say. */
  refused(): number;
  perSecond(): number;
}

function createRate(clock: Clock, limits: AimdLimits): Rate {
  let perSecond = limits.startPerSecond;
  let tokens = limits.burst;
  let countedAt = clock.now();
  let refusedAt: number | null = null;
  let refusedInARow = 0;
  const refill = (): void => {
    const now = clock.now();
    tokens = Math.min(limits.burst, tokens + (Math.max(0, now - countedAt) / 1_000) * perSecond);
    countedAt = now;
  };
  return {
    missingMs() {
      refill();
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1_000);
    },
    take() {
      refill();
      tokens = Math.max(0, tokens - 1);
    },
    succeeded() {
      refusedInARow = 0;
      const now = clock.now();
      const minutes = refusedAt === null ? 0 : (now - refusedAt) / 60_000;
      const gain = refusedAt === null ? firstGainPerSecond : perSecond * laterGainPerMinute * minutes;
      if (refusedAt !== null) refusedAt = now;
      perSecond = Math.min(limits.mostPerSecond, perSecond + gain);
    },
    refused() {
      const backoffMs = Math.min(longestBackoffMs, 1_000 * 2 ** Math.min(refusedInARow, 10));
      refusedInARow += 1;
      refusedAt = clock.now();
      refill();
      tokens = 0;
      perSecond = Math.max(limits.leastPerSecond ?? usualLeastPerSecond, perSecond / 2);
      return backoffMs;
    },
    perSecond: () => perSecond,
  };
}

interface Waiter {
  priority: Priority;
  start(): void;
}

interface Turns {
  /** Resolves when it is one's turn; every turn is ended. Throws `ChannelError` when aborted before that. */
  wait(priority: Priority, signal: AbortSignal): Promise<void>;
  end(): void;
}

/** One at a time, pushes first, each kind in its order. */
function createTurns(): Turns {
  const waiting: Waiter[] = [];
  let busy = false;
  const next = (): void => {
    if (busy) return;
    const push = waiting.findIndex(({ priority }) => priority === 'push');
    const [first] = waiting.splice(Math.max(0, push), 1);
    if (first === undefined) return;
    busy = true;
    first.start();
  };
  return {
    wait: (priority, signal) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          waiting.splice(waiting.indexOf(waiter), 1);
          reject(stopped());
        };
        const waiter: Waiter = {
          priority,
          start() {
            signal.removeEventListener('abort', stop);
            resolve();
          },
        };
        if (signal.aborted) return reject(stopped());
        signal.addEventListener('abort', stop, { once: true });
        waiting.push(waiter);
        next();
      }),
    end() {
      busy = false;
      next();
    },
  };
}
