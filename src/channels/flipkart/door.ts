import type { ChannelDeps, HookRequest, WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import type { Shop } from './api.ts';
import { identity } from './listings.ts';
import type { TimeForm } from './signature.ts';

const vaultKey = 'notification address';
/** Another process may enrol anew. */
const believedMs = 60_000;

/** What the listener knows beforehand, because it answers without looking anything up. */
export type Door = ReturnType<typeof createDoor>;

/**
 * The signature names the address as Flipkart knows it, which behind a proxy is not the one that Node sees: it comes from
 * the configuration or from what was enrolled, and never from the Host header (FK-2.4).
 */
export function createDoor({ name, clock, vault, publicUrl, log }: ChannelDeps) {
  let known: { url: string; readAt: number } | null = null;
  let lastForm: TimeForm | null = null;
  return {
    /** Addresses for which a call to this path may be signed; undefined: must be loaded first. */
    addressesFor({ path, query }: HookRequest): string[] | undefined {
      const below = `/hooks/${name}${path}${query === '' ? '' : `?${query}`}`;
      if (known === null || clock.now() - known.readAt > believedMs) return undefined;
      const own = publicUrl === null ? [] : [`${publicUrl}${below}`];
      return known.url.endsWith(below) ? [...new Set([...own, known.url])] : own;
    },
    async load(): Promise<void> {
      known = { url: (await vault.get(vaultKey)) ?? '', readAt: clock.now() };
    },
    /** The address that was asked for at Flipkart, as it stands in the store. */
    enrolled: async (): Promise<string | null> => (await vault.get(vaultKey)) || null,
    /** Empty forgets it. */
    async enrol(url: string): Promise<void> {
      await vault.set(vaultKey, url);
      known = { url, readAt: clock.now() };
    },
    /** Notes the form of a good signature; says so when it is another one than before (FK-2.4). */
    noteForm(form: TimeForm): void {
      const text = 'notifications are signed in another form than before';
      if (lastForm !== null && form !== lastForm) log.warn({ before: lastForm, now: form }, text);
      lastForm = form;
    },
  };
}

/**
 * Flipkart has no call to register, list or test notifications: a person asks its support (FK-2.1). Registering here
 * keeps the address, for which signatures are checked from then on, and says what to ask for. `active` means that what
 * comes to the address is believed; whether Flipkart sends is Flipkart's word to the merchant. Every call proves first that
 * the credentials are good.
 */
export function webhooksOf(shop: Shop, door: Door): Webhooks {
  return {
    byHand: true,
    async list(signal) {
      await identity(shop, signal);
      return statesOf(await door.enrolled());
    },
    ensure: (url, signal) => ensure(shop, door, url, signal),
    async remove(signal) {
      await identity(shop, signal);
      const url = await door.enrolled();
      if (url === null) return [];
      await door.enrol('');
      return [`forgot ${url}; ask Flipkart’s API support to stop the notifications to it`];
    },
  };
}

async function ensure(shop: Shop, door: Door, base: string, signal: AbortSignal): Promise<WebhookReport> {
  await identity(shop, signal);
  const url = `${base}${shop.config.hook_path ?? ''}`;
  const before = await door.enrolled();
  if (before === url) return { webhooks: statesOf(url), changes: [] };
  await door.enrol(url);
  const wish = `ask Flipkart’s API support for notifications of location ${shop.config.location} to ${url}`;
  const instead = before === null ? '' : `, instead of ${before}`;
  return { webhooks: statesOf(url), changes: [`${wish}${instead}: there is no call for it`] };
}

function statesOf(url: string | null): WebhookState[] {
  if (url === null) return [];
  return [{ id: 'by hand', topic: 'shipments and returns', url, status: 'active', ours: true }];
}
