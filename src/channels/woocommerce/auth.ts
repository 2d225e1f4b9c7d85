import { createHmac } from 'node:crypto';
import { basicProof } from '../kit/oauth.ts';
import type { WooConfig } from './config.ts';

/** A request to be proved; query parameters in the order in which they are sent. */
interface Provable {
  method: string;
  path: string;
  query: readonly [string, string][];
}

/** What is made anew for each request. */
interface Fresh {
  nonce: string;
  now: number;
}

/** How a shop is spoken to: decided by its own address, not by where the bytes go. */
export type Scheme = 'basic' | 'query' | 'oauth';

/** Basic on https, OAuth 1.0a on http, the query string where the host strips headers (WOO-1.2, WOO-1.3, WOO-O.1). */
export function schemeOf(config: WooConfig): Scheme {
  if (!config.url.startsWith('https://')) return 'oauth';
  return config.credentials_in_query ? 'query' : 'basic';
}

/** What proves one request: headers and the full query, credentials included. Never log either. */
export function authenticate(
  config: WooConfig,
  request: Provable,
  fresh: Fresh,
): { headers: Record<string, string>; query: Provable['query'] } {
  const { consumer_key: key, consumer_secret: secret } = config;
  const { query } = request;
  const scheme = schemeOf(config);
  if (scheme === 'basic') return { headers: { authorization: basicProof(key, secret) }, query };
  if (scheme === 'oauth') return { headers: {}, query: signed(config, request, fresh) };
  return { headers: {}, query: [...query, ['consumer_key', key], ['consumer_secret', secret]] };
}

/**
 * One-legged OAuth 1.0a with HMAC-SHA256 and all parameters in the query. The shop rebuilds the URL from its own home
 * address, so that `config.url` is signed whatever address the bytes go to (WOO-1.3; seen accepted, O.1, 2026-11).
 */
function signed(config: WooConfig, request: Provable, fresh: Fresh): Provable['query'] {
  const query: [string, string][] = [
    ...request.query,
    ['oauth_consumer_key', config.consumer_key],
    ['oauth_nonce', fresh.nonce],
    ['oauth_signature_method', 'HMAC-SHA256'],
    ['oauth_timestamp', String(Math.floor(fresh.now / 1000))],
  ];
  // Sorted by name, then by value: NUL comes before every character of either.
  const sorted = query.map(([name, value]) => `${encode(name)}\0${encode(value)}`).sort();
  const parameters = sorted.map((pair) => pair.replace('\0', '=')).join('&');
  const signedText = [request.method, encode(`${config.url}${request.path}`), encode(parameters)].join('&');
  const signature = createHmac('sha256', `${config.consumer_secret}&`).update(signedText).digest('base64');
  return [...query, ['oauth_signature', signature]];
}

/** RFC 3986 percent-encoding. */
function encode(text: string): string {
  const byte = (c: string) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, byte);
}
