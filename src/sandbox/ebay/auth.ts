import type { Random } from '../kit/random.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import type { Quota, Quotas } from './quota.ts';
import type { State } from './state.ts';

/** Throwaway keys of one keyset, and of one seller's consent. */
export interface Credentials {
  clientId: string;
  clientSecret: string;
  devId: string;
  ruName: string;
  refreshToken: string;
  /** ms since 1970 on the shop's clock. */
  refreshTokenCreated: number;
  verificationToken: string;
}

/** What an access token allows. */
export interface Grant {
  kind: 'user' | 'app';
  scopes: readonly string[];
}

/** Tokens and what they allow (EBAY-1.2 and EBAY-1.3). */
export interface Auth {
  credentials: Credentials;
  /** `POST /identity/v1/oauth2/token` */
  /** Null: the connection is cut. */
  token(request: ShopRequest): ShopAnswer | null;
  /** Null: unknown, dead or expired. */
  grantOf(token: string | undefined): Grant | null;
  /** Ends all access tokens. */
  expire(): void;
  /** Refuses the next token request, whatever it brings. */
  refuseNext(): void;
  forgive(): void;
  /** The seller consents on the platform's page: a code that lives for minutes. */
  consent(scopes?: readonly string[]): string;
}

const root = 'https://api.ebay.com/oauth/api_scope';

/** Scope of a name (`sell.inventory`); the plain one for an empty name. */
export function scope(name: string): string {
  return name === '' ? root : `${root}/${name}`;
}

/** What the seller consented to. */
export const consented: readonly string[] = [
  '',
  'sell.inventory',
  'sell.inventory.readonly',
  'sell.fulfillment',
  'sell.fulfillment.readonly',
  'sell.account',
  'sell.account.readonly',
  'commerce.notification.subscription',
  'commerce.notification.subscription.readonly',
  'commerce.identity.readonly',
].map(scope);

const accessMs = 7_200_000;
const refreshMs = 47_304_000_000;
const codeMs = 299_000;
/** How old the consent is when the shop opens. */
const consentAgeMs = 30 * 86_400_000;

interface Refreshable {
  bornAt: number;
  scopes: readonly string[];
}

