import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer } from '../kit/http.ts';
import type { CostStatus } from '../kit/was/cost-bucket.ts';

/** What a request could have done: a `write` without a clear answer may have happened. */
export type Effect = 'read' | 'write';

/** One entry of the top-level `errors`; on 4xx the whole member may be a plain string (SHP-7). */
const TopLevelError = z.object({
  message: z.string(),
  extensions: z.looseObject({ code: z.string().optional() }).nullish(),
});

/** The `errors` member of an answer, in both shapes. */
export const TopLevelErrors = z.union([z.string(), z.array(TopLevelError)]);
export type TopLevelErrors = z.infer<typeof TopLevelErrors>;

/** `extensions.cost`. */
export const Cost = z.object({
  requestedQueryCost: z.number(),
  throttleStatus: z.object({
    maximumAvailable: z.number(),
    currentlyAvailable: z.number(),
    restoreRate: z.number(),
  }),
});
export type Cost = z.infer<typeof Cost>;

/** MAX_COST_EXCEEDED: whoever asked for a page asks again for half of it. */
export class QueryTooCostly extends ChannelError {
  constructor(message: string) {
    super('rejected', message, { hint: 'a smaller page is needed; this is a fault in invsync' });
    this.name = 'QueryTooCostly';
  }
}

/** ACCESS_DENIED: the credentials are good, but one scope is missing. */
export class AccessDenied extends ChannelError {
  constructor(message: string) {
    super('auth', message, {
      hint: 'grant the missing scopes and install the app again, then run: invsync check',
    });
    this.name = 'AccessDenied';
  }
}

/**
 * The failure that an HTTP status tells, or null for 200. A 401 comes here only after a token could not be renewed.
 * Statuses: SHP-7 and SHP-9.18 (402 and 423: the shop is frozen or locked; nothing is lost by waiting for a person).
 */
export function statusFailure(answer: HttpAnswer, effect: Effect): ChannelError | null {
  const { status } = answer;
  if (status === 200) return null;
  const told = `Shopify answered ${status}${requestId(answer)}`;
  if (status === 401)
    return new ChannelError('auth', `${told}: the access token is not accepted`, {
      hint: 'renew the credentials, then run: invsync check',
    });
  if (status === 403)
    return new ChannelError('auth', `${told}: the app may not do this`, {
      hint: 'grant the missing scopes and install the app again, then run: invsync check',
    });
  if (status === 402 || status === 423)
    return new ChannelError('auth', `${told}: the shop is frozen or locked`, {
      hint: 'settle the shop’s plan in its admin; pushes are kept until then',
    });
  if (status === 404)
    return new ChannelError('rejected', `${told}: no such shop or API version`, {
      hint: 'check shop and api_version in the configuration',
    });
  if (status === 429)
    return new ChannelError('throttled', `${told}: too many requests`, {
      afterMs: retryAfterMs(answer) ?? 1000,
    });
  if (status >= 500) return serverFailure(answer, effect, told);
  return new ChannelError('rejected', `${told}: unexpected`, { hint: 'run: invsync check' });
}

/**
 * A write that met a 5xx may have been done before the server failed, so nobody claims to know; but for 503, which
 * Shopify's own client sends again like 429: compare and key make a repeat harmless as well.
 */
function serverFailure(answer: HttpAnswer, effect: Effect, told: string): ChannelError {
  const afterMs = retryAfterMs(answer);
  const wait = afterMs === null ? {} : { afterMs };
  return new ChannelError(effect === 'write' && answer.status !== 503 ? 'unknown' : 'retry', told, wait);
}

/** The failure that the top-level errors of a 200 tell (SHP-7). */
export function topLevelFailure(errors: TopLevelErrors, cost: Cost | null, effect: Effect): ChannelError {
  if (typeof errors === 'string') return unclear(effect, `Shopify: ${short(errors)}`);
  const codes = errors.map((error) => error.extensions?.code);
  const text = `Shopify: ${short(errors.map((error) => error.message).join('; '))}`;
  if (codes.includes('THROTTLED')) return new ChannelError('throttled', text, { afterMs: throttleMs(cost) });
  if (codes.includes('MAX_COST_EXCEEDED')) return new QueryTooCostly(text);
  if (codes.includes('ACCESS_DENIED')) return new AccessDenied(text);
  if (codes.includes('SHOP_INACTIVE'))
    return new ChannelError('auth', text, { hint: 'the shop is closed; open it or remove the channel' });
  if (codes.includes('INTERNAL_SERVER_ERROR')) return unclear(effect, text);
  const known = codes.some((code) => code !== undefined);
  return known
    ? new ChannelError('rejected', text, { hint: 'Shopify refuses the request itself; check api_version' })
    : unclear(effect, text);
}

/** Failure of a request whose effect nobody can tell. */
export function unclear(effect: Effect, message: string): ChannelError {
  return new ChannelError(effect === 'write' ? 'unknown' : 'retry', message);
}

/** The bucket as an answer told it, for pacing. */
export function costStatus(cost: Cost | null): CostStatus | null {
  return cost === null ? null : cost.throttleStatus;
}

/** Wait until the bucket holds what was asked for, at least one second (SHP-7). */
export function throttleMs(cost: Cost | null): number {
  if (cost === null || cost.throttleStatus.restoreRate <= 0) return 1000;
  const missing = cost.requestedQueryCost - cost.throttleStatus.currentlyAvailable;
  return Math.max(1000, Math.ceil((missing / cost.throttleStatus.restoreRate) * 1000));
}

function retryAfterMs(answer: HttpAnswer): number | null {
  const seconds = Number(answer.headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : null;
}

function requestId(answer: HttpAnswer): string {
  const id = answer.headers['x-request-id'];
  return id === undefined ? '' : ` (request ${id.slice(0, 64)})`;
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
