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
const mostKept = 1_000;
/** The Notification API gives 10,000 calls a day; junk may spend 2,880 of them, 20 at once. */
const allowance = { burst: 20, perSecond: 1 / 30 };
const mostAtOnce = 2;

export type Keys = ReturnType<typeof createKeys>;

/** The public keys that sign notifications (EBAY-2.4), cached. Key ids are checked for their form before they come here. */
export function createKeys(shop: Shop) {
  const { clock } = shop.deps;
  /** `key` null: there is none of this id. */
  const kept = new Map<string, { key: KeyObject | null; fetchedAt: number; triedAt: number }>();
  const loading = new Map<string, Promise<void>>();
  const rate = createRate(allowance);

  const mayFetch = (): boolean => {
    const now = clock.now();
    const waitMs = rate.waitMs({ cost: 1, priority: 'read', ahead: 0, pushCost: 0 }, now);
    if (waitMs > 0 || loading.size >= mostAtOnce) return false;
    void rate.take(1, now);
    return true;
  };
  const keep = (kid: string, key: KeyObject | null, now: number): void => {
    kept.set(kid, { key, fetchedAt: now, triedAt: now });
    if (kept.size <= mostKept) return;
    // Made-up ids push out each other before they push out what serves.
    const [first = ''] = kept.keys();
    kept.delete([...kept].find((entry) => entry[1].key === null)?.[0] ?? first);
  };
  const fetchKey = async (kid: string, signal: AbortSignal): Promise<void> => {
    const path = `/commerce/notification/v1/public_key/${encodeURIComponent(kid)}`;
    const now = clock.now();
    const before = kept.get(kid);
    if (before !== undefined) before.triedAt = now;
    try {
      const { data } = await taskOf(shop, signal).ask({ path, data: PublicKey, as: 'app' });
      const key = importKey(data.key);
      // One that cannot be read does not replace one that serves.
      if (key !== null || !before?.key) keep(kid, key, now);
    } catch (error) {
      const isNoKey =
        error instanceof Refusal && error.kind === 'rejected' && (error.status === 404 || error.has(195001));
      if (isNoKey) keep(kid, null, now);
    }
  };

  return {
    /** What is known of a key id right now. `absent`: it must be loaded before anything can be said. */
    find(kid: string): KeyObject | 'unknown' | 'absent' {
      const held = kept.get(kid);
      if (held === undefined) return 'absent';
      const [ageMs, triedMs] = [clock.now() - held.fetchedAt, clock.now() - held.triedAt];
      if (held.key === null) return ageMs < unknownMs ? 'unknown' : 'absent';
      return ageMs < freshMs || (ageMs < staleMs && triedMs < unknownMs) ? held.key : 'absent';
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
