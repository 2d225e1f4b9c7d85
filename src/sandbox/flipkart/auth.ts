import type { Random } from '../kit/random.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { createTokenDesk } from '../kit/token-desk.ts';
import type { Site } from './site.ts';

/** Issues and judges tokens (FK-1.2). */
export type Auth = ReturnType<typeof createAuth>;

const lifeMs = 5_184_000_000;
const scopes = ['Seller_Api', 'Seller_Api,Default'];
/** How a token is refused when the platform has troubles of its own. */
const outages = {
  timeout: null,
  error_500: refuse(500, 'server_error'),
  error_503: refuse(503, 'temporarily_unavailable'),
  throttle: refuse(429, 'too_many_requests'),
};
const outageNames = ['timeout', 'error_500', 'error_503', 'throttle'] as const;

/** Of one self access application, as the seller's dashboard shows it (FK-1.1). */
export function createAuth(site: Site, random: Random) {
  const uuid = () => `${random.hex(8)}-${random.hex(4)}-11e4-a${random.hex(3)}-${random.hex(12)}`;
  /** The secret proves token calls and signs notifications. */
  const credentials = { appId: uuid(), appSecret: uuid() };
  const desk = createTokenDesk<true>(site.now, site.faults);
  let current = { value: '', until: 0 };

  /** The same token as long as it lives, with what is left of its life. */
  const issue = () => {
    if (desk.grantOf(current.value) === null || current.until - site.now() < 1_000) {
      current = {
        value: `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-b${random.hex(3)}-${random.hex(12)}`,
        until: site.now() + platformMs(lifeMs, site.timeScale),
      };
      desk.keep(current.value, true, current.until);
    }
    return {
      access_token: current.value,
      token_type: 'bearer',
      expires_in: Math.floor((current.until - site.now()) / 1000),
      scope: 'Seller_Api',
    };
  };

  return {
    credentials,
    desk,
    /** Null: the connection is cut. */
    token({ method, headers, query }: ShopRequest): ShopAnswer | null {
      const outage = desk.fault(outageNames);
      if (outage !== null) return outages[outage];
      if (method !== 'GET')
        return refuse(405, 'method_not_allowed', `Request method '${method}' not supported`);
      const basic = Buffer.from(`${credentials.appId}:${credentials.appSecret}`).toString('base64');
      if (desk.refuses() || headers['authorization'] !== `Basic ${basic}`)
        return refuse(401, 'unauthorized', 'Bad credentials');
      const grant = query.get('grant_type');
      if (grant === null) return refuse(400, 'invalid_request', 'Missing grant type');
      // Codes and refresh tokens belong to third-party applications (FK-1.1).
      if (grant !== 'client_credentials')
        return refuse(401, 'unauthorized_client', `Unauthorized grant type: ${grant}`);
      const scope = query.get('scope') ?? '';
      if (!scopes.includes(scope)) return refuse(400, 'invalid_scope', `Invalid scope: ${scope}`);
      return { status: 200, body: JSON.stringify(issue()) };
    },
    /** The merchant makes a new secret; the old one is dead at once, tokens live on. */
    rotateSecret() {
      credentials.appSecret = uuid();
    },
  };
}

function refuse(status: number, error: string, text?: string): ShopAnswer {
  return {
    status,
    ...(status === 401 ? { headers: { 'www-authenticate': 'Basic realm="oauth"' } } : {}),
    body: JSON.stringify({ error, error_description: text }),
  };
}
