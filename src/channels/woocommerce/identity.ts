import { z } from 'zod';
import type { AccountIdentity } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Span } from '../kit/reading.ts';
import { isNotFound } from '../kit/refusal.ts';
import { failureOf, readJson } from './answer.ts';
import { siteKey } from './config.ts';
import { siteIndex } from './schema.ts';
import type { Shop } from './shop.ts';

/** The public index of the site, and the shop's clock if it told it. Throws `ChannelError`. */
export async function readIndex(
  shop: Shop,
  signal: AbortSignal,
): Promise<Span & { index: z.infer<typeof siteIndex>; date: number | null }> {
  const what = 'GET /wp-json/';
  const query = { _fields: 'name,url,home,namespaces,timezone_string' };
  const answer = await shop.api.anonymous('/wp-json/', query, signal);
  const { url } = shop.config;
  const failure = failureOf(answer, { what, method: 'GET', effect: 'read', scheme: 'none', url });
  if (failure !== null) throw failure;
  const index = siteIndex.safeParse(readJson(answer.body, 'read')?.json).data;
  if (index === undefined)
    throw new ChannelError('rejected', `${what}: this is not the index of a WordPress site`, {
      hint: 'check url: it must be the Site Address of the shop, its path included',
    });
  const date = Date.parse(answer.headers['date'] ?? '');
  return { ...answer, index, date: Number.isNaN(date) ? null : date };
}

/** Is the REST API reachable by the plain address only? Keys do not work there (WOO-O.1). */
export async function hasPlainPermalinks(shop: Shop, signal: AbortSignal): Promise<boolean> {
  const answer = await shop.api.anonymous('/', { rest_route: '/' }, signal);
  return answer.status === 200 && siteIndex.safeParse(readJson(answer.body, 'read')?.json).success;
}

const SystemStatus = z
  .object({ environment: z.object({ home_url: z.string() }) })
  .catch({ environment: { home_url: '' } });

/**
 * The site's own home address is its identity: WooCommerce has no other account id. A copy of the shop under another
 * address is another account (WOO-9.21). Sites whose public index is closed are asked for their system status.
 */
export async function identity(shop: Shop, signal: AbortSignal): Promise<AccountIdentity> {
  const told = await homeOf(shop, signal);
  const accountId = siteKey(told.home);
  if (accountId === null)
    throw new ChannelError('rejected', 'the site does not tell its own address', {
      hint: 'set Settings > General > Site Address in WordPress',
    });
  return { accountId, title: told.title || accountId };
}

async function homeOf(shop: Shop, signal: AbortSignal): Promise<{ home: string; title: string }> {
  try {
    const { index } = await readIndex(shop, signal);
    const home = index.home || index.url;
    if (home !== '') return { home, title: index.name };
  } catch (error) {
    const closed = error instanceof ChannelError && ['auth', 'rejected'].includes(error.kind);
    if (!closed && !isNotFound(error)) throw error;
  }
  const { data } = await shop.api.call(
    { method: 'GET', path: '/system_status', query: { _fields: 'environment' }, data: SystemStatus },
    signal,
  );
  return { home: data.environment.home_url, title: '' };
}
