import type { Random } from '../kit/random.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import type { Site } from './site.ts';

/** Login with Amazon (AMZ-1.2, last verified 2026-11). */

export interface Credentials {
  clientId: string;
  clientSecret: string;
  refreshToken: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** What an access token may call: the seller's data, or what belongs to the application alone. */
export type TokenKind = 'seller' | 'grantless';

export interface Lwa {
  readonly credentials: Credentials;
  /** `POST /auth/o2/token`. */
  grant(request: ShopRequest): ShopAnswer;
  /** Null: a good token of that kind; else why not, as the API's `details` tell it. */
  refusal(token: string | undefined, kind: TokenKind): string | null;
  /** Every access token dies now. */
  expireAll(): void;
  /** Refuses the next grant, whatever it brings. */
  refuseNext(): void;
  /** Takes that back. */
  forgive(): void;
}

const lifeMs = 3_600_000;
const notificationScope = 'sellingpartnerapi::notifications';
const scopes = [notificationScope, 'sellingpartnerapi::client_credential:rotation'];

export function createCredentials(random: Random): Credentials {
  return {
    clientId: `amzn1.application-oa2-client.${random.hex(32)}`,
    clientSecret: `amzn1.oa2-cs.v1.${random.hex(64)}`,
    refreshToken: `Atzr|IwEBI${random.hex(120)}`,
    accessKeyId: `AKIA${random.hex(16).toUpperCase()}`,
    secretAccessKey: random.hex(40),
  };
}

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

export function createLwa(site: Site, credentials: Credentials, random: Random): Lwa {
  const tokens = new Map<string, { kind: TokenKind; scope: string | null; diesAt: number }>();
  let refusing = false;

  const issue = (kind: TokenKind, scope: string | null): ShopAnswer => {
    const token = `Atza|IwEBI${random.hex(300)}`;
    const lives = platformMs(lifeMs, site.timeScale);
    tokens.set(token, { kind, scope, diesAt: site.now() + lives });
    const answer = {
      access_token: token,
      token_type: 'bearer',
      expires_in: Math.max(1, Math.round(lives / 1000)),
      ...(kind === 'seller' ? { refresh_token: credentials.refreshToken } : { scope }),
    };
    return { status: 200, headers: noStore, body: JSON.stringify(answer) };
  };

  return {
    credentials,
    grant(request) {
      const form = formOf(request);
      if (form === null) {
        return refused(400, 'invalid_request', 'Content-Type must be application/x-www-form-urlencoded');
      }
      const grantType = form.get('grant_type');
      if (grantType === null) {
        return refused(400, 'invalid_request', 'The request is missing a required parameter : grant_type');
      }
      if (grantType !== 'refresh_token' && grantType !== 'client_credentials') {
        return refused(
          400,
          'unsupported_grant_type',
          'The authorization grant type is not supported by the authorization server',
        );
      }
      if (refusing || site.faults.hits('auth')) {
        refusing = false;
        return refused(401, 'invalid_client', 'Client authentication failed');
      }
      const secretDead = site.faults.hits('secret_expired');
      const known = form.get('client_id') === credentials.clientId;
      if (secretDead || !known || form.get('client_secret') !== credentials.clientSecret) {
        return refused(401, 'invalid_client', 'Client authentication failed');
      }
      if (grantType === 'client_credentials') {
        const scope = form.get('scope') ?? '';
        if (!scopes.includes(scope)) {
          return refused(400, 'invalid_scope', 'The request has an invalid scope parameter');
        }
        return issue('grantless', scope);
      }
      if (site.faults.hits('token_revoked')) {
        tokens.clear();
        return refused(400, 'invalid_grant', 'The request has an invalid grant parameter : refresh_token');
      }
      if (form.get('refresh_token') !== credentials.refreshToken) {
        return refused(400, 'invalid_grant', 'The request has an invalid grant parameter : refresh_token');
      }
      return issue('seller', null);
    },
    refusal(token, kind) {
      if (token === undefined || token === '') return 'Access token is missing in the request header.';
      const known = tokens.get(token);
      if (known === undefined || site.faults.armed().includes('token_revoked')) {
        return 'The access token you provided is revoked, malformed or invalid.';
      }
      if (known.diesAt <= site.now()) return 'The access token you provided has expired.';
      if (known.kind !== kind) return '';
      return kind === 'grantless' && known.scope !== notificationScope ? '' : null;
    },
    expireAll() {
      for (const token of tokens.values()) token.diesAt = 0;
    },
    refuseNext() {
      refusing = true;
    },
    forgive() {
      refusing = false;
    },
  };
}

const noStore = { 'cache-control': 'no-store', pragma: 'no-cache' };

function refused(status: number, error: string, description: string): ShopAnswer {
  return { status, headers: noStore, body: JSON.stringify({ error, error_description: description }) };
}
