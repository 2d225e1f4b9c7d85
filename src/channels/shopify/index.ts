import type { Channel, ChannelDefinition, ChannelDeps, Delivery, Json } from '../channel.ts';
import { bound } from '../kit/bound.ts';
import { createApi } from './api.ts';
import { cancel } from './cancel.ts';
import { capabilities } from './capabilities.ts';
import { check, identity } from './check.ts';
import { actionOutcome, hold } from './hold.ts';
import { listListings } from './listings.ts';
import { fetchOrders, ordersCreatedSince, ordersSince } from './orders.ts';
import { setStock } from './push.ts';
import { fieldsOf, ordersIn, receive, refsIn } from './receive.ts';
import { ShopifyConfig, webhookSecrets } from './schema.ts';
import { readStock, type Shelf } from './stock.ts';
import { createWebhooks } from './webhooks.ts';

/** A Shopify shop, by the Admin GraphQL API and its webhooks. One location, one number per inventory item. */
export const shopify: ChannelDefinition<ShopifyConfig> = {
  type: 'shopify',
  title: 'Shopify',
  grade: {
    level: 'contracts',
    date: '2026-11-23',
    note: 'every document validates against the official Admin schemas 2026-10 and 2026-07; never run against a live shop',
  },
  config: ShopifyConfig,
  capabilities,
  create,
};

/**
 * There is no `openOrders`: an order that was archived by hand before it was shipped still holds stock, and no filter of
 * Shopify's search finds exactly the orders that do, so the take-over reads all orders by creation time (60 days).
 */
function create(config: ShopifyConfig, deps: ChannelDeps): Channel {
  const api = createApi(config, deps);
  const shelf: Shelf = { api, location: config.location };
  const secrets = webhookSecrets(config);
  return {
    capabilities,
    ...bound(api, { identity, ordersSince, ordersCreatedSince, fetchOrders }),
    check: (signal) => check({ api, config }, signal),
    listListings: (signal) => listListings(api, config.location, signal),
    readStock: (listings, signal) => readStock(shelf, listings, signal),
    setStock: (lines, signal) => setStock(shelf, lines, { randomHex: deps.randomHex, signal }),
    receive: (request) => receive(request, config.shop, secrets),
    fieldsOf: (delivery: Delivery): Json => fieldsOf(delivery),
    refsIn,
    ordersIn: (fields, _facts, how) => ordersIn(fields, config.location, how),
    webhooks: createWebhooks(api, deps.name),
    hold: (order, signal) => hold(api, order, signal).catch(actionOutcome),
    cancel: (order, signal) => cancel({ api, clock: deps.clock }, order, signal).catch(actionOutcome),
    close: () => api.close(),
  };
}
