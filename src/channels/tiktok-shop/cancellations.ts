import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import { lacksScope } from './failures.ts';
import { Id } from './ids.ts';
import type { Shop } from './shop.ts';

/** Most rows of one page (TTS-5.4). */
const pageSize = 50;
const mostPages = 200;

const Row = z.object({ order_id: Id });
/** The name of the list of rows is not documented where we looked: the only list there is. */
const Page = z.record(z.string(), z.unknown()).nullish();

/**
 * Ids of the orders of which anything was cancelled since (TikTok's clock, ms). Empty where the app may not read
 * cancellations: a partial cancellation is then learned from its delivery or from the daily look at open orders.
 */
export async function ordersCancelledSince(
  shop: Shop,
  since: number,
  signal: AbortSignal,
): Promise<string[]> {
  const ids = new Set<string>();
  const from = Math.floor(Math.min(since, shop.serverClock.now() - 60_000) / 1000);
  let token = '';
  for (let page = 0; page < mostPages; page += 1) {
    const data = await readPage(shop, { from, token }, signal);
    if (data === null) return [];
    const rows = Object.values(data).find(Array.isArray) ?? [];
    for (const row of rows) {
      const parsed = Row.safeParse(row);
      if (parsed.success) ids.add(parsed.data.order_id);
    }
    const next = data['next_page_token'];
    if (typeof next !== 'string' || next === '') return [...ids];
    if (next === token) break;
    token = next;
  }
  throw new ChannelError('retry', 'the list of cancellations could not be read to its end');
}

async function readPage(
  shop: Shop,
  at: { from: number; token: string },
  signal: AbortSignal,
): Promise<Record<string, unknown> | null> {
  const { from, token } = at;
  try {
    const { data } = await shop.api.call(
      {
        method: 'POST',
        path: '/return_refund/202309/cancellations/search',
        query: {
          page_size: String(pageSize),
          sort_field: 'update_time',
          sort_order: 'ASC',
          ...(token === '' ? {} : { page_token: token }),
        },
        body: { update_time_ge: from },
        data: Page,
      },
      signal,
    );
    return data ?? {};
  } catch (error) {
    if (!lacksScope(error)) throw error;
    shop.deps.log.info({ code: error.code }, 'cancellations may not be read: the app lacks a scope');
    return null;
  }
}
