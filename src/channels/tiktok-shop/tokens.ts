import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import { createTokens, type Granted, nobodysSignal, type Tokens } from '../kit/oauth.ts';
import { Refusal, short } from '../kit/refusal.ts';
import { queryString } from '../kit/rest.ts';
import { retryAfterMs } from '../kit/retry-after.ts';
import { maybe } from '../kit/shapes.ts';
import { reconsent, throttleCodes, transientCodes } from './codes.ts';
import type { TikTokShopConfig } from './config.ts';
import { envelopeOf } from './failures.ts';
import type { ServerClock } from './server-clock.ts';

const Seconds = maybe(z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]));
const Data = z.object({
  access_token: z.string().min(1),
  access_token_expire_in: Seconds,
  refresh_token: z.string().min(1),
  refresh_token_expire_in: Seconds,
  user_type: Seconds,
  granted_scopes: maybe(z.array(z.string())),
});
const Told = z.object({ refreshUntil: z.number().nullable(), scopes: z.array(z.string()).nullable() });

const dayMs = 86_400_000;
const tokenHost = 'https://auth.tiktok-shops.com';
const path = '/api/v2/token/refresh';
/** Seven days (TTS-1.2), where the answer tells no end. */
const accessLifeMs = 7 * dayMs;
/** Larger values are absolute Unix seconds, as documented; smaller ones can only be durations (TTS-1.2). */
const leastAbsoluteSeconds = 1_000_000_000;

/**
 * The refresh grant (TTS-1.2): each refresh replaces access and refresh token together. An unsigned GET with the secrets in
 * its query, so that its address is never logged or shown. Renewed with a day left, or with a seventh of a shorter life.
 */
export function createTikTokTokens(
  config: TikTokShopConfig,
  deps: ChannelDeps,
  { http, serverClock }: { http: HttpClient; serverClock: ServerClock },
): Tokens {
  const { app_key, app_secret, refresh_token } = config;
  const url = addressOf(config, deps);
  return createTokens({
    clock: serverClock,
    vault: deps.vault,
    key: 'tokens',
    owner: [app_key, refresh_token],
    refreshToken: refresh_token,
    renewWithinMs: (lifeMs) => Math.min(dayMs, lifeMs / 7),
    async ask(refresh) {
      const query = { app_key, app_secret, refresh_token: refresh, grant_type: 'refresh_token' };
      const address = `${url}${queryString(Object.entries(query))}`;
      const answer = await http({ method: 'GET', url: address }, nobodysSignal);
      serverClock.learn(answer);
      return readGrant(answer, serverClock.now(), [refresh, app_secret]);
    },
  });
}

/** When the seller's consent ends (TikTok's clock, ms) and what it is for; null where that was never told. */
export async function consentOf(tokens: Tokens): Promise<z.infer<typeof Told>> {
  return Told.safeParse(await tokens.told()).data ?? { refreshUntil: null, scopes: null };
}

/** A `token_url` may name the host, the folder of the token calls, or the very call. */
export function addressOf(config: TikTokShopConfig, deps: Pick<ChannelDeps, 'baseUrl'>): string {
  const told = config.token_url;
  if (told === undefined) return `${deps.baseUrl ?? tokenHost}${path}`;
  const { pathname } = new URL(told);
  if (pathname === '/') return `${told}${path}`;
  return pathname.endsWith('/token') ? `${told}/refresh` : told;
}

function readGrant(answer: HttpAnswer, now: number, secrets: readonly string[]): Granted {
  const envelope = envelopeOf(answer);
  const { status } = answer;
  const code = envelope?.code ?? null;
  const words = envelope === null ? '' : `, code ${envelope.code} ${envelope.message ?? ''}`;
  const told = short(`no token: HTTP ${status}${words}`, secrets);
  if (status === 429 || (code !== null && throttleCodes.has(code)))
    throw new Refusal('throttled', told, { afterMs: retryAfterMs(answer) ?? 60_000 });
  if (status >= 500 || (code !== null && transientCodes.has(code))) throw new ChannelError('retry', told);
  if (code === null) {
    if (status === 401 || status === 403) throw new ChannelError('auth', told, { hint: reconsent });
    throw new ChannelError('retry', `${told} without the JSON that TikTok Shop answers`, {
      hint: 'check token_url',
    });
  }
  if (code !== 0 || status >= 300)
    throw new ChannelError('auth', told, { hint: `check app_key and app_secret; else ${reconsent}` });
  const data = Data.safeParse(envelope?.data);
  if (!data.success) throw new ChannelError('retry', 'no token: the answer has an unknown shape');
  return grantOf(data.data, now);
}

function grantOf(data: z.infer<typeof Data>, now: number): Granted {
  if ((data.user_type ?? 0) !== 0)
    throw new ChannelError('auth', 'the token belongs to a user who is no seller', {
      hint: 'the seller’s main account must authorize the app, not a creator or partner',
    });
  return {
    access: data.access_token,
    lifeMs: (endOf(data.access_token_expire_in, now) ?? now + accessLifeMs) - now,
    refresh: data.refresh_token,
    told: {
      refreshUntil: endOf(data.refresh_token_expire_in, now),
      scopes: data.granted_scopes ?? null,
    },
  };
}

/** `*_expire_in` are points in time by the documentation, in spite of their name. */
function endOf(seconds: number | null | undefined, now: number): number | null {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds) || seconds <= 0) return null;
  return seconds < leastAbsoluteSeconds ? now + seconds * 1_000 : seconds * 1_000;
}
