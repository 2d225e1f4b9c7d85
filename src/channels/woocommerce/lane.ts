import { ChannelError } from '../errors.ts';
import type { Priority } from '../lib/pace.ts';

/** One request at a time per shop, pushes before reads (dossier 7: concurrency 1 per store). */
export interface Lane {
  /** Runs `work` when it is its turn; its failure is the caller's alone. Throws `retry` when aborted while waiting. */
  run<T>(priority: Priority, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** An empty lane. */
export function createLane(): Lane {
  const waiting: Record<Priority, (() => void)[]> = { push: [], read: [] };
  let busy = false;

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
    run: async (priority, signal, work) => {
      if (signal.aborted) throw stopped();
      await enter(priority, signal);
      try {
        if (signal.aborted) throw stopped();
        return await work();
      } finally {
        leave();
      }
    },
  };
}

function stopped(): ChannelError {
  return new ChannelError('retry', 'stopped before the request was sent');
}
