import type { CheckItem } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Answer } from './api.ts';
import { skusPerCall } from './capabilities.ts';
import { Refusal } from './failures.ts';
import { openQueries, pagesOf } from './filter.ts';
import { namesIn, type SearchPage, searchPage } from './listings.ts';
import { lookUp } from './look.ts';
import { isProbed, probe } from './probe.ts';
import { isAddressable, placeOf, type Row } from './row.ts';
import type { Shop } from './shop.ts';

/** Difference between Flipkart's clock and ours that deserves a warning. */
const clockSkewMs = 60_000;

/** Credentials, clock, location, orders, basis and the way in. Throws `ChannelError` when nothing can be asked. */
export async function check(shop: Shop, signal: AbortSignal): Promise<CheckItem[]> {
  const first = await searchPage(shop, null, signal);
  const rows = await sampleOf(shop, first, signal);
  return [
    ok('credentials', 'the application is accepted'),
    clockItem(first),
    locationItem(shop, rows),
    ...otherPlaces(shop, rows),
    await ordersItem(shop, signal),
    basisItem(shop),
    await pushItem(shop, signal),
  ];
}

/** A few listings as they are now. */
async function sampleOf(shop: Shop, { data }: Answer<SearchPage>, signal: AbortSignal): Promise<Row[]> {
  const skus = namesIn(data).map(({ sku }) => sku);
  const sample = skus.filter(isAddressable).slice(0, skusPerCall);
  const looks = await lookUp(shop, sample, { priority: 'read', signal });
  return [...looks.values()].flatMap(({ row }) => row ?? []);
}

function clockItem({ channelClock, askedAt }: Answer<unknown>): CheckItem {
  const seconds = Math.round(Math.abs(channelClock - askedAt) / 1_000);
  if (seconds * 1_000 <= clockSkewMs) return ok('clock', `within ${seconds} s of Flipkart’s`);
  const detail = `${seconds} s away from Flipkart’s`;
  return { name: 'clock', level: 'warn', detail, remedy: 'let this machine keep its time by NTP' };
}

function locationItem(shop: Shop, rows: readonly Row[]): CheckItem {
  const name = 'location';
  const { location } = shop.config;
  const placed = rows.filter((row) => row.locations.length > 0);
  if (placed.length === 0)
    return {
      name,
      level: 'warn',
      detail: 'no listing with a location was found, so that the location could not be checked',
      remedy: 'list a product, then check again',
    };
  const here = placed.flatMap((row) => placeOf(row, location) ?? []);
  if (here.length === 0) {
    const seen = [...new Set(placed.flatMap((row) => row.locations.map(({ id }) => id)))];
    return {
      name,
      level: 'fail',
      detail: `none of ${placed.length} listings is offered at ${location}; seen: ${seen.slice(0, 5).join(', ')}`,
      remedy: 'set location to the id of your location, and check that the keys are those of the same seller',
    };
  }
  const off = here.filter(({ status }) => status === 'DISABLED').length;
  if (off === here.length)
    return {
      name,
      level: 'warn',
      detail: `${off} of ${off} listings looked at are disabled at ${location}: numbers are written, nobody can buy`,
      remedy: 'enable the location for them in the seller dashboard',
    };
  return ok(name, `${here.length} of ${placed.length} listings looked at are offered at ${location}`);
}

/** Flipkart alone decides which location gets an order (FK-3.3): what others offer is sold from other stock. */
function otherPlaces(shop: Shop, rows: readonly Row[]): CheckItem[] {
  const others = rows.flatMap(({ locations }) =>
    locations.filter((place) => {
      const open = place.status !== 'DISABLED' && (place.inventory ?? 0) > 0;
      return open && place.id !== shop.config.location;
    }),
  );
  if (others.length === 0) return [];
  const ids = [...new Set(others.map(({ id }) => id))].slice(0, 5).join(', ');
  return [
    {
      name: 'other locations',
      level: 'warn',
      detail: `stock is offered at ${ids} too: this channel neither writes it nor sees its orders`,
      remedy:
        'give each location a channel of its own with its percent, or set them to 0 in the seller dashboard',
    },
  ];
}

async function ordersItem(shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const [query] = openQueries;
  try {
    if (query !== undefined) for await (const _ of pagesOf(shop, query, null, signal)) break;
    return ok('orders', 'can be read');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const remedy = 'check that the application may read orders, and that location is right';
    return { name: 'orders', level: 'fail', detail: error.message, remedy };
  }
}

function basisItem({ config }: Shop): CheckItem {
  const name = 'basis';
  if (config.basis === 'gross') return ok(name, 'gross: open orders are added to what is free');
  return {
    name,
    level: 'warn',
    detail: 'net: only free stock is written. If Flipkart takes open orders off once more, it offers too few',
    remedy:
      'find out with one sale, as docs/channels/flipkart.md shows; net never oversells, so there is no hurry',
  };
}

/** Sales by push: trouble here costs a minute, not a sale, because polling goes on. */
async function pushItem(shop: Shop, signal: AbortSignal): Promise<CheckItem> {
  const name = 'notifications';
  const { config, deps } = shop;
  if (config.hook_secret === undefined) return ok(name, 'not used: orders are polled, which misses nothing');
  if (deps.publicUrl === null)
    return {
      name,
      level: 'warn',
      detail:
        'server.public_url is not set: notifications to an address that invsync does not know are refused',
      remedy: 'set server.public_url to the https address that Flipkart was told',
    };
  try {
    const heard = await probe(shop, deps.publicUrl, signal);
    if (isProbed(heard)) return ok(name, 'headers with underscores arrive through the public address');
    return { name, level: 'warn', detail: heard.detail, remedy: heard.remedy };
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    return {
      name,
      level: 'warn',
      detail: `the public address was not reached from here: ${error.message}`,
      remedy: 'start invsync serve, and check proxy and firewall; some networks cannot reach themselves',
    };
  }
}

function ok(name: string, detail: string): CheckItem {
  return { name, level: 'ok', detail, remedy: '' };
}
