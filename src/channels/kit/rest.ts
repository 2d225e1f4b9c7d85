import type { z } from 'zod';
import type { ChannelError } from '../errors.ts';
import { stopped } from '../errors.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from './http.ts';
import { jsonOf } from './json.ts';
import type { Tokens } from './oauth.ts';
import type { Pace, Priority } from './pace.ts';
import { type Effect, Refusal, unclear } from './refusal.ts';
import { clockOf } from './retry-after.ts';

/** One request of any platform; an adapter adds what is its own. */
export interface Call<T> {
  method: HttpRequest['method'];
  /** Percent-encoded already. */
  path: string;
  body?: unknown;
  /** How the answer's data is read. */
  data: z.ZodType<T>;
  /** Default: `read` for GET, else `write`; a search by POST is a `read`. */
  effect?: Effect;
  /** Default `read`. */
  priority?: Priority;
  patienceMs?: number;
}

/** A good answer with the span of its request. */
export interface Answer<T> {
  data: T;
  headers: Readonly<Record<string, string>>;
  askedAt: number;
  answeredAt: number;
  /** The platform's clock when the request began, at the latest; ours when the answer carries no date. */
  channelClock: number;
}

/** What is particular about a platform's requests; everything else is `createRest`'s. */
export interface Dialect<C extends Call<unknown>> {
  http: HttpClient;
  /** The queue that a call waits in. */
  pace(call: C): Pace;
  cost?(call: C): number;
  /** Whose token it is sent with; null: none. */
  tokens?(call: C): Tokens | null;
  /** Made anew for each attempt, signature and all; `token` is '' where there is none. */
  request(call: C, token: string, signal: AbortSignal): HttpRequest | Promise<HttpRequest>;
  /** Names the call in messages, without ids and secrets; default: method and path. */
  nameOf?(call: C): string;
  /** Every answer, good or bad, before it is judged: clocks, rates, versions; null: there was none. `cost`: what it left with. */
  heard?(answer: HttpAnswer | null, call: C, cost: number): void;
  /** The failure that an answer tells, or null. */
  failure(answer: HttpAnswer, asked: { call: C; what: string; effect: Effect }): ChannelError | null;
  /** What `data` is read from; default: the body as JSON, null when it is empty. Undefined: it is not readable. */
  content?(answer: HttpAnswer, call: C): unknown;
  /** Mends the cause of a refusal that did nothing (`Refusal.cure`); true: worth another attempt. The token is mended here. */
  mend?(cure: string, signal: AbortSignal): Promise<boolean>;
  /** The platform's clock when the request began; where the answer carries no Date; default: ours. */
  clockOf?(answer: HttpAnswer): number;
  /** What to do about an answer of an unknown shape. */
  shapeHint?: string;
}

/** Sends requests of one channel. Throws nothing but `ChannelError`. */
export interface Rest<C extends Call<unknown>> {
  call<T>(call: Omit<C, 'data'> & { data: z.ZodType<T> }, signal: AbortSignal): Promise<Answer<T>>;
}

export function effectOf({ effect, method }: Pick<Call<unknown>, 'effect' | 'method'>): Effect {
  return effect ?? (method === 'GET' ? 'read' : 'write');
}

/**
 * Token, turn, request, answer, judgement, shape. A refusal that did nothing and has a cure is mended once for each cure
 * and the request sent again; with the same token it would be no use. A refusal for the rate slows the pace down, and
 * tells for how long.
 */
export function createRest<C extends Call<unknown>>(dialect: Dialect<C>): Rest<C> {
  /** Judged before the next request leaves, so that a refusal for the rate holds it back. */
  const attempt = (asked: { call: C; what: string; effect: Effect }, token: string, signal: AbortSignal) => {
    const { call } = asked;
    const { priority, patienceMs } = call;
    const cost = dialect.cost?.(call) ?? 1;
    const pace = dialect.pace(call);
    return pace.run({ priority, patienceMs, signal, cost }, async () => {
      let answer: HttpAnswer | null = null;
      try {
        answer = await dialect.http(await dialect.request(call, token, signal), signal);
      } finally {
        dialect.heard?.(answer, call, cost);
      }
      const failure = dialect.failure(answer, asked);
      if (failure === null) pace.succeeded();
      else if (failure.kind === 'throttled') failure.afterMs = pace.refused(failure.afterMs ?? null);
      return { answer, failure };
    });
  };
  const isMended = async (
    cure: string,
    at: { tokens: Tokens | null; token: string; signal: AbortSignal },
  ) => {
    if (cure !== 'token') return (await dialect.mend?.(cure, at.signal)) ?? false;
    return at.tokens !== null && (await at.tokens.afterRefusal(at.token, at.signal)) !== at.token;
  };

  return {
    async call(given, signal) {
      const call = given as C & typeof given;
      const tokens = dialect.tokens?.(call) ?? null;
      const what = dialect.nameOf?.(call) ?? `${call.method} ${call.path}`;
      const effect = effectOf(call);
      const mended = new Set<string>();
      for (;;) {
        if (signal.aborted) throw stopped();
        const token = (await tokens?.current(signal)) ?? '';
        const { answer, failure } = await attempt({ call, what, effect }, token, signal);
        if (failure === null) return readAnswer(dialect, given, { answer, call, what, effect });
        const cure = failure instanceof Refusal ? failure.cure : null;
        if (cure === null || mended.has(cure)) throw failure;
        mended.add(cure);
        if (!(await isMended(cure, { tokens, token, signal }))) throw failure;
      }
    },
  };
}

function readAnswer<C extends Call<unknown>, T>(
  dialect: Dialect<C>,
  { data }: { data: z.ZodType<T> },
  at: { answer: HttpAnswer; call: C; what: string; effect: Effect },
): Answer<T> {
  const { answer, call, what, effect } = at;
  const content = dialect.content === undefined ? contentOf(answer) : dialect.content(answer, call);
  const hint = dialect.shapeHint ?? '';
  if (content === undefined) throw unclear(effect, `${what}: the answer is no JSON`, { hint });
  const read = data.safeParse(content);
  if (!read.success) {
    const where = read.error.issues[0]?.path.join('.') || 'its root';
    throw unclear(effect, `${what}: the answer has an unknown shape at ${where}`, { hint });
  }
  const { headers, askedAt, answeredAt } = answer;
  const channelClock = clockOf(answer, dialect.clockOf?.(answer) ?? askedAt);
  return { data: read.data, headers, askedAt, answeredAt, channelClock };
}

function contentOf(answer: HttpAnswer): unknown {
  return answer.body.length === 0 ? null : jsonOf(answer.body);
}

/** `?a=1&b=x%2Cy`, or nothing. Encodes also `[ ] { | }`, as filters need it. */
export function queryString(query: readonly (readonly [string, string])[]): string {
  if (query.length === 0) return '';
  return `?${query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}
