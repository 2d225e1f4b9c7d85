import { sharedFaults } from '../kit/faults.ts';

/** The fault switches of this shop (see `../faults.ts` for what the shared ones mean). */
export const faultNames = [
  ...sharedFaults,
  // This platform's own (SHP-9 and SHP-10):
  /** A copy under a new webhook id and the same event id, as a second subscription makes it. */
  'new_id_duplicate',
  /** The domain header names another shop; the signature is right, since only the body is signed. */
  'wrong_shop',
  /** Signed with the secret before the current one. */
  'old_secret',
  /** The fixed sample order comes along with the next order delivery. */
  'sample_payload',
  /** Tokens of the client-credentials grant die now; a static token does not. */
  'token_expiry',
  /** The grant is refused: app and shop belong to different organisations. */
  'shop_not_permitted',
  /** Another part of the app empties the bucket before the request. */
  'throttled_burst',
  /** Same as sale_before_write. */
  'stale_by_sale',
  /** The first item of the next write is not stocked at the main location any more. */
  'not_stocked',
  /** The main location is shown as inactive while armed; each hit refuses one write. */
  'location_deactivated',
  /** The next order has 120 lines. */
  'many_lines',
  /** Same as order_lag. */
  'search_lag',
  /** A draft order reserves a unit: at once without a rate, else at sales and writes. */
  'draft_reservation',
  /** 200 with a top-level INTERNAL_SERVER_ERROR, nothing done. */
  'internal_error',
  /** 200 with a top-level ACCESS_DENIED, nothing done. */
  'access_denied',
  /** The granted scopes lack write_inventory while armed, and stock writes are denied. */
  'missing_scope',
  /** 402 and 423: frozen and locked shops. */
  'payment_required',
  'locked',
] as const;
