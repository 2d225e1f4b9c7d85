import { createHmac } from 'node:crypto';
import type { WooConfig } from './config.ts';

/** Query parameters in the order in which they are sent. */
export type Query = readonly (readonly [string, string])[];

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
  request: { method: string; path: string; query: Query },
  fresh: { nonce: string; now: number },
): { headers: Record<string, string>; query: Query } {
  const { consumer_key: key, consumer_secret: secret } = config;
  const scheme = schemeOf(config);
  if (scheme === 'basic') {
    const credentials = Buffer.from(`${key}:${secret}`, 'utf8').toString('base64');
    return { headers: { authorization: `Basic ${credentials}` }, query: request.query };
  }
  if (scheme === 'query') {
    return {
      headers: {},
      query: [...request.query, ['consumer_key', key], ['consumer_secret', secret]],
    };
  }
  return { headers: {}, query: signed(config, request, fresh) };
}

/** RFC 3986 percent-encoding; also what the sent URL uses, so that signed and sent text agree. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A query string without the question mark. */
export function queryString(query: Query): string {
  return query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
}

/**
 * One-legged OAuth 1.0a with HMAC-SHA256 and all parameters in the query. The shop rebuilds the URL from its own home
 * address, so that `config.url` is signed whatever address the bytes go to (WOO-1.3; seen accepted, O.1, 2026-11).
 */
function signed(
  config: WooConfig,
  request: { method: string; path: string; query: Query },
  fresh: { nonce: string; now: number },
): Query {
  const query: Query = [
    ...request.query,
    ['oauth_consumer_key', config.consumer_key],
    ['oauth_nonce', fresh.nonce],
    ['oauth_signature_method', 'HMAC-SHA256'],
    ['oauth_timestamp', String(Math.floor(fresh.now / 1000))],
  ];
  const parameters = query
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, va], [b, vb]) => (a === b ? order(va, vb) : order(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const signedText = [request.method, encode(`${config.url}${request.path}`), encode(parameters)].join('&');
  const signature = createHmac('sha256', `${config.consumer_secret}&`).update(signedText).digest('base64');
  return [...query, ['oauth_signature', signature]];
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
