import { z } from 'zod';
import { address, perSecond, secret, text } from '../kit/config.ts';

/** Ids have 17 to 21 digits: as a bare number in the file they would lose some, so that only text is taken. */
const id = z.string().regex(/^\d{1,30}$/, 'must be the digits of an id, in quotes');

/** The keys that a channel of this type adds to those that all channels share. */
export const TikTokShopConfig = z.strictObject({
  app_key: text.describe('App key of the custom app in Partner Center.').meta(secret),
  app_secret: text.describe('App secret of that app; signs requests and proves deliveries.').meta(secret),
  refresh_token: text
    .describe(
      'Refresh token of the seller’s authorization. TikTok Shop replaces it with each use: this one only begins the chain, its successors live in the store.',
    )
    .meta(secret),
  shop_id: id.describe('The shop’s id in quotes, as GET /authorization/202309/shops tells it.'),
  warehouses: z
    .array(id)
    .max(100)
    .default([])
    .describe(
      'Ids of the sales warehouses whose stock invsync keeps, the first one takes what is added; empty: all of them.',
    ),
  token_url: address
    .optional()
    .describe('Where tokens are refreshed, instead of https://auth.tiktok-shops.com.'),
  requests_per_second: perSecond
    .optional()
    .describe(
      'Calls a second that this shop is known to get, for reads and for writes each. TikTok Shop publishes no limit: without this key it is found out.',
    ),
  hold_unpaid: z
    .boolean()
    .default(true)
    .describe('true: an order holds its units from the checkout on; false: from its payment on.'),
  pre_orders: z
    .enum(['count', 'ignore'])
    .default('count')
    .describe(
      'count: lines of pre-orders take stock like all others; ignore: they sell stock that is still to come.',
    ),
  fulfilled_by_tiktok: z
    .enum(['ignore', 'count'])
    .default('ignore')
    .describe('ignore: orders that TikTok ships from its own warehouses take nothing from this stock.'),
});

/** A channel's configuration after parsing. Addresses have no slash at the end. */
export type TikTokShopConfig = z.infer<typeof TikTokShopConfig>;
