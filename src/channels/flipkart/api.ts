import type { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { stopped } from '../errors.ts';
import { createHttpClient, type HttpAnswer, type HttpClient, type HttpRequest } from '../kit/http.ts';
import type { Priority } from '../kit/pace.ts';
import { clockOf } from '../kit/retry-after.ts';
import { createTurns, type Turns } from '../kit/was/turns.ts';
import type { FlipkartConfig } from './config.ts';
import { type Effect, failureOf, isThrottle, jsonOf, unclear } from './failures.ts';
import { createTokens } from './token.ts';

/** The two families of calls, each with its own rate and time-out (FK-6). */
export type Family = 'listings' | 'orders';

/** One request. `path` follows `/sellers` and is percent-encoded already. */
export interface Call<T> {
  family: Family;
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
  data: z.ZodType<T>;
  /** Default `read`: searches are POST too. */
  effect?: Effect;
  /** Default `read`. */
  priority?: Priority;
}

/** A good answer with the span of its request. An empty body is null. */
export interface Answer<T> {
  data: T;
  askedAt: number;
  answeredAt: number;
  /** Flipkart's clock when the request began, at the latest; ours when the answer carries no date. */
  channelClock: number;
}

/** Sends requests of one channel. Throws nothing but `ChannelError`. */
export interface Api {
  call<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
  http: HttpClient;
  /** Flipkart's clock less ours, as the last answer told it; asks for a token when there was none yet. */
  skewMs(signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

/** The business paths live under it, the token path does not (FK-0, FK-7.1). */
const prefix = '/sellers';
/** Flipkart's own recommendation: shorter ones are "a data-integrity risk" (FK-6). */
const leastTimeoutMs: Record<Family, number> = { listings: 10_000, orders: 60_000 };
const firstBackoffMs = 2_000;
const longestBackoffMs = 120_000;
/** Who asks meanwhile waits so long at most: longer rests are for the engine, which is told, so that nobody hangs. */
const longestPauseMs = 5_000;

/** Opens a connection pool of its own; `close` ends it. */
export function createApi(config: FlipkartConfig, deps: ChannelDeps): Api {
  const { clock } = deps;
  const origin = deps.baseUrl ?? 'https://api.flipkart.net';
  const http = createHttpClient({ clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  let skewMs = 0;
  const ask = async (request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> => {
    const answer = await http(request, signal);
    skewMs = clockOf(answer) - answer.askedAt;
    return answer;
  };
  const tokens = createTokens(config, deps, { send: ask, origin });
  const intervalMs = 1_000 / config.requests_per_second;
  const families: Record<Family, { turns: Turns; refusals: number }> = {
    listings: { turns: createTurns(clock, { intervalMs }), refusals: 0 },
    orders: { turns: createTurns(clock, { intervalMs: 2 * intervalMs }), refusals: 0 },
  };

  const send = (call: Call<unknown>, token: string, signal: AbortSignal): Promise<HttpAnswer> =>
    families[call.family].turns.run(call.priority ?? 'read', signal, () =>
      ask(
        {
          method: call.method,
          url: `${origin}${prefix}${call.path}`,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          timeoutMs: timeoutOf(call, deps),
          ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        },
        signal,
      ),
    );
  const noteAnswer = (call: Call<unknown>, answer: HttpAnswer): number => {
    const family = families[call.family];
    if (!isThrottle(answer)) {
      family.refusals = 0;
      return 0;
    }
    const afterMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(family.refusals, 10));
    family.refusals += 1;
    family.turns.pause(Math.min(afterMs, longestPauseMs));
    return afterMs;
  };

  return {
    http,
    async skewMs(signal) {
      await tokens.current(signal);
      return skewMs;
    },
    close: () => http.close(),
    async call(call, signal) {
      if (signal.aborted) throw stopped();
      const token = await tokens.current(signal);
      let answer = await send(call, token, signal);
      // A 401 proves that nothing was done, so that the request may leave again; with the same token it would be no use.
      if (answer.status === 401) {
        const fresh = await tokens.afterRefusal(token, signal);
        if (fresh !== token) answer = await send(call, fresh, signal);
      }
      const effect = call.effect ?? 'read';
      const what = `${call.method} ${nameOf(call.path)}`;
      const failure = failureOf(answer, { what, effect, afterMs: noteAnswer(call, answer) });
      if (failure !== null) throw failure;
      return readAnswer(call, answer, what);
    },
  };
}

/** A write ends within the time that the engine counts with. */
function timeoutOf(call: Call<unknown>, deps: ChannelDeps): number {
  const { timeoutMs } = deps;
  return call.effect === 'write' || call.priority === 'push'
    ? timeoutMs
    : Math.max(timeoutMs, leastTimeoutMs[call.family]);
}

function readAnswer<T>(call: Call<T>, answer: HttpAnswer, what: string): Answer<T> {
  const effect = call.effect ?? 'read';
  const body = answer.body.length === 0 ? null : jsonOf(answer.body);
  if (body === undefined) throw unclear(effect, `${what}: the answer is no JSON`);
  const data = call.data.safeParse(body);
  if (!data.success) {
    const where = data.error.issues[0]?.path.join('.') || 'its root';
    throw unclear(effect, `${what}: the answer has an unknown shape at ${where}`);
  }
  const { askedAt, answeredAt } = answer;
  return { data: data.data, askedAt, answeredAt, channelClock: clockOf(answer) };
}

/** The path without ids and tokens, for messages. */
function nameOf(path: string): string {
  return (
    path.split('?')[0]?.replace(/^(\/(?:listings\/v3|v3\/shipments))\/(?!search|update|filter).*$/, '$1/…') ??
    path
  );
}
