/** Milliseconds since 1970-01-01 UTC, an integer. Every time in code and tables is one of these. */
export type Millis = number;

/** The only source of time outside `stock/`; the simulation and the tests hand in their own. */
export interface Clock {
  now(): Millis;
  /** Resolves after `ms`, or at once when the signal is aborted (never rejects). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The wall clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** How long, in the largest whole unit: `12s`, `3m`, `4h`, `2d`; as people read ages at a glance. */
export function spanText(ms: Millis): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** ISO 8601 in UTC, as every output prints times; null stays null. */
export function iso(at: Millis): string;
export function iso(at: Millis | null): string | null;
export function iso(at: Millis | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
