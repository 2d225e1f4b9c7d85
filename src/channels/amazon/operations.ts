import type { Effect } from '../kit/refusal.ts';

/** Requests per second, and how many may be saved up. */
interface Operation {
  rate: number;
  burst: number;
  /** `read` also for what may be repeated without harm. */
  effect: Effect;
  /** Its bucket is so slow that its level is remembered over restarts. */
  slow?: true;
}

/** The operations that are used, with the published rates and bursts (AMZ-7, 2026-11). */
export const operations = {
  searchListingsItems: { rate: 5, burst: 5, effect: 'read' },
  getListingsItem: { rate: 5, burst: 10, effect: 'read' },
  patchListingsItem: { rate: 5, burst: 5, effect: 'write' },
  searchOrders: { rate: 0.0056, burst: 20, effect: 'read', slow: true },
  getOrder: { rate: 0.5, burst: 30, effect: 'read' },
  getMarketplaceParticipations: { rate: 0.016, burst: 15, effect: 'read', slow: true },
  createFeedDocument: { rate: 0.5, burst: 15, effect: 'read' },
  createFeed: { rate: 0.0083, burst: 15, effect: 'write', slow: true },
  getFeed: { rate: 2, burst: 15, effect: 'read' },
  getFeeds: { rate: 0.0222, burst: 10, effect: 'read', slow: true },
  getDestinations: { rate: 1, burst: 5, effect: 'read' },
  createDestination: { rate: 1, burst: 5, effect: 'read' },
  deleteDestination: { rate: 1, burst: 5, effect: 'read' },
  getSubscription: { rate: 1, burst: 5, effect: 'read' },
  getSubscriptions: { rate: 1, burst: 5, effect: 'read' },
  createSubscription: { rate: 1, burst: 5, effect: 'read' },
  deleteSubscriptionById: { rate: 1, burst: 5, effect: 'read' },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

export function operationOf(name: OperationName): Operation {
  return operations[name];
}
