import { messageOf } from '../errors.ts';
import { doublingMs } from './backoff.ts';
import type { Duty, Engine } from './engine.ts';

/** A duty that runs one step after the other and rests in between. */
export interface Loop extends Duty {
  /** Ends the rest at once; during a step: no rest after it. */
  wake(): void;
}

/** Timers beyond this overflow; a rest is at most so long and then simply asks again. */
const longestRestMs = 3_600_000;
const drainMs = 20_000;

/** Work that goes on beside the steps of a loop: no step waits for it, and `stop` does as for a step. */
export type Beside = (work: Promise<void>) => void;

/**
 * `step` does a piece of work and answers how long to rest in ms (0: not at all). What it throws is logged and
 * followed by a growing rest. Its signal is aborted on stop, which then waits for it and for what it left to go on
 * beside it, 20 s at most.
 */
export function createLoop(
  engine: Engine,
  name: string,
  step: (signal: AbortSignal, beside: Beside) => Promise<number>,
): Loop {
  const ending = new AbortController();
  let running: Promise<void> | null = null;
  let resting: AbortController | null = null;
  let woken = false;
  let failures = 0;
  const works = new Set<Promise<void>>();
  const beside: Beside = (work) => {
    const kept: Promise<void> = work
      .catch((error: unknown) => engine.log.error({ duty: name, error: messageOf(error) }, 'duty failed'))
      .finally(() => works.delete(kept));
    works.add(kept);
  };

  const once = async (): Promise<number> => {
    try {
      const restMs = await step(ending.signal, beside);
      failures = 0;
      return restMs;
    } catch (error) {
      failures += 1;
      const restMs = doublingMs(failures, 1_000, 60_000);
      if (!ending.signal.aborted)
        engine.log.error({ duty: name, error: messageOf(error), restMs }, 'duty failed');
      return restMs;
    }
  };
  const rest = async (ms: number): Promise<void> => {
    if (ms <= 0 || woken || ending.signal.aborted) return;
    resting = new AbortController();
    await engine.clock.sleep(Math.min(ms, longestRestMs), resting.signal);
    resting = null;
  };
  const run = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      woken = false;
      await rest(await once());
    }
  };

  return {
    name,
    start() {
      if (running === null && !ending.signal.aborted) running = run();
    },
    async stop() {
      ending.abort();
      resting?.abort();
      if (running === null) return;
      const drained = new AbortController();
      const all = running.then(() => Promise.all(works));
      await Promise.race([all, engine.clock.sleep(drainMs, drained.signal)]);
      drained.abort();
    },
    wake() {
      woken = true;
      resting?.abort();
    },
  };
}
