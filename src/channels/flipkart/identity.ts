import type { AccountIdentity } from '../channel.ts';
import { searchPage } from './listings.ts';
import type { Shop } from './shop.ts';

/**
 * The location is what this channel keeps: it belongs to one seller for good, where an application may be made anew, and
 * a seller with two locations has two channels. No call of this API names the seller. Asks something that needs the
 * credentials.
 */
export async function identity(shop: Shop, signal: AbortSignal): Promise<AccountIdentity> {
  await searchPage(shop, null, signal);
  const { location } = shop.config;
  return { accountId: location, title: `Flipkart location ${location}` };
}
