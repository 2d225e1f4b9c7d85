import { z } from 'zod';
import type { AccountIdentity } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Answer } from '../kit/rest.ts';
import { Text } from '../kit/shapes.ts';
import type { Api } from './call.ts';
import { reconsent } from './codes.ts';
import type { TikTokShopConfig } from './config.ts';
import { Id } from './ids.ts';

const AuthorizedShop = z.object({
  id: Id,
  cipher: z.string().min(1),
  name: Text,
  region: Text,
  seller_type: Text,
});
/** A shop that the seller opened to the app. The id never changes; names do. */
export type AuthorizedShop = z.infer<typeof AuthorizedShop>;
const Shops = z.object({ shops: z.array(z.unknown()).nullish() });

/** The shop behind `shop_id`, read anew. Throws `ChannelError` kind `auth` when the token does not reach it. */
export async function readShop(
  config: TikTokShopConfig,
  api: Api,
  signal: AbortSignal,
): Promise<Answer<AuthorizedShop>> {
  const answer = await api.call(
    { method: 'GET', path: '/authorization/202309/shops', data: Shops, isShopless: true },
    signal,
  );
  const shops = (answer.data.shops ?? []).flatMap((row) => AuthorizedShop.safeParse(row).data ?? []);
  const own = shops.find(({ id }) => id === config.shop_id);
  if (own !== undefined) return { ...answer, data: own };
  const others = shops.map(({ id, name }) => `${id} (${name ?? 'unnamed'})`).slice(0, 5);
  throw new ChannelError('auth', `the seller’s authorization does not reach the shop ${config.shop_id}`, {
    hint: others.length === 0 ? reconsent : `set shop_id to one of ${others.join(', ')}; else ${reconsent}`,
  });
}

/** The account that the channel is bound to. */
export function identityOf(shop: AuthorizedShop): AccountIdentity {
  return { accountId: shop.id, title: shop.name || shop.id };
}

/** How a shop's cipher is had. `forget` after it was refused. */
export interface Ciphers {
  current(signal: AbortSignal): Promise<string>;
  forget(): void;
}

/** The shop's cipher, asked for once: deliveries name the shop by its id, calls by its cipher (TTS-7.10). */
export function createCiphers(read: (signal: AbortSignal) => Promise<Answer<AuthorizedShop>>): Ciphers {
  let known: string | null = null;
  return {
    async current(signal) {
      known ??= (await read(signal)).data.cipher;
      return known;
    },
    forget() {
      known = null;
    },
  };
}
