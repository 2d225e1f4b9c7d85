import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { statusFailure } from './failures.ts';
import type { ShopifyConfig } from './schema.ts';

/** Where the access token comes from. */
export interface Tokens {
  /** What people should know about the credential. */
  kind: 'static token' | 'client credentials';
  /** A token that is not known to be refused or nearly over. Throws `ChannelError`. */
  current(): Promise<string>;
  /** After a 401 for `refused`: a fresh token, or null when there is nothing to renew. */
  afterRefusal(refused: string): Promise<string | null>;
}

const Grant = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().optional() });
const Refusal = z.object({ error: z.string().optional(), error_description: z.string().optional() });

/** A grant that tells no lifetime is taken for a day, as documented (SHP-1.1). */
const dayInSeconds = 86_399;
/** Share of a token's life after which it is renewed (SHP-1.1). */
const renewAt = 0.8;

/** The tokens of one channel: the configured one, or those of the client-credentials grant (SHP-1.1). */
export function createTokens(config: ShopifyConfig, deps: ChannelDeps, http: HttpClient): Tokens {
  const { access_token: fixed, client_id: id, client_secret: secret } = config;
  if (id === undefined || secret === undefined) {
    return {
      kind: 'static token',
      current: async () => fixed ?? '',
      afterRefusal: async () => null,
    };
  }
  let held: { token: string; renewAfter: number } | null = null;
  let asking: Promise<string> | null = null;

  const ask = async (): Promise<string> => {
    const answer = await http(grantRequest(config.shop, deps.baseUrl, { id, secret }), never);
    const grant = readGrant(answer);
    const lifeMs = (grant.expires_in ?? dayInSeconds) * 1000;
    held = { token: grant.access_token, renewAfter: answer.askedAt + lifeMs * renewAt };
    return grant.access_token;
  };
  /** One request however many callers wait; no caller's own signal ends it for the others. */
  const renew = (): Promise<string> => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };

  return {
    kind: 'client credentials',
    current: async () => (held !== null && deps.clock.now() < held.renewAfter ? held.token : renew()),
    afterRefusal: async (refused) => (held !== null && held.token !== refused ? held.token : renew()),
  };
}

/** The HTTP client's own time-out still applies. */
const never = new AbortController().signal;

function grantRequest(shop: string, baseUrl: string | null, client: { id: string; secret: string }) {
  return {
    method: 'POST' as const,
    url: `${baseUrl ?? `https://${shop}`}/admin/oauth/access_token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client.id,
      client_secret: client.secret,
    }).toString(),
  };
}

function readGrant(answer: HttpAnswer): z.infer<typeof Grant> {
  const body = bodyOf(answer);
  if (answer.status === 200) {
    const grant = Grant.safeParse(body);
    if (grant.success) return grant.data;
    throw new ChannelError('retry', 'Shopify answered the token request in an unexpected shape');
  }
  if (answer.status === 429 || answer.status >= 500) {
    throw statusFailure(answer, 'read') ?? new ChannelError('retry', 'no token');
  }
  const refusal = Refusal.safeParse(body);
  const why = refusal.success ? (refusal.data.error ?? `status ${answer.status}`) : `status ${answer.status}`;
  throw new ChannelError('auth', `Shopify gave no access token: ${why.slice(0, 100)}`, {
    hint:
      why === 'shop_not_permitted'
        ? 'app and shop must belong to the same organization in the Dev Dashboard'
        : 'check client_id and client_secret, and that the app is installed in the shop',
  });
}

function bodyOf(answer: HttpAnswer): unknown {
  try {
    return parseJsonBytes(answer.body);
  } catch {
    return null;
  }
}
