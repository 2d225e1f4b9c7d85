import type { Clock } from '../../../clock.ts';
import { stopped } from '../../errors.ts';
import type { Priority } from './pace.ts';

/** Lets one request at a time through, pushes before reads, with a least interval between two starts. */
export interface Turns {
  /** Runs `work` when it is its turn; its failure is the caller's alone. Throws `retry` when aborted while waiting. */
  run<T>(priority: Priority, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Nobody starts for so long. */
  pause(ms: number): void;
}

/** For platforms that publish no limit and do not like two requests at once. */
export function createTurns(clock: Clock, { intervalMs }: { intervalMs: number }): Turns {
  const waiting: Record<Priority, (() => void)[]> = { push: [], read: [] };
  let busy = false;
  let nextAt = 0;

  const leave = (): void => {
    const next = waiting.push.shift() ?? waiting.read.shift();
    if (next === undefined) busy = false;
    else next();
  };
  const enter = (priority: Priority, signal: AbortSignal): Promise<void> => {
    if (!busy) {
      busy = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        waiting[priority] = waiting[priority].filter((other) => other !== go);
        reject(stopped());
      };
      waiting[priority].push(go);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  };

  return {
    async run(priority, signal, work) {
      if (signal.aborted) throw stopped();
      await enter(priority, signal);
      try {
        const waitMs = nextAt - clock.now();
        if (waitMs > 0) await clock.sleep(waitMs, signal);
        if (signal.aborted) throw stopped();
        nextAt = clock.now() + intervalMs;
        return await work();
      } finally {
        leave();
      }
    },
    pause(ms) {
      nextAt = Math.max(nextAt, clock.now() + ms);
    },
  };
}
