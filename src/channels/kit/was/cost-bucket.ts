import type { Clock } from '../../../clock.ts';
import { stopped } from '../../errors.ts';
import type { Pace, Priority } from './pace.ts';

/** What a cost-limited API says about its bucket, in points and points per second. */
export interface CostStatus {
  maximumAvailable: number;
  currentlyAvailable: number;
  restoreRate: number;
}

/** A `Pace` that is fed by the answers of a cost-limited API. */
export interface CostBucket extends Pace {
  /**
   * Ends one request that `acquire` let pass with `cost`. `status` as the answer told it; null when there was no
   * answer or it told nothing: the points then come back by time alone.
   */
  answered(cost: number, status: CostStatus | null): void;
}

/** The share of the bucket that reads leave untouched, so that a push never waits behind a reconcile. */
const pushReserve = 0.2;
/** Rounds of waiting before a request is let go anyway: the platform then judges. Guards against a clock that stands. */
const maxRounds = 100;

/**
 * One bucket for one account. The requested cost must be in the bucket before a request leaves, as the platform
 * demands; each answer replaces our estimate by the platform's word, less what is still under way. Until the first
 * answer nothing is known and nobody waits.
 */
export function createCostBucket(clock: Clock): CostBucket {
  let known: CostStatus | null = null;
  let level = 0;
  let levelAt = 0;
  let underWay = 0;
  let pushesWaiting = 0;
  let pausedUntil = 0;

  const levelNow = (status: CostStatus): number =>
    Math.min(status.maximumAvailable, level + ((clock.now() - levelAt) / 1000) * status.restoreRate);

  const waitMs = (cost: number, priority: Priority): number => {
    const pause = Math.max(0, pausedUntil - clock.now());
    if (known === null) return pause;
    const kept = priority === 'read' ? known.maximumAvailable * pushReserve + pushesWaiting : 0;
    const missing = Math.min(cost + kept, known.maximumAvailable) - levelNow(known);
    return Math.max(pause, missing > 0 ? Math.ceil((missing / known.restoreRate) * 1000) : 0);
  };

  const take = (cost: number): void => {
    underWay += cost;
    if (known === null) return;
    level = levelNow(known) - cost;
    levelAt = clock.now();
  };

  return {
    async acquire(cost, priority, signal) {
      if (priority === 'push') pushesWaiting += cost;
      try {
        for (let round = 0; round < maxRounds; round += 1) {
          if (signal.aborted) throw stopped();
          const ms = waitMs(cost, priority);
          if (ms === 0) break;
          await clock.sleep(ms, signal);
        }
        take(cost);
      } finally {
        if (priority === 'push') pushesWaiting -= cost;
      }
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.now() + ms);
    },
    answered(cost, status) {
      underWay = Math.max(0, underWay - cost);
      if (status === null || status.restoreRate <= 0) return;
      known = status;
      level = status.currentlyAvailable - underWay;
      levelAt = clock.now();
    },
  };
}
