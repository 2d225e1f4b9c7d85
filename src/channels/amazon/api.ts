import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { createHttpClient, type HttpAnswer, type HttpClient } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { createTokens, formRequest, grantIn, nobodysSignal, type Tokens } from '../kit/oauth.ts';
import { createPace, type Pace } from '../kit/pace.ts';
import { createRate, type RateMemory, type RatePolicy } from '../kit/rate.ts';
import { type Effect, Refusal, statusFailure } from '../kit/refusal.ts';
import { type Answer, type Call as AnyCall, createRest } from '../kit/rest.ts';
import type { AmazonConfig } from './config.ts';
import { type Grant, type OperationName, operations } from './operations.ts';
import { scrub, userAgent } from './platform.ts';
import { createQueue, type Queue } from './queue.ts';

/** A query; lists are sent as CSV, each member percent-encoded by itself (AMZ-4.1). */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What is particular about one request of an operation. `ids` are the last segments of its path. */
export interface Call<T> extends Pick<AnyCall<T>, 'body' | 'data' | 'priority' | 'patienceMs'> {
  ids?: readonly string[];
  query?: Query;
}

/** One selling account in one region, as every part of the adapter gets it. Holds no stock. */
export interface Account {
  config: AmazonConfig;
  deps: ChannelDeps;
  http: HttpClient;
  /** How long so many requests of an operation take within Amazon's rate. */
  forecastMs(operation: OperationName, requests: number): number;
  /** Null: orders are polled only. */
  queue: Queue | null;
  /** Who looks into the feed book takes turns; when Amazon was last asked about a feed. */
  feeds: { turn: Promise<unknown>; askedAt: number };
  at(signal: AbortSignal): Task;
}

/** What the engine wants of an account, until `signal` calls it off. */
export interface Task extends Account {
  signal: AbortSignal;
  /** Sends a request within the rate of its operation. Throws nothing but `ChannelError`. */
  ask<T>(operation: OperationName, call: Call<T>): Promise<Answer<T>>;
}

/** Beyond this a call is not waited for: whoever asked comes back at the time that the failure tells. */
const longestWaitMs = 30_000;
/** Buckets that fill more slowly (requests per second) are remembered over restarts. */
const slowRate = 0.1;

