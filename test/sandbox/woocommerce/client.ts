import { createHmac, randomBytes } from 'node:crypto';
import { type Answer, basicAuth, send } from '../../kit/shop-stage.ts';

/** A REST client of the tests: its own OAuth 1.0a, written from RFC 5849, and nothing shared with the shop. */

export interface Credentials {
  key: string;
  secret: string;
}

const enc = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export interface OauthOptions {
  nonce?: string;
  timestamp?: number;
  algorithm?: 'sha1' | 'sha256';
  /** The URL that is signed, when it is not the one that is called. */
  home?: string;
}

/** The URL with OAuth parameters in its query. `path` starts with a slash and may carry a query. */
export function signedUrl(
  base: string,
  method: string,
  path: string,
  credentials: Credentials,
  options: OauthOptions = {},
): string {
  const algorithm = options.algorithm ?? 'sha256';
  const url = new URL((options.home ?? base) + path);
  const parameters: [string, string][] = [...url.searchParams];
  parameters.push(
    ['oauth_consumer_key', credentials.key],
    ['oauth_nonce', options.nonce ?? randomBytes(16).toString('hex')],
    ['oauth_signature_method', algorithm === 'sha1' ? 'HMAC-SHA1' : 'HMAC-SHA256'],
    ['oauth_timestamp', String(options.timestamp ?? Math.floor(Date.now() / 1000))],
  );
  const sorted = parameters.map(([k, v]) => [enc(k), enc(v)] as const).sort((a, b) => (a[0] < b[0] ? -1 : 1));
  const text = sorted.map(([k, v]) => `${k}=${v}`).join('&');
  const signed = `${method}&${enc(url.origin + url.pathname)}&${enc(text)}`;
  const signature = createHmac(algorithm, `${credentials.secret}&`).update(signed).digest('base64');
  return `${base}${url.pathname}?${text}&oauth_signature=${enc(signature)}`;
}

export type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** Calls `/wp-json/wc/v3` + path with OAuth in the query. `now` is the shop's clock in ms. */
export function oauthClient(base: string, credentials: Credentials, now: () => number = Date.now): Call {
  return async (method, path, body) => {
    const timestamp = Math.floor(now() / 1000);
    return json(signedUrl(base, method, `/wp-json/wc/v3${path}`, credentials, { timestamp }), method, body);
  };
}

export function basicClient(base: string, { key, secret }: Credentials): Call {
  const authorization = basicAuth(`${key}:${secret}`);
  return (method, path, body) => json(`${base}/wp-json/wc/v3${path}`, method, body, { authorization });
}

function json(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const type = body === undefined ? undefined : 'application/json';
  return send(url, {
    method,
    headers: { 'content-type': type, ...headers },
    body: body === undefined ? body : JSON.stringify(body),
  });
}
