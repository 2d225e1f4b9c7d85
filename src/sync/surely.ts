import { AppError, messageOf } from '../errors.ts';
import type { Engine } from './engine.ts';

const againMs = 500;

/** The store refused for a moment (busy, full): the same call may succeed later. */
export function isPassing(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'store_busy' || error.code === 'store_full');
}

/**
 * What was done outside must reach the disk: a store that is busy or full is asked until it takes it, or until we
 * stop. `what` is for the log.
 */
export async function surely(
  engine: Pick<Engine, 'clock' | 'log'>,
  what: string,
  book: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      return await book();
    } catch (error) {
      if (signal?.aborted === true || !isPassing(error)) throw error;
      engine.log.warn({ error: messageOf(error) }, `${what} waits for the store`);
      await engine.clock.sleep(againMs, signal);
    }
  }
}
