import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { bound } from '../kit/bound.ts';
import { registeredWith } from '../kit/hook.ts';
import { nullWhen, Refusal } from '../kit/refusal.ts';
import type { Shop } from './api.ts';
import { keepAddress } from './receive.ts';
import {
  base,
  type Destination,
  destinationsOf,
  nameOf,
  newestVersion,
  type Subscription,
  salesTopic,
  subscriptionsOf,
  type Topic,
  topicsOf,
  write,
} from './registry.ts';
import type { TokenKind } from './tokens.ts';

/** Topics that are subscribed where eBay offers them; which it does depends on keyset and time (EBAY-2.1). */
const wantedTopics = [
  salesTopic,
  'ORDER_CANCELLATION_ACTIVITY',
  'ITEM_MARKED_SHIPPED',
  'AUTHORIZATION_REVOCATION',
];

/** Subscriptions of the Notification API (EBAY-3): read, compare, mend. */
export function webhooksOf(shop: Shop): Webhooks {
  return bound(shop, { list, ensure, remove });
}

/**
 * Alert address, destination (whose challenge our listener answers meanwhile), subscriptions, enabling: in this order,
 * each only where it is missing or wrong. Throws when eBay offers no topic that tells of sales: polling is then all.
 */
async function ensure(shop: Shop, url: string, signal: AbortSignal): Promise<WebhookReport> {
  const offered = (await topicsOf(shop, signal)).filter((topic) => topic.status !== 'DISABLED');
  if (!offered.some((topic) => topic.topicId === salesTopic)) {
    throw new ChannelError('rejected', `eBay does not offer the topic ${salesTopic} to this keyset`, {
      hint: 'set webhooks: false on this channel: sales are then learned by polling every minute',
    });
  }
  const changes = await ensureConfig(shop, url, signal);
  const destination = await ensureDestination(shop, url, signal);
  changes.push(...destination.changes);
  const subscriptions = await subscriptionsOf(shop, signal);
  for (const topicId of wantedTopics) {
    const topic = offered.find((each) => each.topicId === topicId);
    if (topic === undefined) continue;
    const { destinationId } = destination;
    const own = subscriptions.find(
      (each) => each.topicId === topicId && each.destinationId === destinationId,
    );
    const at = { topic, own, destinationId };
    // Only the topic of sales is a must.
    const change = await ensureTopic(shop, at, signal).catch((error: unknown) => {
      const isOptional = topicId !== salesTopic && error instanceof Refusal && error.kind === 'rejected';
      if (!isOptional) throw error;
      shop.deps.log.info({ topic: topicId, codes: error.codes }, 'an optional topic is not to be had');
      return null;
    });
    if (change !== null) changes.push(change);
  }
  return { webhooks: await list(shop, signal), changes };
}

const Config = z.object({ alertEmail: z.string().nullish() }).nullish();
const vaultKey = 'destination';

/** eBay takes no destination before the keyset has an alert address (EBAY-9.11). Says what was done. */
async function ensureConfig(shop: Shop, url: string, signal: AbortSignal): Promise<string[]> {
  const known = await shop
    .ask({ path: `${base}/config`, data: Config, as: 'app' }, signal)
    .catch(nullWhen((refusal) => refusal.status === 404 || refusal.has(195026, 195003)));
  if (known?.data?.alertEmail) return [];
  const { hostname } = new URL(url);
  const told = shop.config.alert_email;
  const isName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$/i.test(hostname);
  const alertEmail = told ?? `invsync@${isName ? hostname : 'example.com'}`;
  await write(shop, { method: 'PUT', path: 'config', body: { alertEmail }, as: 'app' }, signal);
  const hint = told === undefined ? ': set alert_email, or put your own there in the developer portal' : '';
  return [`set the keyset's alert address to ${alertEmail}${hint}`];
}

/**
 * Makes one destination at the address exist, enabled, with the configured token. eBay tries the address during the call,
 * so that the listener must know it before (EBAY-2.3). One that eBay marked down is enabled again (EBAY-2.5).
 */
async function ensureDestination(
  shop: Shop,
  url: string,
  signal: AbortSignal,
): Promise<{ destinationId: string; changes: string[] }> {
  const token = shop.config.verification_token;
  if (token === undefined) {
    throw new ChannelError('rejected', 'registering needs a verification token', {
      hint: 'set verification_token (32 to 80 letters, digits, _ or -), or webhooks: false to poll only',
    });
  }
  await keepAddress(shop, url);
  const isHere = (each: Destination): boolean => each.deliveryConfig?.endpoint === url;
  const all = await destinationsOf(shop, signal);
  const there = all.find(isHere) ?? all.find(({ ours }) => ours);
  const body = {
    name: nameOf(shop),
    status: 'ENABLED',
    deliveryConfig: { endpoint: url, verificationToken: token },
  };
  if (there !== undefined) {
    const { destinationId } = there;
    // The token cannot be read back: a fingerprint of ours is remembered.
    const remembered = await shop.deps.vault.get(vaultKey);
    const isKnown = remembered === registeredWith(destinationId, token);
    const unknown = isKnown ? null : 'its token is not known to be the configured one';
    const fault = isHere(there) ? (faultOf(there) ?? unknown) : 'it had another address';
    if (fault === null) return { destinationId, changes: [] };
    const path = `destination/${encodeURIComponent(destinationId)}`;
    await write(shop, { method: 'PUT', path, body, as: 'app' }, signal);
    await shop.deps.vault.set(vaultKey, registeredWith(destinationId, token));
    return { destinationId, changes: [`mended the destination: ${fault}`] };
  }
  // 195021: made by somebody at this very moment.
  const told = await write(shop, { method: 'POST', path: 'destination', body, as: 'app' }, signal).catch(
    nullWhen((refusal) => refusal.has(195021)),
  );
  const destinationId = (await destinationsOf(shop, signal)).find(isHere)?.destinationId ?? told;
  if (destinationId === null)
    throw new ChannelError('retry', 'eBay took the destination but does not list it yet');
  await shop.deps.vault.set(vaultKey, registeredWith(destinationId, token));
  return { destinationId, changes: ['created the destination at this address'] };
}

