import type { CheckItem } from '../channel.ts';
import { asked, clockItem, fail, ok, warn } from '../kit/check.ts';
import type { Shop } from './api.ts';
import { skusPerCall } from './capabilities.ts';
import { openQueries, pagesOf } from './filter.ts';
import { searchPage } from './listings.ts';
import { isAddressable, lookUp, placeOf, type Row } from './look.ts';

/** Credentials, clock, location, orders, basis and the way in. Throws `ChannelError` when nothing can be asked. */
export async function check(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const first = await searchPage(shop, null, signal);
  // A few listings as they are now.
  const skus = first.data.named.map((named) => named.sku_id).filter(isAddressable);
  const sample = skus.slice(0, skusPerCall);
  const look = await lookUp(shop, sample, { priority: 'read', signal });
  const rows = sample.flatMap((sku) => look(sku).row ?? []);
  return [
    ok('credentials', 'the application is accepted'),
    clockItem('Flipkart', first),
    locationItem(shop, rows),
    ...otherPlaces(shop, rows),
    await ordersItem(shop, signal),
    basisItem(shop),
    await pushItem(shop, signal),
  ];
}

function locationItem(shop: Shop, rows: readonly Row[]): CheckItem {
  const name = 'location';
  const { location } = shop.config;
  const placed = rows.filter((row) => row.locations.length > 0);
  if (placed.length === 0)
    return warn(
      name,
      'no listing with a location was found, so that the location could not be checked',
      'list a product, then check again',
    );
  const here = placed.flatMap((row) => placeOf(row, location) ?? []);
  if (here.length === 0) {
    const seen = [...new Set(placed.flatMap((row) => row.locations.map(({ id }) => id)))];
    return fail(
      name,
      `none of ${placed.length} listings is offered at ${location}; seen: ${seen.slice(0, 5).join(', ')}`,
      'set location to the id of your location, and check that the keys are those of the same seller',
    );
  }
  const off = here.filter(({ status }) => status === 'DISABLED').length;
  if (off === here.length)
    return warn(
      name,
      `${off} of ${off} listings looked at are disabled at ${location}: numbers are written, nobody can buy`,
      'enable the location for them in the seller dashboard',
    );
  return ok(name, `${here.length} of ${placed.length} listings looked at are offered at ${location}`);
}

/** Flipkart alone decides which location gets an order (FK-3.3): what others offer is sold from other stock. */
function otherPlaces(shop: Shop, rows: readonly Row[]): CheckItem[] {
  const others = rows
    .flatMap(({ locations }) => locations)
    .filter(({ id, inventory }) => id !== shop.config.location && (inventory ?? 0) > 0)
    .filter(({ status }) => status !== 'DISABLED');
  if (others.length === 0) return [];
  const ids = [...new Set(others.map(({ id }) => id))].slice(0, 5).join(', ');
  return [
    warn(
      'other locations',
      `stock is offered at ${ids} too: this channel neither writes it nor sees its orders`,
      'give each location a channel of its own with its percent, or set them to 0 in the seller dashboard',
    ),
  ];
}

function ordersItem(shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const name = 'orders';
  const remedy = 'check that the application may read orders, and that location is right';
  return asked(
    async () => {
      for (const query of openQueries.slice(0, 1))
        await pagesOf(shop, { query, field: null, since: 0 }, signal).next();
      return ok(name, 'can be read');
    },
    ({ kind, message }) => (kind === 'rejected' ? fail(name, message, remedy) : null),
  );
}

function basisItem({ config }: Shop): CheckItem {
  if (config.basis === 'gross') return ok('basis', 'gross: open orders are added to what is free');
  return warn(
    'basis',
    'net: only free stock is written. If Flipkart takes open orders off once more, it offers too few',
    'find out with one sale, as docs/channels/flipkart.md shows; net never oversells, so there is no hurry',
  );
}

/** Sales by push: trouble here costs a minute, not a sale, because polling goes on. */
async function pushItem(shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const name = 'notifications';
  const { publicUrl } = shop.deps;
  if (shop.config.hook_secret === undefined)
    return ok(name, 'not used: orders are polled, which misses nothing');
  if (publicUrl === null)
    return warn(
      name,
      'server.public_url is not set: notifications to an address that invsync does not know are refused',
      'set server.public_url to the https address that Flipkart was told',
    );
  return asked(
    () => probe(shop, publicUrl, signal),
    (error) =>
      warn(
        name,
        `the public address was not reached from here: ${error.message}`,
        'start invsync serve, and check proxy and firewall; some networks cannot reach themselves',
      ),
  );
}

/** Soundly made and signed with nothing: a listener that gets it refuses it for its signature. */
const token = Buffer.from(`invsync-probe:${'0'.repeat(40)}`).toString('base64');

/**
 * Calls our own address as Flipkart would, to see whether the way in lets header names with underscores through: many
 * proxies drop them by default, and every notification is then refused (FK-2.4). Nothing is signed, so that nobody
 * on the way learns anything. Throws `ChannelError`.
 */
async function probe(shop: Shop, publicUrl: string, signal: AbortSignal): Promise<CheckItem> {
  const name = 'notifications';
  const answer = await shop.http(
    {
      method: 'POST',
      url: `${publicUrl}/hooks/${shop.deps.name}${shop.config.hook_path ?? ''}`,
      headers: {
        X_Date: new Date(shop.deps.clock.now()).toUTCString(),
        X_Authorization: `FKLOGIN ${token}`,
        'content-type': 'application/json',
      },
      body: '{}',
      timeoutMs: Math.min(shop.deps.timeoutMs, 10_000),
    },
    signal,
  );
  const text = answer.body.subarray(0, 200).toString('utf8');
  if (answer.status === 401 && /another application|does not match/.test(text))
    return ok(name, 'headers with underscores arrive through the public address');
  if (answer.status === 401 && /the header x_\S.* is missing/.test(text))
    return warn(
      name,
      'the way to the public address drops headers with underscores: every notification would be refused',
      'nginx: underscores_in_headers on; in the server block of the public address. Other proxies: see their manual',
    );
  return warn(
    name,
    `the public address answered ${answer.status}, not as this channel answers`,
    'check that server.public_url leads to this invsync, that it is running, and that it has this channel',
  );
}
