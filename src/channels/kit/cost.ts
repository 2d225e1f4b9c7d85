import type { Policy } from './pace.ts';

/** What a cost-limited API says about its bucket, in points and points per second. */
export interface CostStatus {
  maximumAvailable: number;
  currentlyAvailable: number;
  restoreRate: number;
}

export interface CostPolicy extends Policy {
  /**
   * Ends one request that was let pass with `cost`. `status` as the answer told it; null when there was no answer or it
   * told nothing: the points then come back by time alone.
   */
  answered(cost: number, status: CostStatus | null, now: number): void;
}

/** The share of the bucket that reads leave untouched, so that a push never waits behind a reconcile. */
const pushReserve = 0.2;

/**
 * One bucket for one account. The requested cost must be in the bucket before a request leaves, as the platform
 * demands; each answer replaces our estimate by the platform's word, less what is still under way. Until the first
 * answer nothing is known and nobody waits.
 */
export function createCost(): CostPolicy {
  let known: CostStatus | null = null;
  let level = 0;
  let levelAt = 0;
  let underWay = 0;
  const levelAtTime = (status: CostStatus, now: number): number =>
    Math.min(status.maximumAvailable, level + ((now - levelAt) / 1_000) * status.restoreRate);
  return {
    byTheClock: true,
    waitMs({ cost, priority, pushCost }, now) {
      if (known === null) return 0;
      const kept = priority === 'read' ? known.maximumAvailable * pushReserve + pushCost : 0;
      const missing = Math.min(cost + kept, known.maximumAvailable) - levelAtTime(known, now);
      return missing > 0 ? Math.ceil((missing / known.restoreRate) * 1_000) : 0;
    },
    take(cost, now) {
      underWay += cost;
      if (known === null) return undefined;
      level = levelAtTime(known, now) - cost;
      levelAt = now;
      return undefined;
    },
    answered(cost, status, now) {
      underWay = Math.max(0, underWay - cost);
      if (status === null || status.restoreRate <= 0) return;
      known = status;
      level = status.currentlyAvailable - underWay;
      levelAt = now;
    },
    succeeded: () => undefined,
    refused: () => undefined,
    intervalMs: () => 0,
  };
}
