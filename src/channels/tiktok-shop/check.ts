import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { asked, fail, ok, warn } from '../kit/check.ts';
import { Refusal } from '../kit/refusal.ts';
import { day } from '../kit/time.ts';
import { type AuthorizedShop, type Call, readShop } from './account.ts';
import type { Shop } from './api.ts';
import { lacksScope } from './failures.ts';
import { consentOf } from './tokens.ts';
import { neededTopics, wantedTopics } from './topics.ts';
import type { Sites } from './warehouses.ts';
import { isOurs, readHooks } from './webhooks.ts';

/** TikTok itself warns from 30 days before the end on. */
const warnDays = 30;
/** Difference between TikTok's clock and ours that deserves a warning; from 30 s ahead on it would refuse all calls. */
const clockSkewMs = 5_000;
const scopesRemedy =
  'add the scope in Partner Center (docs/channels/tiktok-shop.md), then let the seller authorize again and set refresh_token';
const consentRemedy = 'let the seller authorize the app again and set the new refresh_token';

const search = {
  method: 'POST',
  query: { page_size: '1' },
  body: {},
  data: z.unknown(),
  effect: 'read',
} as const;
const probes: { name: string; level: 'warn' | 'fail'; call: Call<unknown> }[] = [
  { name: 'orders', level: 'fail', call: { ...search, path: '/order/202309/orders/search' } },
  {
    name: 'products',
    level: 'fail',
    call: { ...search, path: '/product/202502/products/search', body: { status: 'ALL' } },
  },
  {
    name: 'cancellations',
    level: 'warn',
    call: { ...search, path: '/return_refund/202309/cancellations/search' },
  },
];

/** Credentials, clock, consent, scopes, warehouses and webhooks. Throws `ChannelError` when nothing can be asked. */
export async function check(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const { data: own } = await readShop(shop.config, shop.api, signal);
  const items = [credentialsItem(own), clockItem(shop), await consentItem(shop), await scopesItem(shop)];
  for (const { name, level, call } of probes) {
    items.push(
      await attempt(name, level, async () => {
        await shop.api.call(call, signal);
        return ok(name, 'can be read');
      }),
    );
  }
  const level = shop.config.warehouses.length > 0 ? 'fail' : 'warn';
  const warehouses = await attempt('warehouses', level, async () =>
    warehousesItem(shop, await shop.warehouses.fresh(signal)),
  );
  const webhooks = await attempt('webhooks', 'warn', () => webhooksItem(shop, signal));
  return [...items, warehouses, webhooks];
}

/** A refusal that concerns this ability alone becomes a finding; all other failures are the caller's. */
function attempt(name: string, level: 'warn' | 'fail', look: () => Promise<CheckItem>): Promise<CheckItem> {
  const finding = level === 'warn' ? warn : fail;
  return asked(look, (error) => {
    if (lacksScope(error)) return finding(name, error.message, scopesRemedy);
    if (!(error instanceof Refusal) || error.kind !== 'rejected') return null;
    return finding(name, error.message, error.hint || 'look into Seller Center');
  });
}

function credentialsItem(own: AuthorizedShop): CheckItem {
  const name = 'credentials';
  const detail = `shop ${own.name || own.id}${own.region ? `, ${own.region}` : ''}`;
  if (own.seller_type !== 'CROSS_BORDER') return ok(name, detail);
  return warn(
    name,
    `${detail}, cross-border: the stock of global products is changed at the global level, which invsync does not do`,
    'switch the listings of global products off here (code 12052141 when they are written)',
  );
}

function clockItem(shop: Shop): CheckItem {
  const offsetMs = shop.serverClock.offsetMs();
  if (Math.abs(offsetMs) <= clockSkewMs) return ok('clock', 'agrees with TikTok Shop’s');
  const seconds = Math.round(Math.abs(offsetMs) / 1000);
  const detail = `this machine’s clock is ${seconds} s ${offsetMs < 0 ? 'ahead of' : 'behind'} TikTok Shop’s; requests are signed with its time meanwhile`;
  return warn('clock', detail, 'synchronize the clock (NTP)');
}

