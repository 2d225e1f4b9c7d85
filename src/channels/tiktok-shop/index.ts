import type { Channel, ChannelDefinition, ChannelDeps } from '../channel.ts';
import { bound } from '../kit/bound.ts';
import { identityOf, readShop } from './account.ts';
import { openShop } from './api.ts';
import { capabilities, skusPerRead } from './capabilities.ts';
import { check } from './check.ts';
import { TikTokShopConfig } from './config.ts';
import { fieldsOf, ordersIn, refsIn } from './content.ts';
import { listListings } from './listings.ts';
import { fetchOrders, ordersCreatedSince, ordersSince } from './orders.ts';
import { setStock } from './push.ts';
import { receive } from './receive.ts';
import { readStock } from './stock.ts';
import { webhooksOf } from './webhooks.ts';

/** TikTok Shop (Open API 202309 and later): one shop of one seller. */
export const tiktokShop: ChannelDefinition<TikTokShopConfig> = {
  type: 'tiktok-shop',
  title: 'TikTok Shop',
  grade: {
    level: 'sandbox',
    date: '2026-11-23',
    note: 'signatures held against the official vectors; requests written from copies of the documentation; never run against a live shop',
  },
  config: TikTokShopConfig,
  capabilities,
  create,
};

/** What one call takes with its round trip at the pace of the beginning; nothing was measured live. */
const callMs = 400;

function create(config: TikTokShopConfig, deps: ChannelDeps): Channel {
  const shop = openShop(config, deps);
  return {
    capabilities,
    identity: async (signal) => identityOf((await readShop(config, shop.api, signal)).data),
    ...bound(shop, {
      ...{ check, listListings, readStock, setStock },
      ...{ ordersSince, ordersCreatedSince, fetchOrders },
    }),
    receive: (request) => receive(config, request),
    fieldsOf,
    refsIn,
    ordersIn: (fields, facts, how) => ordersIn(config, fields, facts, how),
    forecast(listings) {
      const requests = Math.ceil(listings / skusPerRead);
      return { requests, expectedMs: requests * callMs };
    },
    webhooks: webhooksOf(shop),
    close: () => shop.http.close(),
  };
}
