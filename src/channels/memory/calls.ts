import { ChannelError } from '../errors.ts';
import type { MemoryCall } from './faults.ts';
import type { MemoryState } from './state.ts';

/** The weather that every call meets before it does anything. Throws `ChannelError`. */
export async function meetWeather(
  state: MemoryState,
  call: Exclude<MemoryCall, 'any'>,
  signal: AbortSignal,
): Promise<void> {
  await Promise.resolve();
  const slowMs = state.faults.hits('slow', call);
  if (slowMs !== null) await state.clock.sleep(slowMs, signal);
  if (signal.aborted) throw new ChannelError('unknown', `${state.name}: hung up`);
  if (state.faults.hits('auth', call) !== null) {
    throw new ChannelError('auth', `${state.name} refuses the credentials`);
  }
  const pauseMs = state.faults.hits('throttle', call);
  if (pauseMs !== null)
    throw new ChannelError('throttled', `${state.name}: too many calls`, { afterMs: pauseMs });
  if (state.faults.hits('error', call) !== null) {
    throw new ChannelError('retry', `${state.name}: internal error`);
  }
  if (state.faults.hits('timeout', call) !== null)
    throw new ChannelError('unknown', `${state.name}: no answer`);
  if (state.faults.hits('unanswered', call) !== null) {
    await hungUp(signal);
    throw new ChannelError('unknown', `${state.name}: no answer before we hung up`);
  }
}

function hungUp(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
