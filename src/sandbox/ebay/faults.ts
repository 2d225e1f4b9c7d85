import { sharedFaults } from '../kit/faults.ts';

/** The fault switches of this shop (see `../faults.ts` for what the shared ones mean). */
export const faultNames = [
  ...sharedFaults,
  // This platform's own (EBAY-10.2):
  /** The merchant changed the password: while armed all user tokens are dead and refreshing is `invalid_grant`. */
  'token_revoked',
  /** Access tokens die now; refreshing works. */
  'token_expiry',
  /** The consent lacks the notification scope while armed. */
  'missing_scope',
  /** All destinations are MARKED_DOWN: at once without a rate, else at sales. */
  'marked_down',
  /** The account works without out-of-stock control while armed: 0 ends a Trading listing. */
  'out_of_stock_control_off',
  /** A sale is invoiced together with the newest open order: both ids vanish, the lines stay. */
  'combine_orders',
  /** A sale is a commitment without checkout: the number falls, no order is there for ms (default: days). */
  'unpaid_commitment',
  /** A committed buyer never pays: the number comes back, no order was ever there. */
  'never_pays',
  /** The listing of the next write has used up its 250 revisions of the day. */
  'revision_limit',
  /** The signature names a key that does not exist. */
  'wrong_kid',
  /** The body travels with white space; only its compact JSON is what was signed. */
  'compact_json',
  /** Signed with SHA-256, and the header says so. */
  'sha256',
  /** One byte of the body differs from what was signed. */
  'altered_body',
  /** Soundly signed, about another seller. */
  'wrong_user',
  /** The same line under a new notification id. */
  'new_id_duplicate',
  /** Platform Notifications (SOAP) come too, to the address of the JSON ones where no other is set. */
  'soap',
  /** The SOAP signature is that of another keyset. */
  'bad_soap_signature',
  /** `getTopics` does not offer ORDER_CONFIRMATION while armed: poll only. */
  'no_order_topic',
  /** A write meets another one on the same item: 25025, nothing done. */
  'concurrent_access',
  /** A batch of more than one SKU is refused while armed. */
  'batch_of_one',
  /** The listing is on hold: 25097. */
  'on_hold',
  /** A raise is beyond what the account may sell: 25026. */
  'selling_limit',
  /** Reads show the number before a write for ms. */
  'read_lag',
  /** `GET /offer?sku=` refuses a SKU with anything but letters and digits. */
  'sku_refused',
  /** A cancellation stays IN_PROGRESS for an hour. */
  'cancel_in_progress',
] as const;
