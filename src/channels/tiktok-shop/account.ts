import { z } from 'zod';
import type { AccountIdentity } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { Answer, Call as AnyCall, Rest } from '../kit/rest.ts';
import { allOf, Text } from '../kit/shapes.ts';
import { reconsent } from './codes.ts';
import type { TikTokShopConfig } from './config.ts';
import { Id } from './ids.ts';

/** One request. `query` in clear text; `data` describes the envelope's `data`. */
export interface Call<T> extends AnyCall<T> {
  query?: Readonly<Record<string, string>>;
  /** True for the few calls that refuse a shop's cipher (TTS-1.3). */
  isShopless?: true;
}

/** The signed interface of one shop. */
export type Api = Rest<Call<unknown>>;

const AuthorizedShop = z.object({
  id: Id,
  cipher: z.string().min(1),
  name: Text,
  region: Text,
  seller_type: Text,
});
/** A shop that the seller opened to the app. The id never changes; names do. */
export type AuthorizedShop = z.infer<typeof AuthorizedShop>;
const Shops = z.object({ shops: allOf(z.unknown()) });

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
  const shops = answer.data.shops.flatMap((row) => AuthorizedShop.safeParse(row).data ?? []);
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
