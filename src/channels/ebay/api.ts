import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { createHttpClient } from '../kit/http.ts';
import { createPace, type Pace, type Priority } from '../kit/pace.ts';
import { createRate } from '../kit/rate.ts';
import { type Answer, type Call as AnyCall, createRest, queryString } from '../kit/rest.ts';
import { rowsPerCall } from './capabilities.ts';
import { type EbayConfig, sites } from './config.ts';
import { failureOf } from './failures.ts';
import { createRevisions } from './revisions.ts';
import { createEbayTokens, type TokenKind } from './tokens.ts';
import { createTrading } from './trading.ts';

/** One REST request. */
export interface Call<T> extends AnyCall<T> {
  /** Values are encoded here. */
  query?: Readonly<Record<string, string>>;
  /** Default `user`. */
  as?: TokenKind;
  /** `identity`: the host of the few APIs that live elsewhere (EBAY-1.1). */
  host?: 'identity';
}

/** What was learned while it runs; losing it costs nothing but requests. */
interface Learned {
  rowsPerWrite: number;
  activePages: number;
  /** Since when the Out-of-Stock control is known to be on. */
  outOfStockOnSince: number | null;
  /** The seller's user id. */
  userId: string | null;
  /** The registered address, as it was last read. */
  address: { url: string | null; readAt: number } | null;
}

/** Everything that the parts of one channel share. */
export type Shop = ReturnType<typeof openShop>;

/** Opens a connection pool of its own; `close` ends it. */
export function openShop(config: EbayConfig, deps: ChannelDeps) {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  const tokens = createEbayTokens(config, deps, http);
  const origin = deps.baseUrl ?? 'https://api.ebay.com';
  const identity = origin.replace(/^https:\/\/api\.((?:sandbox\.)?ebay\.com)$/, 'https://apiz.$1');
  const { locale } = sites[config.marketplace];
  // Daily limits are far away (EBAY-7): only bursts are smoothed.
  const [restPace, tradingPace] = [paceAt(deps, 50), paceAt(deps, 10)];
  const rest = createRest<Call<unknown>>({
    http,
    failure: (answer, { what, effect }) => failureOf(answer, what, effect),
    pace: () => restPace,
    tokens: ({ as }) => tokens[as ?? 'user'],
    request: (call, token) => ({
      method: call.method,
      url: `${call.host === 'identity' ? identity : origin}${call.path}${queryString(Object.entries(call.query ?? {}))}`,
      headers: {
        authorization: `Bearer ${token}`,
        // EBAY-1.4: without both, or with the `*` that HTTP clients add, requests are refused with 25709.
        'accept-language': locale,
        'content-language': locale,
        'x-ebay-c-marketplace-id': config.marketplace,
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    }),
  });
  const trading = createTrading(config, origin, { http, pace: () => tradingPace, tokens: () => tokens.user });
  const learned: Learned = {
    rowsPerWrite: rowsPerCall,
    activePages: 10,
    outOfStockOnSince: null,
    userId: null,
    address: null,
  };
  const revisions = createRevisions(deps);
  return { config, deps, rest, trading, revisions, learned, close: () => http.close() };
}

/** What the engine wants of a channel, until `signal` calls it off. Calls throw nothing but `ChannelError`. */
export type Task = ReturnType<typeof taskOf>;

export function taskOf(shop: Shop, signal: AbortSignal, priority: Priority = 'read') {
  return {
    ...shop,
    signal,
    /** A call of the REST APIs; a GET unless told. */
    ask: <T>(call: Omit<Call<T>, 'method'> & Partial<Call<T>>): Promise<Answer<T>> =>
      shop.rest.call({ method: 'GET', priority, ...call }, signal),
    /** A call of the XML API, named by its path; a read unless told. */
    askTrading: <T>(call: Omit<AnyCall<T>, 'method'>): Promise<Answer<T>> =>
      shop.trading.call({ method: 'POST', effect: 'read', priority, ...call }, signal),
  };
}

/**
 * Bursts end within seconds; the daily limit ends at a time that no answer tells (EBAY-7), so that after refusals in a row
 * we ask seldom.
 */
function paceAt(deps: ChannelDeps, perSecond: number): Pace {
  const regain = { share: 0.11, perMs: 'success' } as const;
  const rate = createRate({ perSecond, leastPerSecond: 0.2, regain });
  return createPace(deps.clock, rate, { firstRestMs: 5_000, mostRestMs: 15 * 60_000 });
}

const User = z.object({
  userId: z.string().min(1),
  username: z.string().nullish(),
  registrationMarketplaceId: z.string().nullish(),
});
/** The seller behind the refresh token. The user id never changes; names do, and are being replaced (EBAY-9.28). */
export type User = z.infer<typeof User>;

/** Asks who the seller is, which the listener needs to know beforehand. Throws `ChannelError`. */
export async function readUser(task: Task): Promise<Answer<User>> {
  const path = '/commerce/identity/v1/user/';
  const user = await task.ask({ path, data: User, host: 'identity' });
  task.learned.userId = user.data.userId;
  return user;
}
