import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import { reconsent, throttleCodes, transientCodes } from './codes.ts';
import type { TikTokShopConfig } from './config.ts';
import { envelopeOf, retryAfterMs, short } from './failures.ts';
import type { ServerClock } from './server-clock.ts';
import { queryString } from './sign.ts';

/** What a refresh brought. Times in ms on TikTok's clock; null: not told. */
export interface Grant {
  access: string;
  accessUntil: number;
  refresh: string;
  refreshUntil: number | null;
  scopes: string[] | null;
}

/** Asks for new tokens with one refresh token. `ChannelError` kind `auth` means that this one is refused. */
export type AskGrant = (refreshToken: string) => Promise<Grant>;

const Seconds = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const Data = z.object({
  access_token: z.string().min(1),
  access_token_expire_in: Seconds.nullish().catch(null),
  refresh_token: z.string().min(1),
  refresh_token_expire_in: Seconds.nullish().catch(null),
  user_type: Seconds.nullish().catch(null),
  granted_scopes: z.array(z.string()).nullish().catch(null),
});

const tokenHost = 'https://auth.tiktok-shops.com';
const path = '/api/v2/token/refresh';
/** Seven days (TTS-1.2), where the answer tells no end. */
const accessLifeMs = 7 * 86_400_000;
/** Larger values are absolute Unix seconds, as documented; smaller ones can only be durations (TTS-1.2). */
const leastAbsoluteSeconds = 1_000_000_000;
/** The request serves all callers and outlives the first one's signal; the HTTP client's time-out applies. */
const never = new AbortController().signal;

/** The refresh grant: an unsigned GET with the secrets in its query, so that its address is never logged or shown. */
export function createAskGrant(
  config: TikTokShopConfig,
  deps: ChannelDeps,
  means: { http: HttpClient; serverClock: ServerClock },
): AskGrant {
  const url = addressOf(config, deps);
  return async (refreshToken) => {
    const query = queryString({
      app_key: config.app_key,
      app_secret: config.app_secret,
      refresh_token: refreshToken,
      grant_type: 'refresh_token',
    });
    const answer = await means.http({ method: 'GET', url: `${url}${query}` }, never).catch(nothingDone);
    means.serverClock.learn(answer);
    return readGrant(answer, means.serverClock.now(), [refreshToken, config.app_secret]);
  };
}

/** A `token_url` may name the host, the folder of the token calls, or the very call. */
export function addressOf(config: TikTokShopConfig, deps: Pick<ChannelDeps, 'baseUrl'>): string {
  const told = config.token_url;
  if (told === undefined) return `${deps.baseUrl ?? tokenHost}${path}`;
  const { pathname } = new URL(told);
  if (pathname === '/') return `${told}${path}`;
  return pathname.endsWith('/token') ? `${told}/refresh` : told;
}

/** The call that wanted the token was never sent; whether the token was replaced shows the next attempt. */
function nothingDone(error: unknown): never {
  if (error instanceof ChannelError && error.kind === 'unknown') {
    throw new ChannelError('retry', `no token: ${error.message}`, { cause: error });
  }
  throw error;
}

function readGrant(answer: HttpAnswer, now: number, secrets: readonly string[]): Grant {
  const envelope = envelopeOf(answer);
  const { status } = answer;
  const words = envelope === null ? '' : `, code ${envelope.code} ${envelope.message ?? ''}`;
  const told = short(
    secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), `no token: HTTP ${status}${words}`),
  );
  const code = envelope?.code ?? null;
  if (status === 429 || (code !== null && throttleCodes.has(code))) {
    throw new ChannelError('throttled', told, { afterMs: retryAfterMs(answer) ?? 60_000 });
  }
  if (status >= 500 || (code !== null && transientCodes.has(code))) throw new ChannelError('retry', told);
  if (code === null) {
    if (status === 401 || status === 403) throw new ChannelError('auth', told, { hint: reconsent });
    throw new ChannelError('retry', `${told} without the JSON that TikTok Shop answers`, {
      hint: 'check token_url',
    });
  }
  if (code !== 0 || status >= 300) {
    throw new ChannelError('auth', told, { hint: `check app_key and app_secret; else ${reconsent}` });
  }
  const data = Data.safeParse(envelope?.data);
  if (!data.success) throw new ChannelError('retry', 'no token: the answer has an unknown shape');
  return grantOf(data.data, now);
}

function grantOf(data: z.infer<typeof Data>, now: number): Grant {
  if ((data.user_type ?? 0) !== 0) {
    throw new ChannelError('auth', 'the token belongs to a user who is no seller', {
      hint: 'the seller’s main account must authorize the app, not a creator or partner',
    });
  }
  return {
    access: data.access_token,
    accessUntil: endOf(data.access_token_expire_in, now) ?? now + accessLifeMs,
    refresh: data.refresh_token,
    refreshUntil: endOf(data.refresh_token_expire_in, now),
    scopes: data.granted_scopes ?? null,
  };
}

/** `*_expire_in` are points in time by the documentation, in spite of their name. */
function endOf(seconds: number | null | undefined, now: number): number | null {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds <= 0) return null;
  return seconds < leastAbsoluteSeconds ? now + seconds * 1000 : seconds * 1000;
}
