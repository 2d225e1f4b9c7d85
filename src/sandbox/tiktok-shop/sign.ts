import { createHmac } from 'node:crypto';

/** What a request's signature covers. `query` holds decoded values; `body` the bytes as they came. */
interface Signable {
  path: string;
  query: Iterable<[string, string]>;
  body: Uint8Array;
  /** Bodies of files are not signed. */
  multipart?: true;
}

const unsigned = new Set(['sign', 'access_token']);

/** The `sign` parameter of a request (TTS-1.4): 64 lower-case hex digits. */
export function requestSignature(secret: string, { path, query, body, multipart }: Signable): string {
  const pairs = [...query]
    .filter(([key]) => !unsigned.has(key))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const hmac = createHmac('sha256', secret).update(secret).update(path);
  for (const [key, value] of pairs) hmac.update(`${key}${value}`);
  if (multipart !== true) hmac.update(body);
  return hmac.update(secret).digest('hex');
}

/** The `Authorization` header of a delivery (TTS-2.3): HMAC over the app's key and the raw body. */
export function deliverySignature(appKey: string, secret: string, body: Uint8Array): string {
  return createHmac('sha256', secret).update(appKey).update(body).digest('hex');
}
