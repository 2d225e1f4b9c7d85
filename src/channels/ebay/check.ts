import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { consentItem } from './consent.ts';
import { isOurs } from './destination.ts';
import type { Door } from './door.ts';
import { Refusal } from './failures.ts';
import { readUser, type User } from './identity.ts';
import { destinationsOf, topicsOf } from './registry.ts';
import type { Answer } from './rest.ts';
import type { Shop } from './shop.ts';
import { salesTopic } from './webhooks.ts';

const Orders = z.object({ orders: z.array(z.unknown()).nullish() });
const Items = z.object({ inventoryItems: z.array(z.unknown()).nullish() });
const Privilege = z.object({
  sellerRegistrationCompleted: z.boolean().nullish(),
  sellingLimit: z.object({ quantity: z.number().nullish() }).nullish(),
});
const Limits = z
  .object({
    rateLimits: z
      .array(
        z.object({
          apiName: z.string().catch(''),
          resources: z
            .array(
              z.object({
                rates: z
                  .array(z.object({ limit: z.number().catch(0), remaining: z.number().catch(0) }))
                  .nullish(),
              }),
            )
            .nullish(),
        }),
      )
      .nullish(),
  })
  .nullish();

/** Difference between eBay's clock and ours that deserves a warning. */
const clockSkewMs = 60_000;
const scopesRemedy = 'let the seller consent again with the scopes of docs/channels/ebay.md';

/** Credentials, consent, clock, scopes and the settings that would harm. Throws `ChannelError` when nothing can be asked. */
export async function check(shop: Shop, door: Door, signal: AbortSignal): Promise<CheckItem[]> {
  const user = await readUser(shop, signal);
  door.noteUser(user.data.userId);
  const items: CheckItem[] = [
    ok('credentials', `seller ${user.data.username ?? user.data.userId}`),
    consentItem(shop.config, shop.deps.clock.now()),
    clockItem(shop, user),
    marketplaceItem(shop, user.data),
    await scopeItem('orders', shop, signal),
    await scopeItem('inventory', shop, signal),
    await outOfStockItem(shop, signal),
    ...(await pushItems(shop, signal)),
  ];
  for (const optional of [privilegeItem, limitsItem]) {
    const item = await optional(shop, signal);
    if (item !== null) items.push(item);
  }
  return items;
}

function ok(name: string, detail: string): CheckItem {
  return { name, level: 'ok', detail, remedy: '' };
}

function clockItem(shop: Shop, { channelClock }: Answer<User>): CheckItem {
  const seconds = Math.round((shop.deps.clock.now() - channelClock) / 1000);
  if (Math.abs(seconds * 1000) <= clockSkewMs) return ok('clock', 'agrees with eBay’s');
  const detail = `this machine’s clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} eBay’s`;
  return { name: 'clock', level: 'warn', detail, remedy: 'synchronize the clock (NTP)' };
}

function marketplaceItem(shop: Shop, user: User): CheckItem {
  const { marketplace } = shop.config;
  const home = user.registrationMarketplaceId;
  if (!home || home === marketplace) return ok('marketplace', marketplace);
  return {
    name: 'marketplace',
    level: 'warn',
    detail: `configured ${marketplace}, but the seller is registered at ${home}`,
    remedy: `set marketplace: ${home}, unless the listings are on ${marketplace}`,
  };
}

async function scopeItem(name: 'orders' | 'inventory', shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const query = [['limit', '1']] as const;
  try {
    if (name === 'orders') {
      await shop.rest.call(
        { method: 'GET', path: '/sell/fulfillment/v1/order', query, data: Orders },
        signal,
      );
    } else {
      await shop.rest.call(
        { method: 'GET', path: '/sell/inventory/v1/inventory_item', query, data: Items },
        signal,
      );
    }
    return ok(name, 'can be read');
  } catch (error) {
    if (!(error instanceof Refusal) || error.status === 401 || error.kind === 'retry') throw error;
    return {
      name,
      level: 'fail',
      detail: error.message,
      remedy: error.status === 403 ? scopesRemedy : error.hint || scopesRemedy,
    };
  }
}

