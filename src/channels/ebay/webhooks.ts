import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { registeredWith } from '../kit/hook.ts';
import { nullWhen, Refusal } from '../kit/refusal.ts';
import { allOf } from '../kit/shapes.ts';
import { walkPages } from '../kit/walk.ts';
import { type Call, type Shop, type Task, taskOf } from './api.ts';
import { keepAddress, pathOf } from './receive.ts';
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
export function webhooksOf(shop: Shop): Webhooks {
  return {
    list: (signal) => list(taskOf(shop, signal)),
    ensure: (url, signal) => ensure(taskOf(shop, signal), url),
    remove: (signal) => remove(taskOf(shop, signal)),
  };
}

/**
 * Alert address, destination (whose challenge our listener answers meanwhile), subscriptions, enabling: in this order,
 * each only where it is missing or wrong. Throws when eBay offers no topic that tells of sales: polling is then all.
 */
async function ensure(task: Task, url: string): Promise<WebhookReport> {
  const offered = (await topicsOf(task)).filter((topic) => topic.status !== 'DISABLED');
  if (!offered.some((topic) => topic.topicId === salesTopic)) {
    throw new ChannelError('rejected', `eBay does not offer the topic ${salesTopic} to this keyset`, {
      hint: 'set webhooks: false on this channel: sales are then learned by polling every minute',
    });
  }
  const changes: string[] = [];
  await ensureConfig(task, url, changes);
  const destinationId = await ensureDestination(task, url, changes);
  const subscriptions = (await subscriptionsOf(task)).filter(isTo(destinationId));
  for (const topicId of wantedTopics) {
    const topic = offered.find((each) => each.topicId === topicId);
    const own = subscriptions.find((each) => each.topicId === topicId);
    if (topic === undefined || own?.status === 'ENABLED') continue;
    try {
      changes.push(await ensureTopic(task, { topic, own, destinationId }));
    } catch (error) {
      const isOptional = topicId !== salesTopic && error instanceof Refusal && error.kind === 'rejected';
      if (!isOptional) throw error;
      task.deps.log.info({ topic: topicId, codes: error.codes }, 'an optional topic is not to be had');
    }
  }
  return { webhooks: await list(task), changes };
}

function isTo(id: string) {
  return ({ destinationId }: Subscription): boolean => destinationId === id;
}

const Config = z.object({ alertEmail: z.string().nullish() }).nullish();

/** eBay takes no destination before the keyset has an alert address (EBAY-9.11). What is done is added to `changes`. */
async function ensureConfig(task: Task, url: string, changes: string[]): Promise<void> {
  const known = await task
    .ask({ path: `${base}/config`, data: Config, as: 'app' })
    .catch(nullWhen((refusal) => refusal.status === 404 || refusal.has(195026, 195003)));
  if (known?.data?.alertEmail) return;
  const { hostname } = new URL(url);
  const told = task.config.alert_email;
  const isName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}$/i.test(hostname);
  const alertEmail = told ?? `invsync@${isName ? hostname : 'example.com'}`;
  await write(task, { method: 'PUT', path: 'config', body: { alertEmail } });
  const hint = told === undefined ? ': set alert_email, or put your own there in the developer portal' : '';
  changes.push(`set the keyset's alert address to ${alertEmail}${hint}`);
}

const vaultKey = 'destination';

/**
 * Makes one destination at the address exist, enabled, with the configured token, and answers its id. eBay tries the address
 * during the call, so that the listener must know it before (EBAY-2.3). One that eBay marked down is enabled again
 * (EBAY-2.5).
 */
async function ensureDestination(task: Task, url: string, changes: string[]): Promise<string> {
  const token = task.config.verification_token;
  if (token === undefined) {
    throw new ChannelError('rejected', 'registering needs a verification token', {
      hint: 'set verification_token (32 to 80 letters, digits, _ or -), or webhooks: false to poll only',
    });
  }
  await keepAddress(task, url);
  const { vault } = task.deps;
  const all = await destinationsOf(task);
  const there = all.find((each) => each.url === url) ?? all.find((each) => each.ours);
  // The token cannot be read back: a fingerprint of ours is remembered.
  const isTokenKnown =
    there !== undefined && (await vault.get(vaultKey)) === registeredWith(there.destinationId, token);
  if (there?.url === url && there.status === 'ENABLED' && isTokenKnown) return there.destinationId;
  const deliveryConfig = { endpoint: url, verificationToken: token };
  const body = { name: nameOf(task), status: 'ENABLED', deliveryConfig };
  let id = there?.destinationId ?? null;
  if (there === undefined) {
    // 195021: made by somebody at this very moment.
    const made = write(task, { method: 'POST', path: 'destination', body });
    const told = await made.catch(nullWhen((refusal) => refusal.has(195021)));
    id = (await destinationsOf(task)).find((each) => each.url === url)?.destinationId ?? told;
    changes.push('created the destination at this address');
  } else {
    const path = `destination/${encodeURIComponent(there.destinationId)}`;
    await write(task, { method: 'PUT', path, body });
    changes.push(`mended the destination: ${faultOf(there, url)}`);
  }
  if (id === null) throw new ChannelError('retry', 'eBay took the destination but does not list it yet');
  await vault.set(vaultKey, registeredWith(id, token));
  return id;
}