function faultOf({ status }: Destination): string | null {
  if (status === 'MARKED_DOWN') return 'eBay had marked it down after failed deliveries';
  return status === 'ENABLED' ? null : `it was ${(status ?? 'without status').toLowerCase()}`;
}

async function ensureTopic(
  shop: Shop,
  at: { topic: Topic; own: Subscription | undefined; destinationId: string },
  signal: AbortSignal,
): Promise<string | null> {
  const { topic, own, destinationId } = at;
  const { topicId } = topic;
  const as: TokenKind = topic.scope === 'APPLICATION' ? 'app' : 'user';
  const enable = (id: string) =>
    write(
      shop,
      { method: 'POST', path: `subscription/${encodeURIComponent(id)}/enable`, body: {}, as },
      signal,
    );
  if (own?.status === 'ENABLED') return null;
  if (own !== undefined) {
    await enable(own.subscriptionId);
    return `enabled ${topicId}: it was ${(own.status ?? 'off').toLowerCase()}`;
  }
  const payload = {
    format: 'JSON',
    schemaVersion: newestVersion(topic) ?? '1.0',
    deliveryProtocol: 'HTTPS',
  };
  const body = { topicId, status: 'DISABLED', destinationId, payload };
  // 195012: there is one already; which one shows the list.
  const told = await write(shop, { method: 'POST', path: 'subscription', body, as }, signal).catch(
    nullWhen((refusal) => refusal.has(195012)),
  );
  const listed = (await subscriptionsOf(shop, signal)).filter((each) => each.topicId === topicId);
  const made =
    listed.find((each) => each.subscriptionId === told) ??
    listed.find((each) => each.destinationId === destinationId);
  const id = made?.subscriptionId ?? told;
  if (id === null) {
    throw new ChannelError(
      'rejected',
      `${topicId} is subscribed at another address, and eBay takes one only`,
      {
        hint: 'remove that subscription in the developer portal, or with the program that made it',
      },
    );
  }
  if (made?.status !== 'ENABLED') await enable(id);
  return `created ${topicId}`;
}

/** Takes back subscriptions and destination; the destination stays while somebody else's subscription uses it. */
async function remove(shop: Shop, signal: AbortSignal): Promise<string[]> {
  const ours = (await destinationsOf(shop, signal)).filter((each) => each.ours);
  const ids = new Set(ours.map((each) => each.destinationId));
  const removed: string[] = [];
  for (const { subscriptionId, topicId, destinationId, as } of await subscriptionsOf(shop, signal)) {
    if (!ids.has(destinationId ?? '')) continue;
    await destroy(shop, { path: `subscription/${encodeURIComponent(subscriptionId)}`, as }, signal);
    removed.push(`${topicId} (${subscriptionId})`);
  }
  for (const id of ids)
    await destroy(shop, { path: `destination/${encodeURIComponent(id)}`, as: 'app' }, signal);
  return removed;
}

/**
 * Gone already, or in use by others (195024), is as good. A list may show subscriptions that only the other kind of token
 * may delete (195011).
 */
async function destroy(
  shop: Shop,
  { path, as }: { path: string; as: TokenKind },
  signal: AbortSignal,
): Promise<void> {
  const attempt = (kind: TokenKind) => write(shop, { method: 'DELETE', path, as: kind }, signal);
  await attempt(as)
    .catch((error: unknown) => {
      if (!(error instanceof Refusal) || !error.has(195011)) throw error;
      return attempt(as === 'user' ? 'app' : 'user');
    })
    .catch(nullWhen((refusal) => refusal.status === 404 || refusal.has(195024)));
}

async function list(shop: Shop, signal: AbortSignal): Promise<WebhookState[]> {
  const destinations = await destinationsOf(shop, signal);
  return (await subscriptionsOf(shop, signal)).map(({ subscriptionId, topicId, status, destinationId }) => {
    const destination = destinations.find((each) => each.destinationId === destinationId);
    const active = status === 'ENABLED' && destination?.status === 'ENABLED';
    return {
      id: subscriptionId,
      topic: topicId,
      url: destination?.deliveryConfig?.endpoint ?? '',
      status: active ? 'active' : 'disabled',
      ours: destination?.ours ?? false,
    };
  });
}
