import type { Capabilities } from '../channel.ts';
import { day, minute } from '../kit/time.ts';

/**
 * Lines of one call, and from how many on they go as one feed. PATCH takes 5 SKUs a second, so that a full call is more
 * than three minutes of patches; AMZ-5.2 puts the break-even at two to three thousand changes waiting.
 */
export const feedFrom = 1_000;

/** Facts about the Selling Partner API; ids are those of docs/channels/amazon-facts.md, verified 2026-11. */
export const capabilities: Capabilities = {
  // AMZ-6.4: Amazon subtracts at order time, and a push means "available to promise".
  basis: 'net',
  // AMZ-6.1: a search never reaches the last two minutes; the rest is margin, no bound is published.
  orderLagMs: 30 * minute,
  // AMZ-6.1: two minutes by rule, and the overlap of 5 to 10 minutes that is asked for there.
  indexLagMs: 10 * minute,
  // How long Amazon may take to show a quantity that it accepted: minutes, no promise (AMZ-5.1, AMZ-10.4).
  settleMs: 15 * minute,
  // Not known; gateways of the platform give up earlier.
  maxExecutionMs: minute,
  clockMarginMs: 5_000,
  // The shop is believed to, and nobody measured it: rises are not counted on.
  restoresOnCancel: false,
  reportsGone: true,
  // AMZ-5.1: no condition can be sent; the read that guards against fulfilled-by-Amazon offers compares as well.
  compareAndSet: 'read-check',
  idempotencyKeys: false,
  batchSize: feedFrom,
  // A flip to zero must not wait behind a long call.
  writeConcurrency: 2,
  webhooks: true,
  // AMZ-2.7: SNS repeats a message to a queue for up to 23 days; a queue keeps it up to 14 (2.5).
  webhookRetryMs: 23 * day,
  // AMZ-2.7
  webhookTimeoutMs: 15_000,
  // AMZ-7: searchOrders restores one call in three minutes, 20 saved up.
  pollMinMs: 4 * minute,
  pollDefaultMs: 15 * minute,
  pollOnlyMs: 5 * minute,
  // Two years of orders can be read, from memory; the engine never asks for more than 60 days.
  orderHistoryMs: 730 * day,
  // AMZ-8: there is no hold; cancelling is an XML feed that hurts the seller's metrics and is left to people.
  hold: false,
  cancel: false,
  // Ours: Amazon documents no highest quantity.
  maxQuantity: 1_000_000,
};
