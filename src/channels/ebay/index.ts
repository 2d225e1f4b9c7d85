import type { AccountIdentity, Channel, ChannelDefinition, ChannelDeps } from '../channel.ts';
import { openShop, readUser, type Task, taskOf } from './api.ts';
import { capabilities, rowsPerCall } from './capabilities.ts';
import { check } from './check.ts';
import { EbayConfig } from './config.ts';
import { fieldsOf, ordersIn, refsIn } from './deliveries.ts';
import { listListings } from './listings.ts';
import { fetchOrders, ordersCreatedSince, ordersSince } from './orders.ts';
import { receive } from './receive.ts';
import { createKeys } from './signature.ts';
import { readStock, setStock } from './stock.ts';
import { webhooksOf } from './webhooks.ts';

/** eBay: both of its listing models, sales by notification and by polling. */
export const ebay: ChannelDefinition<EbayConfig> = {
  type: 'ebay',
  title: 'eBay',
  grade: {
    level: 'sandbox',
    date: '2026-11-23',
    note: 'signatures held against the official vectors of eBay’s SDK; requests written from its documentation; never run against a live account',
  },
  config: EbayConfig,
  capabilities,
  create,
};

/** What one call takes with its round trip, by the seat of the pants: nothing was measured live. */
const callMs = 400;

function create(config: EbayConfig, deps: ChannelDeps): Channel {
  const shop = openShop(config, deps);
  const keys = createKeys(shop);
  const at = (signal: AbortSignal) => taskOf(shop, signal);
  return {
    capabilities,
    identity: (signal) => identity(at(signal)),
    check: (signal) => check(at(signal)),
    listListings: (signal) => listListings(at(signal)),
    readStock: (listings, signal) => readStock(at(signal), listings),
    setStock: (lines, signal) => setStock(taskOf(shop, signal, 'push'), lines),
    ordersSince: (since, signal) => ordersSince(at(signal), since),
    ordersCreatedSince: (since, signal) => ordersCreatedSince(at(signal), since),
    fetchOrders: (ids, signal) => fetchOrders(at(signal), ids),
    receive: (request) => receive(shop, keys, request),
    fieldsOf,
    refsIn,
    ordersIn,
    /**
     * The slower model counts: 25 SKUs a call of the Inventory API, where a sweep over listings made on the site takes a
     * call for 200.
     */
    forecast(listings) {
      const requests = Math.ceil(listings / rowsPerCall);
      return { requests, expectedMs: requests * callMs };
    },
    webhooks: webhooksOf(shop),
    close: () => shop.close(),
  };
}

async function identity(task: Task): Promise<AccountIdentity> {
  const { userId, username } = (await readUser(task)).data;
  return { accountId: userId, title: username ?? userId };
}