/** Opens the connection pools; nothing is sent yet. */
export function openAccount(config: AmazonConfig, deps: ChannelDeps): Account {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent });
  const own = { config, deps, http };
  const tokens = { seller: tokensOf(own, 'seller'), grantless: tokensOf(own, 'grantless') };
  const origin = deps.baseUrl ?? `https://sellingpartnerapi-${config.region}.amazon.com`;
  const lanes = new Map<OperationName, { pace: Pace; rate: RatePolicy }>();
  const laneOf = (operation: OperationName) => {
    const lane = lanes.get(operation) ?? createLane(deps, operation);
    lanes.set(operation, lane);
    return lane;
  };
  const rest = createRest<AnyCall<unknown> & { operation: OperationName; grant?: Grant; query?: Query }>({
    http,
    failure: (answer, { call, effect }) => failureOf(answer, call.operation, effect),
    content: ({ body }) => (body.length === 0 ? {} : jsonOf(body)),
    nameOf: ({ operation }) => operation,
    pace: ({ operation }) => laneOf(operation).pace,
    tokens: ({ grant = 'seller' }) => tokens[grant],
    heard(answer, { operation }) {
      const told = answer?.headers['x-amzn-ratelimit-limit'];
      const { rate, pace } = laneOf(operation);
      if (told !== undefined) rate.told(Number(told), pace.now());
    },
    request: ({ method, path, query = {}, body }, token) => ({
      method,
      url: `${origin}${path}${queryString(query)}`,
      headers: { 'x-amz-access-token': token, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  });
  const account: Account = {
    ...own,
    queue: config.sqs === undefined ? null : createQueue(config, config.sqs, deps),
    feeds: { turn: Promise.resolve(), askedAt: Number.NEGATIVE_INFINITY },
    forecastMs: (operation, requests) => laneOf(operation).rate.forecastMs(requests),
    at: (signal) => ({
      ...account,
      signal,
      ask(operation, { ids = [], ...call }) {
        const known = operations[operation];
        const path = [known.path, ...ids.map(encodeURIComponent)].join('/');
        return rest.call({ method: 'GET', ...known, ...call, operation, path }, signal);
      },
    }),
  };
  return account;
}

/**
 * The token bucket of one operation, as Amazon keeps one (AMZ-7). Requests that leave on the second may arrive before it: a
 * fast bucket is left one token to spare. The level of a slow one is remembered.
 */
function createLane(deps: ChannelDeps, operation: OperationName): { pace: Pace; rate: RatePolicy } {
  const { rate: perSecond, burst } = operations[operation];
  const spare = perSecond >= 1 && burst > 1 ? 1 : 0;
  const memory = perSecond < slowRate ? memoryOf(deps, operation) : null;
  const rate = createRate({ perSecond, burst: burst - spare }, memory);
  const jitter = (): number => (1 - Number.parseInt(deps.randomHex(4), 16) / 0x1_0000_0000) / 2;
  const longestPauseMs = Number.POSITIVE_INFINITY;
  return { rate, pace: createPace(deps.clock, rate, { longestPauseMs, patienceMs: longestWaitMs, jitter }) };
}

function memoryOf(deps: ChannelDeps, operation: OperationName): RateMemory {
  const key = `bucket ${operation}`;
  return {
    async load() {
      const text = await deps.vault.get(key);
      const [level = 0, at = 0, perSecond = 0] = (text ?? '').split(' ').map(Number);
      return Number.isFinite(level + at) && perSecond > 0 ? { level, at, perSecond } : null;
    },
    save: ({ level, at, perSecond }) => deps.vault.set(key, `${level.toFixed(4)} ${at} ${perSecond}`),
  };
}

function queryString(query: Query): string {
  const parts = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const list = typeof value === 'string' ? [value] : value;
    return [`${name}=${list.map(encodeURIComponent).join(',')}`];
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** Login with Amazon (AMZ-1.2); a token is renewed after four fifths of its life. */
function tokensOf({ config, deps, http }: Pick<Account, 'config' | 'deps' | 'http'>, grant: Grant): Tokens {
  const { client_id, client_secret, refresh_token } = config;
  const url = config.token_url ?? 'https://api.amazon.com/auth/o2/token';
  return createTokens({
    clock: deps.clock,
    vault: deps.vault,
    key: `token ${grant}`,
    owner: [url, client_id, client_secret, refresh_token],
    refreshToken: refresh_token,
    async ask(refresh) {
      const form: Record<string, string> =
        grant === 'seller'
          ? { grant_type: 'refresh_token', refresh_token: refresh }
          : { grant_type: 'client_credentials', scope: 'sellingpartnerapi::notifications' };
      const headers = { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };
      const asked = formRequest(url, { ...form, client_id, client_secret }, headers);
      return grantIn(await http(asked, nobodysSignal), {
        who: 'Login with Amazon',
        lifeMs: 3_600_000,
        secrets: [client_secret, refresh_token],
        hints,
        hint: 'check client_id, client_secret and refresh_token',
      });
    },
  });
}

const hints: Record<string, string> = {
  invalid_grant:
    'the refresh token is wrong, revoked or of another application: authorize the application again and use its new refresh_token',
  invalid_client:
    'client_id or client_secret is wrong, or the secret is older than 180 days: make a new one in the Solution Provider Portal',
  unauthorized_client: 'the refresh token belongs to another application than client_id',
};

const said = z.string().nullish();
/** The error body of old and new APIs alike (AMZ-1.3). */
const ErrorList = z.object({ errors: z.array(z.object({ code: z.string(), message: said, details: said })) });

/** Roles are frozen into the refresh token when it is made (AMZ-1.1). */
const authHint =
  'the refresh token lacks a role, or was revoked: save the roles Inventory and Order Tracking and Product Listing, authorize the application again, and use the new refresh_token';

/** The failure that an answer tells, or null. An access token that was good and is not any more is renewed. */
function failureOf(answer: HttpAnswer, operation: OperationName, effect: Effect): Refusal | null {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) return null;
  const [first] = ErrorList.safeParse(jsonOf(answer.body)).data?.errors ?? [];
  const text = scrub([first?.message, first?.details].filter(Boolean).join(' '));
  const words = [first?.code, text].filter(Boolean).join(': ');
  const id = headers['x-amzn-requestid']?.slice(0, 64);
  const request = id === undefined ? '' : ` (request ${id})`;
  const told = `${operation}: Amazon answered ${status}${words === '' ? '' : ` ${words}`}${request}`;
  const codes = first === undefined ? [] : [first.code];
  if (status === 401 || status === 403) {
    const cure = /expired/i.test(text) ? 'token' : null;
    return new Refusal('auth', told, { status, codes, cure, hint: authHint });
  }
  // 503 is "temporary overloading or maintenance of the server" (Listings Items model, 2021-08-01): nothing was begun. A
  // 500 is "an unexpected condition" at any point of the work.
  const rejected = status === 404 ? 'check seller_id and marketplaces' : 'run: invsync check';
  return statusFailure(answer, { told, effect, codes, hints: { rejected } });
}
