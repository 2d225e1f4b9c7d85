import { platformMs } from '../time.ts';

/** A token bucket: `rate` calls a second of the platform, `burst` at most. */
export interface Rate {
  rate: number;
  burst: number;
}

/**
 * What the shop allows of each endpoint. The platform publishes no number; these are the upper ends of the starting
 * points that readers quote, ten seconds' worth at once (TTS-6).
 */
export const usualRates: { read: Rate; write: Rate } = {
  read: { rate: 10, burst: 100 },
  write: { rate: 3, burst: 30 },
};

/** Buckets by name, each filled to the brim at its first use. */
export interface Limits {
  /** True and one token less, or false. */
  take(name: string, rate: Rate): boolean;
}

/** A platform second lasts 1/timeScale of ours, so that rates grow with the scale; bursts do not. */
export function createLimits(now: () => number, timeScale: number): Limits {
  const levels = new Map<string, { tokens: number; at: number }>();
  return {
    take(name, { rate, burst }) {
      const at = now();
      const level = levels.get(name) ?? { tokens: burst, at };
      const perMs = 1_000 / platformMs(1_000_000 / rate, timeScale);
      level.tokens = Math.min(burst, level.tokens + Math.max(0, at - level.at) * perMs);
      level.at = at;
      levels.set(name, level);
      // Rounding of doubles must not cost a token that is due.
      if (level.tokens < 1 - 1e-9) return false;
      level.tokens -= 1;
      return true;
    },
  };
}
