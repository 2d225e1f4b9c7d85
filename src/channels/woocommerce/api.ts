import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { createHttpClient, type HttpAnswer } from '../kit/http.ts';
import type { Priority } from '../kit/pace.ts';
import { authenticate, type Query, queryString, schemeOf } from './auth.ts';
import type { WooConfig } from './config.ts';
import { createGate, type Gate } from './gate.ts';
import { type Asked, Refusal, readAnswer } from './refusals.ts';

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
  /** Sends `body` as JSON. PUT becomes POST at hosts that refuse PUT (both edit, O.2). */
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
  const gate = createGate(deps.clock);
  const origin = deps.baseUrl ?? config.url;
  let putRefused = false;

  const once = (method: Method, request: ApiRequest, body: unknown): Promise<Answered> =>
    gate.pass(turnOf(request), async () => {
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
      const json = judged(answer, asked, gate);
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
      gate.pass(turnOf(request), () =>
        send({ method: 'GET', url: addressOf(origin, request.path, request.query ?? []) }, request.signal),
      ),
    close: () => send.close(),
  };
}

function turnOf({ priority, signal }: ApiRequest): { priority: Priority; signal: AbortSignal } {
  return { priority: priority ?? 'read', signal };
}

function judged(answer: HttpAnswer, asked: Asked, gate: Gate): unknown {
  try {
    const json = readAnswer(answer, asked);
    gate.succeeded();
    return json;
  } catch (error) {
    if (error instanceof ChannelError && error.kind === 'throttled' && error.afterMs !== undefined) {
      gate.pause(error.afterMs);
    }
    throw error;
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

function addressOf(origin: string, path: string, query: Query): string {
  return query.length === 0 ? `${origin}${path}` : `${origin}${path}?${queryString(query)}`;
}
