import { createHmac, timingSafeEqual } from 'node:crypto';
import { flatQuery, rawurldecode, rawurlencode } from './php.ts';
import { RestProblem, wooProblem } from './problem.ts';
import type { ApiKey, Site } from './site.ts';

/** WC_REST_Authentication. WOO-O.1, last verified 2026-11. */

/** The tolerance around `oauth_timestamp`. Not scaled: it compares two wall clocks in whole seconds. */
const WINDOW_S = 15 * 60;

export interface AuthRequest {
  method: string;
  /** As sent, without the query. */
  path: string;
  query: URLSearchParams;
  /** Of a form-encoded POST: PHP puts it among the signed parameters. */
  form: URLSearchParams | null;
  headers: Record<string, string>;
}

/**
 * The key behind a request, or null for nobody: no credentials, unknown key, Basic without TLS.
 * Throws 401 `woocommerce_rest_authentication_error` for a known key that does not hold.
 */
export function authenticate(site: Site, request: AuthRequest): ApiKey | null {
  // Credentials are looked for only when the URL contains wp-json/wc/: ?rest_route= is nobody's.
  if (!request.path.includes('wp-json/wc/')) return null;
  const tls = site.home.startsWith('https:') && !site.faults.hits('is_ssl_off');
  const key = (tls ? basic(site, request) : null) ?? oauth(site, request);
  if (key !== null) checkPermission(key, request.method);
  return key;
}

function refuse(message: string): RestProblem {
  return new RestProblem('woocommerce_rest_authentication_error', message, 401);
}

function basic(site: Site, request: AuthRequest): ApiKey | null {
  const { query, headers } = request;
  const asked = pairOf(query.get('consumer_key') ?? '', query.get('consumer_secret') ?? '');
  const pair = asked ?? headerPair(headers['authorization'] ?? '');
  if (pair === null) return null;
  const key = site.keys.find((candidate) => candidate.key === pair.key);
  if (key === undefined) return null;
  if (key.secret !== pair.secret) throw refuse('Consumer secret is invalid.');
  return key;
}

function pairOf(key: string, secret: string): { key: string; secret: string } | null {
  return key === '' || secret === '' ? null : { key, secret };
}

function headerPair(header: string) {
  const encoded = /^Basic\s+(.+)$/i.exec(header)?.[1] ?? '';
  const [key = '', ...rest] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return pairOf(key, rest.join(':'));
}

const OAUTH_PARAMETERS = [
  'oauth_consumer_key',
  'oauth_timestamp',
  'oauth_nonce',
  'oauth_signature',
  'oauth_signature_method',
];

function oauth(site: Site, request: AuthRequest): ApiKey | null {
  const parameters = flatQuery(request.query);
  for (const [name, value] of flatQuery(request.form ?? new URLSearchParams())) parameters.set(name, value);
  for (const [name, value] of oauthHeader(request.headers['authorization'] ?? ''))
    parameters.set(name, value);
  const missing = OAUTH_PARAMETERS.filter((name) => (parameters.get(name) ?? '') === '');
  if (missing.length === OAUTH_PARAMETERS.length) return null;
  if (missing.length > 0) {
    throw wooProblem(
      'authentication_missing_parameter',
      `Missing OAuth parameter${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`,
      401,
    );
  }
  const key = site.keys.find((candidate) => candidate.key === parameters.get('oauth_consumer_key'));
  if (key === undefined) throw refuse('Consumer key is invalid.');
  checkSignature(site, request, parameters, key);
  checkNonce(site, parameters, key);
  return key;
}

function oauthHeader(header: string): [string, string][] {
  if (!/^OAuth\s/i.test(header)) return [];
  return [...header.matchAll(/(oauth_[a-z_-]*)=(?:"([^"]*)"|([^,]*))/g)].map((match) => [
    match[1] ?? '',
    rawurldecode(match[2] ?? match[3] ?? ''),
  ]);
}

function checkSignature(
  site: Site,
  request: AuthRequest,
  parameters: Map<string, string>,
  key: ApiKey,
): void {
  const method = parameters.get('oauth_signature_method') ?? '';
  if (method !== 'HMAC-SHA1' && method !== 'HMAC-SHA256') {
    throw refuse('Invalid signature - signature method is invalid.');
  }
  const base = signatureBase(site.home + request.path, request.method, parameters);
  const expected = createHmac(method === 'HMAC-SHA1' ? 'sha1' : 'sha256', `${key.secret}&`)
    .update(base)
    .digest();
  const given = rawurldecode((parameters.get('oauth_signature') ?? '').replaceAll(' ', '+'));
  const bytes = Buffer.from(given, 'base64');
  if (bytes.length !== expected.length || !timingSafeEqual(bytes, expected)) {
    throw refuse('Invalid signature - provided signature does not match.');
  }
}

/** METHOD & URL as the shop believes it to be & all parameters but the signature, sorted by name in byte order. */
function signatureBase(url: string, method: string, parameters: Map<string, string>): string {
  const pairs = [...parameters]
    .filter(([name]) => name !== 'oauth_signature')
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, value]) => `${rawurlencode(rawurldecode(name))}=${rawurlencode(rawurldecode(value))}`);
  return [method.toUpperCase(), rawurlencode(url), rawurlencode(pairs.join('&'))].join('&');
}

function checkNonce(site: Site, parameters: Map<string, string>, key: ApiKey): void {
  const now = site.seconds();
  const timestamp = Number(parameters.get('oauth_timestamp'));
  if (!Number.isInteger(timestamp) || Math.abs(now - timestamp) > WINDOW_S)
    throw refuse('Invalid timestamp.');
  for (const [nonce, at] of key.nonces) {
    if (at >= now - WINDOW_S) break;
    key.nonces.delete(nonce);
  }
  const nonce = parameters.get('oauth_nonce') ?? '';
  if (key.nonces.has(nonce)) throw refuse('Invalid nonce - nonce has already been used.');
  key.nonces.set(nonce, now);
}

function checkPermission(key: ApiKey, method: string): void {
  const reads = method === 'GET' || method === 'HEAD';
  if (reads && key.permissions === 'write') {
    throw refuse('The API key provided does not have read permissions.');
  }
  if (!reads && method !== 'OPTIONS' && key.permissions === 'read') {
    throw refuse('The API key provided does not have write permissions.');
  }
}
