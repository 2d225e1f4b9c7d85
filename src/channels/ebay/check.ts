import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { asked, clockItem, fail, ok, warn } from '../kit/check.ts';
import { nullWhen, Refusal } from '../kit/refusal.ts';
import { allOf } from '../kit/shapes.ts';
import { isOutOfStockOn } from './active.ts';
import { readUser, type Task, type User } from './api.ts';
import { consentItem } from './tokens.ts';
import { destinationsOf, salesTopic, topicsOf } from './webhooks.ts';

const Page = z.object({ orders: allOf(z.unknown()), inventoryItems: allOf(z.unknown()) });
const Privilege = z.object({
  sellerRegistrationCompleted: z.boolean().nullish(),
  sellingLimit: z.object({ quantity: z.number().nullish() }).nullish(),
});
const Rate = z.object({ limit: z.number().catch(0), remaining: z.number().catch(0) });
const Resource = z.object({ rates: allOf(Rate) });
const Limits = z
  .object({
    rateLimits: z.array(z.object({ apiName: z.string().catch(''), resources: allOf(Resource) })).nullish(),
  })
  .nullish();

const scopesRemedy = 'let the seller consent again with the scopes of docs/channels/ebay.md';

/** Credentials, consent, clock, scopes and the settings that would harm. Throws `ChannelError` when nothing can be asked. */
export async function check(task: Task): Promise<CheckItem[]> {
  const user = await readUser(task);
  const items = [
    ok('credentials', `seller ${user.data.username ?? user.data.userId}`),
    consentItem(task.config, task.deps.clock.now()),
    clockItem('eBay', user),
    marketplaceItem(task, user.data),
    await scopeItem(task, { name: 'orders', path: '/sell/fulfillment/v1/order' }),
    await scopeItem(task, { name: 'inventory', path: '/sell/inventory/v1/inventory_item' }),
    await outOfStockItem(task),
    await pushItem(task),
    // Without the scope sell.account.readonly, which is optional, the one is not told; now and then the other neither.
    await privilegeItem(task).catch(nullWhen(() => true)),
    await limitsItem(task).catch(nullWhen(() => true)),
  ];
  return items.filter((item) => item !== null);
}

function marketplaceItem(task: Task, user: User): CheckItem {
  const { marketplace } = task.config;
  const home = user.registrationMarketplaceId;
  if (!home || home === marketplace) return ok('marketplace', marketplace);
  return warn(
    'marketplace',
    `configured ${marketplace}, but the seller is registered at ${home}`,
    `set marketplace: ${home}, unless the listings are on ${marketplace}`,
  );
}

function scopeItem(task: Task, { name, path }: { name: string; path: string }): Promise<CheckItem> {
  return asked(
    async () => {
      await task.ask({ path, query: { limit: '1' }, data: Page });
      return ok(name, 'can be read');
    },
    (error) => {
      if (!(error instanceof Refusal) || error.status === 401 || error.kind === 'retry') return null;
      return fail(name, error.message, error.status === 403 ? scopesRemedy : error.hint || scopesRemedy);
    },
  );
}

function outOfStockItem(task: Task): Promise<CheckItem> {
  const name = 'out-of-stock control';
  const off = 'off: listings made on the site end for good at 0, so that invsync refuses to write 0 to them';
  const remedy = 'switch on the out of stock option in My eBay > Account > Site preferences > Sales';
  return asked(
    async () => {
      const isOn = await isOutOfStockOn(task);
      return isOn ? ok(name, 'on: a listing that reaches 0 stays and is hidden') : warn(name, off, remedy);
    },
    (error) =>
      error instanceof Refusal && error.kind === 'rejected'
        ? warn(name, error.message, 'look it up in My eBay > Account > Site preferences')
        : null,
  );
}

/** Sales by push: token, topic, destination. Trouble here costs minutes, not sales: polling goes on. */
function pushItem(task: Task): Promise<CheckItem> {
  const name = 'notifications';
  return asked(
    async () => {
      if (task.config.verification_token === undefined) {
        const detail = 'no verification_token: sales are learned by polling only';
        const remedy = 'set verification_token and run: invsync webhooks register; or webhooks: false';
        return warn(name, detail, remedy);
      }
      const offered = await topicsOf(task);
      if (!offered.some((topic) => topic.topicId === salesTopic)) {
        const detail = `eBay offers this keyset no ${salesTopic}: poll only`;
        return warn(name, detail, 'set webhooks: false on this channel');
      }
      const all = await destinationsOf(task);
      const down = all.find(({ ours, status }) => ours && status !== 'ENABLED');
      if (down === undefined) return ok(name, `${salesTopic} is offered`);
      const detail = `eBay has set our address to ${down.status ?? 'off'} after failed deliveries`;
      return warn(name, detail, 'mend what the address answers, then run: invsync webhooks register');
    },
    (error) => (error instanceof Refusal ? warn(name, error.message, scopesRemedy) : null),
  );
}

async function privilegeItem(task: Task): Promise<CheckItem> {
  const name = 'selling limit';
  const { data } = await task.ask({ path: '/sell/account/v1/privilege', data: Privilege });
  if (data.sellerRegistrationCompleted === false)
    return fail(name, 'the seller registration is not completed', 'complete it on eBay');
  const quantity = data.sellingLimit?.quantity;
  if (quantity === null || quantity === undefined) return ok(name, 'none is told');
  return ok(name, `${quantity} units a month; eBay refuses to raise numbers beyond it (25026)`);
}

/** Null where eBay tells no limits. */
async function limitsItem(task: Task): Promise<CheckItem | null> {
  const name = 'call limits';
  const path = '/developer/analytics/v1_beta/rate_limit/';
  const { data } = await task.ask({ path, data: Limits, as: 'app' });
  if (!data?.rateLimits) return null;
  const short = data.rateLimits.filter(({ resources }) => {
    const rates = resources.flatMap((resource) => resource.rates);
    return rates.some((rate) => rate.limit > 0 && rate.remaining < rate.limit / 10);
  });
  if (short.length === 0) return ok(name, 'more than a tenth is left of each');
  const names = [...new Set(short.map(({ apiName }) => apiName || 'unnamed'))].slice(0, 5).join(', ');
  const detail = `less than a tenth is left today: ${names}`;
  return warn(name, detail, 'poll less often, or stop the other program that uses this keyset');
}
