import type { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { createCost } from '../kit/cost.ts';
import { createHttpClient, type HttpAnswer, type HttpClient } from '../kit/http.ts';
import { createTokens, formRequest, grantIn, nobodysSignal, type Tokens } from '../kit/oauth.ts';
import { createPace, type Priority } from '../kit/pace.ts';
import { type Answer, type Call as AnyCall, createRest } from '../kit/rest.ts';
import { walkPages } from '../kit/walk.ts';
import { type DocumentName, documents } from './documents.ts';
import { bodyOf, failureOf, isTooCostly } from './failures.ts';
import type { ShopifyConfig } from './schema.ts';

/** One GraphQL request: which document, with what, and how to read its `data`. */
export interface Call<T> {
  document: DocumentName;
  variables: Record<string, unknown>;
  data: z.ZodType<T>;
  /** Defaults to `read`. */
  priority?: Priority;
}

/** Sends GraphQL requests of one channel. Throws nothing but `ChannelError`. */
export interface ShopifyApi {
  call<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
  /** What people should know about the credential. */
  credential: 'static token' | 'client credentials';
  close(): Promise<void>;
}

/** What a request is taken to cost before Shopify has told it once. */
const firstCost = 100;

/** The version that really answered (SHP-1.2: a dead pin falls forward silently). */
export function versionOf(answer: Pick<HttpAnswer, 'headers'>): string | null {
  return answer.headers['x-shopify-api-version'] ?? null;
}

type Request = AnyCall<unknown> & { given: Call<unknown> };

/** The API of one shop at one version, paced by cost. */
export function createApi(config: ShopifyConfig, deps: ChannelDeps): ShopifyApi {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  const origin = deps.baseUrl ?? `https://${config.shop}`;
  const url = `${origin}/admin/api/${config.api_version}/graphql.json`;
  const granted = tokensOf(config, deps, { http, origin });
  const bucket = createCost();
  const pace = createPace(deps.clock, bucket, { longestPauseMs: Number.POSITIVE_INFINITY });
  const costs = new Map<string, number>();
  let version: string = config.api_version;

  const rest = createRest<Request>({
    http,
    failure: (answer, { effect }) => failureOf(answer, bodyOf(answer), effect),
    content: (answer) => bodyOf(answer)?.data,
    nameOf: ({ given }) => given.document,
    pace: () => pace,
    cost: ({ given }) => costs.get(costKeyOf(given)) ?? firstCost,
    tokens: () => granted,
    heard(answer, call, cost) {
      const told = answer === null ? undefined : bodyOf(answer)?.extensions?.cost;
      bucket.answered(cost, told?.throttleStatus ?? null, pace.now());
      if (told !== undefined) costs.set(costKeyOf(call.given), told.requestedQueryCost);
      const answered = answer === null ? null : versionOf(answer);
      if (answered === null || answered === version) return;
      version = answered;
      deps.log.warn({ asked: config.api_version, answered }, 'Shopify answers with another API version');
    },
    request: ({ given: { document, variables } }, token) => ({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/json',
        'x-shopify-access-token': granted === null ? (config.access_token ?? '') : token,
      },
      body: JSON.stringify({ query: documents[document], variables, operationName: document }),
    }),
  });
  return {
    credential: granted === null ? 'static token' : 'client credentials',
    close: () => http.close(),
    call({ data, priority, ...given }, signal) {
      const effect = documents[given.document].startsWith('mutation') ? 'write' : 'read';
      const call = { method: 'POST' as const, path: '', effect, data, given: { ...given, data } } as const;
      return rest.call({ ...call, ...(priority === undefined ? {} : { priority }) }, signal);
    },
  };
}

/** What scales the cost of a request: the page size or the number of ids. */
function costKeyOf({ document, variables: { first, ids } }: Call<unknown>): string {
  const size = typeof first === 'number' ? first : Array.isArray(ids) ? ids.length : 0;
  return `${document} ${size}`;
}

/**
 * The client-credentials grant (SHP-1.1), renewed after four fifths of its life; one that tells no lifetime lives for a day.
 * Null where the configuration has a token.
 */
function tokensOf(
  config: ShopifyConfig,
  deps: ChannelDeps,
  { http, origin }: { http: HttpClient; origin: string },
): Tokens | null {
  const { client_id, client_secret } = config;
  if (client_id === undefined || client_secret === undefined) return null;
  const url = `${origin}/admin/oauth/access_token`;
  return createTokens({
    clock: deps.clock,
    vault: deps.vault,
    key: 'token',
    owner: [url, client_id, client_secret],
    refreshToken: '',
    async ask() {
      const form = { grant_type: 'client_credentials', client_id, client_secret };
      return grantIn(await http(formRequest(url, form), nobodysSignal), {
        who: 'Shopify',
        lifeMs: 86_399_000,
        secrets: [client_secret],
        hints: {
          shop_not_permitted: 'app and shop must belong to the same organization in the Dev Dashboard',
        },
        hint: 'check client_id and client_secret, and that the app is installed in the shop',
      });
    },
  });
}

/** Where a connection goes on. */
export interface PageInfo {
  hasNextPage: boolean;
  endCursor?: string | null | undefined;
}

/** The cursor of the next page; null: this was the last one. Undefined: it is promised, but not named. */
export function cursorAfter({ hasNextPage, endCursor }: PageInfo): string | null | undefined {
  return hasNextPage ? (endCursor ?? undefined) : null;
}

/** All pages of a connection, each asked for by its cursor. A page that is too costly is asked for again by halves. */
export function connectionPages<Page>(
  plan: { what: string; first?: number; from?: string | null },
  ask: (at: { first: number; after: string | null }) => Promise<Page>,
  infoOf: (page: Page) => PageInfo,
): AsyncGenerator<Page> {
  let { first = 0 } = plan;
  return walkPages<string | null, Page>({
    what: plan.what,
    first: plan.from ?? null,
    async ask(after) {
      for (;;) {
        try {
          return await ask({ first, after });
        } catch (error) {
          if (!isTooCostly(error) || first <= 1) throw error;
          first = Math.floor(first / 2);
        }
      }
    },
    next: (page) => cursorAfter(infoOf(page)),
  });
}