async function consentItem(shop: Shop): Promise<CheckItem> {
  const name = 'authorization';
  const until = (await consentOf(shop.tokens)).refreshUntil;
  if (until === null) return ok(name, 'its end is not told');
  const days = Math.floor((until - shop.serverClock.now()) / day);
  const date =
    Number.isFinite(until) && until < 8.64e15 ? new Date(until).toISOString().slice(0, 10) : 'never';
  if (days < 0) return fail(name, `over since ${date}`, consentRemedy);
  const detail = `ends on ${date}, in ${days} days`;
  return days < warnDays ? warn(name, detail, consentRemedy) : ok(name, detail);
}

/** Names of scopes as far as they are known (TTS-1.1); whether they suffice, the other items try. */
const wantedScopes = [
  'seller.order.info',
  'seller.product.basic',
  'seller.product.write',
  'seller.authorization.info',
];

async function scopesItem(shop: Shop): Promise<CheckItem> {
  const name = 'scopes';
  const granted = (await consentOf(shop.tokens)).scopes;
  if (granted === null || granted.length === 0) return ok(name, 'which ones are granted is not told');
  const missing = wantedScopes.filter((scope) => !granted.includes(scope));
  if (missing.length === 0) return ok(name, `${granted.length} granted`);
  return warn(name, `not granted: ${missing.join(', ')}`, scopesRemedy);
}

function warehousesItem(shop: Shop, sites: Sites): CheckItem {
  const name = 'warehouses';
  const unknown = shop.config.warehouses.filter((id) => !sites.all.some((each) => each.id === id));
  if (unknown.length > 0) {
    const sales = sites.all
      .filter(({ id }) => !sites.isReturns(id))
      .map(({ id, name: called }) => `${id} (${called ?? 'unnamed'})`);
    return fail(
      name,
      `the shop has no warehouse ${unknown.join(', ')}`,
      `set warehouses to some of ${sales.join(', ') || 'none: leave it empty'}`,
    );
  }
  const returns = shop.config.warehouses.filter(sites.isReturns);
  if (returns.length > 0) {
    const detail = `${returns.join(', ')} takes returns and holds no stock for sale`;
    return fail(name, detail, 'a place has one id for sales and one for returns: use the other');
  }
  const managed = sites.all.filter(({ id }) => sites.isManaged(id));
  const shut = managed.filter(({ effect_status: status }) => status && status !== 'ENABLED');
  if (shut.length > 0) {
    const detail = `not open for sales: ${shut.map((each) => `${each.name ?? each.id} (${each.effect_status})`).join(', ')}; its numbers are kept right all the same`;
    return warn(name, detail, 'end the holiday mode or the order limit in Seller Center, if it is not meant');
  }
  return ok(name, managed.map((each) => each.name ?? each.id).join(', ') || 'one, unnamed');
}

/** Trouble here costs minutes, not sales: polling goes on. */
async function webhooksItem(shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const name = 'webhooks';
  const hooks = await readHooks(shop, signal);
  const ours = hooks.filter((hook) => isOurs(shop, hook)).map((hook) => hook.event_type);
  const taken = hooks.filter((hook) => wantedTopics.includes(hook.event_type) && !isOurs(shop, hook));
  if (taken.length > 0) {
    return warn(
      name,
      `${taken.map((hook) => hook.event_type).join(', ')} goes to another program’s address, and TikTok Shop knows one per topic`,
      'remove it with that program, then run: invsync webhooks register; or poll only (webhooks: false)',
    );
  }
  if (ours.length === 0 && shop.deps.publicUrl === null) {
    return ok(name, 'none are registered: sales are learned by polling');
  }
  const missing = neededTopics.filter((topic) => !ours.includes(topic));
  if (missing.length === 0) return ok(name, `${ours.length} topics come here`);
  return warn(name, `${missing.join(', ')} is not registered`, 'run: invsync webhooks register');
}
