import type { Capabilities } from '../channel.ts';
import { day, minute, second } from '../kit/time.ts';

/** Most rows of one bulk call (EBAY-4.1, EBAY-5.1: 25 SKUs, also by a live probe). */
export const rowsPerCall = 25;

/** Facts about eBay. Ids are those of docs/channels/ebay-facts.md, verified 2026-11. */
export const capabilities: Capabilities = {
  // EBAY-6: the number falls with the buyer's commitment, open orders are already taken off.
  basis: 'net',
  // EBAY-6: a commitment lowers the number days before its order can be read where immediate payment is off.
  orderLagMs: null,
  // EBAY-6: overlap of 10 to 15 min over a moving list.
  indexLagMs: 15 * minute,
  // EBAY-5: writes are synchronous (D6); how far reads trail is not documented, half a minute is a guess on the safe side.
  settleMs: 30 * second,
  // Not documented; twice the usual client time-out.
  maxExecutionMs: minute,
  // EBAY-6: times have milliseconds, but the server's clock is learned from a Date header of whole seconds.
  clockMarginMs: 3 * second,
  // EBAY-6: eBay raises its number only in some flows of a cancellation, so that a rise is possible and never certain.
  restoresOnCancel: false,
  // EBAY-6: lineItemFulfillmentStatus.
  reportsGone: true,
  // EBAY-5: no conditional write; each number is read right before it is written.
  compareAndSet: 'read-check',
  idempotencyKeys: false,
  batchSize: rowsPerCall,
  // EBAY-5.1: two writes at one item or one group fail with 25025.
  writeConcurrency: 1,
  webhooks: true,
  // EBAY-2.5: three repeats; their span is not published, 24 h until an address is marked down.
  webhookRetryMs: day,
  // EBAY-2.6: 3,000 ms for Platform Notifications; none is published for the Notification API.
  webhookTimeoutMs: 3 * second,
  // EBAY-7: 100,000 calls a day; every 2 s is 43,200 of them.
  pollMinMs: 2 * second,
  // EBAY-10.4: 120 s, 60 s when there is no push.
  pollDefaultMs: 2 * minute,
  pollOnlyMs: minute,
  // EBAY-6: two years.
  orderHistoryMs: 730 * day,
  hold: false,
  // EBAY-8: a cancellation is a defect of the seller, and sellers of the EU and the UK must sign the call digitally.
  cancel: false,
  // Not documented; from memory of the listing form.
  maxQuantity: 999_999,
};
