import type { Policy } from './pace.ts';

/** Requests per second. Only `perSecond` given: that rate is kept whatever the answers say, one request at a time. */
export interface RateLimits {
  perSecond: number;
  /** How many may leave at once after a rest; default 1. */
  burst?: number;
  /** How far each success may raise the rate (default: not at all), and a refusal lower it (default: not at all). */
  mostPerSecond?: number;
  leastPerSecond?: number;
  /** Share of the rate that is won back after refusals; default a tenth with each minute without one. */
  regain?: { share: number; perMs: number | 'success' };
}

/** What a slow bucket remembers, so that a crash loop cannot spend its burst again and again. */
export interface Remembered {
  level: number;
  /** When that was, as the pace tells the time; a start takes no later one than its own. */
  at: number;
  perSecond: number;
}

export interface RateMemory {
  load(): Promise<Remembered | null>;
  save(state: Remembered): Promise<void>;
}

export interface RatePolicy extends Policy {
  /** The rate that an answer told: it is kept from then on. */
  told(perSecond: number, now: number): void;
  perSecond(): number;
  /** How long so many requests take from a full bucket. */
  forecastMs(requests: number): number;
}

/** Rate won by each success until the first refusal. */
const firstGainPerSecond = 0.5;

/**
 * A token bucket whose rate may adapt: additive increase, multiplicative decrease. A fixed interval is a bucket of one;
 * a published rate one that never adapts; a platform that tells no limit is searched for its own.
 */
export function createRate(limits: RateLimits, memory: RateMemory | null = null): RatePolicy {
  const { burst = 1 } = limits;
  let { mostPerSecond = limits.perSecond, leastPerSecond = limits.perSecond } = limits;
  const { share, perMs } = limits.regain ?? { share: 0.1, perMs: 60_000 };
  let { perSecond } = limits;
  let tokens = burst;
  let countedAt: number | null = null;
  let refusedAt: number | null = null;
  const refill = (now: number): void => {
    const passedMs = Math.max(0, now - (countedAt ?? now));
    tokens = Math.min(burst, tokens + (passedMs / 1_000) * perSecond);
    countedAt = now;
  };
  return {
    ...(memory === null
      ? {}
      : {
          async recall(now) {
            const known = await memory.load().catch(() => null);
            if (known === null) return;
            ({ perSecond } = known);
            mostPerSecond = Math.max(mostPerSecond, perSecond);
            leastPerSecond = Math.min(leastPerSecond, perSecond);
            tokens = known.level;
            countedAt = Math.min(known.at, now);
            refill(now);
          },
        }),
    waitMs({ ahead }, now) {
      refill(now);
      const missing = 1 + ahead - tokens;
      return missing <= 0 ? 0 : Math.ceil((missing / perSecond) * 1_000);
    },
    take(_cost, now) {
      refill(now);
      tokens -= 1;
      return memory?.save({ level: tokens, at: now, perSecond }).catch(() => undefined);
    },
    succeeded(now) {
      const since = perMs === 'success' ? 1 : (now - (refusedAt ?? now)) / perMs;
      const gain = refusedAt === null ? firstGainPerSecond : perSecond * share * since;
      if (refusedAt !== null) refusedAt = now;
      perSecond = Math.max(perSecond, Math.min(mostPerSecond, perSecond + gain));
    },
    refused(now) {
      refill(now);
      tokens = Math.min(0, tokens);
      refusedAt = now;
      perSecond = Math.min(perSecond, Math.max(leastPerSecond, perSecond / 2));
    },
    intervalMs: () => 1_000 / perSecond,
    told(value, now) {
      if (!Number.isFinite(value) || value <= 0) return;
      // Until now the bucket has filled at the rate of before.
      refill(now);
      perSecond = value;
      mostPerSecond = value;
      leastPerSecond = value;
    },
    perSecond: () => perSecond,
    forecastMs: (requests) => Math.ceil((Math.max(0, requests - burst) / perSecond) * 1_000),
  };
}
