import type { Channel, ChannelDefinition, ChannelDeps } from '../channel.ts';
import { bound } from '../kit/bound.ts';
import { capabilities } from './capabilities.ts';
import { check } from './check.ts';
import { type WooConfig, wooConfig } from './config.ts';
import { identity } from './identity.ts';
import { listListings } from './listings.ts';
import { fetchOrders, openOrders, ordersCreatedSince, ordersSince } from './orders.ts';
import { cancelOrder, holdOrder } from './oversell.ts';
import { setStock } from './push.ts';
import { fieldsOf, ordersIn, receive, refsIn } from './receive.ts';
import { openShop } from './shop.ts';
import { readStock } from './stock.ts';
import { webhooksOf } from './webhooks.ts';

/** WooCommerce through its REST API wc/v3 and its webhooks. */
export const woocommerce: ChannelDefinition<WooConfig> = {
  type: 'woocommerce',
  title: 'WooCommerce',
  grade: {
    level: 'contracts',
    date: '2026-11-23',
    note: 'held against deliveries and answers recorded from a real shop (WooCommerce 11.0.1); not yet run against a live one',
  },
  config: wooConfig,
  capabilities,
  create,
};

function create(config: WooConfig, deps: ChannelDeps): Channel {
  const shop = openShop(config, deps);
  return {
    capabilities,
    ...bound(shop, {
      ...{ identity, check, listListings, readStock, setStock },
      ...{ ordersSince, ordersCreatedSince, openOrders, fetchOrders },
      ...{ hold: holdOrder, cancel: cancelOrder },
    }),
    receive: (request) => receive(config, request),
    fieldsOf,
    refsIn,
    ordersIn: (fields, facts, how) => ordersIn(config, fields, facts, how),
    webhooks: webhooksOf(shop),
    close: () => shop.api.close(),
  };
}
