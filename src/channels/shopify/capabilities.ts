import type { Capabilities } from '../channel.ts';
import { hour, minute, second } from '../kit/time.ts';

/** Facts about Shopify. Ids are those of docs/channels/shopify-facts.md; last verified 2026-11 against the schemas 2026-07 and 2026-10. */
export const capabilities: Capabilities = {
  // SHP-5.1: `available` already excludes committed units.
  basis: 'net',
  // SHP-6, SHP-9.8: a draft's reservation lowers `available` for days and fires no order topic.
  orderLagMs: null,
  // SHP-6: lag of the search index is not documented; the overlap covers it.
  indexLagMs: 15 * minute,
  // SHP-5.1: the mutation answers when the number stands; the margin is for a read served by a replica (not documented).
  settleMs: 5 * second,
  // SHP-7: the platform's limit is not documented; twice the client time-out.
  maxExecutionMs: minute,
  // SHP-2.6, SHP-9.17: time stamps resolve to the second; plus two seconds of skew (2.8).
  clockMarginMs: 3 * second,
  // SHP-2.6: `cancel` and `return` rows put units back into `available`; orderCancel does with restock (8).
  restoresOnCancel: true,
  // SHP-2.7: unfulfilledQuantity and fulfillable_quantity tell what is still to be shipped.
  reportsGone: true,
  // SHP-5.2: changeFromQuantity.
  compareAndSet: 'native',
  // SHP-5.4: the directive @idempotent, remembered for 24 hours.
  idempotencyKeys: true,
  // SHP-5.1: 250 rows are allowed, but one stale row blocks its batch: 50 to 100 in practice.
  batchSize: 100,
  // SHP-7: a mutation costs little; two calls hide the round trip without racing for the bucket.
  writeConcurrency: 2,
  webhooks: true,
  // SHP-2.5: 8 times in 4 hours.
  webhookRetryMs: 4 * hour,
  // SHP-2.5: 1 s to connect, 5 s for the whole answer.
  webhookTimeoutMs: 5 * second,
  pollMinMs: second,
  // SHP-2.5: delivery is not guaranteed; a poll of no news costs one small query.
  pollDefaultMs: 5 * minute,
  pollOnlyMs: minute,
  // SHP-1.3: read_orders shows the last 60 days.
  orderHistoryMs: 60 * 24 * hour,
  // SHP-8: fulfillmentOrderHold, orderCancel.
  hold: true,
  cancel: true,
  // SHP-5.1: result within 1,000,000,000.
  maxQuantity: 1_000_000_000,
};

/**
 * What the app must have been granted (SHP-1.3, from the scope map beside the schema): `needed` or nothing works,
 * `optional` for `oversell: hold` and `oversell: cancel`.
 */
export const scopes = {
  needed: ['read_products', 'read_inventory', 'write_inventory', 'read_locations', 'read_orders'],
  optional: [
    'write_orders',
    'read_merchant_managed_fulfillment_orders',
    'write_merchant_managed_fulfillment_orders',
  ],
} as const;
