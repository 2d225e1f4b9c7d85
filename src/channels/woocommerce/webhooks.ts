import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { shaped } from './answer.ts';
import { webhookSecrets } from './config.ts';
import { isNotFound } from './refusals.ts';
import { type WebhookRow, webhookRow } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';

/**
 * Order topics only: each product save, our own pushes included, would come back as product.updated (dossier 2.7, O.8).
 */
const topics = ['order.created', 'order.updated', 'order.deleted', 'order.restored'] as const;
const namePrefix = 'invsync ';

/** The shop's subscriptions that are ours by name (dossier 3, O.6, O.9; verified 2026-11). */
export function webhooksOf(shop: Shop): Webhooks {
  return {
    list: async (signal) => (await rowsOf(shop, signal)).map(stateOf),
    ensure: (url, signal) => ensure(shop, url, signal),
    remove: async (signal) => {
      const removed: string[] = [];
      for (const row of (await rowsOf(shop, signal)).filter(isOurs)) {
        await destroy(shop, row.id, signal);
        removed.push(`${row.topic} (${row.id})`);
      }
      return removed;
    },
  };
}

/**
 * One active webhook per topic at `url`. A disabled one is replaced, never switched on again: it keeps its count of
 * failures, and the next failure would disable it at once (O.9). Its secret cannot be read back, so that a fingerprint
 * of the one it was made with is remembered; without it the webhook is replaced too.
 */
async function ensure(shop: Shop, url: string, signal: AbortSignal): Promise<WebhookReport> {
  const [secret] = webhookSecrets(shop.config);
  if (secret === undefined) {
    throw new ChannelError('rejected', 'webhooks need a secret', {
      hint: 'set webhook_secret (48 letters and digits), or webhooks: false to poll only',
    });
  }
  const changes: string[] = [];
  const ours = (await rowsOf(shop, signal)).filter(isOurs);
  for (const topic of topics) {
    const present = ours.filter((row) => row.topic === topic);
    const remembered = await shop.deps.vault.get(vaultKey(topic));
    const kept = present.find((row) => fault(row, url, remembered, secret) === null);
    if (kept === undefined) {
      const why = present[0] === undefined ? null : fault(present[0], url, remembered, secret);
      await create(shop, { topic, url, secret }, signal);
      changes.push(why === null ? `created ${topic}` : `recreated ${topic}: ${why}`);
    }
    for (const row of present) {
      if (row === kept) continue;
      await destroy(shop, row.id, signal);
      if (kept !== undefined) changes.push(`deleted a second ${topic} (${row.id})`);
    }
  }
  for (const row of ours.filter((other) => !topics.some((topic) => topic === other.topic))) {
    await destroy(shop, row.id, signal);
    changes.push(`deleted ${row.topic} (${row.id}): not needed`);
  }
  return { webhooks: (await rowsOf(shop, signal)).map(stateOf), changes };
}

/** Why a webhook must be replaced; null when it is right. */
function fault(row: WebhookRow, url: string, remembered: string | null, secret: string): string | null {
  if (row.status !== 'active') return `was ${row.status}`;
  if (row.delivery_url !== url) return 'had another address';
  if (remembered !== memory(row.id, secret)) return 'its secret is not known to be the configured one';
  return null;
}

async function create(
  shop: Shop,
  wanted: { topic: string; url: string; secret: string },
  signal: AbortSignal,
): Promise<void> {
  const { topic, url, secret } = wanted;
  const answer = await shop.api.write(
    'POST',
    { path: '/webhooks', signal },
    { name: `${namePrefix}${topic}`, topic, delivery_url: url, secret, status: 'active' },
  );
  const { id } = shaped(webhookRow, answer.json, 'webhook', 'unknown');
  await shop.deps.vault.set(vaultKey(topic), memory(id, secret));
}

async function destroy(shop: Shop, id: string, signal: AbortSignal): Promise<void> {
  try {
    // Without force WooCommerce answers 501: webhooks have no trash.
    await shop.api.write('DELETE', { path: `/webhooks/${id}`, query: [['force', 'true']], signal });
  } catch (error) {
    if (!isNotFound(error) || error.code === 'rest_no_route') throw error;
  }
}

/** All webhooks of the shop, others' too. */
export async function rowsOf(shop: Shop, signal: AbortSignal): Promise<WebhookRow[]> {
  const rows: WebhookRow[] = [];
  for (let page = 1; page <= 20; page += 1) {
    const { json } = await shop.api.get({
      path: '/webhooks',
      query: [
        ['status', 'all'],
        ['per_page', String(pageSize)],
        ['page', String(page)],
      ],
      signal,
    });
    const found = shaped(z.array(webhookRow), json, 'webhooks');
    const known = new Set(rows.map((row) => row.id));
    const fresh = found.filter((row) => !known.has(row.id));
    rows.push(...fresh);
    if (found.length < pageSize || fresh.length === 0) return rows;
  }
  return rows;
}

/** Ours by name: the address may be an old one of this daemon. */
export function isOurs(row: WebhookRow): boolean {
  return row.name.startsWith(namePrefix);
}

function stateOf(row: WebhookRow): WebhookState {
  return {
    id: row.id,
    topic: row.topic,
    url: row.delivery_url,
    status: row.status === 'active' ? 'active' : 'disabled',
    ours: isOurs(row),
  };
}

function vaultKey(topic: string): string {
  return `webhook ${topic}`;
}

function memory(id: string, secret: string): string {
  return `${id}:${createHash('sha256').update(`invsync\0${secret}`).digest('hex').slice(0, 32)}`;
}