function faultOf({ status, url }: Destination, wanted: string): string {
  if (url !== wanted) return 'it had another address';
  if (status === 'MARKED_DOWN') return 'eBay had marked it down after failed deliveries';
  if (status !== 'ENABLED') return `it was ${(status ?? 'without status').toLowerCase()}`;
  return 'its token is not known to be the configured one';
}

/** Subscribes a topic, or enables what there is of ours; says which. */
async function ensureTopic(
  task: Task,
  { topic, own, destinationId }: { topic: Topic; own: Subscription | undefined; destinationId: string },
): Promise<string> {
  const { topicId } = topic;
  const as: TokenKind = topic.scope === 'APPLICATION' ? 'app' : 'user';
  const post = (path: string, body: unknown) => write(task, { method: 'POST', path, body, as });
  const enable = (id: string) => post(`subscription/${encodeURIComponent(id)}/enable`, {});
  if (own !== undefined) {
    await enable(own.subscriptionId);
    return `enabled ${topicId}: it was ${(own.status ?? 'off').toLowerCase()}`;
  }
  const schemaVersion = newestVersion(topic) ?? '1.0';
  const payload = { format: 'JSON', schemaVersion, deliveryProtocol: 'HTTPS' };
  const made = post('subscription', { topicId, status: 'DISABLED', destinationId, payload });
  // 195012: there is one already; which one shows the list.
  const told = await made.catch(nullWhen((refusal) => refusal.has(195012)));
  const listed = (await subscriptionsOf(task)).filter((each) => each.topicId === topicId);
  const there = listed.find((each) => each.subscriptionId === told) ?? listed.find(isTo(destinationId));
  const id = there?.subscriptionId ?? told;
  if (id === null) {
    const message = `${topicId} is subscribed at another address, and eBay takes one only`;
    const hint = 'remove that subscription in the developer portal, or with the program that made it';
    throw new ChannelError('rejected', message, { hint });
  }
  if (there?.status !== 'ENABLED') await enable(id);
  return `created ${topicId}`;
}

/** Takes back subscriptions and destination; the destination stays while somebody else's subscription uses it. */
async function remove(task: Task): Promise<string[]> {
  const ours = (await destinationsOf(task)).filter((each) => each.ours);
  const ids = new Set(ours.map((each) => each.destinationId));
  const removed: string[] = [];
  for (const { subscriptionId, topicId, destinationId, as } of await subscriptionsOf(task)) {
    if (!ids.has(destinationId ?? '')) continue;
    await destroy(task, { path: `subscription/${encodeURIComponent(subscriptionId)}`, as });
    removed.push(`${topicId} (${subscriptionId})`);
  }
  for (const id of ids) await destroy(task, { path: `destination/${encodeURIComponent(id)}`, as: 'app' });
  return removed;
}

/**
 * Gone already, or in use by others (195024), is as good. A list may show subscriptions that only the other kind of token
 * may delete (195011).
 */
async function destroy(task: Task, { path, as }: { path: string; as: TokenKind }): Promise<void> {
  const attempt = (kind: TokenKind) => write(task, { method: 'DELETE', path, as: kind });
  await attempt(as)
    .catch((error: unknown) => {
      if (!(error instanceof Refusal) || !error.has(195011)) throw error;
      return attempt(as === 'user' ? 'app' : 'user');
    })
    .catch(nullWhen((refusal) => refusal.status === 404 || refusal.has(195024)));
}

async function list(task: Task): Promise<WebhookState[]> {
  const destinations = await destinationsOf(task);
  return (await subscriptionsOf(task)).map(({ subscriptionId, topicId, status, destinationId }) => {
    const destination = destinations.find((each) => each.destinationId === destinationId);
    const active = status === 'ENABLED' && destination?.status === 'ENABLED';
    return {
      id: subscriptionId,
      topic: topicId,
      url: destination?.url ?? '',
      status: active ? 'active' : 'disabled',
      ours: destination?.ours ?? false,
    };
  });
}

/** Base path of the Notification API (EBAY-2.1). */
const base = '/commerce/notification/v1';