async function outOfStockItem(shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const name = 'out-of-stock control';
  try {
    if (await shop.outOfStock.isOn(signal))
      return ok(name, 'on: a listing that reaches 0 stays and is hidden');
  } catch (error) {
    if (!(error instanceof ChannelError) || error.kind !== 'rejected') throw error;
    return {
      name,
      level: 'warn',
      detail: error.message,
      remedy: 'look it up in My eBay > Account > Site preferences',
    };
  }
  return {
    name,
    level: 'warn',
    detail: 'off: listings made on the site end for good at 0, so that invsync refuses to write 0 to them',
    remedy: 'switch on the out of stock option in My eBay > Account > Site preferences > Sales',
  };
}

/** Sales by push: token, topic, destination. Trouble here costs minutes, not sales: polling goes on. */
async function pushItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  if (shop.config.verification_token === undefined) {
    const detail = 'no verification_token: sales are learned by polling only';
    const remedy = 'set verification_token and run: invsync webhooks register; or webhooks: false';
    return [{ name: 'notifications', level: 'warn', detail, remedy }];
  }
  try {
    const offered = await topicsOf(shop, signal);
    if (!offered.some((topic) => topic.topicId === salesTopic)) {
      const detail = `eBay offers this keyset no ${salesTopic}: poll only`;
      return [
        { name: 'notifications', level: 'warn', detail, remedy: 'set webhooks: false on this channel' },
      ];
    }
    const down = (await destinationsOf(shop, signal)).filter(
      (each) => isOurs(shop, each) && each.status !== 'ENABLED',
    );
    if (down.length === 0) return [ok('notifications', `${salesTopic} is offered`)];
    const detail = `eBay has set our address to ${down[0]?.status ?? 'off'} after failed deliveries`;
    const remedy = 'mend what the address answers, then run: invsync webhooks register';
    return [{ name: 'notifications', level: 'warn', detail, remedy }];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [{ name: 'notifications', level: 'warn', detail: error.message, remedy: scopesRemedy }];
  }
}

/** Null where the consent lacks sell.account.readonly, which is optional. */
async function privilegeItem(shop: Shop, signal: AbortSignal): Promise<CheckItem | null> {
  const name = 'selling limit';
  try {
    const { data } = await shop.rest.call(
      { method: 'GET', path: '/sell/account/v1/privilege', data: Privilege },
      signal,
    );
    if (data.sellerRegistrationCompleted === false) {
      return {
        name,
        level: 'fail',
        detail: 'the seller registration is not completed',
        remedy: 'complete it on eBay',
      };
    }
    const quantity = data.sellingLimit?.quantity;
    if (quantity === null || quantity === undefined) return ok(name, 'none is told');
    return ok(name, `${quantity} units a month; eBay refuses to raise numbers beyond it (25026)`);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

/** Null where eBay tells no limits. */
async function limitsItem(shop: Shop, signal: AbortSignal): Promise<CheckItem | null> {
  const path = '/developer/analytics/v1_beta/rate_limit/';
  try {
    const { data } = await shop.rest.call({ method: 'GET', path, data: Limits, as: 'app' }, signal);
    const short = (data?.rateLimits ?? []).filter(({ resources }) =>
      (resources ?? []).some(({ rates }) =>
        (rates ?? []).some((rate) => rate.limit > 0 && rate.remaining < rate.limit / 10),
      ),
    );
    if (short.length === 0)
      return data?.rateLimits ? ok('call limits', 'more than a tenth is left of each') : null;
    const names = [...new Set(short.map(({ apiName }) => apiName || 'unnamed'))].slice(0, 5).join(', ');
    const detail = `less than a tenth is left today: ${names}`;
    return {
      name: 'call limits',
      level: 'warn',
      detail,
      remedy: 'poll less often, or stop the other program that uses this keyset',
    };
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
