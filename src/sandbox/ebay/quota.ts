import { platformMs } from '../kit/time.ts';
import type { State } from './state.ts';

/** The parts of the platform that count calls apart (EBAY-7). */
export type Family =
  | 'inventory'
  | 'fulfillment'
  | 'notification'
  | 'account'
  | 'identity'
  | 'analytics'
  | 'postorder';

/** What is counted per application and day (EBAY-1.3 and EBAY-7). */
export type Quota = Family | 'trading' | 'client_credentials' | 'refresh_token' | 'authorization_code';

const limits: Readonly<Record<Quota, number>> = {
  inventory: 2_000_000,
  fulfillment: 100_000,
  notification: 10_000,
  account: 25_000,
  identity: 25_000,
  analytics: 5_000,
  postorder: 10_000,
  trading: 5_000,
  client_credentials: 1_000,
  refresh_token: 50_000,
  authorization_code: 10_000,
};

const dayMs = 86_400_000;
/** EBAY-5.4 [M]: the day begins at midnight Pacific, here fixed at eight hours behind UTC. */
const pacificMs = 8 * 3_600_000;

/** Number of the platform's day, as short as the time scale makes it. */
export function dayOf(state: State): number {
  return Math.floor((state.now() - pacificMs) / platformMs(dayMs, state.timeScale));
}

/** When the platform's day ends. */
export function dayEndsAt(state: State): number {
  return (dayOf(state) + 1) * platformMs(dayMs, state.timeScale) + pacificMs;
}

export type Quotas = ReturnType<typeof createQuotas>;

/** Counts calls per application and day. */
export function createQuotas(state: State) {
  const used = new Map<Quota, { day: number; count: number }>();
  const today = (quota: Quota) => {
    const known = used.get(quota);
    if (known?.day === dayOf(state)) return known;
    const fresh = { day: dayOf(state), count: 0 };
    used.set(quota, fresh);
    return fresh;
  };
  return {
    /** Counts a call; false when the day's are used up. */
    take(quota: Quota): boolean {
      const counter = today(quota);
      if (counter.count >= limits[quota]) return false;
      counter.count += 1;
      return true;
    },
    status: (quota: Quota) => ({ limit: limits[quota], remaining: limits[quota] - today(quota).count }),
    /** Leaves so many calls for today. */
    leave(quota: Quota, calls: number): void {
      today(quota).count = Math.max(0, limits[quota] - calls);
    },
  };
}