const Payload = z.object({ schemaVersion: z.string(), deprecated: z.boolean().nullish() });
const Topic = z.object({
  topicId: z.string(),
  scope: z.string().nullish(),
  status: z.string().nullish(),
  supportedPayloads: allOf(Payload),
});
/** A topic that this keyset may subscribe to. */
type Topic = z.infer<typeof Topic>;

const Destination = z
  .object({
    destinationId: z.string(),
    name: z.string().nullish(),
    status: z.string().nullish(),
    deliveryConfig: z.object({ endpoint: z.string().nullish() }).nullish(),
  })
  .transform(({ deliveryConfig, ...row }) => ({ ...row, url: deliveryConfig?.endpoint ?? '' }));
/** An address that eBay delivers to. */
type Destination = z.infer<typeof Destination>;

const Subscription = z.object({
  subscriptionId: z.string(),
  topicId: z.string(),
  status: z.string().nullish(),
  destinationId: z.string().nullish(),
});
/** A topic that is delivered to an address, and whose token lists it (EBAY-9.13: each kind of topic has its own). */
type Subscription = z.infer<typeof Subscription> & { as: TokenKind };

/** All topics, with the application's token. */
export function topicsOf(task: Task): Promise<Topic[]> {
  return listed(task, { name: 'topic', row: Topic, as: 'app' });
}

/** All destinations of the keyset. Ours by name, or because its path runs through /hooks/<channel>. */
export async function destinationsOf(task: Task): Promise<(Destination & { ours: boolean })[]> {
  const rows = await listed(task, { name: 'destination', row: Destination, as: 'app' });
  const hooks = `/hooks/${task.deps.name}/`;
  return rows.map((row) => {
    const isHere = `${pathOf(row.url)}/`.includes(hooks);
    return { ...row, ours: row.name === nameOf(task) || isHere };
  });
}

/** 64 characters at most (EBAY-2.3). */
function nameOf({ deps }: Task): string {
  return `invsync ${deps.name}`.slice(0, 64);
}

/** All subscriptions, the seller's and the application's, which may have no list of its own. */
async function subscriptionsOf(task: Task): Promise<Subscription[]> {
  const list = (as: TokenKind) => listed(task, { name: 'subscription', row: Subscription, as });
  const found = new Map<string, Subscription>();
  for (const row of await list('user')) found.set(row.subscriptionId, { as: 'user', ...row });
  for (const row of (await list('app').catch(nullWhen(({ kind }) => kind === 'rejected'))) ?? [])
    if (!found.has(row.subscriptionId)) found.set(row.subscriptionId, { as: 'app', ...row });
  return [...found.values()];
}

/** All rows of a list, whose path is their name. */
async function listed<T>(
  task: Task,
  { name, row, as }: { name: string; row: z.ZodType<T>; as: TokenKind },
): Promise<T[]> {
  const path = `${base}/${name}`;
  const data = z
    .looseObject({ next: z.string().nullish() })
    .transform((page): { next?: unknown; rows?: unknown } => ({ ...page, rows: page[`${name}s`] ?? [] }))
    .pipe(z.object({ next: z.string().nullish(), rows: z.array(row) }));
  const pages = walkPages({
    what: `the list at ${path}`,
    first: '',
    mostPages: 20,
    ask(token: string) {
      const more = token === '' ? {} : { continuation_token: token };
      return task.ask({ path, query: { limit: '100', ...more }, data, as });
    },
    next(page) {
      const token = /[?&]continuation_token=([^&]+)/.exec(page.data.next ?? '')?.[1];
      return token === undefined ? null : decodeURIComponent(token);
    },
  });
  const rows: T[] = [];
  for await (const page of pages) rows.push(...page.data.rows);
  return rows;
}

/**
 * Sends a write whose answer has no body, with the application's token unless told. The id is in Location, which is empty
 * now and then (EBAY-9.14): null then.
 */
async function write(
  task: Task,
  ask: Pick<Call<unknown>, 'method' | 'path' | 'body' | 'as'>,
): Promise<string | null> {
  const call = { as: 'app', ...ask, path: `${base}/${ask.path}`, data: z.unknown() } as const;
  const { location = '' } = (await task.ask(call)).headers;
  const id = /([^/?#]*)(?:[?#].*)?$/.exec(location)?.[1];
  return id ? decodeURIComponent(id) : null;
}

/** The highest version that is not deprecated: 1.10 is above 1.9. */
function newestVersion(topic: Topic): string | null {
  const current = topic.supportedPayloads.filter((payload) => payload.deprecated !== true);
  const versions = current.map((payload) => payload.schemaVersion);
  return versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1) ?? null;
}
