import { countText } from '../errors.ts';
import type { LiveChannel } from './engine.ts';

/** What a long read will take, for people; silent where the platform's rate does not make it long. */
export interface Forecast {
  /** "5000 listings take 250 requests, about 50 s at the rate that the platform allows"; empty when it is no matter. */
  plan: string;
  /** ", about 40 s left" once so many are done; empty when it is no matter. */
  left(done: number): string;
}

/** Reads shorter than this are not worth a word. */
const worthMs = 2_000;

/** Expects a read of so many listings from a channel; one that cannot tell says nothing. */
export function forecastOf(live: LiveChannel, listings: number): Forecast {
  const expected = listings > 0 ? live.channel.forecast?.(listings) : undefined;
  if (expected === undefined || expected.expectedMs < worthMs) return { plan: '', left: () => '' };
  const { requests, expectedMs } = expected;
  return {
    plan: `${countText(listings, 'listing takes', 'listings take')} ${countText(requests, 'request')}, about ${roundedText(expectedMs)} at the rate that the platform allows`,
    left(done) {
      const leftMs = expectedMs * Math.max(0, 1 - done / listings);
      return leftMs < worthMs ? '' : `, about ${roundedText(leftMs)} left`;
    },
  };
}

function roundedText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3_600)} h`;
}
