import type { Capabilities, Channel, ChannelDefinition, ChannelDeps } from '../channel.ts';
import { bound } from '../kit/bound.ts';
import { openShop } from './api.ts';
import { capabilities } from './capabilities.ts';
import { check } from './check.ts';
import { FlipkartConfig } from './config.ts';
import { createDoor, webhooksOf } from './door.ts';
import { forecast, identity, listListings } from './listings.ts';
import { readStock } from './look.ts';
import { fieldsOf, ordersIn, refsIn } from './notification.ts';
import { fetchOrders, openOrders, ordersCreatedSince, ordersSince } from './orders.ts';
import { setStock } from './push.ts';
import { receive } from './receive.ts';

/** Flipkart through the Marketplace Seller API v3 with self access: one location of one seller, polled, push optional. */
export const flipkart: ChannelDefinition<FlipkartConfig> = {
  type: 'flipkart',
  title: 'Flipkart',
  grade: {
    level: 'sandbox',
    date: '2026-11-23',
    note: 'the signature held against the documented sample; requests written from the documentation of June 2024; never run against a live account',
  },
  config: FlipkartConfig,
  capabilities,
  capabilitiesFor,
  create,
};

function capabilitiesFor(config: FlipkartConfig): Capabilities {
  return { ...capabilities, basis: config.basis, webhooks: config.hook_secret !== undefined };
}

/**
 * There is no `hold` and no `cancel`: Flipkart has no hold by the seller, and a cancellation counts against the account
 * and sets the listing out of stock (FK-8), so that an oversold shipment is for a person. Without a hook_secret
 * nothing that is pushed can be believed, and the channel is polled only.
 */
function create(config: FlipkartConfig, deps: ChannelDeps): Channel {
  const shop = openShop(config, deps);
  const door = createDoor(deps);
  return {
    capabilities: capabilitiesFor(config),
    ...bound(shop, {
      ...{ identity, check, listListings, readStock, setStock, forecast },
      ...{ ordersSince, ordersCreatedSince, openOrders, fetchOrders },
    }),
    receive: (request) => receive(shop, door, request),
    fieldsOf,
    refsIn,
    ordersIn: (fields, facts, how) => ordersIn(config.location, fields, facts, how),
    ...(config.hook_secret === undefined ? {} : { webhooks: webhooksOf(shop, door) }),
    close: () => shop.http.close(),
  };
}
