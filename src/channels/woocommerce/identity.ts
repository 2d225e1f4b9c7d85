import { z } from 'zod';
import type { AccountIdentity } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { isNotFound } from '../kit/refusal.ts';
import { readJson } from './answer.ts';
import { type Asked, failureOf, jsonIn } from './refusals.ts';
import { type SiteIndex, siteIndex } from './schema.ts';
import type { Shop } from './shop.ts';
import { siteKey } from './site.ts';

/** The public index of the site, and the shop's clock if it told it. Throws `ChannelError`. */
export async function readIndex(
  shop: Shop,
  signal: AbortSignal,
): Promise<{ index: SiteIndex; date: number | null; askedAt: number; answeredAt: number }> {
  const path = '/wp-json/';
  const answer = await shop.api.anonymous({
    path,
    query: [['_fields', 'name,url,home,namespaces,timezone_string']],
    signal,
  });
  const asked: Asked = { method: 'GET', path, write: false, scheme: 'none', url: shop.config.url };
  const failure = failureOf(answer, asked);
  if (failure !== null) throw failure;
  const index = siteIndex.safeParse(jsonIn(answer, asked.write));
  if (!index.success) {
    throw new ChannelError('rejected', `GET ${path}: this is not the index of a WordPress site`, {
      hint: 'check url: it must be the Site Address of the shop, its path included',
    });
  }
  const date = Date.parse(answer.headers['date'] ?? '');
  return {
    index: index.data,
    date: Number.isNaN(date) ? null : date,
    askedAt: answer.askedAt,
    answeredAt: answer.answeredAt,
  };
}

/** Is the REST API reachable by the plain address only? Keys do not work there (WOO-O.1). */
export async function hasPlainPermalinks(shop: Shop, signal: AbortSignal): Promise<boolean> {
  const answer = await shop.api.anonymous({ path: '/', query: [['rest_route', '/']], signal });
  const parsed = readJson(answer.body, 'lenient');
  return answer.status === 200 && parsed.found && siteIndex.safeParse(parsed.json).success;
}

const systemStatus = z.object({
  environment: z.object({ home_url: z.string(), site_url: z.string().catch('') }),
});

/**
 * The site's own home address is its identity: WooCommerce has no other account id. A copy of the shop under another
 * address is another account (WOO-9.21). Sites whose public index is closed are asked for their system status.
 */
export async function identity(shop: Shop, signal: AbortSignal): Promise<AccountIdentity> {
  const told = await homeOf(shop, signal);
  const accountId = siteKey(told.home);
  if (accountId === null) {
    throw new ChannelError('rejected', 'the site does not tell its own address', {
      hint: 'set Settings > General > Site Address in WordPress',
    });
  }
  return { accountId, title: told.title === '' ? accountId : told.title };
}

async function homeOf(shop: Shop, signal: AbortSignal): Promise<{ home: string; title: string }> {
  try {
    const { index } = await readIndex(shop, signal);
    if (index.home !== '' || index.url !== '') return { home: index.home || index.url, title: index.name };
  } catch (error) {
    const closed = error instanceof ChannelError && ['auth', 'rejected'].includes(error.kind);
    if (!closed && !isNotFound(error)) throw error;
  }
  const { json } = await shop.api.get({
    path: '/system_status',
    query: [['_fields', 'environment']],
    signal,
  });
  const status = systemStatus.safeParse(json);
  const home = status.success ? status.data.environment.home_url : '';
  return { home, title: '' };
}
