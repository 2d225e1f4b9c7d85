import { z } from 'zod';
import type { HookRequest, Receipt } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { digestOf, refused } from '../kit/hook.ts';
import type { Answer } from '../kit/rest.ts';
import type { Shop } from './api.ts';

const User = z.object({
  userId: z.string().min(1),
  username: z.string().nullish(),
  registrationMarketplaceId: z.string().nullish(),
});
/** The seller behind the refresh token. The user id never changes; names do, and are being replaced (EBAY-9.28). */
export type User = z.infer<typeof User>;

/** Asks who the seller is, which the listener needs to know beforehand. Throws `ChannelError`. */
export async function readUser(shop: Shop, signal: AbortSignal): Promise<Answer<User>> {
  const path = '/commerce/identity/v1/user/';
  const user = await shop.ask({ path, data: User, host: 'identity' }, signal);
  shop.learned.userId = user.data.userId;
  return user;
}

/** Asks for the user id if it is not known; a failure leaves it unknown. */
export async function learnUser(shop: Shop, signal: AbortSignal): Promise<void> {
  if (shop.learned.userId !== null) return;
  await readUser(shop, signal).catch((error: unknown) => {
    if (!(error instanceof ChannelError)) throw error;
  });
}

const vaultKey = 'address';
/** Another process may register anew. */
const believedMs = 60_000;

/** Keeps the address before it is registered: the challenge comes during that very call. */
export async function keepAddress({ deps, learned }: Shop, url: string): Promise<void> {
  await deps.vault.set(vaultKey, url);
  learned.address = { url, readAt: deps.clock.now() };
}

/** Longest code that is answered (EBAY-2.7). */
const longestCode = 200;

/**
 * Answers a challenge: hex SHA-256 over code, verification token and address, the address exactly as it was registered
 * (EBAY-2.3, EBAY-9.10). The address of the account-deletion notice is registered by hand in the developer portal, so
 * that an unknown one is taken from `server.public_url`, and from the Host header where that is not set.
 */
export function answerChallenge({ config, deps, learned }: Shop, request: HookRequest): Receipt {
  const codes = new URLSearchParams(request.query).getAll('challenge_code');
  const [code = ''] = codes;
  if (codes.length === 0) return refused('notifications are sent by POST', 405);
  if (codes.length > 1 || code.length === 0 || code.length > longestCode) {
    return refused('the challenge code is of the wrong length', 400);
  }
  const token = config.verification_token;
  if (token === undefined) return refused('no verification_token is configured', 412);
  const { clock, vault } = deps;
  if (learned.address === null || clock.now() - learned.address.readAt > believedMs) {
    const load = async (): Promise<void> => {
      learned.address = { url: await vault.get(vaultKey), readAt: clock.now() };
    };
    return { kind: 'needs', load };
  }
  const address = addressOf(deps, learned.address.url, request);
  if (address === null) return refused('the Host header is missing or odd', 400);
  const challengeResponse = digestOf(code, token, address);
  return {
    kind: 'handshake',
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify({ challengeResponse }),
  };
}

function addressOf(deps: Shop['deps'], registered: string | null, request: HookRequest): string | null {
  const path = `/hooks/${deps.name}${request.path}`;
  if (registered !== null && pathOf(registered).endsWith(path)) return registered;
  if (deps.publicUrl !== null) return `${deps.publicUrl}${path}`;
  const host = request.headers['x-forwarded-host'] ?? request.headers['host'] ?? '';
  if (!/^[a-z0-9.:[\]-]{1,255}$/i.test(host)) return null;
  const scheme = /^(?:127\.|localhost|\[::1\])/.test(host) ? 'http' : 'https';
  return `${scheme}://${host}${path}`;
}

/** An address without scheme and host. */
export function pathOf(url: string): string {
  return url.replace(/^https?:\/\/[^/]*/, '');
}
