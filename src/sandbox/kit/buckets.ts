import { platformMs } from './time.ts';

/** A token bucket: `rate` calls a second of the platform, `burst` at most. */
export interface Rate {
  rate: number;
  burst: number;
}

export type Buckets = ReturnType<typeof createBuckets>;

/**
 * Buckets by name, each filled to the brim at its first use. A platform second lasts 1/timeScale of ours, so that rates
 * grow with the scale; bursts do not.
 */
export function createBuckets(now: () => number, timeScale: number) {
  const levels = new Map<string, { tokens: number; at: number }>();
  const filled = (name: string, { rate, burst }: Rate) => {
    const at = now();
    const level = levels.get(name) ?? { tokens: burst, at };
    const perMs = scaledRate(rate, timeScale) / 1000;
    level.tokens = Math.min(burst, level.tokens + Math.max(0, at - level.at) * perMs);
    level.at = at;
    levels.set(name, level);
    return level;
  };
  return {
    /** True and one token less, or false. */
    take(name: string, rate: Rate): boolean {
      const level = filled(name, rate);
      // Rounding of doubles must not cost a token that is due.
      if (level.tokens < 1 - 1e-9) return false;
      level.tokens -= 1;
      return true;
    },
  };
}

/** Requests per second of our time: what the header tells. */
export function scaledRate(rate: number, timeScale: number): number {
  return 1000 / (platformMs(1_000_000 / rate, timeScale) / 1000);
}
