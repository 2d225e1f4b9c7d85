import type { Rate } from '../kit/buckets.ts';

/**
 * What the shop allows of each endpoint. The platform publishes no number; these are the upper ends of the starting
 * points that readers quote, ten seconds' worth at once (TTS-6).
 */
export const usualRates: { read: Rate; write: Rate } = {
  read: { rate: 10, burst: 100 },
  write: { rate: 3, burst: 30 },
};
