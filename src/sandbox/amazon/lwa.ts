import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import type { Site } from './site.ts';

/** Login with Amazon (AMZ-1.2, last verified 2026-11). */

/** What an access token may call: the seller's data, or what belongs to the application alone. */
export type TokenKind = 'seller' | 'grantless';

const lifeMs = 3_600_000;
const notificationScope = 'sellingpartnerapi::notifications';
const scopes = [notificationScope, 'sellingpartnerapi::client_credential:rotation'];

/** The fields of a grant: a form by the documentation; JSON is what Amazon's own SDKs send, and is taken, too. */
function formOf(request: ShopRequest): URLSearchParams | null {
  const type = request.headers['content-type'] ?? '';
  const body = request.body.toString('utf8');
  if (type.startsWith('application/x-www-form-urlencoded')) return new URLSearchParams(body);
  if (!type.startsWith('application/json')) return null;
  try {
    return new URLSearchParams(JSON.parse(body) as Record<string, string>);
  } catch {
    return null;
  }
}

type Refusal = [status: number, error: string, description: string];

const refusals = {
  form: [400, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded'],
  noType: [400, 'invalid_request', 'The request is missing a required parameter : grant_type'],
  type: [
    400,
    'unsupported_grant_type',
    'The authorization grant type is not supported by the authorization server',
  ],
  client: [401, 'invalid_client', 'Client authentication failed'],
  scope: [400, 'invalid_scope', 'The request has an invalid scope parameter'],
  refreshToken: [400, 'invalid_grant', 'The request has an invalid grant parameter : refresh_token'],
} satisfies Record<string, Refusal>;

function answer(status: number, body: unknown): ShopAnswer {
  const headers = { 'cache-control': 'no-store', pragma: 'no-cache' };
  return { status, headers, body: JSON.stringify(body) };
}

/** The access tokens that were handed out. */
function createTokens({ random: own, credentials, faults, now, timeScale }: Site) {
  const random = own.fork('tokens');
  const tokens = new Map<string, { kind: TokenKind; scope: string | null; diesAt: number }>();
  return {
    issue(kind: TokenKind, scope: string | null): ShopAnswer {
      const token = `Atza|IwEBI${random.hex(300)}`;
      const lives = platformMs(lifeMs, timeScale);
      tokens.set(token, { kind, scope, diesAt: now() + lives });
      return answer(200, {
        access_token: token,
        token_type: 'bearer',
        expires_in: Math.max(1, Math.round(lives / 1000)),
        ...(kind === 'seller' ? { refresh_token: credentials.refreshToken } : { scope }),
      });
    },
    clear: () => tokens.clear(),
    /** Every access token dies now. */
    expireAll() {
      for (const token of tokens.values()) token.diesAt = 0;
    },
    /** Null: a good token of that kind; else why not, as the API's `details` tell it. */
    refusal(token: string | undefined, kind: TokenKind): string | null {
      if (token === undefined || token === '') return 'Access token is missing in the request header.';
      const known = tokens.get(token);
      if (known === undefined || faults.armed().includes('token_revoked')) {
        return 'The access token you provided is revoked, malformed or invalid.';
      }
      if (known.diesAt <= now()) return 'The access token you provided has expired.';
      if (known.kind !== kind) return '';
      return kind === 'grantless' && known.scope !== notificationScope ? '' : null;
    },
  };
}

export type Lwa = ReturnType<typeof createLwa>;

export function createLwa(site: Site) {
  const { credentials, faults } = site;
  const tokens = createTokens(site);
  let refusing = false;

  const granted = (form: URLSearchParams | null): ShopAnswer | Refusal => {
    if (form === null) return refusals.form;
    const grantType = form.get('grant_type');
    if (grantType === null) return refusals.noType;
    if (grantType !== 'refresh_token' && grantType !== 'client_credentials') return refusals.type;
    if (refusing || faults.hits('auth')) {
      refusing = false;
      return refusals.client;
    }
    const secretDead = faults.hits('secret_expired');
    const known = form.get('client_id') === credentials.clientId;
    if (secretDead || !known || form.get('client_secret') !== credentials.clientSecret) {
      return refusals.client;
    }
    if (grantType === 'client_credentials') {
      const scope = form.get('scope') ?? '';
      return scopes.includes(scope) ? tokens.issue('grantless', scope) : refusals.scope;
    }
    const revoked = faults.hits('token_revoked');
    if (revoked) tokens.clear();
    const good = !revoked && form.get('refresh_token') === credentials.refreshToken;
    return good ? tokens.issue('seller', null) : refusals.refreshToken;
  };

  return {
    /** `POST /auth/o2/token`. */
    grant(request: ShopRequest): ShopAnswer {
      const given = granted(formOf(request));
      if (!Array.isArray(given)) return given;
      const [status, error, error_description] = given;
      return answer(status, { error, error_description });
    },
    refusal: tokens.refusal,
    expireAll: tokens.expireAll,
    /** Refuses the next grant, whatever it brings. */
    refuseNext() {
      refusing = true;
    },
    /** Takes that back. */
    forgive() {
      refusing = false;
    },
  };
}
