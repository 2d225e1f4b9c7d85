import type { Faults } from '../kit/faults.ts';
import type { Ground } from '../kit/ground.ts';
import { jsonAnswer, type ShopAnswer, type ShopRequest } from '../kit/server.ts';
import { platformMs } from '../kit/time.ts';
import { tableOf } from '../kit/untyped.ts';

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

/** What the app was granted (SHP-1.3). */
const allScopes = [
  'read_products',
  'read_inventory',
  'write_inventory',
  'read_locations',
  'read_orders',
  'write_orders',
  'read_merchant_managed_fulfillment_orders',
  'write_merchant_managed_fulfillment_orders',
];

/** The granted scopes lack the right to write stock while this fault is armed. */
export const isScopeMissing = (faults: Faults) => faults.armed().includes('missing_scope');

export const grantedScopes = (faults: Faults) =>
  allScopes.filter((scope) => scope !== 'write_inventory' || !isScopeMissing(faults));

export type Auth = ReturnType<typeof createAuth>;

const lifeSeconds = 86_399;

export function createAuth({ faults, timeScale, ...ground }: Ground) {
  const random = ground.random.fork('auth');
  const secret = random.hex(32);
  const credentials: Credentials = {
    accessToken: `shpat_${random.hex(32)}`,
    clientId: random.hex(32),
    clientSecret: secret,
    webhookSecret: secret,
    oldSecret: random.hex(32),
  };
  const granted = new Map<string, number>();

  const refusal = (error: string, error_description: string) => jsonAnswer(400, { error, error_description });

  return {
    credentials,
    /** `POST /admin/oauth/access_token`: the client-credentials grant. */
    grant(request: ShopRequest): ShopAnswer {
      const fields = fieldsOf(request);
      if (faults.hits('shop_not_permitted')) {
        return refusal('shop_not_permitted', 'Client credentials cannot be performed on this shop.');
      }
      if (fields['grant_type'] !== 'client_credentials') {
        return refusal('unsupported_grant_type', 'The grant type is not supported.');
      }
      if (fields['client_id'] !== credentials.clientId) {
        return refusal('application_cannot_be_found', 'Oauth error application_cannot_be_found.');
      }
      if (fields['client_secret'] !== credentials.clientSecret) {
        return refusal('invalid_client', 'The client secret is wrong.');
      }
      const token = `shpat_${random.hex(32)}`;
      const lifeMs = platformMs(lifeSeconds * 1000, timeScale);
      granted.set(token, Date.now() + lifeMs);
      const body = {
        access_token: token,
        scope: grantedScopes(faults).join(','),
        expires_in: Math.max(1, Math.floor(lifeMs / 1000)),
      };
      return jsonAnswer(200, body);
    },
    accepts: (token = '') => token === credentials.accessToken || (granted.get(token) ?? 0) > Date.now(),
    /** Ends all granted tokens. */
    expireGranted: () => granted.clear(),
  };
}

/** SHP-1.1: the documented form encoding and the JSON of the vendor's own library both work. */
function fieldsOf(request: ShopRequest): Record<string, unknown> {
  const text = request.body.toString('utf8');
  if (!(request.headers['content-type'] ?? '').includes('json')) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    return tableOf(JSON.parse(text));
  } catch {
    return {};
  }
}
