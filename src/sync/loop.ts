import { messageOf } from '../errors.ts';
import { doublingMs } from './backoff.ts';
import type { Duty, Engine } from './engine.ts';

/** A duty that runs one step after the other and rests in between. */
export interface Loop extends Duty {
  /** Starts the next step now. While a step runs: the next one follows without a rest. */
  wake(): void;
}

/** No single rest is longer than this (Node's timers overflow at 24.8 days); after it the step simply runs again. */
const longestRestMs = 3_600_000;
const drainMs = 20_000;

/** Hands over work that runs in parallel: later steps do not wait for it, but `stop` does. */
export type Beside = (work: Promise<void>) => void;

/** Several loops that begin and end together. */
export function createGroup(name: string, loops: readonly Duty[]): Duty {
  return {
    name,
    start() {
      for (const loop of loops) loop.start();
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/**
 * `step` does one piece of work and answers how many ms to rest before the next (0: none). An error is logged and
 * followed by a rest that doubles each time. `stop` aborts the step's signal, then waits at most 20 s for the step and
 * for all work handed to `beside`.
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
