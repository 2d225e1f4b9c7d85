import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { createHttpClient, type HttpAnswer } from '../kit/http.ts';
import { createPace, type Priority } from '../kit/pace.ts';
import { createRate } from '../kit/rate.ts';
import { Refusal } from '../kit/refusal.ts';
import { type Answer, type Call, createRest } from '../kit/rest.ts';
import { authenticate, type Query, queryString, schemeOf } from './auth.ts';
import type { WooConfig } from './config.ts';
import { failureOf, jsonIn } from './refusals.ts';

/** A good answer with the span of its request. */
export type Answered = Omit<Answer<unknown>, 'data'> & { json: unknown };

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

  const rest = createRest<Call<unknown> & { query: Query }>({
    http: send,
    pace: () => pace,
    request({ method, path, query, body }) {
      const fresh = { nonce: deps.randomHex(16), now: deps.clock.now() };
      const proof = authenticate(config, { method, path, query }, fresh);
      return {
        method,
        url: addressOf(origin, path, proof.query),
        headers: {
          ...proof.headers,
          ...(method === 'GET' ? { 'cache-control': 'no-cache' } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      };
    },
    failure(answer, { call: { method, path }, effect }) {
      const write = effect === 'write';
      return failureOf(answer, { method, path, write, scheme: schemeOf(config), url: config.url });
    },
    content: (answer, { method }) => jsonIn(answer, method !== 'GET'),
  });

  const once = async (method: Method, request: ApiRequest, body: unknown): Promise<Answered> => {
    const { path, query = [], priority = 'read', signal } = request;
    const call = { method, path: `${root}${path}`, query, priority, data: z.unknown(), body };
    const { data: json, ...span } = await rest.call(call, signal);
    return { json, ...span };
  };

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
    anonymous: ({ path, query = [], signal, priority }) =>
      pace.run({ signal, priority }, () =>
        send({ method: 'GET', url: addressOf(origin, path, query) }, signal),
      ),
    close: () => send.close(),
  };
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

function addressOf(origin: string, path: string, query: Query): string {
  return query.length === 0 ? `${origin}${path}` : `${origin}${path}?${queryString(query)}`;
}
