import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { listOf } from '../kit/config.ts';
import { registeredWith } from '../kit/hook.ts';
import { isNotFound, nullWhen } from '../kit/refusal.ts';
import { walkPages } from '../kit/walk.ts';
import { type WebhookRow, webhookRow } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';

/**
 * Order topics only: each product save, our own pushes included, would come back as product.updated (WOO-2.7, WOO-O.8).
 */
const topics = ['order.created', 'order.updated', 'order.deleted', 'order.restored'];
const namePrefix = 'invsync ';
/** Name of one that was replaced, with the time: `invsync old 2026-11-30T12:00:00Z order.updated`. */
const retiredName = /^invsync old (\S+) /;
/**
 * Deleting a webhook voids the jobs that wait in its queue; a disabled one still sends them (recorded 2026-11-30). Queues
 * of hours are reported, a day is plenty.
 */
const retiredMs = 86_400_000;
/** A webhook that is disabled again so soon after it was enabled keeps failing on its old count. */
const enabledLastsMs = 86_400_000;

const vaultKey = (topic: string) => `webhook ${topic}`;
const enabledKey = (topic: string) => `webhook enabled ${topic}`;

/** The shop's subscriptions that are ours by name (WOO-3, WOO-O.6, WOO-O.9; verified 2026-11). */
export function webhooksOf(shop: Shop): Webhooks {
  return {
    list: async (signal) => statesOf(await rowsOf(shop, signal)),
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
 * One active webhook per topic at `url`. A disabled one is enabled again: it keeps its count of failures, but the next
 * success ends that (WOO-O.9). Where the shop refuses, or disabled it again within a day, and for any other fault, a new one is
 * made first; the old one is disabled and deleted a day later. Its secret cannot be read back, so that a fingerprint of the
 * one it was made with is remembered; without it the webhook is replaced too.
 */
async function ensure(shop: Shop, url: string, signal: AbortSignal): Promise<WebhookReport> {
  const [secret] = listOf(shop.config.webhook_secret);
  if (secret === undefined) {
    throw new ChannelError('rejected', 'webhooks need a secret', {
      hint: 'set webhook_secret (48 letters and digits), or webhooks: false to poll only',
    });
  }
  const changes: string[] = [];
  const ours = (await rowsOf(shop, signal)).filter(isOurs);
  const current = ours.filter((row) => retiredAt(row) === null);
  for (const topic of topics) {
    const present = current.filter((row) => row.topic === topic);
    changes.push(...(await ensureTopic(shop, { topic, url, secret }, present, signal)));
  }
  for (const row of current.filter(({ topic }) => !topics.includes(topic))) {
    await destroy(shop, row.id, signal);
    changes.push(`deleted ${row.topic} (${row.id}): not needed`);
  }
  for (const row of ours) {
    const since = retiredAt(row);
    if (since !== null && shop.deps.clock.now() - since > retiredMs) await destroy(shop, row.id, signal);
  }
  return { webhooks: statesOf(await rowsOf(shop, signal)), changes };
}

interface WantedHook {
  topic: string;
  url: string;
  secret: string;
}

/** Makes one topic right; answers what it changed, in words. */
async function ensureTopic(
  shop: Shop,
  wanted: WantedHook,
  present: readonly WebhookRow[],
  signal: AbortSignal,
): Promise<string[]> {
  const { topic } = wanted;
  const remembered = await shop.deps.vault.get(vaultKey(topic));
  const faultIn = (row: WebhookRow) => fault(row, wanted, remembered);
  const changes: string[] = [];
  let kept = present.find((row) => faultIn(row) === null && row.status === 'active');
  for (const row of present) {
    if (kept !== undefined || faultIn(row) !== null) continue;
    if (await enable(shop, row, signal)) {
      kept = row;
      changes.push(`enabled ${topic} again: was ${row.status}`);
    }
  }
  if (kept === undefined) {
    const [old] = present;
    await create(shop, wanted, signal);
    if (old === undefined) changes.push(`created ${topic}`);
    else changes.push(`recreated ${topic}: ${faultIn(old) ?? `was ${old.status}`}`);
  }
  for (const row of present) {
    if (row === kept) continue;
    if (kept === undefined) await retire(shop, row, signal);
    else {
      await destroy(shop, row.id, signal);
      changes.push(`deleted a second ${topic} (${row.id})`);
    }
  }
  return changes;
}

/** Enables a webhook again, once a day at most; false where that does not work. */
async function enable(shop: Shop, row: WebhookRow, signal: AbortSignal): Promise<boolean> {
  const now = shop.deps.clock.now();
  const [id, at] = (await shop.deps.vault.get(enabledKey(row.topic)))?.split(':') ?? [];
  if (id === row.id && now - Number(at) < enabledLastsMs) return false;
  const about = { path: `/webhooks/${row.id}`, body: { status: 'active' }, data: webhookRow };
  const answer = await shop.api
    .call({ method: 'PUT', ...about }, signal)
    .catch(nullWhen(({ kind }) => kind === 'rejected'));
  if (answer?.data.status !== 'active') return false;
  await shop.deps.vault.set(enabledKey(row.topic), `${row.id}:${now}`);
  return true;
}

/** Takes a replaced webhook out of use and leaves its queue to it. */
async function retire(shop: Shop, row: WebhookRow, signal: AbortSignal): Promise<void> {
  const since = new Date(shop.deps.clock.now()).toISOString();
  const body = { name: `${namePrefix}old ${since} ${row.topic}`, status: 'disabled' };
  await shop.api.call({ method: 'PUT', path: `/webhooks/${row.id}`, body, data: z.unknown() }, signal);
}

/** Since when a webhook is one that was replaced; null for every other. */
function retiredAt(row: WebhookRow): number | null {
  const since = retiredName.exec(row.name)?.[1];
  return since === undefined || Number.isNaN(Date.parse(since)) ? null : Date.parse(since);
}

/** Why a webhook must be replaced whether it is active or not; null when it need not. */
function fault(row: WebhookRow, { url, secret }: WantedHook, remembered: string | null): string | null {
  if (row.delivery_url !== url) return 'had another address';
  if (remembered !== registeredWith(row.id, secret))
    return 'its secret is not known to be the configured one';
  return null;
}

async function create(shop: Shop, wanted: WantedHook, signal: AbortSignal): Promise<void> {
  const { topic, url, secret } = wanted;
  const body = { name: `${namePrefix}${topic}`, topic, delivery_url: url, secret, status: 'active' };
  const { data } = await shop.api.call({ method: 'POST', path: '/webhooks', body, data: webhookRow }, signal);
  await shop.deps.vault.set(vaultKey(topic), registeredWith(data.id, secret));
}

async function destroy(shop: Shop, id: string, signal: AbortSignal): Promise<void> {
  // Without force WooCommerce answers 501: webhooks have no trash.
  const about = { path: `/webhooks/${id}`, query: { force: 'true' }, data: z.unknown() };
  await shop.api
    .call({ method: 'DELETE', ...about }, signal)
    .catch(nullWhen((refusal) => isNotFound(refusal) && !refusal.has('rest_no_route')));
}

/** All webhooks of the shop, others' too. */
export async function rowsOf(shop: Shop, signal: AbortSignal): Promise<WebhookRow[]> {
  const rows = new Map<WebhookRow['id'], WebhookRow>();
  const data = z.array(webhookRow);
  const pages = walkPages<number, WebhookRow[]>({
    what: 'the list of webhooks',
    first: 1,
    mostPages: 20,
    async ask(page) {
      const query = { status: 'all', per_page: pageSize, page };
      return (await shop.api.call({ method: 'GET', path: '/webhooks', query, data }, signal)).data;
    },
    next: (found, page) => (found.length < pageSize ? null : page + 1),
    rows: (found) => found,
  });
  for await (const found of pages) for (const row of found) rows.set(row.id, row);
  return [...rows.values()];
}

/** Ours by name, those that were replaced too: the address may be an old one of this daemon. */
export function isOurs(row: WebhookRow): boolean {
  return row.name.startsWith(namePrefix);
}

/** The webhooks of the shop in use; one that was replaced and sends what is left in its queue is none. */
export function inUse(rows: readonly WebhookRow[]): WebhookRow[] {
  return rows.filter((row) => !isOurs(row) || retiredAt(row) === null);
}

function statesOf(rows: readonly WebhookRow[]): WebhookState[] {
  return inUse(rows).map((row) => ({
    id: row.id,
    topic: row.topic,
    url: row.delivery_url,
    status: row.status === 'active' ? 'active' : 'disabled',
    ours: isOurs(row),
  }));
}
