import { stopped } from '../errors.ts';

/** Waits for something that serves several callers and goes on when one of them is stopped; that one stops waiting. */
export function unlessStopped<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(stopped());
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    shared.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
