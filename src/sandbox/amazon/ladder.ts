/** How often and after what pauses a topic tries an endpoint again (AMZ-2.7, last verified 2026-11). */

export type LadderName = 'https' | 'custom' | 'managed';

interface Phases {
  /** Without a pause. */
  immediate: number;
  preBackoff: { times: number; ms: number };
  backoff: { times: number; fromMs: number; toMs: number };
  postBackoff: { times: number; ms: number };
}

/**
 * `https`: what an HTTPS endpoint gets by default: three more tries, 20 s apart. `custom`: the policy that the platform's documentation
 * advises, fifty within the cap of an hour. `managed`: what only the platform's own endpoints get: 100,015 more tries
 * over 23 days; the listener must live through it all the same, since a pipe in between may have it.
 */
const ladders: Record<LadderName, Phases> = {
  https: {
    immediate: 0,
    preBackoff: { times: 0, ms: 0 },
    backoff: { times: 3, fromMs: 20_000, toMs: 20_000 },
    postBackoff: { times: 0, ms: 0 },
  },
  custom: {
    immediate: 3,
    preBackoff: { times: 2, ms: 1_000 },
    backoff: { times: 35, fromMs: 1_000, toMs: 120_000 },
    postBackoff: { times: 10, ms: 120_000 },
  },
  managed: {
    immediate: 3,
    preBackoff: { times: 2, ms: 1_000 },
    backoff: { times: 10, fromMs: 1_000, toMs: 20_000 },
    postBackoff: { times: 100_000, ms: 20_000 },
  },
};

/** The pause in ms before the retry of that number (0: the first), or null when there is none. */
export function pauseBefore(name: LadderName, retry: number): number | null {
  const { immediate, preBackoff, backoff, postBackoff } = ladders[name];
  let left = retry;
  if (left < immediate) return 0;
  left -= immediate;
  if (left < preBackoff.times) return preBackoff.ms;
  left -= preBackoff.times;
  if (left < backoff.times) {
    const share = backoff.times === 1 ? 0 : left / (backoff.times - 1);
    return Math.round(backoff.fromMs * (backoff.toMs / backoff.fromMs) ** share);
  }
  left -= backoff.times;
  return left < postBackoff.times ? postBackoff.ms : null;
}
