import type { Capabilities } from '../channel.ts';
import { day, hour, minute, second } from '../kit/time.ts';

/** Most SKUs of one inventory search (TTS-3.2). */
export const skusPerRead = 600;
/** Most rows of one page of products or orders (TTS-3.1, TTS-5.1). */
export const rowsPerPage = 100;

/** Facts about TikTok Shop. Ids are those of docs/channels/tiktok-shop-facts.md, verified 2026-11. */
export const capabilities: Capabilities = {
  // TTS-0, TTS-7.2: the number is what can be sold, open orders are already taken off.
  basis: 'net',
  // No bound is published. An unpaid order is listed at once (TTS-5.3) and the search trails by minutes at most (TTS-5.1).
  orderLagMs: 15 * minute,
  // TTS-5.1: overlap of five minutes.
  indexLagMs: 5 * minute,
  // TTS-4: writes act at once; how far the inventory search trails is not documented.
  settleMs: 10 * second,
  // Not documented; twice the usual client time-out.
  maxExecutionMs: minute,
  // Times have whole seconds, and so has the Date header from which the clock is learned.
  clockMarginMs: 3 * second,
  // TTS-9: a cancellation before collection moves committed units back to available ones.
  restoresOnCancel: true,
  // TTS-5.2, TTS-5.3: display_status per unit.
  reportsGone: true,
  // TTS-7.1: there is no conditional write; each number is read right before it is written.
  compareAndSet: 'read-check',
  idempotencyKeys: false,
  // TTS-4: one product a call; so many lines keep a full batch of single-SKU products under half a minute at 2 calls a second.
  batchSize: 50,
  // A flip to zero must not wait behind a long batch.
  writeConcurrency: 2,
  webhooks: true,
  // TTS-2.4: repeated after 2 min, 30 min, 3 h and 12 h.
  webhookRetryMs: 16 * hour,
  webhookTimeoutMs: 3 * second,
  // TTS-6: three reads a second and more.
  pollMinMs: 2 * second,
  pollDefaultMs: 2 * minute,
  pollOnlyMs: minute,
  // Not documented; further back than the engine ever asks. Bounds a walk in windows of a day.
  orderHistoryMs: 180 * day,
  hold: false,
  // TTS-8: cancelling exists, but it hurts the seller's score and is left to people.
  cancel: false,
  // TTS-4: 0..99999.
  maxQuantity: 99_999,
};
