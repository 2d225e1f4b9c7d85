import { z } from 'zod';
import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Shop } from './api.ts';
import { neededTopics, wantedTopics } from './topics.ts';

const path = '/event/202309/webhooks';
const Hook = z.object({ event_type: z.string().min(1), address: z.string() });
type Hook = z.infer<typeof Hook>;
const Listed = z.object({ webhooks: z.array(Hook).nullish() }).nullish();
const Done = z.unknown();

/** Longest address that TikTok takes (TTS-2.4). */
const mostCharacters = 255;

/** The shop's webhooks by the Event API (TTS-2.5): one address per topic, so that the topic is its id. */
export function webhooksOf(shop: Shop): Webhooks {
  return {
    list: async (signal) => (await readHooks(shop, signal)).map((hook) => stateOf(shop, hook)),
    ensure: (url, signal) => ensure(shop, url, signal),
    remove: (signal) => remove(shop, signal),
  };
}

/** What is registered now. Throws `ChannelError`. */
export async function readHooks(shop: Shop, signal: AbortSignal): Promise<Hook[]> {
  const { data } = await shop.api.call({ method: 'GET', path, data: Listed }, signal);
  return data?.webhooks ?? [];
}

/** Ours are those whose path runs through /hooks/<channel>. */
export function isOurs(shop: Shop, hook: Hook): boolean {
  const at = hook.address.replace(/^https?:\/\/[^/]*/, '').replace(/[?#].*$/, '');
  return `${at}/`.includes(`/hooks/${shop.deps.name}/`);
}

/**
 * Sets each wanted topic to this address where it is free or ours. A topic that goes to somebody else is left alone and
 * logged; `check` fails to be quiet about it. What was set is read back, because a registration may silently not stick.
 */
async function ensure(shop: Shop, url: string, signal: AbortSignal): Promise<WebhookReport> {
  assertAddress(shop, url);
  const before = await readHooks(shop, signal);
  const changes: string[] = [];
  const set: string[] = [];
  for (const topic of wantedTopics) {
    const there = before.find((hook) => hook.event_type === topic);
    if (there !== undefined && there.address === url) continue;
    if (there !== undefined && !isOurs(shop, there)) {
      shop.deps.log.warn({ topic }, 'this topic goes to the address of another program and is left alone');
      continue;
    }
    if (!(await put(shop, { topic, url }, signal))) continue;
    set.push(topic);
    changes.push(there === undefined ? `created ${topic}` : `moved ${topic} to this address`);
  }
  const after = changes.length === 0 ? before : await readHooks(shop, signal);
  const lost = set.filter(
    (topic) => !after.some((hook) => hook.event_type === topic && hook.address === url),
  );
  if (lost.length > 0) {
    throw new ChannelError('rejected', `TikTok Shop took ${lost.join(', ')} but does not list it`, {
      hint: 'look at Manage Webhook of the app in Partner Center, then run: invsync webhooks register',
    });
  }
  return { webhooks: after.map((hook) => stateOf(shop, hook)), changes };
}

/** False when TikTok does not offer a topic that can be done without. */
async function put(shop: Shop, at: { topic: string; url: string }, signal: AbortSignal): Promise<boolean> {
  const body = { address: at.url, event_type: at.topic };
  try {
    await shop.api.call({ method: 'PUT', path, body, data: Done }, signal);
    return true;
  } catch (error) {
    const isOptional =
      error instanceof Refusal && error.kind === 'rejected' && !neededTopics.includes(at.topic);
    if (!isOptional) throw error;
    shop.deps.log.info({ topic: at.topic, codes: error.codes }, 'an optional topic is not to be had');
    return false;
  }
}

async function remove(shop: Shop, signal: AbortSignal): Promise<string[]> {
  const removed: string[] = [];
  for (const hook of await readHooks(shop, signal)) {
    if (!isOurs(shop, hook)) continue;
    const body = { event_type: hook.event_type };
    await shop.api.call({ method: 'DELETE', path, body, data: Done }, signal);
    removed.push(hook.event_type);
  }
  return removed;
}

/** TikTok knows no disabled webhook: it gives up deliveries, never the address. */
function stateOf(shop: Shop, hook: Hook): WebhookState {
  return {
    id: hook.event_type,
    topic: hook.event_type,
    url: hook.address,
    status: 'active',
    ours: isOurs(shop, hook),
  };
}

/** What TikTok demands of an address (TTS-2.4). A sandbox or proxy at `base_url` may be less strict. */
function assertAddress(shop: Shop, url: string): void {
  const { protocol, port, hostname } = new URL(url);
  const isPublic = protocol === 'https:' && port === '' && /\.[a-z][a-z0-9-]*$/i.test(hostname);
  if (url.length <= mostCharacters && (isPublic || shop.deps.baseUrl !== null)) return;
  throw new ChannelError('rejected', 'TikTok Shop does not call this address', {
    hint: `public_url must be https with a domain name, no IP address and no port, and the whole address at most ${mostCharacters} characters`,
  });
}
