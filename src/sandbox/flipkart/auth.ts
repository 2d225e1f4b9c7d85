import { timingSafeEqual } from 'node:crypto';
import type { Random } from '../kit/random.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import type { Site } from './site.ts';

/** A self access application, as the seller's dashboard shows it (FK-1.1). */
export interface Credentials {
  appId: string;
  /** Proves token calls and signs notifications. */
  appSecret: string;
}

/** Issues and judges tokens (FK-1.2). */
export interface Auth {
  readonly credentials: Credentials;
  /** Null: the connection is cut. */
  token(request: ShopRequest): ShopAnswer | null;
  /** Is this the value of a header with a live token? */
  admits(authorization: string | undefined): boolean;
  /** All tokens die now. */
  expire(): void;
  /** The next token call is refused. */
  refuseNext(): void;
  forgive(): void;
  /** The merchant makes a new secret; the old one is dead at once, tokens live on. */
  rotateSecret(): void;
}

const lifeMs = 5_184_000_000;
const scopes = ['Seller_Api', 'Seller_Api,Default'];

/** Of one application. */
export function createAuth(site: Site, random: Random): Auth {
  const uuid = () => `${random.hex(8)}-${random.hex(4)}-11e4-a${random.hex(3)}-${random.hex(12)}`;
  const credentials: Credentials = { appId: uuid(), appSecret: uuid() };
  let tokens: { value: string; until: number }[] = [];
  let refusing = false;

  const refuse = (status: number, error: string, text?: string): ShopAnswer => ({
    status,
    ...(status === 401 ? { headers: { 'www-authenticate': 'Basic realm="oauth"' } } : {}),
    body: JSON.stringify({ error, error_description: text }),
  });

  /** The same token as long as it lives, with what is left of its life. */
  const current = () => {
    const known = tokens.find(({ until }) => until - site.now() >= 1_000);
    if (known !== undefined) return known;
    const fresh = {
      value: `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-b${random.hex(3)}-${random.hex(12)}`,
      until: site.now() + platformMs(lifeMs, site.timeScale),
    };
    tokens = [fresh, ...tokens.filter(({ until }) => until > site.now())];
    return fresh;
  };

  return {
    credentials,
    token(request) {
      const { faults } = site;
      if (faults.hits('timeout')) return null;
      if (faults.hits('error_500')) return refuse(500, 'server_error');
      if (faults.hits('error_503')) return refuse(503, 'temporarily_unavailable');
      if (faults.hits('throttle')) return refuse(429, 'too_many_requests');
      if (faults.hits('auth')) refusing = true;
      if (request.method !== 'GET')
        return refuse(405, 'method_not_allowed', `Request method '${request.method}' not supported`);
      const basic = Buffer.from(`${credentials.appId}:${credentials.appSecret}`).toString('base64');
      const known = same(request.headers['authorization'] ?? '', `Basic ${basic}`);
      if (refusing || !known) {
        refusing = false;
        return refuse(401, 'unauthorized', 'Bad credentials');
      }
      const grant = request.query.get('grant_type');
      if (grant === null) return refuse(400, 'invalid_request', 'Missing grant type');
      // Codes and refresh tokens belong to third-party applications (FK-1.1).
      if (grant !== 'client_credentials')
        return refuse(401, 'unauthorized_client', `Unauthorized grant type: ${grant}`);
      const scope = request.query.get('scope') ?? '';
      if (!scopes.includes(scope)) return refuse(400, 'invalid_scope', `Invalid scope: ${scope}`);
      const { value, until } = current();
      const left = Math.floor((until - site.now()) / 1000);
      const body = { access_token: value, token_type: 'bearer', expires_in: left, scope: 'Seller_Api' };
      return { status: 200, body: JSON.stringify(body) };
    },
    admits(authorization = '') {
      return tokens.some(({ value, until }) => until > site.now() && same(authorization, `Bearer ${value}`));
    },
    expire() {
      tokens = [];
    },
    refuseNext() {
      refusing = true;
    },
    forgive() {
      refusing = false;
    },
    rotateSecret() {
      credentials.appSecret = uuid();
    },
  };
}

function same(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
