import type { HookRequest, Receipt } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { digestOf, refused } from '../kit/hook.ts';
import type { Shop } from './api.ts';
import { createKeys, type Keys } from './keys.ts';
import { readUser } from './user.ts';

/** What the listener needs to know beforehand, because it answers without looking anything up. */
export interface Door {
  keys: Keys;
  /** The seller's user id, once it was learned. */
  userId(): string | null;
  /** Asks for the user id if it is not known; a failure leaves it unknown. */
  learnUser(signal: AbortSignal): Promise<void>;
  /** Notes what was told elsewhere. */
  noteUser(userId: string): void;
  /** The address as it was registered; undefined: must be loaded first. */
  address(): string | null | undefined;
  loadAddress(): Promise<void>;
  /** Keeps the address before it is registered: the challenge comes during that very call. */
  keepAddress(url: string): Promise<void>;
}

const vaultKey = 'address';
/** Another process may register anew. */
const believedMs = 60_000;

/** The listener's memory of one channel. */
export function createDoor(shop: Shop): Door {
  const { clock, vault } = shop.deps;
  let userId: string | null = null;
  let address: { url: string | null; readAt: number } | null = null;
  return {
    keys: createKeys(shop.rest, clock),
    userId: () => userId,
    noteUser(id) {
      userId = id;
    },
    async learnUser(signal) {
      if (userId !== null) return;
      try {
        userId = (await readUser(shop, signal)).data.userId;
      } catch (error) {
        if (!(error instanceof ChannelError)) throw error;
      }
    },
    address: () => (address === null || clock.now() - address.readAt > believedMs ? undefined : address.url),
    async loadAddress() {
      address = { url: await vault.get(vaultKey), readAt: clock.now() };
    },
    async keepAddress(url) {
      await vault.set(vaultKey, url);
      address = { url, readAt: clock.now() };
    },
  };
}

/** Longest code that is answered (EBAY-2.7). */
const longestCode = 200;

/**
 * Answers a challenge: hex SHA-256 over code, verification token and address, the address exactly as it was registered
 * (EBAY-2.3, EBAY-9.10). The address of the account-deletion notice is registered by hand in the developer portal, so
 * that an unknown one is taken from `server.public_url`, and from the Host header where that is not set.
 */
export function answerChallenge(shop: Shop, door: Door, request: HookRequest): Receipt {
  const codes = new URLSearchParams(request.query).getAll('challenge_code');
  const [code = ''] = codes;
  if (codes.length === 0) return refused('notifications are sent by POST', 405);
  if (codes.length > 1 || code.length === 0 || code.length > longestCode) {
    return refused('the challenge code is of the wrong length', 400);
  }
  const token = shop.config.verification_token;
  if (token === undefined) return refused('no verification_token is configured', 412);
  const registered = door.address();
  if (registered === undefined) return { kind: 'needs', load: () => door.loadAddress() };
  const address = addressOf(shop, registered, request);
  if (address === null) return refused('the Host header is missing or odd', 400);
  const challengeResponse = digestOf(code, token, address);
  return {
    kind: 'handshake',
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify({ challengeResponse }),
  };
}

function addressOf({ deps }: Shop, registered: string | null, request: HookRequest): string | null {
  const path = `/hooks/${deps.name}${request.path}`;
  if (registered !== null && pathOf(registered).endsWith(path)) return registered;
  if (deps.publicUrl !== null) return `${deps.publicUrl}${path}`;
  const host = request.headers['x-forwarded-host'] ?? request.headers['host'] ?? '';
  if (!/^[a-z0-9.:[\]-]{1,255}$/i.test(host)) return null;
  const scheme = /^(?:127\.|localhost|\[::1\])/.test(host) ? 'http' : 'https';
  return `${scheme}://${host}${path}`;
}

function pathOf(url: string): string {
  return url.replace(/^https?:\/\/[^/]*/, '');
}
