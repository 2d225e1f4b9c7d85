import { z } from 'zod';
import type { CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { fail, ok, warn } from '../kit/check.ts';
import { listOf } from '../kit/config.ts';
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
  const items = await siteItems(shop, signal);
  const credentials = await guarded('credentials', () => readPermission(shop, signal));
  items.push(...credentials);
  if (credentials.some((item) => item.level === 'fail')) return items;
  items.push(
    ...(await guarded('write permission', () => writePermission(shop, signal))),
    ...(await guarded('webhooks', () => webhookItems(shop, signal))),
    ...(await guarded('settings', () => settingsItems(shop, signal))),
    ...(await guarded('catalogue', () => catalogueItems(shop, signal))),
  );
  return items;
}

async function siteItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const items: CheckItem[] = [];
  if (!shop.config.url.startsWith('https://')) {
    items.push(
      warn(
        'transport',
        `${shop.config.url} is not https`,
        'give the shop a certificate; OAuth 1.0a is used until then',
      ),
    );
  }
  try {
    items.push(...(await indexItems(shop, signal)));
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    const plain = elsewhere(error) && (await hasPlainPermalinks(shop, signal).catch(() => false));
    items.push(
      plain
        ? fail('site', 'the REST API answers only at ?rest_route=, where keys do not work', permalinkRemedy)
        : failure('site', error),
    );
  }
  return items;
}

/** Did something else than the REST API answer: no such page, the home page, a redirect to it? */
function elsewhere(error: ChannelError): boolean {
  return error instanceof Refusal && (error.status < 400 || error.status === 404);
}

async function indexItems(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const { index, date, askedAt, answeredAt } = await readIndex(shop, signal);
  const items: CheckItem[] = [];
  const home = index.home || index.url;
  items.push(
    index.namespaces.includes('wc/v3')
      ? ok('site', `${index.name || home} has wc/v3`)
      : fail(
          'site',
          'the site has no wc/v3',
          'install and activate WooCommerce 3.5 or newer (8.2 recommended)',
        ),
    sameSite(home, shop.config.url)
      ? ok('address', `${home} is the configured shop`)
      : fail(
          'address',
          `the site calls itself ${home}, the configuration says ${shop.config.url}`,
          'set url to the Site Address of the shop; if this is a staging copy, give it its own channel and key',
        ),
  );
  if (date === null) return items;
  const aheadMs = Math.max(date - answeredAt, 0) - Math.max(askedAt - 1000 - date, 0);
  items.push(
    Math.abs(aheadMs) <= capabilities.clockMarginMs
      ? ok(
          'clock',
          `agrees with ours; the zone of the shop (${index.timezone_string || 'an offset'}) does not matter`,
        )
      : warn(
          'clock',
          `the clock of the shop is ${Math.round(aheadMs / 1000)} s off ours`,
          'set both clocks by NTP; beyond 15 minutes OAuth 1.0a is refused',
        ),
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
  const ours = inUse(await rowsOf(shop, signal)).filter(isOurs);
  if (listOf(shop.config.webhook_secret).length === 0) {
    return [
      warn(
        'webhooks',
        'no webhook_secret: the shop is polled only',
        'set webhook_secret, then invsync webhooks register',
      ),
    ];
  }
  const broken = ours.filter((row) => row.status !== 'active');
  const items: CheckItem[] = [];
  for (const row of broken) {
    items.push(
      warn(
        'webhooks',
        `${row.topic} is ${row.status}`,
        'run invsync webhooks register, which enables or replaces it',
      ),
    );
  }
  const odd = ours.filter((row) => !deliverable(row.delivery_url, shop.config.url));
  for (const row of odd) {
    items.push(
      warn(
        'webhooks',
        `WordPress refuses to deliver to ${row.delivery_url}`,
        'use a public name and port 80, 443 or 8080 (a reverse proxy), or webhooks: false',
      ),
    );
  }
  if (items.length > 0) return items;
  return [ok('webhooks', ours.length === 0 ? 'may be registered; none yet' : `${ours.length} active`)];
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
  if (open.length === 0) return [ok('backorders', `none of ${what} allows backorders`)];
  return [
    warn(
      'backorders',
      `${open.length} of ${what} ${open.length === 1 ? 'is' : 'are'} sold beyond their stock: ${open.slice(0, 5).join(', ')}${open.length > 5 ? ' …' : ''}`,
      'set "Allow backorders" to "Do not allow" in Product > Inventory where overselling is not wanted',
    ),
  ];
}

async function guarded(name: string, look: () => Promise<CheckItem[]>): Promise<CheckItem[]> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return [failure(name, error)];
  }
}

function failure(name: string, error: ChannelError): CheckItem {
  return fail(name, error.message, error.hint || 'try again; if it stays, see the log of the shop');
}
