import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { asked, fail, ok, warn } from '../kit/check.ts';
import { Refusal } from '../kit/refusal.ts';
import { permalinkRemedy } from './answer.ts';
import { capabilities } from './capabilities.ts';
import { sameSite } from './config.ts';
import { hasPlainPermalinks, readIndex } from './identity.ts';
import { sellable } from './listings.ts';
import { settingsItems } from './settings.ts';
import type { Shop } from './shop.ts';
import { inUse, isOurs, rowsOf } from './webhooks.ts';

/** One look at the shop; an abort or a lost connection becomes its item, so that the others still run. */
export async function check(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const looked = (name: string, look: (shop: Shop, signal: AbortSignal) => Promise<CheckItem[]>) =>
    asked(
      () => look(shop, signal),
      (error) => [failed(name, error)],
    );
  const items = [...transportItems(shop), ...(await siteItems(shop, signal))];
  const credentials = await looked('credentials', readPermission);
  items.push(...credentials);
  if (credentials.some((item) => item.level === 'fail')) return items;
  items.push(
    ...(await looked('write permission', writePermission)),
    ...(await looked('webhooks', webhookItems)),
    ...(await looked('settings', settingsItems)),
    ...(await looked('catalogue', catalogueItems)),
  );
  return items;
}

function failed(name: string, { message, hint }: ChannelError): CheckItem {
  return fail(name, message, hint || 'try again; if it stays, see the log of the shop');
}

function transportItems({ config: { url } }: Shop): CheckItem[] {
  const remedy = 'give the shop a certificate; OAuth 1.0a is used until then';
  return url.startsWith('https://') ? [] : [warn('transport', `${url} is not https`, remedy)];
}

async function siteItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const name = 'site';
  try {
    return await indexItems(shop, signal);
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    // Something else than the REST API answered: no such page, the home page, a redirect to it.
    const isElsewhere = error instanceof Refusal && (error.status < 400 || error.status === 404);
    const isPlain = isElsewhere && (await hasPlainPermalinks(shop, signal).catch(() => false));
    if (!isPlain) return [failed(name, error)];
    return [fail(name, 'the REST API answers only at ?rest_route=, where keys do not work', permalinkRemedy)];
  }
}

async function indexItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const { index, date, askedAt, answeredAt } = await readIndex(shop, signal);
  const { url } = shop.config;
  const home = index.home || index.url;
  const plugin = 'install and activate WooCommerce 3.5 or newer (8.2 recommended)';
  const other = `the site calls itself ${home}, the configuration says ${url}`;
  const copy =
    'set url to the Site Address of the shop; if this is a staging copy, give it its own channel and key';
  const items = [
    index.namespaces.includes('wc/v3')
      ? ok('site', `${index.name || home} has wc/v3`)
      : fail('site', 'the site has no wc/v3', plugin),
    sameSite(home, url) ? ok('address', `${home} is the configured shop`) : fail('address', other, copy),
  ];
  if (date === null) return items;
  const aheadMs = Math.max(date - answeredAt, 0) - Math.max(askedAt - 1000 - date, 0);
  const zone = index.timezone_string || 'an offset';
  const off = `the clock of the shop is ${Math.round(aheadMs / 1000)} s off ours`;
  items.push(
    Math.abs(aheadMs) <= capabilities.clockMarginMs
      ? ok('clock', `agrees with ours; the zone of the shop (${zone}) does not matter`)
      : warn('clock', off, 'set both clocks by NTP; beyond 15 minutes OAuth 1.0a is refused'),
  );
  return items;
}

async function readPermission(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const query = { per_page: 1, _fields: 'id' };
  await shop.api.call({ method: 'GET', path: '/orders', query, data: z.unknown() }, signal);
  return [ok('credentials', 'the key reads orders')];
}

/** An empty batch changes nothing and is refused to keys that may not write (WOO-O.1, WOO-O.3). */
async function writePermission(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const body = { update: [] };
  await shop.api.call({ method: 'POST', path: '/products/batch', body, data: z.unknown() }, signal);
  return [ok('write permission', 'the key may write products')];
}

async function webhookItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const name = 'webhooks';
  const ours = inUse(await rowsOf(shop, signal)).filter(isOurs);
  const register = 'set webhook_secret, then invsync webhooks register';
  if (shop.config.webhook_secret === undefined)
    return [warn(name, 'no webhook_secret: the shop is polled only', register)];
  const again = 'run invsync webhooks register, which enables or replaces it';
  const move = 'use a public name and port 80, 443 or 8080 (a reverse proxy), or webhooks: false';
  const broken = ours.filter((row) => row.status !== 'active');
  const odd = ours.filter((row) => !deliverable(row.delivery_url, shop.config.url));
  const items = [
    ...broken.map((row) => warn(name, `${row.topic} is ${row.status}`, again)),
    ...odd.map((row) => warn(name, `WordPress refuses to deliver to ${row.delivery_url}`, move)),
  ];
  if (items.length > 0) return items;
  return [ok(name, ours.length === 0 ? 'may be registered; none yet' : `${ours.length} active`)];
}

/** WordPress's rule for safe addresses: ports 80, 443, 8080 and no private host but its own (WOO-2.9). */
export function deliverable(address: string, shopUrl: string): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address);
  if (url.username !== '' || url.password !== '') return false;
  if (url.hostname === new URL(shopUrl).hostname) return true;
  if (!['', '80', '443', '8080'].includes(url.port)) return false;
  return !/^(?:localhost$|127\.|10\.|0\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|\[)/.test(url.hostname);
}

/** So many products and variations are looked through at most: the check is made while somebody waits. */
const mostLookedAt = 20_000;

async function catalogueItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const open: string[] = [];
  let seen = 0;
  let whole = true;
  for await (const { row, parent } of sellable(shop, signal)) {
    // Before WooCommerce 10.3 each variable product would cost a request of its own.
    whole = seen < mostLookedAt && (parent === null || shop.learned.flatVariations !== false);
    if (!whole) break;
    seen += 1;
    if ((row.backorders ?? 'no') !== 'no') open.push(row.sku ?? `product ${row.id} (without SKU)`);
  }
  const what = whole ? `${seen} products and variations` : `the first ${seen} products`;
  const name = 'backorders';
  if (open.length === 0) return [ok(name, `none of ${what} allows backorders`)];
  const some = `${open.slice(0, 5).join(', ')}${open.length > 5 ? ' …' : ''}`;
  const detail = `${open.length} of ${what} ${open.length === 1 ? 'is' : 'are'} sold beyond their stock: ${some}`;
  const remedy =
    'set "Allow backorders" to "Do not allow" in Product > Inventory where overselling is not wanted';
  return [warn(name, detail, remedy)];
}
