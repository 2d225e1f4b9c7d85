import type { Channel, ChannelDefinition, ChannelDeps } from '../channel.ts';
import { bound } from '../kit/bound.ts';
import { openAccount } from './account.ts';
import { capabilities } from './capabilities.ts';
import { check, identity } from './check.ts';
import { type AmazonConfig, amazonConfig } from './config.ts';
import { ordersIn, refsIn } from './content.ts';
import { listen } from './listen.ts';
import { listListings } from './listings.ts';
import { fieldsOf } from './notification.ts';
import { fetchOrders, openOrders, ordersCreatedSince, ordersSince } from './orders.ts';
import { setStock } from './push.ts';
import { createSnsDoor } from './receive.ts';
import { forecast, readStock } from './stock.ts';
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
  const { queue } = account;
  return {
    capabilities,
    ...bound(account, {
      ...{ identity, check, listListings, readStock, setStock, forecast },
      ...{ ordersSince, ordersCreatedSince, openOrders, fetchOrders },
    }),
    receive: (request) => door.receive(request),
    fieldsOf,
    refsIn,
    ordersIn: (fields, _facts, how) => ordersIn(config.seller_id, fields, how),
    ...(queue === null ? {} : { listen: (take, signal) => listen(queue, take, signal) }),
    webhooks: subscriptionsOf(account),
    async close() {
      await Promise.all([account.api.http.close(), queue?.close(), door.close()]);
    },
  };
}
