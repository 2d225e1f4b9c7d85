import type { Capabilities } from '../channel.ts';
import { day, minute, second } from '../kit/time.ts';

/** Most SKUs of one write (FK-4), and of one read, for which no number is published (FK-3.2). */
export const skusPerCall = 10;

/** Facts about the Marketplace Seller API v3; ids are those of docs/channels/flipkart-facts.md, verified 2026-11. */
export const capabilities: Capabilities = {
  // FK-3.4: not proved by any text; a channel's `basis` overrides it. Net never oversells.
  basis: 'net',
  // Nothing is published about how long after the fall of the number a shipment can be read.
  orderLagMs: null,
  // Not published either: ours, on the safe side.
  indexLagMs: 10 * minute,
  // FK-3.4: two to five minutes until a written number shows, and not to be judged before ten.
  settleMs: 10 * minute,
  // FK-6: the longest time-out that Flipkart itself recommends.
  maxExecutionMs: minute,
  // FK-2.2: times have whole seconds.
  clockMarginMs: 5 * second,
  // Unknown; a seller's own cancellation even sets the listing out of stock (FK-2.6).
  restoresOnCancel: false,
  // FK-5.4
  reportsGone: true,
  // FK-4: no conditional write. Each number is read before it is written, for the product id and the status as well.
  compareAndSet: 'read-check',
  idempotencyKeys: false,
  batchSize: skusPerCall,
  // FK-6: one at a time per family of calls.
  writeConcurrency: 1,
  webhooks: true,
  // FK-2.5: undocumented; a group is blocked until its first event is taken, so that a repeat may be days old.
  webhookRetryMs: 7 * day,
  // FK-2.5: undocumented, 5 s assumed.
  webhookTimeoutMs: 5 * second,
  // FK-5.1: one poll is six requests. Their rate is kept whatever the interval: six seconds at the default rate.
  pollMinMs: 2 * second,
  // Poll first: notifications need an approval that few have, and cover only the locations that were asked for (FK-2.1).
  pollDefaultMs: minute,
  pollOnlyMs: minute,
  // Ours: no bound is published.
  orderHistoryMs: 180 * day,
  hold: false,
  // FK-8: a seller's cancellation counts against the account and is left to people.
  cancel: false,
  // Ours, well inside the int32 of the schema (4).
  maxQuantity: 999_999,
  // FK-8: an order that cannot be shipped counts against the account, and cannot be refused.
  defaultBuffer: 1,
  pushFirst: true,
};
