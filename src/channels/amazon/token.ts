import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import type { AmazonConfig } from './config.ts';
import { jsonOf } from './failures.ts';

/** `seller`: on behalf of the merchant. `grantless`: the application itself, for destinations (AMZ-3). */
export type Grant = 'seller' | 'grantless';

/** Access tokens of one channel, cached per grant. */
export interface Tokens {
  /** A token that is not known to be refused or nearly over. Throws `ChannelError`. */
  current(grant: Grant): Promise<string>;
  /** After `refused` was called expired: another one. */
  afterRefusal(grant: Grant, refused: string): Promise<string>;
}

const granted = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().default(3_600),
});
const refusal = z.object({ error: z.string() });

/** Share of a token's life after which it is renewed (AMZ-1.2). */
const renewAt = 0.8;
const ownTokenUrl = 'https://api.amazon.com/auth/o2/token';

/** Login with Amazon (AMZ-1.2): one request per grant however many callers wait. */
export function createTokens(config: AmazonConfig, deps: ChannelDeps, http: HttpClient): Tokens {
  const held = new Map<Grant, { token: string; renewAfter: number }>();
  const asking = new Map<Grant, Promise<string>>();

  const ask = async (grant: Grant): Promise<string> => {
    const answer = await http(requestOf(config, grant), never);
    const { access_token: token, expires_in: lifeSeconds } = readGrant(answer);
    held.set(grant, { token, renewAfter: answer.askedAt + lifeSeconds * 1_000 * renewAt });
    return token;
  };
  const renew = (grant: Grant): Promise<string> => {
    const running = asking.get(grant);
    if (running !== undefined) return running;
    const begun = ask(grant).finally(() => asking.delete(grant));
    asking.set(grant, begun);
    return begun;
  };

  return {
    async current(grant) {
      const token = held.get(grant);
      return token !== undefined && deps.clock.now() < token.renewAfter ? token.token : renew(grant);
    },
    async afterRefusal(grant, refused) {
      const token = held.get(grant);
      return token !== undefined && token.token !== refused ? token.token : renew(grant);
    },
  };
}

/** No caller's own signal ends a renewal for the others; the HTTP client's time-out applies. */
const never = new AbortController().signal;

function requestOf(config: AmazonConfig, grant: Grant) {
  const form: Record<string, string> =
    grant === 'seller'
      ? { grant_type: 'refresh_token', refresh_token: config.refresh_token }
      : { grant_type: 'client_credentials', scope: 'sellingpartnerapi::notifications' };
  return {
    method: 'POST' as const,
    url: config.token_url ?? ownTokenUrl,
    headers: { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
    body: new URLSearchParams({
      ...form,
      client_id: config.client_id,
      client_secret: config.client_secret,
    }).toString(),
  };
}

function readGrant(answer: HttpAnswer): z.infer<typeof granted> {
  const json = jsonOf(answer.body);
  if (answer.status === 200) {
    const parsed = granted.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new ChannelError('retry', 'Login with Amazon answered in an unexpected shape');
  }
  if (answer.status === 429) {
    throw new ChannelError('throttled', 'Login with Amazon: too many requests', { afterMs: 5_000 });
  }
  if (answer.status >= 500) throw new ChannelError('retry', `Login with Amazon answered ${answer.status}`);
  const parsed = refusal.safeParse(json);
  const why = parsed.success ? parsed.data.error.slice(0, 60) : `status ${answer.status}`;
  throw new ChannelError('auth', `Login with Amazon gave no token: ${why}`, {
    hint: hints[why] ?? otherHint,
  });
}

const otherHint = 'check client_id, client_secret and refresh_token';
const hints: Record<string, string> = {
  invalid_grant:
    'the refresh token is wrong, revoked or of another application: authorize the application again and use its new refresh_token',
  invalid_client:
    'client_id or client_secret is wrong, or the secret is older than 180 days: make a new one in the Solution Provider Portal',
  unauthorized_client: 'the refresh token belongs to another application than client_id',
};
