import type { ChannelDeps } from '../channel.ts';
import { createHttpClient, type HttpAnswer } from '../kit/http.ts';
import { createPace } from '../kit/pace.ts';
import { createRate } from '../kit/rate.ts';
import { type Call, createRest, effectOf, queryString, type Rest } from '../kit/rest.ts';
import { failureOf, readJson } from './answer.ts';
import { authenticate, schemeOf } from './auth.ts';
import type { WooConfig } from './config.ts';

/** Parameters, sent in this order. */
export type Query = Readonly<Record<string, string | number>>;

/** One request below `/wp-json/wc/v3`. */
export interface WooCall<T> extends Call<T> {
  query?: Query;
}

/** The shop's REST API: authenticated, paced, one request at a time. Throws nothing but `ChannelError`. */
export interface Api extends Rest<WooCall<unknown>> {
  /** Any address of the site without credentials, the raw answer whatever its status. */
  anonymous(path: string, query: Query, signal: AbortSignal): Promise<HttpAnswer>;
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
  /** Some hosts refuse PUT; POST edits just as well (WOO-O.2). */
  let putRefused = false;

  const rest = createRest<WooCall<unknown>>({
    http: send,
    pace: () => pace,
    nameOf: ({ method, path }) => `${method} ${root}${path}`,
    request({ method: wanted, path, query, body }) {
      const method = wanted === 'PUT' && putRefused ? 'POST' : wanted;
      const asked = { method, path: `${root}${path}`, query: pairsOf(query) };
      const proof = authenticate(config, asked, { nonce: deps.randomHex(16), now: deps.clock.now() });
      return {
        method,
        url: `${origin}${asked.path}${queryString(proof.query)}`,
        headers: {
          ...proof.headers,
          ...(method === 'GET' ? { 'cache-control': 'no-cache' } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      };
    },
    failure: (answer, { call: { method }, what, effect }) =>
      failureOf(answer, { what, method, effect, scheme: schemeOf(config), url: config.url }),
    async mend(cure) {
      const isNews = cure === 'POST' && !putRefused;
      putRefused = true;
      return isNews;
    },
    content: (answer, call) => readJson(answer.body, effectOf(call))?.json,
    shapeHint: 'a plugin changes the answers of the REST API; look at the address in a browser',
  });
  return {
    ...rest,
    anonymous: (path, query, signal) =>
      pace.run({ signal }, () =>
        send({ method: 'GET', url: `${origin}${path}${queryString(pairsOf(query))}` }, signal),
      ),
    close: () => send.close(),
  };
}

function pairsOf(query: Query = {}): [string, string][] {
  return Object.entries(query).map(([name, value]) => [name, String(value)]);
}
