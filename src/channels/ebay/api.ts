import type { ChannelDeps } from '../channel.ts';
import { createHttpClient, type HttpClient } from '../kit/http.ts';
import { createPace, type Pace } from '../kit/pace.ts';
import { createRate } from '../kit/rate.ts';
import { type Call as AnyCall, type Rest as AnyRest, createRest, queryString } from '../kit/rest.ts';
import { rowsPerCall } from './capabilities.ts';
import type { EbayConfig } from './config.ts';
import { failureOf } from './failures.ts';
import { createOutOfStock, type OutOfStock } from './out-of-stock.ts';
import { createRevisions, type Revisions } from './revisions.ts';
import { sites } from './sites.ts';
import { createEbayTokens, type TokenKind, type TokensOf } from './tokens.ts';
import { createTrading, type Trading } from './trading.ts';

/** One REST request. `query` values are encoded here. */
export interface Call<T> extends AnyCall<T> {
  query?: readonly (readonly [string, string])[];
  /** Default `user`. */
  as?: TokenKind;
  /** `identity`: the host of the few APIs that live elsewhere (EBAY-1.1). */
  host?: 'identity';
}

/** The REST APIs of one channel. Throws nothing but `ChannelError`. */
export type Rest = AnyRest<Call<unknown>>;

/** Everything that the parts of one channel share. */
export interface Shop {
  config: EbayConfig;
  deps: ChannelDeps;
  rest: Rest;
  trading: Trading;
  revisions: Revisions;
  outOfStock: OutOfStock;
  /** Hints that only save requests; losing them costs nothing. */
  learned: { rowsPerWrite: number; activePages: number };
  close(): Promise<void>;
}

/** Opens a connection pool of its own; `close` ends it. */
export function openShop(config: EbayConfig, deps: ChannelDeps): Shop {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  const tokens = createEbayTokens(config, deps, http);
  const trading = createTrading(config, deps, { http, tokens, pace: paceAt(deps, 10) });
  return {
    config,
    deps,
    rest: createEbayRest(config, deps, { http, tokens }),
    trading,
    revisions: createRevisions(deps),
    outOfStock: createOutOfStock(trading, deps.clock),
    learned: { rowsPerWrite: rowsPerCall, activePages: 10 },
    close: () => http.close(),
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

/** Adds tokens, the explicit language and the marketplace. Daily limits are far away (EBAY-7): only bursts are smoothed. */
function createEbayRest(
  config: EbayConfig,
  deps: ChannelDeps,
  { http, tokens }: { http: HttpClient; tokens: TokensOf },
): Rest {
  const pace = paceAt(deps, 50);
  const { locale } = sites[config.marketplace];
  const base = deps.baseUrl ?? 'https://api.ebay.com';
  const identity = base.replace(/^https:\/\/api\.((?:sandbox\.)?ebay\.com)$/, 'https://apiz.$1');
  return createRest<Call<unknown>>({
    http,
    failure: (answer, { what, effect }) => failureOf(answer, what, effect),
    pace: () => pace,
    tokens: ({ as }) => tokens[as ?? 'user'],
    request: (call, token) => ({
      method: call.method,
      url: `${call.host === 'identity' ? identity : base}${call.path}${queryString(call.query ?? [])}`,
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
}
