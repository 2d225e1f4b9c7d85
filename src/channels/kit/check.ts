import type { CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Answer } from './rest.ts';

export function ok(name: string, detail: string): CheckItem {
  return { name, level: 'ok', detail, remedy: '' };
}

export function warn(name: string, detail: string, remedy: string): CheckItem {
  return { name, level: 'warn', detail, remedy };
}

export function fail(name: string, detail: string, remedy: string): CheckItem {
  return { name, level: 'fail', detail, remedy };
}

/** Difference between a platform's clock and ours that deserves a warning. */
const clockSkewMs = 60_000;

/** How far our clock is from the platform's, as an answer told it. */
export function clockItem(
  whose: string,
  { channelClock, askedAt }: Pick<Answer<unknown>, 'channelClock' | 'askedAt'>,
): CheckItem {
  const seconds = Math.round((askedAt - channelClock) / 1_000);
  if (Math.abs(seconds) * 1_000 <= clockSkewMs) return ok('clock', `agrees with ${whose}’s`);
  const detail = `this machine’s clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} ${whose}’s`;
  return warn('clock', detail, 'let this machine keep its time by NTP');
}

/** An item (or some) that needs a request: a failure becomes what `refused` makes of it; for null it is thrown. */
export async function asked<Found extends CheckItem | CheckItem[]>(
  work: () => Promise<Found>,
  refused: (error: ChannelError) => Found | null,
): Promise<Found> {
  try {
    return await work();
  } catch (error) {
    const item = error instanceof ChannelError ? refused(error) : null;
    if (item === null) throw error;
    return item;
  }
}
