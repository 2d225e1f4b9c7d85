import type { Capabilities } from '../channel.ts';

/** Facts about WooCommerce 11.0.1 and its kin; ids are those of docs/channels/woocommerce-facts.md, verified 2026-11. */
export const capabilities: Capabilities = {
  // WOO-2.6, WOO-O.5: stock falls when an order is paid or put on hold, so that the number excludes those orders.
  basis: 'net',
  // WOO-O.5: the number falls inside the request that saved the order before; a minute covers PHP's time limit.
  orderLagMs: 60_000,
  // WOO-6: searches read the database itself; the date is set a moment before its row is visible.
  indexLagMs: 5_000,
  // WOO-9.20: object and REST caches may show the old number for a moment; a shop without them does not.
  settleMs: 5_000,
  // WOO-7: PHP is given 30 to 60 s; WOO-O.2: a client that hangs up is obeyed all the same.
  maxExecutionMs: 60_000,
  // WOO-O.4: times are whole seconds; check() warns when the clocks differ by more.
  clockMarginMs: 5_000,
  // WOO-O.5: cancelled and pending give the units back at once.
  restoresOnCancel: true,
  // WOO-2.6: `completed` with date_completed_gmt, the shop's word for shipped.
  reportsGone: true,
  // WOO-O.2: no ETag, no conditional write; inventory_delta is not atomic.
  compareAndSet: 'read-check',
  // WOO-O.5: the same POST twice makes two orders; there are no keys.
  idempotencyKeys: false,
  // WOO-5.3: 100 are allowed, 20 to 50 survive PHP's time limits.
  batchSize: 50,
  // WOO-7, WOO-11: one request at a time per store.
  writeConcurrency: 1,
  webhooks: true,
  // WOO-O.9: nothing is ever delivered twice.
  webhookRetryMs: 0,
  // WOO-2.2: 60 s, during which the shop's whole queue waits.
  webhookTimeoutMs: 60_000,
  pollMinMs: 1_000,
  // WOO-6: 10 to 15 min next to webhooks, 60 s without.
  pollDefaultMs: 10 * 60_000,
  pollOnlyMs: 60_000,
  // WOO-6: orders stay until the merchant deletes them.
  orderHistoryMs: null,
  // WOO-8
  hold: true,
  cancel: true,
  // WOO-O.2: 2147483648 was kept, 9007199254740993 was not; this one fits every column.
  maxQuantity: 2_147_483_647,
};
