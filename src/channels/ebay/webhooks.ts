import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Shop } from './api.ts';
import { ensureConfig, ensureDestination, isOurs } from './destination.ts';
import type { Door } from './door.ts';
import {
  type Destination,
  destinationsOf,
  newestVersion,
  type Subscription,
  subscriptionsOf,
  type Topic,
  topicsOf,
  write,
} from './registry.ts';
import type { TokenKind } from './tokens.ts';

/** The topic that tells of sales. */
export const salesTopic = 'ORDER_CONFIRMATION';
/** Topics that are subscribed where eBay offers them; which it does depends on keyset and time (EBAY-2.1). */
const wantedTopics = [
  salesTopic,
  'ORDER_CANCELLATION_ACTIVITY',
  'ITEM_MARKED_SHIPPED',
  'AUTHORIZATION_REVOCATION',
];

/** Subscriptions of the Notification API (EBAY-3): read, compare, mend. */
export function webhooksOf(shop: Shop, door: Door): Webhooks {
  return {
    list: (signal) => statesOf(shop, signal),
    ensure: (url, signal) => ensure(shop, door, url, signal),
    remove: (signal) => remove(shop, signal),
  };
}

/**
 * Alert address, destination (whose challenge our listener answers meanwhile), subscriptions, enabling: in this order,
 * each only where it is missing or wrong. Throws when eBay offers no topic that tells of sales: polling is then all.
 */
async function ensure(shop: Shop, door: Door, url: string, signal: AbortSignal): Promise<WebhookReport> {
  const offered = (await topicsOf(shop, signal)).filter((topic) => topic.status !== 'DISABLED');
  if (!offered.some((topic) => topic.topicId === salesTopic)) {
    throw new ChannelError('rejected', `eBay does not offer the topic ${salesTopic} to this keyset`, {
      hint: 'set webhooks: false on this channel: sales are then learned by polling every minute',
    });
  }
  const changes = await ensureConfig(shop, url, signal);
  const destination = await ensureDestination(shop, door, url, signal);
  changes.push(...destination.changes);
  const subscriptions = await subscriptionsOf(shop, signal);
  for (const topicId of wantedTopics) {
    const topic = offered.find((each) => each.topicId === topicId);
    if (topic === undefined) continue;
    const there = subscriptions.filter((each) => each.topicId === topicId);
    const change = await ensureTopic(
      shop,
      { topic, there, destinationId: destination.destinationId },
      signal,
    );
    if (change !== null) changes.push(change);
  }
  return { webhooks: await statesOf(shop, signal), changes };
}

interface TopicAt {
  topic: Topic;
  /** Subscriptions of this topic, whatever their destination. */
  there: readonly (Subscription & { as: TokenKind })[];
  destinationId: string;
}

async function ensureTopic(shop: Shop, at: TopicAt, signal: AbortSignal): Promise<string | null> {
  const { topic, there, destinationId } = at;
  const as: TokenKind = topic.scope === 'APPLICATION' ? 'app' : 'user';
  const own = there.find((each) => each.destinationId === destinationId);
  try {
    if (own === undefined) return await subscribe(shop, { topic, destinationId, as }, signal);
    if (own.status === 'ENABLED') return null;
    await enable(shop, own.subscriptionId, as, signal);
    return `enabled ${topic.topicId}: it was ${(own.status ?? 'off').toLowerCase()}`;
  } catch (error) {
    const isOptional = topic.topicId !== salesTopic && error instanceof Refusal && error.kind === 'rejected';
    if (!isOptional) throw error;
    shop.deps.log.info({ topic: topic.topicId, codes: error.codes }, 'an optional topic is not to be had');
    return null;
  }
}

async function subscribe(
  shop: Shop,
  at: { topic: Topic; destinationId: string; as: TokenKind },
  signal: AbortSignal,
): Promise<string> {
  const { topicId } = at.topic;
  const payload = {
    format: 'JSON',
    schemaVersion: newestVersion(at.topic) ?? '1.0',
    deliveryProtocol: 'HTTPS',
  };
  const body = { topicId, status: 'DISABLED', destinationId: at.destinationId, payload };
  const told = await write(shop, { method: 'POST', path: '/subscription', body, as: at.as }, signal).catch(
    (error: unknown) => {
      // 195012: there is one already; which one shows the list.
      if (error instanceof Refusal && error.has(195012)) return null;
      throw error;
    },
  );
  const listed = (await subscriptionsOf(shop, signal)).filter((each) => each.topicId === topicId);
  const made =
    listed.find((each) => each.subscriptionId === told) ??
    listed.find((each) => each.destinationId === at.destinationId);
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
  if (made?.status !== 'ENABLED') await enable(shop, id, at.as, signal);
  return `created ${topicId}`;
}

async function enable(shop: Shop, id: string, as: TokenKind, signal: AbortSignal): Promise<void> {
  await write(
    shop,
    { method: 'POST', path: `/subscription/${encodeURIComponent(id)}/enable`, body: {}, as },
    signal,
  );
}

/** Takes back subscriptions and destination; the destination stays while somebody else's subscription uses it. */
async function remove(shop: Shop, signal: AbortSignal): Promise<string[]> {
  const ours = (await destinationsOf(shop, signal)).filter((each) => isOurs(shop, each));
  const ids = new Set(ours.map((each) => each.destinationId));
  const removed: string[] = [];
  for (const { subscriptionId, topicId, destinationId, as } of await subscriptionsOf(shop, signal)) {
    if (!ids.has(destinationId ?? '')) continue;
    await destroy(shop, `/subscription/${encodeURIComponent(subscriptionId)}`, as, signal);
    removed.push(`${topicId} (${subscriptionId})`);
  }
  for (const id of ids) await destroy(shop, `/destination/${encodeURIComponent(id)}`, 'app', signal);
  return removed;
}

/**
 * Gone already, or in use by others (195024), is as good. A list may show subscriptions that only the other kind of token
 * may delete (195011).
 */
async function destroy(shop: Shop, path: string, as: TokenKind, signal: AbortSignal): Promise<void> {
  const attempt = (kind: TokenKind) => write(shop, { method: 'DELETE', path, as: kind }, signal);
  try {
    await attempt(as).catch((error: unknown) => {
      if (!(error instanceof Refusal) || !error.has(195011)) throw error;
      return attempt(as === 'user' ? 'app' : 'user');
    });
  } catch (error) {
    if (error instanceof Refusal && (error.status === 404 || error.has(195024))) return;
    throw error;
  }
}

async function statesOf(shop: Shop, signal: AbortSignal): Promise<WebhookState[]> {
  const destinations = new Map<string, Destination>();
  for (const each of await destinationsOf(shop, signal)) destinations.set(each.destinationId, each);
  return (await subscriptionsOf(shop, signal)).map((subscription) => {
    const destination = destinations.get(subscription.destinationId ?? '');
    const active = subscription.status === 'ENABLED' && destination?.status === 'ENABLED';
    return {
      id: subscription.subscriptionId,
      topic: subscription.topicId,
      url: destination?.deliveryConfig?.endpoint ?? '',
      status: active ? 'active' : 'disabled',
      ours: destination !== undefined && isOurs(shop, destination),
    };
  });
}
