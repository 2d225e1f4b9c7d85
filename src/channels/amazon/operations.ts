import type { Call } from '../kit/rest.ts';

/** `seller`: on behalf of the merchant. `grantless`: the application itself, for destinations (AMZ-3). */
export type Grant = 'seller' | 'grantless';

/** An operation, and the bucket that Amazon keeps for it: requests per second, and how many may be saved up. */
interface Operation extends Pick<Call<unknown>, 'path' | 'effect'> {
  /** Default GET. */
  method?: Call<unknown>['method'];
  rate: number;
  burst: number;
  /** Default `seller`. */
  grant?: Grant;
}

const feeds = '/feeds/2021-06-30';
const items = '/listings/2021-08-01/items';
const orders = '/orders/2026-01-01/orders';
/** May be repeated without harm, all of them. */
const notifications = { rate: 1, burst: 5, effect: 'read' } as const;
const destination = { ...notifications, path: '/notifications/v1/destinations', grant: 'grantless' } as const;
const subscription = { ...notifications, path: '/notifications/v1/subscriptions' } as const;

/** The operations that are used, with the published rates and bursts (AMZ-7, 2026-11). The ids of a call end its path. */
const table = {
  searchListingsItems: { path: items, rate: 5, burst: 5 },
  getListingsItem: { path: items, rate: 5, burst: 10 },
  patchListingsItem: { method: 'PATCH', path: items, rate: 5, burst: 5 },
  searchOrders: { path: orders, rate: 0.0056, burst: 20 },
  getOrder: { path: orders, rate: 0.5, burst: 30 },
  getMarketplaceParticipations: { path: '/sellers/v1/marketplaceParticipations', rate: 0.016, burst: 15 },
  createFeedDocument: { method: 'POST', path: `${feeds}/documents`, rate: 0.5, burst: 15, effect: 'read' },
  createFeed: { method: 'POST', path: `${feeds}/feeds`, rate: 0.0083, burst: 15 },
  getFeed: { path: `${feeds}/feeds`, rate: 2, burst: 15 },
  getFeeds: { path: `${feeds}/feeds`, rate: 0.0222, burst: 10 },
  getDestinations: destination,
  createDestination: { ...destination, method: 'POST' },
  deleteDestination: { ...destination, method: 'DELETE' },
  getSubscription: subscription,
  createSubscription: { ...subscription, method: 'POST' },
  deleteSubscriptionById: { ...subscription, method: 'DELETE', grant: 'grantless' },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof table;

export const operations: Record<OperationName, Operation> = table;