/** Issues the tokens of one keyset. */
export function createAuth(deps: { state: State; random: Random; quotas: Quotas }): Auth {
  const { state, random, quotas } = deps;
  const opaque = (length: number) => `v^1.1#i^1#f^0#p^3#r^1#I^3#t^${random.hex(length)}==`;
  const credentials: Credentials = {
    clientId: `Invsync-Sandbox-PRD-${random.hex(9)}-${random.hex(8)}`,
    clientSecret: `PRD-${random.hex(12)}-${random.hex(4)}-${random.hex(4)}`,
    devId: uuid(random),
    ruName: `Invsync-InvsyncS-Sandbo-${random.hex(8)}`,
    refreshToken: opaque(80),
    refreshTokenCreated: state.now() - platformMs(consentAgeMs, state.timeScale),
    verificationToken: `verify_${random.hex(40)}`,
  };
  const access = new Map<string, Grant & { until: number }>();
  const refreshable = new Map<string, Refreshable>([
    [credentials.refreshToken, { bornAt: credentials.refreshTokenCreated, scopes: consented }],
  ]);
  const codes = new Map<string, Refreshable>();
  let refusing = false;

  const lacking = (scopes: readonly string[]): readonly string[] =>
    state.faults.armed().includes('missing_scope')
      ? scopes.filter((name) => !name.includes('commerce.notification'))
      : scopes;

  const issue = (grant: Grant) => {
    const token = opaque(120);
    // Never shorter than the whole second in which it is told.
    const seconds = Math.max(1, Math.floor(platformMs(accessMs, state.timeScale) / 1000));
    access.set(token, { ...grant, until: state.now() + seconds * 1000 });
    return { access_token: token, expires_in: seconds };
  };
  const answer = (body: unknown, status = 200): ShopAnswer => ({ status, body: JSON.stringify(body) });
  const refused = (error: string, text: string, status = 400) =>
    answer({ error, error_description: text }, status);
  const unscoped = () =>
    refused(
      'invalid_scope',
      'The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client',
    );

  const forApp = (form: URLSearchParams): ShopAnswer => {
    if (refusing) {
      refusing = false;
      return refused('invalid_client', 'client authentication failed', 401);
    }
    const scopes = wanted(form);
    if (scopes.some((name) => name !== root)) return unscoped();
    return answer({ ...issue({ kind: 'app', scopes: [root] }), token_type: 'Application Access Token' });
  };

  const forCode = (form: URLSearchParams): ShopAnswer => {
    const code = form.get('code') ?? '';
    const known = codes.get(code);
    codes.delete(code);
    if (form.get('redirect_uri') !== credentials.ruName || known === undefined) {
      return refused(
        'invalid_grant',
        'the provided authorization grant code is invalid or was issued to another client',
      );
    }
    if (state.now() - known.bornAt > platformMs(codeMs, state.timeScale)) {
      return refused('invalid_grant', 'the provided authorization grant code has expired');
    }
    const refreshToken = opaque(80);
    refreshable.set(refreshToken, { bornAt: state.now(), scopes: known.scopes });
    return answer({
      ...issue({ kind: 'user', scopes: lacking(known.scopes) }),
      refresh_token: refreshToken,
      refresh_token_expires_in: Math.max(1, Math.floor(platformMs(refreshMs, state.timeScale) / 1000)),
      token_type: 'User Access Token',
    });
  };

  const forRefresh = (form: URLSearchParams): ShopAnswer => {
    const dead = () =>
      refused(
        'invalid_grant',
        'the provided authorization refresh token is invalid or was issued to another client',
      );
    if (refusing) {
      refusing = false;
      return dead();
    }
    const known = refreshable.get(form.get('refresh_token') ?? '');
    if (known === undefined || state.faults.armed().includes('token_revoked')) return dead();
    if (state.now() - known.bornAt > platformMs(refreshMs, state.timeScale)) return dead();
    const granted = lacking(known.scopes);
    const scopes = form.has('scope') ? wanted(form) : granted;
    if (scopes.some((name) => !granted.includes(name))) return unscoped();
    return answer({ ...issue({ kind: 'user', scopes }), token_type: 'User Access Token' });
  };

  const grants: Record<string, { quota: Quota; give(form: URLSearchParams): ShopAnswer }> = {
    client_credentials: { quota: 'client_credentials', give: forApp },
    authorization_code: { quota: 'authorization_code', give: forCode },
    refresh_token: { quota: 'refresh_token', give: forRefresh },
  };

  return {
    credentials,
    token(request) {
      const { faults } = state;
      if (faults.hits('timeout')) return null;
      if (faults.hits('error_500')) return { status: 500, body: '{"error":"server_error"}' };
      if (faults.hits('throttle')) return { status: 429, body: '{"error":"invalid_request"}' };
      if (faults.hits('auth')) refusing = true;
      const basic = Buffer.from(`${credentials.clientId}:${credentials.clientSecret}`).toString('base64');
      if (request.headers['authorization'] !== `Basic ${basic}`) {
        return refused('invalid_client', 'client authentication failed', 401);
      }
      if (!(request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
        return refused('invalid_request', 'request is missing a required parameter or malformed.');
      }
      const form = new URLSearchParams(request.body.toString('utf8'));

      const grant = grants[form.get('grant_type') ?? ''];
      if (grant === undefined)
        return refused(
          'unsupported_grant_type',
          'grant type in request is not supported by the authorization server',
        );
      if (!quotas.take(grant.quota)) {
        return refused('invalid_request', 'the daily limit of token requests is exceeded', 429);
      }
      return grant.give(form);
    },
    grantOf(token) {
      const known = token === undefined ? undefined : access.get(token);
      if (known === undefined) return null;
      if (known.kind === 'user' && state.faults.armed().includes('token_revoked')) return null;
      if (known.until > state.now()) return known;
      access.delete(token ?? '');
      return null;
    },
    expire() {
      access.clear();
    },
    refuseNext() {
      refusing = true;
    },
    forgive() {
      refusing = false;
    },
    consent(scopes = consented) {
      const code = `v^1.1#i^1#I^3#f^0#r^1#p^3#t^${random.hex(40)}`;
      codes.set(code, { bornAt: state.now(), scopes });
      return code;
    },
  };
}

function wanted(form: URLSearchParams): string[] {
  return (form.get('scope') ?? '').split(/\s+/).filter((name) => name !== '');
}

/** A version 4 UUID, lower case. */
export function uuid(random: Random): string {
  const hex = random.hex(32);
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20),
  ];
  return parts.join('-');
}
