import type { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { stopped } from '../errors.ts';
import type { HttpAnswer, HttpClient } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { clockOf } from '../kit/retry-after.ts';
import { AdaptivePace, type Priority } from '../kit/was/pace.ts';
import type { EbayConfig } from './config.ts';
import { type Effect, failureOf, unclear } from './failures.ts';
import { createLimitRest } from './limit-rest.ts';
import { sites } from './sites.ts';
import type { TokenKind, Tokens } from './tokens.ts';

/** One REST request. `query` values are encoded here; `effect` defaults to `read` for GET and `write` for the rest. */
export interface Call<T> {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: readonly (readonly [string, string])[];
  body?: unknown;
  data: z.ZodType<T>;
  as?: TokenKind;
  effect?: Effect;
  priority?: Priority;
  /** `identity`: the host of the few APIs that live elsewhere (EBAY-1.1). */
  host?: 'identity';
}

/** A good answer with the span of its request. An empty body is null. */
export interface Answer<T> {
  data: T;
  headers: Readonly<Record<string, string>>;
  askedAt: number;
  answeredAt: number;
  /** eBay's clock when the request began, at the latest; our own when the answer carries no date. */
  channelClock: number;
}

/** The REST APIs of one channel. Throws nothing but `ChannelError`. */
export interface Rest {
  call<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
}

/** Daily limits are far away (EBAY-7), so that only bursts are smoothed. */
const intervalMs = 20;
const longestPauseMs = 5_000;

/** Adds tokens, the explicit language and the marketplace; renews a refused token once. */
export function createRest(
  config: EbayConfig,
  deps: ChannelDeps,
  means: { http: HttpClient; tokens: Tokens },
): Rest {
  const { http, tokens } = means;
  const pace = new AdaptivePace(deps.clock, { intervalMs });
  const limitRest = createLimitRest();
  const { locale } = sites[config.marketplace];
  const base = deps.baseUrl ?? 'https://api.ebay.com';

  const send = (call: Call<unknown>, token: string, signal: AbortSignal): Promise<HttpAnswer> =>
    http(
      {
        method: call.method,
        url: `${call.host === 'identity' ? identityHost(base) : base}${call.path}${queryString(call.query ?? [])}`,
        headers: {
          authorization: `Bearer ${token}`,
          // EBAY-1.4: without both, or with the `*` that HTTP clients add, requests are refused with 25709.
          'accept-language': locale,
          'content-language': locale,
          'x-ebay-c-marketplace-id': config.marketplace,
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      },
      signal,
    );

  return {
    async call(call, signal) {
      const kind = call.as ?? 'user';
      const token = await tokens.current(kind, signal);
      await pace.acquire(1, call.priority ?? 'read', signal);
      if (signal.aborted) throw stopped();
      let answer = await send(call, token, signal);
      // A 401 proves that nothing was done, so the request may leave once more.
      if (answer.status === 401)
        answer = await send(call, await tokens.afterRefusal(kind, token, signal), signal);
      const effect = call.effect ?? (call.method === 'GET' ? 'read' : 'write');
      const what = `${call.method} ${call.path}`;
      const failure = failureOf(answer, what, effect);
      if (failure === null) {
        pace.succeeded();
        limitRest.ended();
        return readAnswer(call, answer, effect);
      }
      if (failure.kind !== 'throttled') throw failure;
      const limited = limitRest.timed(failure);
      pace.pause(Math.min(limited.afterMs ?? 0, longestPauseMs));
      throw limited;
    },
  };
}

function readAnswer<T>(call: Call<T>, answer: HttpAnswer, effect: Effect): Answer<T> {
  const what = `${call.method} ${call.path}`;
  let body: unknown = null;
  try {
    body = answer.body.length === 0 ? null : parseJsonBytes(answer.body);
  } catch {
    throw unclear(effect, `${what}: the answer is no JSON`);
  }
  const data = call.data.safeParse(body);
  if (!data.success) {
    const where = data.error.issues[0]?.path.join('.') || 'its root';
    throw unclear(effect, `${what}: the answer has an unknown shape at ${where}`);
  }
  const { headers, askedAt, answeredAt } = answer;
  return { data: data.data, headers, askedAt, answeredAt, channelClock: clockOf(answer) };
}

function identityHost(base: string): string {
  return base.replace(/^https:\/\/api\.((?:sandbox\.)?ebay\.com)$/, 'https://apiz.$1');
}

/** Encodes also `[ ] { | }` of filters (EBAY-6). */
function queryString(query: readonly (readonly [string, string])[]): string {
  if (query.length === 0) return '';
  return `?${query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}
