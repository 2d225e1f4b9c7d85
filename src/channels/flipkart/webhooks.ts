import type { WebhookReport, WebhookState, Webhooks } from '../channel.ts';
import type { Door } from './door.ts';
import { identity } from './identity.ts';
import type { Shop } from './shop.ts';

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
      await door.enrol(null);
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
