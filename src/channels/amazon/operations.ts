import type { Rate } from './bucket.ts';

/** What a request does when nobody knows whether it arrived. */
export type Effect = 'read' | 'write';

interface Operation extends Rate {
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

/** Whether losing the answer of an operation leaves a write in doubt; what is repeatable counts as a read. */
export function effectOf(name: OperationName): Effect {
  return operations[name].effect;
}

/** Whether the operation's bucket is remembered. */
export function isSlow(name: OperationName): boolean {
  return 'slow' in operations[name];
}
