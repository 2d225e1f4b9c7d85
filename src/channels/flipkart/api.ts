import type { ChannelDeps } from '../channel.ts';
import type { ChannelError } from '../errors.ts';
import { createHttpClient, type HttpAnswer, type HttpClient } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { basicProof, createTokens, grantIn, nobodysSignal, type Tokens } from '../kit/oauth.ts';
import { createPace, type Pace } from '../kit/pace.ts';
import { createRate } from '../kit/rate.ts';
import { type Effect, Refusal, short, statusFailure, unclear } from '../kit/refusal.ts';
import { type Call as AnyCall, createRest, type Rest } from '../kit/rest.ts';
import { clockOf, retryAfterMs } from '../kit/retry-after.ts';
import { wordsIn } from '../kit/shapes.ts';
import type { FlipkartConfig } from './config.ts';

/** The two families of calls, each with its own rate and time-out (FK-6). */
export type Family = 'listings' | 'orders';

/** One request. `path` follows `/sellers`. */
export interface Call<T> extends AnyCall<T> {
  family: Family;
}

/** One location of one seller account, as every part of the adapter gets it. Holds no stock. */
export interface Shop {
  config: FlipkartConfig;
  deps: ChannelDeps;
  api: Rest<Call<unknown>>;
  http: HttpClient;
  /** Flipkart's clock less ours, as the last answer told it; asks for a token when there was none yet. */
  skewMs(signal: AbortSignal): Promise<number>;
}

/** The business paths live under it, the token path does not (FK-7.1). */
const prefix = '/sellers';
/** Flipkart's own recommendation: shorter ones are "a data-integrity risk" (FK-6). */
const leastTimeoutMs: Record<Family, number> = { listings: 10_000, orders: 60_000 };
/** Statuses that mean "too much" or "not now" (FK-6): 499 is Flipkart's own for a time-out inside. */
const throttling = new Set([429, 499, 503]);

/** Opens a connection pool of its own; nothing is sent yet. */
export function openShop(config: FlipkartConfig, deps: ChannelDeps): Shop {
  const { clock, timeoutMs } = deps;
  const origin = deps.baseUrl ?? 'https://api.flipkart.net';
  const http = createHttpClient({ clock, timeoutMs, userAgent: 'invsync' });
  let skewMs = 0;
  const heard = (answer: HttpAnswer | null): void => {
    if (answer !== null) skewMs = clockOf(answer) - answer.askedAt;
  };
  const tokens = tokensOf(config, deps, { http, origin, heard });
  const paceAt = (perSecond: number): Pace =>
    createPace(clock, createRate({ perSecond }), { inFlight: 1, firstRestMs: 2_000, mostRestMs: 120_000 });
  const paces: Record<Family, Pace> = {
    listings: paceAt(config.requests_per_second),
    orders: paceAt(config.requests_per_second / 2),
  };
  const api = createRest<Call<unknown>>({
    http,
    heard,
    failure,
    nameOf: ({ method, path }) => `${method} ${nameOf(path)}`,
    pace: ({ family }) => paces[family],
    tokens: () => tokens,
    request: (call, token) => ({
      method: call.method,
      url: `${origin}${prefix}${call.path}`,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      // A write ends within the time that the engine counts with.
      timeoutMs:
        call.effect === 'write' || call.priority === 'push'
          ? timeoutMs
          : Math.max(timeoutMs, leastTimeoutMs[call.family]),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    }),
  });
  const skew = async (signal: AbortSignal): Promise<number> => {
    await tokens.current(signal);
    return skewMs;
  };
  return { config, deps, api, http, skewMs: skew };
}

/**
 * The client-credentials grant of a self access application (FK-1.2): a GET, with the parameters in the query. Until a token
 * ends, the endpoint hands out the same one with less of its life left: three days before the end it is asked for again,
 * hourly at most.
 */
function tokensOf(
  config: FlipkartConfig,
  deps: ChannelDeps,
  means: { http: HttpClient; origin: string; heard(answer: HttpAnswer): void },
): Tokens {
  const url = config.token_url ?? `${means.origin}/oauth-service/oauth/token`;
  const query = 'grant_type=client_credentials&scope=Seller_Api';
  return createTokens({
    clock: deps.clock,
    vault: deps.vault,
    key: 'token',
    owner: [url, config.app_id, config.app_secret],
    refreshToken: '',
    renewWithinMs: (lifeMs) => Math.min(3 * 86_400_000, lifeMs - Math.min(3_600_000, lifeMs / 2)),
    async ask() {
      const headers = { authorization: basicProof(config.app_id, config.app_secret) };
      const address = `${url}${url.includes('?') ? '&' : '?'}${query}`;
      const answer = await means.http({ method: 'GET', url: address, headers }, nobodysSignal);
      means.heard(answer);
      return grantIn(answer, {
        who: 'Flipkart',
        lifeMs: 3_600_000,
        secrets: [config.app_secret],
        throttling,
        hint: 'check app_id and app_secret (seller dashboard > Manage Profile > Developer Access); sandbox keys do not work in production. If the application was deleted, create a new one and set both keys',
      });
    },
  });
}

const authHint =
  'check app_id and app_secret, and that the application under Developer Access in the seller dashboard is active and has the scope Seller_Api';

function failure(
  answer: HttpAnswer,
  { what, effect }: { what: string; effect: Effect },
): ChannelError | null {
  const { status } = answer;
  const isPage = looksLikePage(answer);
  const words = isPage ? 'a web page instead of JSON' : short(wordsIn(jsonOf(answer.body)));
  const told = `${what}: Flipkart answered ${status}${words === '' ? '' : `, ${words}`}`;
  const isShut = throttling.has(status) || (isPage && status < 300);
  // 503 is Flipkart's "not now", said before anything happens: a write is refused by it. 499 is a time-out inside, and a
  // page tells nothing: what they answer may have been done.
  if (isShut && status !== 429 && status !== 503 && effect === 'write') return unclear(effect, told);
  if (isShut) return new Refusal('throttled', told, { status, afterMs: retryAfterMs(answer) });
  return statusFailure(answer, { told, effect, hints: { auth: authHint } });
}

function looksLikePage(answer: HttpAnswer): boolean {
  if (/^\s*text\/html\b/i.test(answer.headers['content-type'] ?? '')) return true;
  return /^\s*<(?:!doctype|html)\b/i.test(answer.body.subarray(0, 100).toString('latin1'));
}

/** The path without ids and tokens, for messages. */
function nameOf(path: string): string {
  const bare = path.split('?')[0] ?? path;
  return bare.replace(/^(\/(?:listings\/v3|v3\/shipments))\/(?!search|update|filter).*$/, '$1/…');
}
