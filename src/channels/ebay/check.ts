import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { asked, clockItem, fail, ok, warn } from '../kit/check.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Shop } from './api.ts';
import { consentItem } from './consent.ts';
import { isOurs } from './destination.ts';
import type { Door } from './door.ts';
import { destinationsOf, topicsOf } from './registry.ts';
import { readUser, type User } from './user.ts';
import { salesTopic } from './webhooks.ts';

const Page = z.object({
  orders: z.array(z.unknown()).nullish(),
  inventoryItems: z.array(z.unknown()).nullish(),
});
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

const scopesRemedy = 'let the seller consent again with the scopes of docs/channels/ebay.md';

/** Credentials, consent, clock, scopes and the settings that would harm. Throws `ChannelError` when nothing can be asked. */
export async function check(shop: Shop, door: Door, signal: AbortSignal): Promise<CheckItem[]> {
  const user = await readUser(shop, signal);
  door.noteUser(user.data.userId);
  const items: CheckItem[] = [
    ok('credentials', `seller ${user.data.username ?? user.data.userId}`),
    consentItem(shop.config, shop.deps.clock.now()),
    clockItem('eBay', user),
    marketplaceItem(shop, user.data),
    await scopeItem('orders', '/sell/fulfillment/v1/order', { ...shop, signal }),
    await scopeItem('inventory', '/sell/inventory/v1/inventory_item', { ...shop, signal }),
    await outOfStockItem(shop, signal),
    ...(await pushItems(shop, signal)),
  ];
  for (const optional of [privilegeItem, limitsItem]) {
    const item = await optional(shop, signal);
    if (item !== null) items.push(item);
  }
  return items;
}

function marketplaceItem(shop: Shop, user: User): CheckItem {
  const { marketplace } = shop.config;
  const home = user.registrationMarketplaceId;
  if (!home || home === marketplace) return ok('marketplace', marketplace);
  return warn(
    'marketplace',
    `configured ${marketplace}, but the seller is registered at ${home}`,
    `set marketplace: ${home}, unless the listings are on ${marketplace}`,
  );
}

function scopeItem(name: string, path: string, { rest, signal }: Asking): Promise<CheckItem> {
  return asked(
    async () => {
      await rest.call({ method: 'GET', path, query: [['limit', '1']], data: Page }, signal);
      return ok(name, 'can be read');
    },
    (error) => {
      if (!(error instanceof Refusal) || error.status === 401 || error.kind === 'retry') return null;
      return fail(name, error.message, error.status === 403 ? scopesRemedy : error.hint || scopesRemedy);
    },
  );
}

interface Asking {
  rest: Shop['rest'];
  signal: AbortSignal;
}

async function outOfStockItem(shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const name = 'out-of-stock control';
  try {
    if (await shop.outOfStock.isOn(signal))
      return ok(name, 'on: a listing that reaches 0 stays and is hidden');
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'rejected') throw error;
    return warn(name, error.message, 'look it up in My eBay > Account > Site preferences');
  }
  return warn(
    name,
    'off: listings made on the site end for good at 0, so that invsync refuses to write 0 to them',
    'switch on the out of stock option in My eBay > Account > Site preferences > Sales',
  );
}

/** Sales by push: token, topic, destination. Trouble here costs minutes, not sales: polling goes on. */
async function pushItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  if (shop.config.verification_token === undefined) {
    const detail = 'no verification_token: sales are learned by polling only';
    const remedy = 'set verification_token and run: invsync webhooks register; or webhooks: false';
    return [warn('notifications', detail, remedy)];
  }
  try {
    const offered = await topicsOf(shop, signal);
    if (!offered.some((topic) => topic.topicId === salesTopic)) {
      const detail = `eBay offers this keyset no ${salesTopic}: poll only`;
      return [warn('notifications', detail, 'set webhooks: false on this channel')];
    }
    const down = (await destinationsOf(shop, signal)).filter(
      (each) => isOurs(shop, each) && each.status !== 'ENABLED',
    );
    if (down.length === 0) return [ok('notifications', `${salesTopic} is offered`)];
    const detail = `eBay has set our address to ${down[0]?.status ?? 'off'} after failed deliveries`;
    const remedy = 'mend what the address answers, then run: invsync webhooks register';
    return [warn('notifications', detail, remedy)];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [warn('notifications', error.message, scopesRemedy)];
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
      return fail(name, 'the seller registration is not completed', 'complete it on eBay');
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
    return warn('call limits', detail, 'poll less often, or stop the other program that uses this keyset');
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
