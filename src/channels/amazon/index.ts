import type { Channel, ChannelDefinition, ChannelDeps } from '../channel.ts';
import { openAccount } from './api.ts';
import { capabilities } from './capabilities.ts';
import { check, identity } from './check.ts';
import { type AmazonConfig, amazonConfig } from './config.ts';
import { forecast, readStock } from './items.ts';
import { listListings } from './listings.ts';
import { fieldsOf } from './notification.ts';
import { ordersIn, refsIn } from './order.ts';
import { fetchOrders, listOrders, openOrders } from './orders.ts';
import { setStock } from './push.ts';
import { listen } from './queue.ts';
import { createSnsDoor } from './receive.ts';
import { subscriptionsOf } from './subscriptions.ts';

/** Amazon through the Selling Partner API and an SQS queue: one selling account in one region, one number per SKU. */
export const amazon: ChannelDefinition<AmazonConfig> = {
  type: 'amazon',
  title: 'Amazon',
  grade: {
    level: 'contracts',
    date: '2026-11-23',
    note: 'requests and answers are held against the official models and schemas of August 2026; never run against a live account',
  },
  config: amazonConfig,
  capabilities,
  create,
};

/**
 * There is no `hold` and no `cancel`: Amazon has no hold, and a cancellation by the seller counts against the account
 * (AMZ-8), so that an oversold order is for a person.
 */
function create(config: AmazonConfig, deps: ChannelDeps): Channel {
  const account = openAccount(config, deps);
  const door = createSnsDoor(config, deps);
  const { at, queue } = account;
  return {
    capabilities,
    identity: (signal) => identity(at(signal)),
    check: (signal) => check(at(signal)),
    listListings: (signal) => listListings(at(signal)),
    readStock: (listings, signal) => readStock(at(signal), listings),
    setStock: (lines, signal) => setStock(at(signal), lines),
    ordersSince: (since, signal) => listOrders(at(signal), { axis: 'lastUpdated', since }),
    ordersCreatedSince: (since, signal) => listOrders(at(signal), { axis: 'created', since }),
    openOrders: (signal) => openOrders(at(signal)),
    fetchOrders: (ids, signal) => fetchOrders(at(signal), ids),
    forecast: (listings) => forecast(account, listings),
    receive: (request) => door.receive(request),
    fieldsOf,
    refsIn,
    ordersIn: (fields, _facts, how) => ordersIn(config.seller_id, fields, how),
    ...(queue === null ? {} : { listen: (take, signal) => listen(queue, take, signal) }),
    webhooks: subscriptionsOf(account),
    async close() {
      await Promise.all([account.http.close(), queue?.close(), door.close()]);
    },
  };
}
