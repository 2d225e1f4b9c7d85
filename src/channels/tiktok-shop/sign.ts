import { createHmac } from 'node:crypto';

/** What is signed: path without host, decoded query values, and the very text that is sent as body (empty: none). */
export interface SignedRequest {
  path: string;
  query: Readonly<Record<string, string>>;
  body: string;
}

const neverSigned = new Set(['sign', 'access_token']);

/**
 * The `sign` of a request (TTS-1.4, official vector; verified 2026-11): secret + path + each key and value in the
 * order of the keys' bytes + body + secret, HMAC-SHA256 under the secret, lower-case hex.
 */
export function signatureOf(request: SignedRequest, secret: string): string {
  const pairs = Object.entries(request.query)
    .filter(([name]) => !neverSigned.has(name))
    // Byte order, never a locale's: that would misplace `_` and capitals.
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, value]) => `${name}${value}`)
    .join('');
  const text = `${secret}${request.path}${pairs}${request.body}${secret}`;
  return createHmac('sha256', secret).update(text, 'utf8').digest('hex');
}

/** The `Authorization` of a delivery (TTS-2.3, official vector): over the app key and the raw body. */
export function deliverySignature(body: Uint8Array, keys: { appKey: string; secret: string }): string {
  return createHmac('sha256', keys.secret).update(keys.appKey, 'utf8').update(body).digest('hex');
}
