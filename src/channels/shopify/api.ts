import { z } from 'zod';
import type { ChannelDeps } from '../channel.ts';
import { ChannelError } from '../errors.ts';
import { createHttpClient, type HttpAnswer, type HttpClient } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import type { Priority } from '../kit/pace.ts';
import { clockOf } from '../kit/retry-after.ts';
import { unlessStopped } from '../kit/unless-stopped.ts';
import { type CostBucket, createCostBucket } from '../kit/was/cost-bucket.ts';
import { type DocumentName, documents } from './documents.ts';
import {
  Cost,
  costStatus,
  type Effect,
  statusFailure,
  TopLevelErrors,
  topLevelFailure,
  unclear,
} from './failures.ts';
import type { ShopifyConfig } from './schema.ts';
import { createTokens, type Tokens } from './token.ts';

/** One GraphQL request: which document, with what, and how to read its `data`. */
export interface Call<T> {
  document: DocumentName;
  variables: Record<string, unknown>;
  data: z.ZodType<T>;
  /** Defaults to `read`. */
  priority?: Priority;
}

/** The answer's data, the span of its request and what its headers tell. */
export interface Answer<T> {
  data: T;
  askedAt: number;
  answeredAt: number;
  /** The shop's clock when the request began, at the latest; our own when the answer carries no date. */
  channelClock: number;
  /** Version that really answered (SHP-1.2: a dead pin falls forward silently). */
  version: string | null;
}

/** Sends GraphQL requests of one channel. Throws nothing but `ChannelError`. */
export interface ShopifyApi {
  call<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
  tokens: Tokens;
  close(): Promise<void>;
}

const Body = z.object({
  data: z.unknown().optional(),
  errors: TopLevelErrors.optional(),
  extensions: z.object({ cost: Cost.optional().catch(undefined) }).nullish(),
});
type Body = z.infer<typeof Body>;

/** What a request is taken to cost before Shopify has told it once. */
const firstCost = 100;

/** The API of one shop at one version, paced by cost. */
export function createApi(config: ShopifyConfig, deps: ChannelDeps): ShopifyApi {
  const http = createHttpClient({ clock: deps.clock, timeoutMs: deps.timeoutMs, userAgent: 'invsync' });
  const tokens = createTokens(config, deps, http);
  const bucket = createCostBucket(deps.clock);
  const costs = new Map<string, number>();
  let version: string = config.api_version;
  const noteVersion = (answered: string | null): void => {
    if (answered === null || answered === version) return;
    version = answered;
    deps.log.warn({ asked: config.api_version, answered }, 'Shopify answers with another API version');
  };
  const url = `${deps.baseUrl ?? `https://${config.shop}`}/admin/api/${config.api_version}/graphql.json`;

  return {
    tokens,
    close: () => http.close(),
    async call(call, signal) {
      const effect: Effect = documents[call.document].startsWith('mutation') ? 'write' : 'read';
      const costKey = `${call.document} ${sizeOf(call.variables)}`;
      const cost = costs.get(costKey) ?? firstCost;
      await bucket.acquire(cost, call.priority ?? 'read', signal);
      const outcome = await attempt(() => sendWithToken({ http, tokens, url }, call, signal));
      const body = outcome.ok ? bodyOf(outcome.answer) : null;
      const told = body?.extensions?.cost ?? null;
      bucket.answered(cost, costStatus(told));
      if (told !== null) costs.set(costKey, told.requestedQueryCost);
      if (!outcome.ok) throw outcome.error;
      noteVersion(outcome.answer.headers['x-shopify-api-version'] ?? null);
      return readAnswer({ call, effect, bucket }, outcome.answer, body);
    },
  };
}

/** What scales the cost of a request: the page size or the number of ids. */
function sizeOf(variables: Record<string, unknown>): number {
  const { first, ids } = variables;
  if (typeof first === 'number') return first;
  return Array.isArray(ids) ? ids.length : 0;
}

type Sent = { ok: true; answer: HttpAnswer } | { ok: false; error: unknown };

async function attempt(send: () => Promise<HttpAnswer>): Promise<Sent> {
  try {
    return { ok: true, answer: await send() };
  } catch (error) {
    return { ok: false, error };
  }
}

/** A 401 proves that nothing was executed, so the request may leave once more with a renewed token. */
async function sendWithToken(
  link: { http: HttpClient; tokens: Tokens; url: string },
  call: Pick<Call<unknown>, 'document' | 'variables'>,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const body = JSON.stringify({
    query: documents[call.document],
    variables: call.variables,
    operationName: call.document,
  });
  const send = (token: string) =>
    link.http(
      {
        method: 'POST',
        url: link.url,
        headers: { 'content-type': 'application/json', 'x-shopify-access-token': token },
        body,
      },
      signal,
    );
  const token = await unlessStopped(link.tokens.current(), signal);
  const answer = await send(token);
  if (answer.status !== 401) return answer;
  const fresh = await unlessStopped(link.tokens.afterRefusal(token), signal);
  return fresh === null ? answer : send(fresh);
}

function readAnswer<T>(
  at: { call: Call<T>; effect: Effect; bucket: CostBucket },
  answer: HttpAnswer,
  body: Body | null,
): Answer<T> {
  const { call, effect, bucket } = at;
  const failure = failureOf(answer, body, effect);
  if (failure !== null) {
    if (failure.kind === 'throttled') bucket.pause(failure.afterMs ?? 1000);
    throw failure;
  }
  const data = call.data.safeParse(body?.data);
  if (!data.success) {
    const where = data.error.issues[0]?.path.join('.') ?? '';
    throw unclear(effect, `Shopify answered ${call.document} in an unexpected shape at "${where}"`);
  }
  const { askedAt, answeredAt } = answer;
  const version = answer.headers['x-shopify-api-version'] ?? null;
  return { data: data.data, askedAt, answeredAt, channelClock: clockOf(answer), version };
}

/** Partial data is a failure too: half an answer about stock is no answer (SHP-7). */
function failureOf(answer: HttpAnswer, body: Body | null, effect: Effect): ChannelError | null {
  const byStatus = statusFailure(answer, effect);
  if (byStatus !== null) return byStatus;
  if (body === null) return unclear(effect, 'Shopify answered with something that is not GraphQL');
  if (body.errors === undefined || body.errors.length === 0) return null;
  const failure = topLevelFailure(body.errors, body.extensions?.cost ?? null, effect);
  const partial = effect === 'write' && hasContent(body.data);
  return partial ? new ChannelError('unknown', failure.message) : failure;
}

function hasContent(data: unknown): boolean {
  return typeof data === 'object' && data !== null && Object.values(data).some((value) => value !== null);
}

function bodyOf(answer: HttpAnswer): Body | null {
  try {
    const body = Body.safeParse(parseJsonBytes(answer.body));
    return body.success ? body.data : null;
  } catch {
    return null;
  }
}

/** A page that promises more without a new cursor would be read for ever. */
export function nextCursor(next: string | null | undefined, before: string | null): string {
  if (typeof next === 'string' && next !== before) return next;
  throw new ChannelError('retry', 'Shopify promised another page but named no new cursor');
}
