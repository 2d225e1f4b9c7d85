import type { Clock } from '../../clock.ts';
import { ChannelError, stopped } from '../errors.ts';
import type { Priority } from '../kit/pace.ts';

/** Requests per second and how many may be saved up. */
export interface Rate {
  rate: number;
  burst: number;
}

/** What a bucket remembers: tokens, when that was (ms), and the rate that was told last. */
export interface Remembered {
  level: number;
  at: number;
  rate: number;
}

/** Where a slow bucket's level outlives the process, so that a crash loop cannot spend its burst again and again. */
export interface BucketMemory {
  load(): Promise<Remembered | null>;
  save(state: Remembered): Promise<void>;
}

/** The token bucket of one operation, as the platform keeps one (AMZ-7). */
export interface Bucket {
  /** Waits for a token and takes it; pushes go before reads. Rejects with `ChannelError` when stopped. */
  take(priority: Priority, signal: AbortSignal): Promise<void>;
  /** Rejects with `throttled`, and the time to come back, when a request that came now would wait longer than so long. */
  within(patienceMs: number): Promise<void>;
  /** The rate that an answer told. */
  told(rate: number): void;
  /** An answer other than 429 came. */
  succeeded(): void;
  /** A 429 came: nothing leaves for the answered number of milliseconds. `jitter` 0..1. */
  refused(jitter: number): number;
  /** How long `requests` take from a full bucket, in milliseconds. */
  forecastMs(requests: number): number;
}

interface Waiter {
  priority: Priority;
  go(): void;
}

const longestBackoffMs = 60_000;

/** What a bucket holds, apart from who waits for it. */
interface Level {
  recall(): Promise<void>;
  /** Time until a token is there; 0: now. */
  waitMs(): number;
  take(): Promise<void>;
  rest(ms: number, signal: AbortSignal): Promise<void>;
  told(rate: number): void;
  empty(ms: number): void;
  rate(): number;
  /** How many may leave at once. */
  burst: number;
}

/**
 * A sleep counts in its full length whatever the clock says afterwards, so that a wall clock that was set back holds up
 * nobody.
 */
function createLevel(clock: Clock, limit: Rate, memory: BucketMemory | null): Level {
  let { rate } = limit;
  // Requests that leave on the second may arrive before it: a fast bucket is left one token to spare.
  const burst = limit.rate >= 1 && limit.burst > 1 ? limit.burst - 1 : limit.burst;
  let level = burst;
  let ahead = 0;
  let levelAt = clock.now();
  let notBefore = Number.NEGATIVE_INFINITY;
  const now = (): number => clock.now() + ahead;
  const grown = (from: number, ms: number): number =>
    Math.min(burst, from + (Math.max(0, ms) / 1_000) * rate);
  const refill = (): void => {
    level = grown(level, now() - levelAt);
    levelAt = now();
  };
  return {
    rate: () => rate,
    burst,
    async recall() {
      const known = (await memory?.load().catch(() => null)) ?? null;
      if (known === null) return;
      rate = known.rate;
      level = grown(known.level, clock.now() - known.at);
      levelAt = now();
    },
    waitMs() {
      refill();
      const missing = level >= 1 ? 0 : Math.ceil(((1 - level) / rate) * 1_000);
      return Math.max(missing, notBefore - now(), 0);
    },
    async take() {
      level -= 1;
      await memory?.save({ level, at: clock.now(), rate }).catch(() => undefined);
    },
    async rest(ms, signal) {
      const began = clock.now();
      await clock.sleep(ms, signal);
      if (!signal.aborted) ahead += Math.max(0, ms - (clock.now() - began));
    },
    told(value) {
      if (!Number.isFinite(value) || value <= 0) return;
      refill();
      rate = value;
    },
    empty(ms) {
      refill();
      level = 0;
      notBefore = now() + ms;
    },
  };
}

/** A full bucket, or one as full as its memory says. */
export function createBucket(clock: Clock, limit: Rate, memory: BucketMemory | null = null): Bucket {
  const level = createLevel(clock, limit, memory);
  const queue: Waiter[] = [];
  let strikes = 0;
  let recalling: Promise<void> | null = null;
  let resting: AbortController | null = null;
  let isPumping = false;

  const recalled = (): Promise<void> => {
    recalling ??= level.recall();
    return recalling;
  };
  const pump = async (): Promise<void> => {
    await recalled();
    while (queue.length > 0) {
      const ms = level.waitMs();
      if (ms > 0) {
        resting = new AbortController();
        await level.rest(ms, resting.signal);
        resting = null;
        continue;
      }
      const next = nextOf(queue);
      await level.take();
      next?.go();
    }
  };
  const start = (): void => {
    if (isPumping) return;
    isPumping = true;
    void pump().finally(() => {
      isPumping = false;
      if (queue.length > 0) start();
    });
  };
  const leave = (waiter: Waiter): void => {
    const at = queue.indexOf(waiter);
    if (at >= 0) queue.splice(at, 1);
    if (queue.length === 0) resting?.abort();
  };

  return {
    take: (priority, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(stopped());
        const stop = () => {
          leave(waiter);
          reject(stopped());
        };
        const waiter: Waiter = {
          priority,
          go() {
            signal.removeEventListener('abort', stop);
            resolve();
          },
        };
        signal.addEventListener('abort', stop, { once: true });
        queue.push(waiter);
        start();
      }),
    async within(patienceMs) {
      await recalled();
      const afterMs = level.waitMs() + Math.ceil((queue.length / level.rate()) * 1_000);
      if (afterMs <= patienceMs) return;
      throw new ChannelError('throttled', 'the budget of this request is used up', { afterMs });
    },
    told: (rate) => level.told(rate),
    succeeded() {
      strikes = 0;
    },
    refused(jitter) {
      const afterMs = Math.ceil(Math.max(1_000 / level.rate(), backoffMs(strikes, jitter)));
      strikes += 1;
      level.empty(afterMs);
      return afterMs;
    },
    forecastMs: (requests) => Math.ceil((Math.max(0, requests - level.burst) / level.rate()) * 1_000),
  };
}

/** Takes the first push out of the queue, or the first of all. */
function nextOf(queue: Waiter[]): Waiter | undefined {
  const at = queue.findIndex(({ priority }) => priority === 'push');
  return queue.splice(Math.max(0, at), 1)[0];
}

function backoffMs(strikes: number, jitter: number): number {
  return Math.min(longestBackoffMs, 1_000 * 2 ** Math.min(10, strikes)) * (0.5 + jitter / 2);
}
