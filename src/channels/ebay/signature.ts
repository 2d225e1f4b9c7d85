import { type KeyObject, verify } from 'node:crypto';
import { z } from 'zod';

/** What the header X-EBAY-SIGNATURE says (EBAY-2.4). */
export interface Signature {
  kid: string;
  digest: 'sha1' | 'sha256';
  /** ASN.1 DER. */
  bytes: Buffer;
}

const Header = z.object({
  alg: z.string().regex(/^ecdsa$/i),
  kid: z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i),
  signature: z.string().max(200),
  digest: z
    .string()
    .regex(/^sha-?(?:1|256)$/i)
    .transform((text) => (text.endsWith('256') ? 'sha256' : 'sha1') as Signature['digest']),
});

/** Reads the header; null when it is not exactly of the documented form. The key id is safe to stand in an address. */
export function readSignature(header: string): Signature | null {
  const json = exactBase64(header, 2_000);
  if (json === null) return null;
  try {
    const parsed = Header.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json)));
    if (!parsed.success) return null;
    const bytes = exactBase64(parsed.data.signature, 200);
    return bytes === null ? null : { kid: parsed.data.kid.toLowerCase(), digest: parsed.data.digest, bytes };
  } catch {
    return null;
  }
}

/**
 * The bytes that were signed: the raw body, or, where something on the way laid the JSON out anew, the same JSON in
 * compact form, as eBay's own SDK signs it. White space around the document is not forgiven. Null: neither verifies.
 */
export function signedBytes(body: Uint8Array, signature: Signature, key: KeyObject): Uint8Array | null {
  const fits = (bytes: Uint8Array): boolean =>
    verify(signature.digest, bytes, { key, dsaEncoding: 'der' }, signature.bytes);
  try {
    if (fits(body)) return body;
    if (body[0] !== 0x7b || body.at(-1) !== 0x7d) return null;
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    const compact = Buffer.from(JSON.stringify(JSON.parse(text)), 'utf8');
    return fits(compact) ? compact : null;
  } catch {
    return null;
  }
}

/** Node skips what is no base64: a text counts only when its bytes give it again. */
function exactBase64(text: string, most: number): Buffer | null {
  if (text.length === 0 || text.length > most) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : null;
}
