import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { createHttpClient, type HttpAnswer } from '../kit/http.ts';
import { createPace, type Pace, type Priority } from '../kit/pace.ts';
import { createRate } from '../kit/rate.ts';
import { Refusal } from '../kit/refusal.ts';
import { authenticate, type Query, queryString, schemeOf } from './auth.ts';
import type { WooConfig } from './config.ts';
import { type Asked, readAnswer } from './refusals.ts';

/** A good answer with the span of its request. */
export interface Answered {
  json: unknown;
  headers: Readonly<Record<string, string>>;
  askedAt: number;
  answeredAt: number;
}

/** One request. `path` begins with `/` and, unless `anonymous`, continues below `/wp-json/wc/v3`. */
export interface ApiRequest {
  path: string;
  query?: Query;
  signal: AbortSignal;
  priority?: Priority;
}

/** The shop's REST API: authenticated, paced, one request at a time. Throws nothing but `ChannelError`. */
export interface Api {
  get(request: ApiRequest): Promise<Answered>;
  /** Sends `body` as JSON. PUT becomes POST at hosts that refuse PUT (both edit, WOO-O.2). */
  write(method: 'POST' | 'PUT' | 'DELETE', request: ApiRequest, body?: unknown): Promise<Answered>;
  /** Any address of the site without credentials, the raw answer whatever its status. */
  anonymous(request: ApiRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const root = '/wp-json/wc/v3';

/** Opens a connection pool of its own; `close` ends it. */
export function createApi(config: WooConfig, deps: ChannelDeps): Api {
  const send = createHttpClient({
    clock: deps.clock,
    timeoutMs: deps.timeoutMs,
    userAgent: 'invsync (WooCommerce stock sync)',
    maxConnections: 2,
  });
  // At most so many starts a second; the shop's own pace of about 18 a second rules in practice (WOO-O.11). A longer wait
  // than the patience is handed to the engine instead of being slept through.
  const regain = { share: 0.11, perMs: 'success' } as const;
  const rate = createRate({ perSecond: 100, leastPerSecond: 0.2, regain });
  const pauses = { longestPauseMs: Number.POSITIVE_INFINITY, patienceMs: 2_000 };
  const pace = createPace(deps.clock, rate, { inFlight: 1, ...pauses });
  const origin = deps.baseUrl ?? config.url;
  let putRefused = false;

  const once = (method: Method, request: ApiRequest, body: unknown): Promise<Answered> =>
    pace.run(turnOf(request), async () => {
      const path = `${root}${request.path}`;
      const proof = authenticate(
        config,
        { method, path, query: request.query ?? [] },
        { nonce: deps.randomHex(16), now: deps.clock.now() },
      );
      const answer = await send(
        {
          method,
          url: addressOf(origin, path, proof.query),
          headers: {
            ...proof.headers,
            ...(method === 'GET' ? { 'cache-control': 'no-cache' } : {}),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        },
        request.signal,
      );
      const asked: Asked = {
        method,
        path,
        write: method !== 'GET',
        scheme: schemeOf(config),
        url: config.url,
      };
      const json = judged(answer, asked, pace);
      return { json, headers: answer.headers, askedAt: answer.askedAt, answeredAt: answer.answeredAt };
    });

  const write: Api['write'] = async (method, request, body) => {
    if (method !== 'PUT' || putRefused) return once(method === 'PUT' ? 'POST' : method, request, body);
    try {
      return await once('PUT', request, body);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 405) throw error;
      putRefused = true;
      return once('POST', request, body);
    }
  };

  return {
    get: (request) => once('GET', request, undefined),
    write,
    anonymous: (request) =>
      pace.run(turnOf(request), () =>
        send({ method: 'GET', url: addressOf(origin, request.path, request.query ?? []) }, request.signal),
      ),
    close: () => send.close(),
  };
}

function turnOf({ priority, signal }: ApiRequest): { priority: Priority; signal: AbortSignal } {
  return { priority: priority ?? 'read', signal };
}

function judged(answer: HttpAnswer, asked: Asked, pace: Pace): unknown {
  try {
    const json = readAnswer(answer, asked);
    pace.succeeded();
    return json;
  } catch (error) {
    if (error instanceof ChannelError && error.kind === 'throttled')
      error.afterMs = pace.refused(error.afterMs ?? null);
    throw error;
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

function addressOf(origin: string, path: string, query: Query): string {
  return query.length === 0 ? `${origin}${path}` : `${origin}${path}?${queryString(query)}`;
}
