import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Rest } from './api.ts';

/** What is known of a key id right now. `absent`: it must be loaded before anything can be said. */
export type KeyState = { kind: 'known'; key: KeyObject } | { kind: 'unknown' } | { kind: 'absent' };

/** The public keys that sign notifications (EBAY-2.4). */
export interface Keys {
  find(kid: string): KeyState;
  /**
   * Fetches a key. Resolves quietly when it could not be had or the allowance is used up: the key is then still absent
   * and the caller answers that it cannot tell.
   */
  load(kid: string, signal: AbortSignal): Promise<void>;
}

const PublicKey = z.object({ key: z.string().max(4096), algorithm: z.string().nullish() });

const hourMs = 3_600_000;
/** eBay advises to keep keys for an hour. Where a fresh one cannot be had, the old one is believed for a day. */
const freshMs = hourMs;
const staleMs = 24 * hourMs;
const unknownMs = 60_000;
const mostKnown = 50;
const mostUnknown = 1_000;
/** The Notification API gives 10,000 calls a day; junk may spend 2,880 of them, 20 at once. */
const allowance = { burst: 20, refillMs: 30_000 };
const mostAtOnce = 2;

/** An empty cache over the key service. Key ids are checked for their form before they come here. */
export function createKeys(rest: Rest, clock: Clock): Keys {
  const known = new Map<string, { key: KeyObject; fetchedAt: number; triedAt: number }>();
  const unknown = new Map<string, number>();
  const loading = new Map<string, Promise<void>>();
  let left = allowance.burst;
  let countedAt = clock.now();

  const mayFetch = (): boolean => {
    const refill = Math.floor((clock.now() - countedAt) / allowance.refillMs);
    if (refill > 0) {
      left = Math.min(allowance.burst, left + refill);
      countedAt += refill * allowance.refillMs;
    }
    if (left <= 0 || loading.size >= mostAtOnce) return false;
    left -= 1;
    return true;
  };

  const fetchKey = async (kid: string, signal: AbortSignal): Promise<void> => {
    const path = `/commerce/notification/v1/public_key/${encodeURIComponent(kid)}`;
    const now = clock.now();
    const before = known.get(kid);
    if (before !== undefined) before.triedAt = now;
    try {
      const { data } = await rest.call({ method: 'GET', path, data: PublicKey, as: 'app' }, signal);
      const key = importKey(data.key);
      if (key === null) remember(unknown, kid, now, mostUnknown);
      else remember(known, kid, { key, fetchedAt: now, triedAt: now }, mostKnown);
    } catch (error) {
      const noSuchKey =
        error instanceof Refusal && error.kind === 'rejected' && (error.status === 404 || error.has(195001));
      if (!noSuchKey) return;
      known.delete(kid);
      remember(unknown, kid, now, mostUnknown);
    }
  };

  return {
    find(kid) {
      const now = clock.now();
      const held = known.get(kid);
      if (held !== undefined) {
        const ageMs = now - held.fetchedAt;
        const tried = now - held.triedAt < unknownMs;
        if (ageMs < freshMs || (ageMs < staleMs && tried)) {
          remember(known, kid, held, mostKnown);
          return { kind: 'known', key: held.key };
        }
      }
      const since = unknown.get(kid);
      return since !== undefined && now - since < unknownMs ? { kind: 'unknown' } : { kind: 'absent' };
    },
    load(kid, signal) {
      const running = loading.get(kid);
      if (running !== undefined) return running;
      if (!mayFetch()) return Promise.resolve();
      const begun = fetchKey(kid, signal).finally(() => loading.delete(kid));
      loading.set(kid, begun);
      return begun;
    },
  };
}

/**
 * The key comes as PEM without line breaks, which no PEM reader takes (EBAY-9.8): the armour is cut off and the rest read
 * as DER. Null when it is no key of the one curve in use.
 */
export function importKey(pem: string): KeyObject | null {
  const base64 = pem.replace(/-----(?:BEGIN|END) PUBLIC KEY-----/g, '').replace(/\s+/g, '');
  try {
    const key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null;
  } catch {
    return null;
  }
}

/** Puts an entry last and drops the oldest beyond the bound. */
function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
