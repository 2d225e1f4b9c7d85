import { sharedFaults } from '../kit/faults.ts';

/** The fault switches of this shop (see `../faults.ts` for what the shared ones mean). */
export const faultNames = [
  ...sharedFaults,
  // Access (TTS-1, TTS-4.2 and TTS-6):
  /** Access tokens die now (105002); refreshing works. */
  'token_expiry',
  /** A refresh kills the old refresh token at once; normally it lives until its successor is first used. */
  'old_refresh_dies',
  /** The tokens are rotated, and the answer that carries them is lost. */
  'refresh_lost',
  /** `*_expire_in` are durations instead of points in time. */
  'expires_as_duration',
  /** The seller took the authorisation back: type 6 is told, and while armed all tokens are dead. */
  'deauthorized',
  /** The consent is about to end: type 7 is told, once. */
  'authorization_ends',
  /** The consent lacks `seller.product.write` while armed: 105005. */
  'missing_scope',
  /** The token is that of another shop: 101000. */
  'wrong_token_shop',
  /** 36009033. */
  'ip_refused',
  /** 401 with 36009043 or 36009044. */
  'shop_inactive',
  'seller_inactive',
  /** The platform's clock is ahead of the machine's by `ms` (behind when negative), `Date` header included. */
  'clock_skew',
  /** 36009037: the development shop's hour is used up. */
  'hourly_limit',
  /** 36009002 inside HTTP 200, or 12052109 on product calls. */
  'throttle_in_200',
  /** HTTP 503 with a page of HTML. */
  'overload',
  /** An internal error inside HTTP 200, nothing done. */
  'internal_in_200',
  /** 36009007 inside HTTP 200 although the write was obeyed. */
  'timeout_in_200',
  /** A page of HTML with HTTP 200. */
  'html',
  // Stock (TTS-4 and TTS-7):
  /** A product of the next write is in a promotion: its numbers cannot be lowered, 12052393. */
  'promotion_lock',
  /** The first SKU of the next write is held in one more warehouse now: 12052037 for who does not name it. */
  'new_warehouse',
  /** 12052516: the stock is allocated by the platform itself. */
  'auto_allocated',
  /** A SKU's warehouse is gone (12052097) or disabled (12052531), told inside code 0. */
  'warehouse_gone',
  'warehouse_disabled',
  /** The last SKU of the next write is not written, which only `data.errors` tells. */
  'partial_error',
  /** Refusals of a SKU come inside code 0, where they normally refuse the whole call. */
  'refused_inside',
  /** A part of the SKU's available units is reserved for a campaign; the sum stays. */
  'campaign_reservation',
  /** Warehouses are RESTRICTED (holiday mode) while armed: the counts stand, nothing can be bought. */
  'holiday_mode',
  /** The product search shows numbers as they were `ms` ago. */
  'search_lag',
  // Orders (TTS-2.2 and TTS-5):
  /** An order stays UNPAID for ms (default: half an hour). */
  'unpaid',
  /** An UNPAID order is never paid: the platform cancels it. */
  'never_pays',
  /** A cancellation stays PENDING for two days before it succeeds; shipping closes it. */
  'cancel_pending',
  /** A pending cancellation is withdrawn instead. */
  'cancel_withdrawn',
  /** Half of the units leave the shelf. */
  'partial_ship',
  /** A shipped parcel waits an hour for the carrier. */
  'slow_collection',
  /** Goods that come back are replaced by a new order. */
  'replacement',
  /** The order is a creator's sample. */
  'sample_order',
  /** One more unit of the first SKU comes along as a gift. */
  'gift_line',
  /** The units are sold ahead of stock: `sku_type` PRE_ORDER. */
  'pre_order',
  /** Page tokens of the order search are offsets: an order that changes moves others off the page. */
  'shifting_pages',
  /** The order search refuses windows of change time that are open or longer than a week (a weak claim, TTS-5.1). */
  'week_windows',
  // Deliveries (TTS-2):
  /** No `tts_notification_id` in the body. */
  'no_notification_id',
  /** Ids in the body are bare numbers beyond 2^53. */
  'numeric_ids',
  /** The order status reads CANCELLED, as in the API; normally CANCEL. */
  'cancelled_spelling',
  /** Soundly signed, names another shop. */
  'wrong_shop',
  /** Signed over the body alone, a recipe that public code gets wrong. */
  'wrong_recipe',
  /** No signature at all. */
  'unsigned',
  /** A topic's address is taken with code 0 and not kept. */
  'webhook_not_kept',
  /** A delivery that was given up takes its topic's registration along. */
  'given_up_unsubscribes',
  /** INVENTORY_STATUS_CHANGE is no topic of the API while armed. */
  'no_inventory_topic',
] as const;
