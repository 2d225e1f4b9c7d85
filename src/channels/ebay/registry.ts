import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Answer } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import type { Shop } from './api.ts';
import type { TokenKind } from './tokens.ts';

/** Base path of the Notification API (EBAY-2.1). */
export const base = '/commerce/notification/v1';

const Payload = z.object({
  format: z.union([z.string(), z.array(z.string())]).nullish(),
  schemaVersion: z.string(),
  deliveryProtocol: z.string().nullish(),
  deprecated: z.boolean().nullish(),
});
/** A topic that this keyset may subscribe to. */
export const Topic = z.object({
  topicId: z.string(),
  scope: z.string().nullish(),
  status: z.string().nullish(),
  supportedPayloads: z.array(Payload).nullish(),
});
export type Topic = z.infer<typeof Topic>;

/** An address that eBay delivers to. */
export const Destination = z.object({
  destinationId: z.string(),
  name: z.string().nullish(),
  status: z.string().nullish(),
  deliveryConfig: z.object({ endpoint: z.string().nullish() }).nullish(),
});
export type Destination = z.infer<typeof Destination>;

/** A topic that is delivered to an address. */
export const Subscription = z.object({
  subscriptionId: z.string(),
  topicId: z.string(),
  status: z.string().nullish(),
  destinationId: z.string().nullish(),
  payload: z.object({ schemaVersion: z.string().nullish() }).nullish(),
});
export type Subscription = z.infer<typeof Subscription>;

const pageSize = 100;
const mostPages = 20;

/** All topics, with the application's token. */
export function topicsOf(shop: Shop, signal: AbortSignal): Promise<Topic[]> {
  return listed(shop, { path: '/topic', member: 'topics', row: Topic, as: 'app' }, signal);
}

/** All destinations of the keyset. */
export function destinationsOf(shop: Shop, signal: AbortSignal): Promise<Destination[]> {
  return listed(shop, { path: '/destination', member: 'destinations', row: Destination, as: 'app' }, signal);
}

/** All subscriptions, the seller's and the application's (EBAY-9.13: each kind of topic has its own token). */
export async function subscriptionsOf(
  shop: Shop,
  signal: AbortSignal,
): Promise<(Subscription & { as: TokenKind })[]> {
  const found = new Map<string, Subscription & { as: TokenKind }>();
  for (const as of ['user', 'app'] as const) {
    const ask = { path: '/subscription', member: 'subscriptions', row: Subscription, as };
    const rows = await listed(shop, ask, signal).catch((error: unknown) => {
      // The application may have no list of its own.
      if (as === 'app' && error instanceof Refusal && error.kind === 'rejected') return [];
      throw error;
    });
    for (const row of rows) if (!found.has(row.subscriptionId)) found.set(row.subscriptionId, { ...row, as });
  }
  return [...found.values()];
}

/**
 * A missing scope for notifications is no trouble of the channel: polling goes on without it, so that it must not look
 * like refused credentials.
 */
async function softened<T>(answer: Promise<T>): Promise<T> {
  return await answer.catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.status !== 403) throw error;
    throw new Refusal('rejected', error.message, {
      status: error.status,
      codes: error.codes,
      hint: 'let the seller consent again with the scope commerce.notification.subscription, or set webhooks: false',
    });
  });
}

async function listed<T>(
  shop: Shop,
  ask: { path: string; member: string; row: z.ZodType<T>; as: TokenKind },
  signal: AbortSignal,
): Promise<T[]> {
  const rows: T[] = [];
  const path = `${base}${ask.path}`;
  const pages = walkPages<string, Answer<z.infer<typeof ListPage>>>({
    what: `the list at ${path}`,
    first: '',
    mostPages,
    ask(token) {
      const more = token === '' ? {} : { continuation_token: token };
      const query = Object.entries({ limit: String(pageSize), ...more });
      return softened(shop.rest.call({ method: 'GET', path, query, data: ListPage, as: ask.as }, signal));
    },
    next({ data }) {
      const token = /[?&]continuation_token=([^&]+)/.exec(data.next ?? '')?.[1];
      return token === undefined ? null : decodeURIComponent(token);
    },
  });
  for await (const { data } of pages) {
    const parsed = z.array(ask.row).safeParse(data[ask.member] ?? []);
    if (!parsed.success) {
      const where = parsed.error.issues[0]?.path.join('.') ?? '';
      throw new ChannelError('retry', `GET ${path}: the answer has an unknown shape at ${where}`);
    }
    rows.push(...parsed.data);
  }
  return rows;
}

const ListPage = z.looseObject({ next: z.string().nullish() });

/** Sends a write whose answer has no body. The id is in Location, which is empty now and then (EBAY-9.14): null then. */
export async function write(
  shop: Shop,
  ask: { method: 'POST' | 'PUT' | 'DELETE'; path: string; body?: unknown; as: TokenKind },
  signal: AbortSignal,
): Promise<string | null> {
  const call = { ...ask, path: `${base}${ask.path}`, data: z.unknown() };
  const { headers } = await softened(shop.rest.call(call, signal));
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
