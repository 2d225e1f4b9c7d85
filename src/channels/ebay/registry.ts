import { z } from 'zod';
import { nullWhen } from '../kit/refusal.ts';
import { walkPages } from '../kit/walk.ts';
import type { Call, Shop } from './api.ts';
import { pathOf } from './receive.ts';
import type { TokenKind } from './tokens.ts';

/** Base path of the Notification API (EBAY-2.1). */
export const base = '/commerce/notification/v1';

const Payload = z.object({ schemaVersion: z.string(), deprecated: z.boolean().nullish() });
const Topic = z.object({
  topicId: z.string(),
  scope: z.string().nullish(),
  status: z.string().nullish(),
  supportedPayloads: z.array(Payload).nullish(),
});
/** A topic that this keyset may subscribe to. */
export type Topic = z.infer<typeof Topic>;

const Destination = z.object({
  destinationId: z.string(),
  name: z.string().nullish(),
  status: z.string().nullish(),
  deliveryConfig: z.object({ endpoint: z.string().nullish() }).nullish(),
});
/** An address that eBay delivers to. */
export type Destination = z.infer<typeof Destination>;

const Subscription = z.object({
  subscriptionId: z.string(),
  topicId: z.string(),
  status: z.string().nullish(),
  destinationId: z.string().nullish(),
});
/** A topic that is delivered to an address, and whose token lists it (EBAY-9.13: each kind of topic has its own). */
export type Subscription = z.infer<typeof Subscription> & { as: TokenKind };

/** The topic that tells of sales. */
export const salesTopic = 'ORDER_CONFIRMATION';

/** All topics, with the application's token. */
export function topicsOf(shop: Shop, signal: AbortSignal): Promise<Topic[]> {
  return listed(shop, { name: 'topic', row: Topic, as: 'app' }, signal);
}

/** All destinations of the keyset. Ours by name, or because its path runs through /hooks/<channel>. */
export async function destinationsOf(
  shop: Shop,
  signal: AbortSignal,
): Promise<(Destination & { ours: boolean })[]> {
  const rows = await listed(shop, { name: 'destination', row: Destination, as: 'app' }, signal);
  const hooks = `/hooks/${shop.deps.name}/`;
  return rows.map((row) => {
    const path = pathOf(row.deliveryConfig?.endpoint ?? '');
    return { ...row, ours: row.name === nameOf(shop) || `${path}/`.includes(hooks) };
  });
}

/** 64 characters at most (EBAY-2.3). */
export function nameOf({ deps }: Shop): string {
  return `invsync ${deps.name}`.slice(0, 64);
}

/** All subscriptions, the seller's and the application's, which may have no list of its own. */
export async function subscriptionsOf(shop: Shop, signal: AbortSignal): Promise<Subscription[]> {
  const list = (as: TokenKind) => listed(shop, { name: 'subscription', row: Subscription, as }, signal);
  const found = new Map<string, Subscription>();
  for (const row of await list('user')) found.set(row.subscriptionId, { as: 'user', ...row });
  for (const row of (await list('app').catch(nullWhen(({ kind }) => kind === 'rejected'))) ?? [])
    if (!found.has(row.subscriptionId)) found.set(row.subscriptionId, { as: 'app', ...row });
  return [...found.values()];
}

/** All rows of a list, whose path is their name. */
async function listed<T>(
  shop: Shop,
  { name, row, as }: { name: string; row: z.ZodType<T>; as: TokenKind },
  signal: AbortSignal,
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
      return shop.ask({ path, query: { limit: '100', ...more }, data, as }, signal);
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

/** Sends a write whose answer has no body. The id is in Location, which is empty now and then (EBAY-9.14): null then. */
export async function write(
  shop: Shop,
  ask: Required<Pick<Call<unknown>, 'method' | 'path' | 'as'>> & { body?: unknown },
  signal: AbortSignal,
): Promise<string | null> {
  const { headers } = await shop.ask({ ...ask, path: `${base}/${ask.path}`, data: z.unknown() }, signal);
  const id = headers['location']
    ?.replace(/[?#].*$/, '')
    .split('/')
    .at(-1);
  return id === undefined || id === '' ? null : decodeURIComponent(id);
}

/** The highest version that is not deprecated: 1.10 is above 1.9. */
export function newestVersion(topic: Topic): string | null {
  const versions = (topic.supportedPayloads ?? [])
    .filter((payload) => payload.deprecated !== true)
    .map((payload) => payload.schemaVersion);
  const sorted = versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return sorted.at(-1) ?? null;
}
