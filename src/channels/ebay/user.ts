import { z } from 'zod';
import type { Answer } from '../kit/rest.ts';
import type { Shop } from './api.ts';

const User = z.object({
  userId: z.string().min(1),
  username: z.string().nullish(),
  registrationMarketplaceId: z.string().nullish(),
});
/** The seller behind the refresh token. The user id never changes; names do, and are being replaced (EBAY-9.28). */
export type User = z.infer<typeof User>;

/** Asks who the seller is. Throws `ChannelError`. */
export function readUser(shop: Shop, signal: AbortSignal): Promise<Answer<User>> {
  return shop.rest.call(
    { method: 'GET', path: '/commerce/identity/v1/user/', data: User, host: 'identity' },
    signal,
  );
}
