import type { ChannelDeps } from '../channel.ts';
import { createHttpClient, type HttpClient } from '../kit/http.ts';
import type { Tokens } from '../kit/oauth.ts';
import { createPace, type Pace } from '../kit/pace.ts';
import { createRate, type RateLimits } from '../kit/rate.ts';
import { type Answer, createRest, effectOf, queryString } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import { type Api, type Call, readShop } from './account.ts';
import type { TikTokShopConfig } from './config.ts';
import { envelopeOf, failure } from './failures.ts';
import { createServerClock, type ServerClock } from './server-clock.ts';
import { signatureOf } from './sign.ts';
import { createTikTokTokens } from './tokens.ts';
import { createWarehouses, type Warehouses } from './warehouses.ts';

/** Everything that the parts of one channel share. */
export interface Shop {
  config: TikTokShopConfig;
  deps: ChannelDeps;
  api: Api;
  http: HttpClient;
  tokens: Tokens;
  serverClock: ServerClock;
  warehouses: Warehouses;
  /** When orders were last read with the long look-back; losing it costs one more. */
  learned: { lookedBackAt: number };
}

const host = 'https://open-api.tiktokglobalshop.com';
/** TTS-6: where to begin. How far a shop may go is never told: the ceilings are ours. */
const writeLimits: RateLimits = { perSecond: 2, mostPerSecond: 20, leastPerSecond: 0.2, burst: 4 };
const readLimits: RateLimits = { perSecond: 5, mostPerSecond: 20, leastPerSecond: 0.2, burst: 10 };

/** Opens a connection pool of its own; nothing is sent yet. */
export function openShop(config: TikTokShopConfig, deps: ChannelDeps): Shop {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  const serverClock = createServerClock(deps.clock);
  const tokens = createTikTokTokens(config, deps, { http, serverClock });
  const api: Api = createApi(config, deps, { http, tokens, serverClock });
  return {
    config,
    deps,
    api,
    http,
    tokens,
    serverClock,
    warehouses: createWarehouses(config, api, deps.clock),
    learned: { lookedBackAt: Number.NEGATIVE_INFINITY },
  };
}

/** Adds token, cipher, time and signature to each attempt anew; mends each curable refusal once. */
function createApi(
  config: TikTokShopConfig,
  deps: ChannelDeps,
  { http, tokens, serverClock }: { http: HttpClient; tokens: Tokens; serverClock: ServerClock },
): Api {
  // A rate that the merchant knows is neither searched for nor left: refusals only make it rest.
  const paceOf = (limits: RateLimits): Pace => {
    const known = config.requests_per_second;
    const { burst = 1 } = limits;
    return createPace(deps.clock, createRate(known === undefined ? limits : { perSecond: known, burst }));
  };
  const paces = { write: paceOf(writeLimits), read: paceOf(readLimits) };
  const base = deps.baseUrl ?? host;
  /** The shop's, asked for once: deliveries name the shop by its id, calls by its cipher (TTS-7.10). */
  let cipher: string | null = null;
  let hasClockMoved = false;
  const api: Api = createRest<Call<unknown>>({
    http,
    failure,
    tokens: () => tokens,
    pace: (call) => paces[effectOf(call)],
    heard(answer) {
      if (answer !== null) hasClockMoved = serverClock.learn(answer);
    },
    /** A proxy may mount the interface below a path: that path is no part of what is signed. */
    async request(call, token, signal) {
      // Serialised once: the signature covers the very bytes that are sent.
      const body = call.body === undefined ? '' : JSON.stringify(call.body);
      // Asking for it may mend the clock: the time is taken afterwards.
      if (call.isShopless !== true) cipher ??= (await readShop(config, api, signal)).data.cipher;
      const query: Record<string, string> = {
        ...call.query,
        app_key: config.app_key,
        timestamp: String(Math.floor(serverClock.now() / 1_000)),
        ...(cipher === null || call.isShopless === true ? {} : { shop_cipher: cipher }),
      };
      const sign = signatureOf({ path: call.path, query, body }, config.app_secret);
      return {
        method: call.method,
        url: `${base}${call.path}${queryString(Object.entries({ ...query, sign }))}`,
        headers: { 'content-type': 'application/json', 'x-tts-access-token': token },
        ...(body === '' ? {} : { body }),
      };
    },
    async mend(cure) {
      if (cure === 'cipher') cipher = null;
      return cure === 'clock' ? hasClockMoved : true;
    },
    content: (answer) => envelopeOf(answer)?.data ?? null,
    clockOf: (answer) => serverClock.now() - (answer.answeredAt - answer.askedAt),
  });
  return api;
}

/** All pages of a search, by TikTok's page tokens; the first one has none. */
export function searched<T extends { next_page_token?: string | null | undefined }>(
  shop: Shop,
  search: Pick<Call<T>, 'path' | 'query' | 'body' | 'data'> & { what: string },
  signal: AbortSignal,
): AsyncGenerator<Answer<T>> {
  const { what, query, ...rest } = search;
  return walkPages<string, Answer<T>>({
    what,
    first: '',
    mostPages: 2_000,
    ask(token) {
      const at = token === '' ? {} : { page_token: token };
      return shop.api.call({ ...rest, method: 'POST', effect: 'read', query: { ...query, ...at } }, signal);
    },
    next: ({ data }) => data.next_page_token || null,
  });
}
