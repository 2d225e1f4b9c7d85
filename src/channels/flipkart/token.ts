import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer, HttpRequest } from '../kit/http.ts';
import { retryAfterMs } from '../kit/retry-after.ts';
import { unlessStopped } from '../kit/unless-stopped.ts';
import type { FlipkartConfig } from './config.ts';
import { beforeWriting, jsonOf, short } from './failures.ts';

/** Access tokens of one channel. Both methods throw `ChannelError`. */
export interface Tokens {
  /** A token that is not known to be refused or nearly over. */
  current(signal: AbortSignal): Promise<string>;
  /** After a 401 for `refused`: what the token endpoint hands out now, which may be the same one again. */
  afterRefusal(refused: string, signal: AbortSignal): Promise<string>;
}

const Grant = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().catch(3_600),
});
const Refused = z.object({
  error: z.string().nullish().catch(null),
  error_description: z.string().nullish().catch(null),
});

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** A token is renewed when less than this is left of it (FK-1.2). */
const marginMs = 3 * dayMs;

/**
 * The client-credentials grant of a self access application (FK-1.2): a GET, with the parameters in the query. One
 * request serves all who wait. Until a token ends, the endpoint hands out the same one with less of its life left, so
 * that an old token is asked for again hourly at most.
 */
export function createTokens(
  config: FlipkartConfig,
  deps: ChannelDeps,
  means: { send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>; origin: string },
): Tokens {
  const tokenUrl = config.token_url ?? `${means.origin}/oauth-service/oauth/token`;
  const basic = Buffer.from(`${config.app_id}:${config.app_secret}`).toString('base64');
  let held: { token: string; renewAfter: number } | null = null;
  let asking: Promise<string> | null = null;

  const ask = async (): Promise<string> => {
    const query = 'grant_type=client_credentials&scope=Seller_Api';
    const answer = await means.send(
      {
        method: 'GET',
        url: `${tokenUrl}${tokenUrl.includes('?') ? '&' : '?'}${query}`,
        headers: { authorization: `Basic ${basic}` },
      },
      never,
    );
    const { access_token: token, expires_in: lifeSeconds } = readGrant(answer);
    const lifeMs = lifeSeconds * 1_000;
    const soonest = Math.min(hourMs, lifeMs / 2);
    held = { token, renewAfter: answer.askedAt + Math.max(lifeMs - marginMs, soonest) };
    return token;
  };
  const renew = (): Promise<string> => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };

  return {
    current: (signal) => {
      const known = held !== null && deps.clock.now() < held.renewAfter ? held.token : null;
      return tokenOf(known === null ? renew() : Promise.resolve(known), signal);
    },
    afterRefusal: (refused, signal) => {
      const other = held !== null && held.token !== refused && asking === null ? held.token : null;
      return tokenOf(other === null ? renew() : Promise.resolve(other), signal);
    },
  };
}

/** No caller's own signal ends a renewal for the others; the HTTP client's time-out applies. */
const never = new AbortController().signal;

function readGrant(answer: HttpAnswer): z.infer<typeof Grant> {
  const json = jsonOf(answer.body);
  const { status } = answer;
  if (status === 200) {
    const grant = Grant.safeParse(json);
    if (grant.success) return grant.data;
    throw new ChannelError('retry', 'Flipkart answered the token request in an unexpected shape');
  }
  const told = Refused.safeParse(json).data;
  const why = short([told?.error, told?.error_description].filter(Boolean).join(' ')) || `HTTP ${status}`;
  if (status === 429 || status === 503 || status === 499) {
    throw new ChannelError('throttled', `no token: ${why}`, { afterMs: retryAfterMs(answer) ?? 10_000 });
  }
  if (status >= 500) throw new ChannelError('retry', `no token: ${why}`);
  throw new ChannelError('auth', `Flipkart gave no access token: ${why}`, {
    hint: 'check app_id and app_secret (seller dashboard > Manage Profile > Developer Access); sandbox keys do not work in production. If the application was deleted, create a new one and set both keys',
  });
}

/** A renewal serves all callers; no token means that nothing was sent. */
function tokenOf<T>(renewal: Promise<T>, signal: AbortSignal): Promise<T> {
  const failing = renewal.catch((error: unknown) => {
    throw beforeWriting(error);
  });
  return unlessStopped(failing, signal);
}
