import type { Random } from '../kit/random.ts';
import { jsonAnswer, type ShopAnswer, type ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { createTokenDesk } from '../kit/token-desk.ts';
import { Refusal } from './call.ts';
import { type State, seconds } from './state.ts';

/** Issues and judges tokens (TTS-1.2). */
export type Tokens = ReturnType<typeof createTokens>;

/** What the seller consented to (TTS-1.1). */
const consented: readonly string[] = [
  'seller.authorization.info',
  'seller.order.info',
  'seller.product.basic',
  'seller.product.write',
  'seller.logistics',
  'seller.return_refund.basic',
];

const accessMs = 7 * 86_400_000;
/** How long the seller's consent lasts: no refresh moves this end. */
const consentMs = 365 * 86_400_000;
const codeMs = 1_800_000;

interface Refreshable {
  generation: number;
  until: number;
}

/** Base64 of chance, with the characters that a URL reserves. */
function opaque(random: Random, prefix: string, bytes: number): string {
  return `${prefix}_${Buffer.from(`fbefbe${random.hex(bytes * 2)}fbef`, 'hex').toString('base64')}`;
}

/** The pairs of tokens that one app was given, and which of them are good. */
function createPairs({ faults, now, timeScale, seller }: State, random: Random, first: string) {
  let generation = 0;
  const desk = createTokenDesk<{ scopes: readonly string[]; generation: number }>(now, faults);
  const consentEnds = () => now() + platformMs(consentMs, timeScale);
  const refreshable = new Map<string, Refreshable>([[first, { generation, until: consentEnds() }]]);

  /** What is older than a generation that was used is dead. */
  const proven = (used: number) => {
    for (const [token, one] of refreshable) if (one.generation < used) refreshable.delete(token);
  };

  const issue = (until = consentEnds()): ShopAnswer => {
    generation += 1;
    const accessToken = opaque(random, 'TTP', 64);
    const refreshToken = opaque(random, 'TTP', 48);
    const scopes = faults.armed().includes('missing_scope')
      ? consented.filter((scope) => scope !== 'seller.product.write')
      : consented;
    const ends = Math.min(until, now() + platformMs(accessMs, timeScale));
    desk.keep(accessToken, { scopes, generation }, ends);
    refreshable.set(refreshToken, { generation, until });
    if (faults.hits('old_refresh_dies')) proven(generation);
    const since = faults.hits('expires_as_duration') ? seconds(now()) : 0;
    const data = {
      access_token: accessToken,
      access_token_expire_in: seconds(ends) - since,
      refresh_token: refreshToken,
      refresh_token_expire_in: seconds(until) - since,
      open_id: seller.openId,
      seller_name: seller.name,
      seller_base_region: seller.region,
      user_type: 0,
      granted_scopes: scopes,
    };
    return jsonAnswer(200, { code: 0, message: 'success', data, request_id: random.hex(32) });
  };
  return { desk, refreshable, proven, issue };
}

/**
 * Opens the token host of one app. What the facts leave open is assumed: a refresh token that has been rotated
 * lives on until a token of its successor's generation is used, so that a lost answer can be asked for again; codes
 * of refusals are 36004xxx.
 */
export function createTokens(state: State) {
  const { faults, now, timeScale } = state;
  const random = state.random.fork('tokens');
  /** Throwaway keys of one app, and of one seller's consent: the refresh token is rotated away by its first use. */
  const credentials = {
    appKey: random.hex(13),
    appSecret: random.hex(40),
    refreshToken: opaque(random, 'TTP', 48),
  };
  const { desk, refreshable, proven, issue } = createPairs(state, random, credentials.refreshToken);
  const codes = new Map<string, number>();
  const revoked = () => faults.armed().includes('deauthorized');

  const exchange = (query: URLSearchParams): ShopAnswer => {
    // Not `authorization_code`, as everywhere else.
    if (query.get('grant_type') !== 'authorized_code') throw tokenRefusal('Invalid grant_type');
    const code = query.get('auth_code') ?? '';
    const made = codes.get(code);
    codes.delete(code);
    if (made === undefined || now() - made > platformMs(codeMs, timeScale)) {
      throw tokenRefusal('Authorization code is invalid or expired');
    }
    return issue();
  };

  const refresh = (query: URLSearchParams): ShopAnswer | null => {
    if (query.get('grant_type') !== 'refresh_token') throw tokenRefusal('Invalid grant_type');
    const known = refreshable.get(query.get('refresh_token') ?? '');
    if (desk.refuses() || known === undefined || known.until <= now() || revoked()) {
      throw tokenRefusal('Refresh token is invalid or expired');
    }
    proven(known.generation);
    const answer = issue(known.until);
    return faults.hits('refresh_lost') ? null : answer;
  };

  return {
    credentials,
    desk,
    /** Answers `/api/v2/token/get` and `/api/v2/token/refresh`; null: the connection is cut. Throws `Refusal`. */
    answer({ method, path, query }: ShopRequest): ShopAnswer | null {
      const outage = desk.fault(['timeout', 'error_500', 'throttle'] as const);
      if (outage === 'timeout') return null;
      if (outage === 'error_500') throw new Refusal(500, 36009003, 'Internal error.');
      if (outage === 'throttle')
        throw new Refusal(429, 36009002, 'Too many requests.', { 'Retry-After': '1' });
      if (method !== 'GET') throw new Refusal(405, 36009010, 'Invalid method');
      if (query.get('app_key') !== credentials.appKey) throw tokenRefusal('Invalid app_key');
      if (query.get('app_secret') !== credentials.appSecret) throw tokenRefusal('Invalid app_secret');
      return path.endsWith('/get') ? exchange(query) : refresh(query);
    },
    /** What a living access token allows; null: unknown, expired or taken back. Proves that the tokens of its generation arrived. */
    scopesOf(accessToken: string): readonly string[] | null {
      const known = desk.grantOf(accessToken);
      if (known === null || revoked()) return null;
      proven(known.generation);
      return known.scopes;
    },
    /** The seller consents: a code, good for half an hour and one exchange. */
    consent(): string {
      const code = opaque(random, 'ROW', 24);
      codes.set(code, now());
      return code;
    },
  };
}

function tokenRefusal(message: string): Refusal {
  return new Refusal(200, 36004004, message);
}
