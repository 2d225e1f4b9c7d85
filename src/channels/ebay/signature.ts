import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';
import { jsonOf, utf8 } from '../kit/json.ts';
import { createRate } from '../kit/rate.ts';
import { Refusal } from '../kit/refusal.ts';
import { exactBase64 } from '../kit/sign.ts';
import { type Shop, taskOf } from './api.ts';

/** What the header X-EBAY-SIGNATURE says (EBAY-2.4). The signature is ASN.1 DER. */
const Header = z.object({
  alg: z.string().regex(/^ecdsa$/i),
  kid: z
    .string()
    .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
    .toLowerCase(),
  signature: z.string().max(200).transform(exactBase64).pipe(z.instanceof(Buffer)),
  digest: z
    .string()
    .regex(/^sha-?(?:1|256)$/i)
    .transform((text) => (text.endsWith('256') ? 'sha256' : 'sha1')),
});
type Header = z.infer<typeof Header>;

/** Reads the header; null when it is not exactly of the documented form. The key id is safe to stand in an address. */
export function readSignature(header: string): Header | null {
  const json = header.length > 2_000 ? null : exactBase64(header);
  return json === null ? null : (Header.safeParse(jsonOf(json)).data ?? null);
}

/**
 * The bytes that were signed: the raw body, or, where something on the way laid the JSON out anew, the same JSON in
 * compact form, as eBay's own SDK signs it. White space around the document is not forgiven. Null: neither verifies.
 */
export function signedBytes(body: Uint8Array, header: Header, key: KeyObject): Uint8Array | null {
  const fits = (bytes: Uint8Array): boolean =>
    verify(header.digest, bytes, { key, dsaEncoding: 'der' }, header.signature);
  try {
    if (fits(body)) return body;
    if (body[0] !== 0x7b || body.at(-1) !== 0x7d) return null;
    const compact = Buffer.from(JSON.stringify(JSON.parse(utf8(body))), 'utf8');
    return fits(compact) ? compact : null;
  } catch {
    return null;
  }
}

const PublicKey = z.object({ key: z.string().max(4096) });

/** eBay advises to keep keys for an hour. Where a fresh one cannot be had, the old one is believed for a day. */
const freshMs = 3_600_000;
const staleMs = 24 * freshMs;
const unknownMs = 60_000;
const mostKnown = 50;
const mostUnknown = 1_000;
/** The Notification API gives 10,000 calls a day; junk may spend 2,880 of them, 20 at once. */
const allowance = { burst: 20, perSecond: 1 / 30 };
const mostAtOnce = 2;

export type Keys = ReturnType<typeof createKeys>;

/** The public keys that sign notifications (EBAY-2.4), cached. Key ids are checked for their form before they come here. */
export function createKeys(shop: Shop) {
  const { clock } = shop.deps;
  const known = new Map<string, { key: KeyObject; fetchedAt: number; triedAt: number }>();
  const unknown = new Map<string, number>();
  const loading = new Map<string, Promise<void>>();
  const rate = createRate(allowance);

  const mayFetch = (): boolean => {
    const now = clock.now();
    const waitMs = rate.waitMs({ cost: 1, priority: 'read', ahead: 0, pushCost: 0 }, now);
    if (waitMs > 0 || loading.size >= mostAtOnce) return false;
    void rate.take(1, now);
    return true;
  };

  const fetchKey = async (kid: string, signal: AbortSignal): Promise<void> => {
    const path = `/commerce/notification/v1/public_key/${encodeURIComponent(kid)}`;
    const now = clock.now();
    const before = known.get(kid);
    if (before !== undefined) before.triedAt = now;
    try {
      const { data } = await taskOf(shop, signal).ask({ path, data: PublicKey, as: 'app' });
      const key = importKey(data.key);
      if (key === null) remember(unknown, kid, now, mostUnknown);
      else remember(known, kid, { key, fetchedAt: now, triedAt: now }, mostKnown);
    } catch (error) {
      const isNoKey =
        error instanceof Refusal && error.kind === 'rejected' && (error.status === 404 || error.has(195001));
      if (!isNoKey) return;
      known.delete(kid);
      remember(unknown, kid, now, mostUnknown);
    }
  };

  return {
    /** What is known of a key id right now. `absent`: it must be loaded before anything can be said. */
    find(kid: string): KeyObject | 'unknown' | 'absent' {
      const now = clock.now();
      const held = known.get(kid);
      if (held !== undefined) {
        const ageMs = now - held.fetchedAt;
        const tried = now - held.triedAt < unknownMs;
        if (ageMs < freshMs || (ageMs < staleMs && tried)) {
          remember(known, kid, held, mostKnown);
          return held.key;
        }
      }
      const since = unknown.get(kid);
      return since !== undefined && now - since < unknownMs ? 'unknown' : 'absent';
    },
    /**
     * Fetches a key. Resolves quietly when it could not be had or the allowance is used up: the key is then still absent
     * and the caller answers that it cannot tell.
     */
    load(kid: string, signal: AbortSignal): Promise<void> {
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
function importKey(pem: string): KeyObject | null {
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
