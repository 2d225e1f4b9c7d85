import { sharedFaults } from '../kit/faults.ts';

/**
 * The fault switches of this shop (see `../kit/faults.ts` for what the shared ones mean). `reorder_webhook` lets other
 * groups overtake: within a group the platform keeps the order (FK-2.5).
 */
export const faultNames = [
  ...sharedFaults,
  // The answers of the API:
  /** Access tokens die now; the token endpoint hands out a fresh one. */
  'token_expiry',
  /** 403: the seller's access was taken away. */
  'forbidden',
  /** 499 "connection timed out"; a write was obeyed or not, half of the time each. */
  'error_499',
  /** 503 before anything happens. */
  'error_503',
  /** A page of HTML instead of JSON, under 200 or 503; nothing was done. */
  'html',
  /** A write is answered 202 with its result and obeyed ms later (default: two to five minutes). */
  'accepted_202',
  /** Reads show the number before a write for ms (default: two to five minutes). */
  'read_lag',
  /** One row of a write is a FAILURE and not obeyed, under HTTP 200. */
  'row_failure',
  /** One row of a write is a WARNING: obeyed with remarks. */
  'row_warning',
  /** One row of a write is neither obeyed nor in the answer. */
  'row_missing',
  /** One SKU of the next write spoils every batch that it is in with 400, until faults are cleared. */
  'poison_sku',
  /** `listings` of the search is an object of rows, as the schema says. */
  'listings_as_object',
  /** The search obeys `listing_status` instead of `lisitng_status`. */
  'filter_spelling',
  // Orders:
  /** A sale is on hold for some hours: invisible to a filter that does not ask for held ones. */
  'hold',
  /** Each line of a sale becomes a shipment of its own. */
  'split_order',
  /** Items travel in several packages. */
  'mps',
  /** A sale is a replacement: nobody pays, the units go all the same. */
  'replacement',
  /** Beside a sale the platform sells something out of its own warehouse. */
  'fbf_orders',
  /** The dispatch dates change after a sale. */
  'dates_changed',
  /** A cancellation is the marketplace's, not the buyer's. */
  'marketplace_cancel',
  /** A cancellation does not bring the number back (net basis). */
  'number_not_restored',
  /** `quantity` of a cancellation event counts earlier ones of the same item in. */
  'cumulative_cancellation',
  /** Shipping stops before the courier has come, who comes some hours later. */
  'late_pickup',
  /** Shipping goes through a failed form. */
  'form_failed',
  /** A delivered shipment is COMPLETED some days later, a state that no filter finds. */
  'completed',
  /** Returns are called off instead of completed. */
  'return_cancelled',
  /** Tracking id and expected date of a return change, which two events tell. */
  'return_changes',
  // Notifications:
  /** Signed over the text of the date header instead of its seconds. */
  'date_form',
  /** Signed over milliseconds. */
  'millis_form',
  /** Repeats carry the date and signature of the first attempt. */
  'stale_date',
  /** Soundly signed, by another application. */
  'wrong_app',
  /** A proxy in between drops headers with underscores. */
  'headers_lost',
  /** Before the event comes a captured signature over an invented body. */
  'forged_body',
  /** An event of a type that nobody knows comes first, in the same group. */
  'unknown_event',
  /** Events carry fields that are in no schema. */
  'new_fields',
  /** When an event is given up, the later ones of its group are given up with it. */
  'dead_group',
] as const;
