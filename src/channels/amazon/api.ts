import type { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { stopped } from '../errors.ts';
import { createHttpClient, type HttpAnswer, type HttpClient } from '../kit/http.ts';
import type { Priority } from '../kit/pace.ts';
import { clockOf } from '../kit/retry-after.ts';
import { unlessStopped } from '../kit/unless-stopped.ts';
import { type Bucket, type BucketMemory, createBucket } from './bucket.ts';
import type { AmazonConfig } from './config.ts';
import { beforeWriting, failureOf, isExpired, jsonOf, unclear } from './failures.ts';
import { effectOf, isSlow, type OperationName, operations } from './operations.ts';
import { regionFacts } from './region.ts';
import { createTokens, type Grant, type Tokens } from './token.ts';

/** A query; lists are sent as CSV, each member percent-encoded by itself (AMZ-4.1). */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One request. `path` is already percent-encoded. */
export interface Call<T> {
  operation: OperationName;
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  query?: Query;
  body?: unknown;
  data: z.ZodType<T>;
  /** Default `seller`. */
  grant?: Grant;
  /** Default `read`. */
  priority?: Priority;
  /** Fails with `throttled` instead of waiting longer than this for its turn; default 30 s, so that nobody is held up. */
  patienceMs?: number;
}

/** The answer's data and the span of its request. */
export interface Answer<T> {
  data: T;
  askedAt: number;
  answeredAt: number;
  /** Amazon's clock when the request began, at the latest; ours when the answer carries no date. */
  channelClock: number;
}

/** Sends requests of one channel, each operation within its own rate. Throws nothing but `ChannelError`. */
export interface Api {
  call<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
  bucketOf(operation: OperationName): Bucket;
  http: HttpClient;
  tokens: Tokens;
  close(): Promise<void>;
}

/** Beyond this a call is not waited for: whoever asked comes back at the time that the failure tells. */
const longestWaitMs = 30_000;

/** Mandatory, at most 500 characters (AMZ-1.3). */
export const userAgent = `invsync/1.0 (Language=TypeScript; Platform=Node/${process.versions.node.split('.')[0]})`;

/** Opens a connection pool of its own; `close` ends it. */
export function createApi(config: AmazonConfig, deps: ChannelDeps): Api {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent });
  const tokens = createTokens(config, deps, http);
  const origin = deps.baseUrl ?? regionFacts[config.region].origin;
  const buckets = new Map<OperationName, Bucket>();
  const bucketOf = (operation: OperationName): Bucket => {
    const known = buckets.get(operation);
    if (known !== undefined) return known;
    const memory = isSlow(operation) ? memoryOf(deps, operation) : null;
    const made = createBucket(deps.clock, operations[operation], memory);
    buckets.set(operation, made);
    return made;
  };

  return {
    http,
    tokens,
    bucketOf,
    close: () => http.close(),
    async call(call, signal) {
      if (signal.aborted) throw stopped();
      const bucket = bucketOf(call.operation);
      await bucket.within(call.patienceMs ?? longestWaitMs);
      const url = `${origin}${call.path}${queryString(call.query ?? {})}`;
      const answer = await sendWithToken({ http, tokens, bucket, url }, call, signal);
      return readAnswer(call, answer, { bucket, deps });
    },
  };
}

/** `?a=1&b=x,y`, or nothing. */
function queryString(query: Query): string {
  const parts = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const list = typeof value === 'string' ? [value] : value;
    return [`${name}=${list.map(encodeURIComponent).join(',')}`];
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** A call that was refused for an expired token did nothing, so it may leave once more with a new one. */
async function sendWithToken(
  link: { http: HttpClient; tokens: Tokens; bucket: Bucket; url: string },
  call: Call<unknown>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { http, tokens, bucket, url } = link;
  const grant = call.grant ?? 'seller';
  const send = async (token: string): Promise<HttpAnswer> => {
    await bucket.take(call.priority ?? 'read', signal);
    return http(
      {
        method: call.method,
        url,
        headers: { 'x-amz-access-token': token, 'content-type': 'application/json' },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      },
      signal,
    );
  };
  const token = await tokenOf(tokens.current(grant), signal);
  const answer = await send(token);
  if (!isExpired(answer)) return answer;
  const fresh = await tokenOf(tokens.afterRefusal(grant, token), signal);
  return fresh === token ? answer : send(fresh);
}

/** A renewal serves all callers; no token means that nothing was sent. */
function tokenOf<T>(renewal: Promise<T>, signal: AbortSignal): Promise<T> {
  const failing = renewal.catch((error: unknown) => {
    throw beforeWriting(error);
  });
  return unlessStopped(failing, signal);
}

function readAnswer<T>(
  call: Call<T>,
  answer: HttpAnswer,
  means: { bucket: Bucket; deps: ChannelDeps },
): Answer<T> {
  const { bucket, deps } = means;
  const { operation } = call;
  const effect = effectOf(operation);
  const rate = answer.headers['x-amzn-ratelimit-limit'];
  if (rate !== undefined) bucket.told(Number(rate));
  const afterMs = answer.status === 429 ? bucket.refused(fraction(deps)) : 0;
  if (answer.status !== 429) bucket.succeeded();
  const failure = failureOf(answer, { operation, effect, afterMs });
  if (failure !== null) {
    deps.log.debug({ operation, status: answer.status, kind: failure.kind }, 'Amazon refused a request');
    throw failure;
  }
  const json = answer.body.length === 0 ? {} : jsonOf(answer.body);
  const parsed = call.data.safeParse(json);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw unclear(effect, `${operation}: Amazon answered in an unexpected shape at "${where}"`);
  }
  const { askedAt, answeredAt } = answer;
  return { data: parsed.data, askedAt, answeredAt, channelClock: clockOf(answer) };
}

function fraction(deps: ChannelDeps): number {
  return Number.parseInt(deps.randomHex(4), 16) / 0x1_0000_0000;
}

function memoryOf(deps: ChannelDeps, operation: OperationName): BucketMemory {
  const key = `bucket ${operation}`;
  return {
    async load() {
      const text = await deps.vault.get(key);
      const [level = Number.NaN, at = Number.NaN, rate = Number.NaN] = (text ?? '').split(' ').map(Number);
      if (!Number.isFinite(level) || !Number.isFinite(at) || !(rate > 0)) return null;
      return { level, at, rate };
    },
    save: ({ level, at, rate }) => deps.vault.set(key, `${level.toFixed(4)} ${at} ${rate}`),
  };
}
