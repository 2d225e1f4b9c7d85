import { sharedFaults } from '../kit/faults.ts';

/** The fault switches of this shop (see `../faults.ts` for what the shared ones mean). */
export const faultNames = [
  ...sharedFaults,
  // This platform's own (AMZ-1, AMZ-2, AMZ-5 and AMZ-9):
  /** The refresh token is dead (`invalid_grant`), and every access token with it. */
  'token_revoked',
  /** The client secret is older than 180 days: `invalid_client`. */
  'secret_expired',
  /** Access tokens die now; the next grant is good. */
  'token_expiry',
  /** Writes and subscriptions answer 403: the role was added after the refresh token was minted. */
  'missing_role',
  /** The token belongs to another region's host: every seller call answers 403. */
  'wrong_region',
  /** Feeds wait in the queue for `ms`, or for twenty minutes of the platform. */
  'feed_slow',
  /** A patch is accepted and never becomes live. */
  'patch_lost',
  /** A patch is accepted and obeyed only after `ms`: it erases the sales in between. */
  'patch_late',
  /** 200 and ACCEPTED, with an issue of severity ERROR; nothing is saved. */
  'accepted_with_error',
  /** 200 and INVALID, although nothing is wrong with the request. */
  'patch_invalid',
  /** searchListingsItems shows the number before the last change, for `ms` (or for ever) after it. */
  'search_lag',
  /** A cancelled order does not give its units back to the listing. */
  'number_not_restored',
  /** The buyer's payment fails: a pending order ends cancelled by the platform. */
  'payment_failed',
  /** A multi-line order is shipped in two steps. */
  'partial_shipment',
  /** With a sale comes an order of a listing that the platform fulfils itself. */
  'fba_orders',
  /** The same event is published ten times under fresh notification ids (models issue 2616). */
  'republish',
  /** A body that is no JSON lands in the queue, next to the notification. */
  'sqs_poison',
  /** The queue is a FIFO: nothing ever arrives (models issue 845). */
  'fifo_queue',
  /** The queue's policy does not let the platform in: nothing arrives, and no destination can be made. */
  'missing_policy',
  /** The queue endpoint answers 500. */
  'sqs_error_500',
  /** Notifications in the queue come inside an EventBridge envelope. */
  'eventbridge_envelope',
  /** Notifications in the queue come inside an SNS envelope. */
  'sns_envelope',
  /** The topic delivers raw: no envelope, no signature. */
  'raw_delivery',
] as const;
