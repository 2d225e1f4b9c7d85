/** How often and after what pauses a topic tries an endpoint again (AMZ-2.7, last verified 2026-11). */

export type LadderName = 'https' | 'custom' | 'managed';

/** So many tries, with pauses that grow from one to the other. */
type Phase = [times: number, fromMs: number, toMs: number];

/**
 * `https`: what an HTTPS endpoint gets by default: three more tries, 20 s apart. `custom`: the policy that the platform's documentation
 * advises, fifty within the cap of an hour. `managed`: what only the platform's own endpoints get: 100,015 more tries
 * over 23 days; the listener must live through it all the same, since a pipe in between may have it.
 */
const ladders: Record<LadderName, Phase[]> = {
  https: [[3, 20_000, 20_000]],
  custom: [
    [3, 0, 0],
    [2, 1_000, 1_000],
    [35, 1_000, 120_000],
    [10, 120_000, 120_000],
  ],
  managed: [
    [3, 0, 0],
    [2, 1_000, 1_000],
    [10, 1_000, 20_000],
    [100_000, 20_000, 20_000],
  ],
};

/** The pause in ms before the retry of that number (0: the first), or null when there is none. */
export function pauseBefore(name: LadderName, retry: number): number | null {
  let left = retry;
  for (const [times, fromMs, toMs] of ladders[name]) {
    if (left < times)
      return fromMs === toMs ? fromMs : Math.round(fromMs * (toMs / fromMs) ** (left / (times - 1)));
    left -= times;
  }
  return null;
}
