import type { Faults } from '../kit/faults.ts';
import type { Random } from '../kit/random.ts';
import type { ShopAnswer, ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';

/** Throwaway keys of one app in this shop. */
export interface Credentials {
  /** The static token of a legacy app; never expires. */
  accessToken: string;
  clientId: string;
  clientSecret: string;
  /** Signs webhooks; the client secret of the app. */
  webhookSecret: string;
  /** The secret before a rotation (SHP-1.1). */
  oldSecret: string;
}

export interface Auth {
  credentials: Credentials;
  /** `POST /admin/oauth/access_token`: the client-credentials grant. */
  grant(request: ShopRequest): ShopAnswer;
  accepts(token: string | undefined): boolean;
  /** Ends all granted tokens. */
  expireGranted(): void;
}

/** What the app was granted (SHP-1.3). */
export const grantedScopes = [
  'read_products',
  'read_inventory',
  'write_inventory',
  'read_locations',
  'read_orders',
  'write_orders',
  'read_merchant_managed_fulfillment_orders',
  'write_merchant_managed_fulfillment_orders',
];

const lifeSeconds = 86_399;

export function createAuth(deps: { random: Random; faults: Faults; timeScale: number }): Auth {
  const { random, faults, timeScale } = deps;
  const secret = random.hex(32);
  const credentials: Credentials = {
    accessToken: `shpat_${random.hex(32)}`,
    clientId: random.hex(32),
    clientSecret: secret,
    webhookSecret: secret,
    oldSecret: random.hex(32),
  };
  const granted = new Map<string, number>();

  const refusal = (status: number, error: string, text: string): ShopAnswer => ({
    status,
    body: JSON.stringify({ error, error_description: text }),
  });

  return {
    credentials,
    grant(request) {
      const fields = fieldsOf(request);
      if (faults.hits('shop_not_permitted')) {
        return refusal(400, 'shop_not_permitted', 'Client credentials cannot be performed on this shop.');
      }
      if (fields['grant_type'] !== 'client_credentials') {
        return refusal(400, 'unsupported_grant_type', 'The grant type is not supported.');
      }
      if (fields['client_id'] !== credentials.clientId) {
        return refusal(400, 'application_cannot_be_found', 'Oauth error application_cannot_be_found.');
      }
      if (fields['client_secret'] !== credentials.clientSecret) {
        return refusal(400, 'invalid_client', 'The client secret is wrong.');
      }
      const token = `shpat_${random.hex(32)}`;
      const lifeMs = platformMs(lifeSeconds * 1000, timeScale);
      granted.set(token, Date.now() + lifeMs);
      const body = {
        access_token: token,
        scope: grantedScopes
          .filter((scope) => scope !== 'write_inventory' || !faults.armed().includes('missing_scope'))
          .join(','),
        expires_in: Math.max(1, Math.floor(lifeMs / 1000)),
      };
      return { status: 200, body: JSON.stringify(body) };
    },
    accepts(token) {
      if (token === undefined) return false;
      if (token === credentials.accessToken) return true;
      return (granted.get(token) ?? 0) > Date.now();
    },
    expireGranted: () => granted.clear(),
  };
}

/** SHP-1.1: the documented form encoding and the JSON of the vendor's own library both work. */
function fieldsOf(request: ShopRequest): Record<string, string> {
  const text = request.body.toString('utf8');
  if ((request.headers['content-type'] ?? '').includes('json')) {
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed !== 'object' || parsed === null) return {};
      return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
    } catch {
      return {};
    }
  }
  return Object.fromEntries(new URLSearchParams(text));
}
