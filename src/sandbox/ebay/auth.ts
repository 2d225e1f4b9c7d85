import type { Random } from '../kit/random.ts';
import { jsonAnswer, type ShopAnswer, type ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { createTokenDesk } from '../kit/token-desk.ts';
import type { Quotas } from './quota.ts';
import type { State } from './state.ts';

/** What an access token allows. */
export interface Grant {
  kind: 'user' | 'app';
  scopes: readonly string[];
}

/** Tokens and what they allow (EBAY-1.2 and EBAY-1.3). */
export type Auth = ReturnType<typeof createAuth>;
export type Credentials = ReturnType<typeof createCredentials>;

const root = 'https://api.ebay.com/oauth/api_scope';

/** Scope of a name (`sell.inventory`); the plain one for an empty name. */
export function scope(name: string): string {
  return name === '' ? root : `${root}/${name}`;
}

/** What the seller consented to. */
const consented: readonly string[] = [
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

/** Throwaway keys of one keyset, and of one seller's consent. */
function createCredentials(state: State, random: Random) {
  return {
    clientId: `Invsync-Sandbox-PRD-${random.hex(9)}-${random.hex(8)}`,
    clientSecret: `PRD-${random.hex(12)}-${random.hex(4)}-${random.hex(4)}`,
    devId: uuid(random),
    ruName: `Invsync-InvsyncS-Sandbo-${random.hex(8)}`,
    refreshToken: opaque(random, 80),
    /** ms since 1970 on the shop's clock. */
    refreshTokenCreated: state.now() - platformMs(consentAgeMs, state.timeScale),
    verificationToken: `verify_${random.hex(40)}`,
  };
}

function opaque(random: Random, length: number): string {
  return `v^1.1#i^1#f^0#p^3#r^1#I^3#t^${random.hex(length)}==`;
}

interface Refreshable {
  bornAt: number;
  scopes: readonly string[];
}

const wrongGrant = (what: string) =>
  refused('invalid_grant', `the provided authorization ${what} is invalid or was issued to another client`);
const wrongClient = () => refused('invalid_client', 'client authentication failed', 401);
const wrongScope = () =>
  refused(
    'invalid_scope',
    'The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client',
  );

/** What each grant type brings. */
function createGrants({ faults, now, timeScale }: State, random: Random, credentials: Credentials) {
  const desk = createTokenDesk<Grant>(now, faults);
  const refreshable = new Map<string, Refreshable>([
    [credentials.refreshToken, { bornAt: credentials.refreshTokenCreated, scopes: consented }],
  ]);
  const codes = new Map<string, Refreshable>();
  // Never shorter than the whole second in which it is told.
  const seconds = (ms: number) => Math.max(1, Math.floor(platformMs(ms, timeScale) / 1000));
  const isOld = ({ bornAt }: Refreshable, ms: number) => now() - bornAt > platformMs(ms, timeScale);
  const lacking = (scopes: readonly string[]): readonly string[] =>
    faults.armed().includes('missing_scope')
      ? scopes.filter((name) => !name.includes('commerce.notification'))
      : scopes;

  const issue = (grant: Grant, refresh = {}): ShopAnswer => {
    const access_token = opaque(random, 120);
    const expires_in = seconds(accessMs);
    desk.keep(access_token, grant, now() + expires_in * 1000);
    const token_type = grant.kind === 'app' ? 'Application Access Token' : 'User Access Token';
    return jsonAnswer(200, { access_token, expires_in, ...refresh, token_type });
  };

  const grants = {
    client_credentials(form: URLSearchParams) {
      if (desk.refuses()) return wrongClient();
      if (wanted(form).some((name) => name !== root)) return wrongScope();
      return issue({ kind: 'app', scopes: [root] });
    },
    authorization_code(form: URLSearchParams) {
      const code = form.get('code') ?? '';
      const known = codes.get(code);
      codes.delete(code);
      if (form.get('redirect_uri') !== credentials.ruName || known === undefined)
        return wrongGrant('grant code');
      if (isOld(known, codeMs))
        return refused('invalid_grant', 'the provided authorization grant code has expired');
      const refresh_token = opaque(random, 80);
      refreshable.set(refresh_token, { bornAt: now(), scopes: known.scopes });
      const refresh = { refresh_token, refresh_token_expires_in: seconds(refreshMs) };
      return issue({ kind: 'user', scopes: lacking(known.scopes) }, refresh);
    },
    refresh_token(form: URLSearchParams) {
      const known = refreshable.get(form.get('refresh_token') ?? '');
      const dead = desk.refuses() || known === undefined || faults.armed().includes('token_revoked');
      if (dead || isOld(known, refreshMs)) return wrongGrant('refresh token');
      const granted = lacking(known.scopes);
      const scopes = form.has('scope') ? wanted(form) : granted;
      if (scopes.some((name) => !granted.includes(name))) return wrongScope();
      return issue({ kind: 'user', scopes });
    },
  };
  return { desk, codes, grants };
}

/** Issues the tokens of one keyset. */
export function createAuth(state: State, quotas: Quotas) {
  const random = state.random.fork('auth');
  const { faults, now } = state;
  const credentials = createCredentials(state, random);
  const { clientId, clientSecret } = credentials;
  const { desk, codes, grants } = createGrants(state, random, credentials);

  return {
    credentials,
    desk,
    /** `POST /identity/v1/oauth2/token`. Null: the connection is cut. */
    token({ headers, body }: ShopRequest): ShopAnswer | null {
      const outage = desk.fault(['timeout', 'error_500', 'throttle'] as const);
      if (outage === 'timeout') return null;
      if (outage === 'error_500') return { status: 500, body: '{"error":"server_error"}' };
      if (outage === 'throttle') return { status: 429, body: '{"error":"invalid_request"}' };
      const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
      if (headers['authorization'] !== `Basic ${basic}`) return wrongClient();
      if (!(headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
        return refused('invalid_request', 'request is missing a required parameter or malformed.');
      }
      const form = new URLSearchParams(body.toString('utf8'));
      const type = form.get('grant_type') ?? '';
      if (!isGrant(type)) {
        const text = 'grant type in request is not supported by the authorization server';
        return refused('unsupported_grant_type', text);
      }
      if (!quotas.take(type)) {
        return refused('invalid_request', 'the daily limit of token requests is exceeded', 429);
      }
      return grants[type](form);
    },
    /** Null: unknown, dead or expired. */
    grantOf(token: string | undefined): Grant | null {
      const known = desk.grantOf(token);
      return known?.kind === 'user' && faults.armed().includes('token_revoked') ? null : known;
    },
    /** The seller consents on the platform's page: a code that lives for minutes. */
    consent(scopes = consented): string {
      const code = `v^1.1#i^1#I^3#f^0#r^1#p^3#t^${random.hex(40)}`;
      codes.set(code, { bornAt: now(), scopes });
      return code;
    },
  };
}

type GrantType = 'client_credentials' | 'authorization_code' | 'refresh_token';

function isGrant(type: string): type is GrantType {
  return ['client_credentials', 'authorization_code', 'refresh_token'].includes(type);
}

function refused(error: string, text: string, status = 400): ShopAnswer {
  return jsonAnswer(status, { error, error_description: text });
}

function wanted(form: URLSearchParams): string[] {
  return (form.get('scope') ?? '').split(/\s+/).filter((name) => name !== '');
}

/** A version 4 UUID, lower case. */
export function uuid(random: Random): string {
  const hex = random.hex(32);
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5');
}
