import type { Clock } from '../../clock.ts';
import { ChannelError } from '../errors.ts';
import type { Priority } from '../lib/pace.ts';

/** Requests per second and how many may be saved up. */
export interface Rate {
  rate: number;
  burst: number;
}

/** Where a slow bucket's level outlives the process, so that a crash loop cannot spend its burst again and again. */
export interface BucketMemory {
  load(): Promise<{ level: number; at: number } | null>;
  save(state: { level: number; at: number }): Promise<void>;
}

/** The token bucket of one operation, as the platform keeps one (dossier 7). */
export interface Bucket {
  /** Waits for a token and takes it; pushes go before reads. Rejects with `ChannelError` when stopped. */
  take(priority: Priority, signal: AbortSignal): Promise<void>;
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

/**
 * A sleep counts in its full length whatever the clock says afterwards, so that a wall clock that was set back holds up
 * nobody.
 */
export function createBucket(clock: Clock, limit: Rate, memory: BucketMemory | null = null): Bucket {
  let { rate } = limit;
  let level = limit.burst;
  let ahead = 0;
  let levelAt = clock.now();
  let notBefore = Number.NEGATIVE_INFINITY;
  let strikes = 0;
  let loading: Promise<void> | null = null;
  let resting: AbortController | null = null;
  let isPumping = false;
  const queue: Waiter[] = [];

  const now = (): number => clock.now() + ahead;
  const refill = (): void => {
    level = Math.min(limit.burst, level + (Math.max(0, now() - levelAt) / 1_000) * rate);
    levelAt = now();
  };
  const waitMs = (): number => {
    refill();
    const missing = level >= 1 ? 0 : Math.ceil(((1 - level) / rate) * 1_000);
    return Math.max(missing, notBefore - now(), 0);
  };
  const rest = async (ms: number): Promise<void> => {
    resting = new AbortController();
    const { signal } = resting;
    const began = clock.now();
    await clock.sleep(ms, signal);
    if (!signal.aborted) ahead += Math.max(0, ms - (clock.now() - began));
    resting = null;
  };
  const recall = async (): Promise<void> => {
    const known = (await memory?.load().catch(() => null)) ?? null;
    if (known === null) return;
    level = Math.min(limit.burst, known.level + (Math.max(0, clock.now() - known.at) / 1_000) * rate);
    levelAt = now();
  };
  const pump = async (): Promise<void> => {
    loading ??= recall();
    await loading;
    while (queue.length > 0) {
      const ms = waitMs();
      if (ms > 0) {
        await rest(ms);
        continue;
      }
      const at = Math.max(
        0,
        queue.findIndex(({ priority }) => priority === 'push'),
      );
      const [next] = queue.splice(at, 1);
      level -= 1;
      await memory?.save({ level, at: clock.now() }).catch(() => undefined);
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

  return {
    take: (priority, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(stopped());
        const leave = () => {
          const at = queue.indexOf(waiter);
          if (at >= 0) queue.splice(at, 1);
          if (queue.length === 0) resting?.abort();
          reject(stopped());
        };
        const waiter: Waiter = {
          priority,
          go() {
            signal.removeEventListener('abort', leave);
            resolve();
          },
        };
        signal.addEventListener('abort', leave, { once: true });
        queue.push(waiter);
        start();
      }),
    told(value) {
      if (!Number.isFinite(value) || value <= 0) return;
      refill();
      rate = value;
    },
    succeeded() {
      strikes = 0;
    },
    refused(jitter) {
      const doubling = Math.min(longestBackoffMs, 1_000 * 2 ** Math.min(10, strikes)) * (0.5 + jitter / 2);
      strikes += 1;
      refill();
      level = 0;
      const afterMs = Math.ceil(Math.max(1_000 / rate, doubling));
      notBefore = now() + afterMs;
      return afterMs;
    },
    forecastMs: (requests) => Math.ceil((Math.max(0, requests - limit.burst) / rate) * 1_000),
  };
}

function stopped(): ChannelError {
  return new ChannelError('retry', 'stopped before the request was sent');
}
