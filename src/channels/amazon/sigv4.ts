import { createHmac } from 'node:crypto';
import { digestOf } from '../kit/hook.ts';

/** Keys of a user of the cloud that signs; `service` and `region` are those of the endpoint. */
export interface SigningKeys {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  service: string;
}

/** What is signed: all given headers, the host of the address among them by itself, and the whole body. */
export interface SignedRequest {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/**
 * Signature Version 4 for requests whose path is already in its sent form. Returns the given headers plus `x-amz-date`
 * and `authorization`; the host is signed but not among them, because the HTTP client sends it by itself. Header names
 * must be lower case. `now` in milliseconds: a clock that is off by more than five minutes is refused by the service.
 */
export function signedHeaders(
  request: SignedRequest,
  keys: SigningKeys,
  now: number,
): Record<string, string> {
  const url = new URL(request.url);
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${stamp.slice(0, 8)}/${keys.region}/${keys.service}/aws4_request`;
  const sent: Record<string, string> = { ...request.headers, 'x-amz-date': stamp };
  const entries = Object.entries({ ...sent, host: url.host }).sort(([a], [b]) => (a < b ? -1 : 1));
  const names = entries.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    url.pathname,
    canonicalQuery(url),
    ...entries.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    names,
    digestOf(request.body),
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', stamp, scope, digestOf(canonical)].join('\n');
  const signature = hmac(signingKey(keys, stamp.slice(0, 8)), text).toString('hex');
  const credential = `${keys.accessKeyId}/${scope}`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...sent, authorization };
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

function encode(text: string): string {
  const escaped = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, escaped);
}

function signingKey({ secretAccessKey, region, service }: SigningKeys, day: string): Buffer {
  const parts = [day, region, service, 'aws4_request'];
  return parts.reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
