import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import { registeredWith } from '../kit/hook.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Shop } from './api.ts';
import type { Door } from './door.ts';
import { base, type Destination, destinationsOf, write } from './registry.ts';

const Config = z.object({ alertEmail: z.string().nullish() }).nullish();
const vaultKey = 'destination';

/** Ours by name, or because its path runs through /hooks/<channel>. */
export function isOurs(shop: Shop, destination: Destination): boolean {
  const path = (destination.deliveryConfig?.endpoint ?? '').replace(/^https?:\/\/[^/]*/, '');
  return destination.name === nameOf(shop) || `${path}/`.includes(`/hooks/${shop.deps.name}/`);
}

/** 64 characters at most (EBAY-2.3). */
function nameOf(shop: Shop): string {
  return `invsync ${shop.deps.name}`.slice(0, 64);
}

/** eBay takes no destination before the keyset has an alert address (EBAY-9.11). Says what was done. */
export async function ensureConfig(shop: Shop, url: string, signal: AbortSignal): Promise<string[]> {
  try {
    const { data } = await shop.rest.call(
      { method: 'GET', path: `${base}/config`, data: Config, as: 'app' },
      signal,
    );
    if (data?.alertEmail) return [];
  } catch (error) {
    const isMissing = error instanceof Refusal && (error.status === 404 || error.has(195026, 195003));
    if (!isMissing) throw error;
  }
  const { hostname } = new URL(url);
  const told = shop.config.alert_email;
  const alertEmail =
    told ??
    `invsync@${/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$/i.test(hostname) ? hostname : 'example.com'}`;
  await write(shop, { method: 'PUT', path: '/config', body: { alertEmail }, as: 'app' }, signal);
  const hint = told === undefined ? ': set alert_email, or put your own there in the developer portal' : '';
  return [`set the keyset's alert address to ${alertEmail}${hint}`];
}

/**
 * Makes one destination at the address exist, enabled, with the configured token. eBay tries the address during the call,
 * so that the listener must know it before (EBAY-2.3). One that eBay marked down is enabled again (EBAY-2.5).
 */
export async function ensureDestination(
  shop: Shop,
  door: Door,
  url: string,
  signal: AbortSignal,
): Promise<{ destinationId: string; changes: string[] }> {
  const token = shop.config.verification_token;
  if (token === undefined) {
    throw new ChannelError('rejected', 'registering needs a verification token', {
      hint: 'set verification_token (32 to 80 letters, digits, _ or -), or webhooks: false to poll only',
    });
  }
  await door.keepAddress(url);
  const all = await destinationsOf(shop, signal);
  const there =
    all.find((each) => each.deliveryConfig?.endpoint === url) ?? all.find((each) => isOurs(shop, each));
  const wanted = {
    name: nameOf(shop),
    status: 'ENABLED',
    deliveryConfig: { endpoint: url, verificationToken: token },
  };
  if (there === undefined) return create(shop, { url, wanted, token }, signal);
  const { destinationId } = there;
  const fault = await faultOf(shop, there, url, token);
  if (fault === null) return { destinationId, changes: [] };
  const path = `/destination/${encodeURIComponent(destinationId)}`;
  await write(shop, { method: 'PUT', path, body: wanted, as: 'app' }, signal).catch(explained);
  await shop.deps.vault.set(vaultKey, registeredWith(destinationId, token));
  return { destinationId, changes: [`mended the destination: ${fault}`] };
}

async function create(
  shop: Shop,
  at: { url: string; wanted: unknown; token: string },
  signal: AbortSignal,
): Promise<{ destinationId: string; changes: string[] }> {
  const ask = { method: 'POST', path: '/destination', body: at.wanted, as: 'app' } as const;
  const told = await write(shop, ask, signal).catch((error: unknown) => {
    // 195021: made by somebody at this very moment.
    if (error instanceof Refusal && error.has(195021)) return null;
    return explained(error);
  });
  const found = (await destinationsOf(shop, signal)).find((each) => each.deliveryConfig?.endpoint === at.url);
  const destinationId = found?.destinationId ?? told;
  if (destinationId === null || destinationId === undefined) {
    throw new ChannelError('retry', 'eBay took the destination but does not list it yet');
  }
  await shop.deps.vault.set(vaultKey, registeredWith(destinationId, at.token));
  return { destinationId, changes: ['created the destination at this address'] };
}

/** Why a destination must be updated. Its token cannot be read back, so that a fingerprint of ours is remembered. */
async function faultOf(shop: Shop, there: Destination, url: string, token: string): Promise<string | null> {
  if (there.deliveryConfig?.endpoint !== url) return 'it had another address';
  if (there.status === 'MARKED_DOWN') return 'eBay had marked it down after failed deliveries';
  if (there.status !== 'ENABLED') return `it was ${(there.status ?? 'without status').toLowerCase()}`;
  const remembered = await shop.deps.vault.get(vaultKey);
  return remembered === registeredWith(there.destinationId, token)
    ? null
    : 'its token is not known to be the configured one';
}

/** What eBay means by its refusals of an address (EBAY-3; EBAY-9.12). */
function explained(error: unknown): never {
  if (!(error instanceof Refusal)) throw error;
  const hint = error.has(195020)
    ? 'eBay called the address and did not get the right answer: the daemon must run, public_url must be the address as seen from outside, and no proxy may change the path'
    : error.has(195017)
      ? 'public_url must be https with a public name: no IP address, no localhost'
      : error.hint;
  throw new Refusal(error.kind, error.message, {
    status: error.status,
    codes: error.codes,
    hint,
    ...(error.afterMs === undefined ? {} : { afterMs: error.afterMs }),
  });
}
