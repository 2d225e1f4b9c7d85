import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { createHttpClient, type HttpAnswer, type HttpClient } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { createPace, type Pace } from '../kit/pace.ts';
import { createRate } from '../kit/rate.ts';
import { type Effect, Refusal, short, statusFailure } from '../kit/refusal.ts';
import { type Call as AnyCall, type Rest as AnyRest, createRest, queryString } from '../kit/rest.ts';
import { rowsPerCall } from './capabilities.ts';
import type { EbayConfig } from './config.ts';
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

/** One entry of `errors` or `warnings` in REST answers (EBAY-7). */
export const RestError = z.object({
  errorId: z.coerce.number().catch(0),
  message: z.string().nullish(),
  longMessage: z.string().nullish(),
});
export type RestError = z.infer<typeof RestError>;

const ErrorBody = z.object({ errors: z.array(RestError) });

/** The failure that a REST answer tells, or null. */
export function failureOf(answer: HttpAnswer, what: string, effect: Effect): Refusal | null {
  if (answer.status >= 200 && answer.status < 300) return null;
  const errors = ErrorBody.safeParse(jsonOf(answer.body)).data?.errors ?? [];
  const codes = errors.map((error) => error.errorId);
  const told = `${what}: HTTP ${answer.status}${errors.length === 0 ? '' : `, ${wordsOf(errors)}`}`;
  // 25025: another write at the same item was under way, so that this one did nothing (EBAY-5.1). 500 with 25001 is a
  // system error at any point of the work.
  if (codes.includes(25025)) return new Refusal('retry', told, { status: answer.status, codes });
  return statusFailure(answer, {
    told,
    effect,
    codes,
    hints: {
      auth: 'the token is refused: consent again and set refresh_token',
      forbidden:
        'the consent lacks a scope, or the seller account is restricted: consent again with the scopes of docs/channels/ebay.md',
      throttled: 'a call limit is reached; invsync waits',
      rejected: codes.includes(25709)
        ? 'a header was changed on the way: a proxy must pass Accept-Language on'
        : 'run: invsync check',
    },
  });
}

/** Error ids and words for people. */
export function wordsOf(errors: readonly RestError[]): string {
  return short(
    errors.map((error) => `${error.errorId} ${error.longMessage ?? error.message ?? ''}`.trim()).join('; '),
  );
}
