import { z } from 'zod';
import type { HttpAnswer } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { type Effect, Refusal, short, statusFailure, unclear } from '../kit/refusal.ts';

/** One entry of the top-level `errors`; on 4xx the whole member may be a plain string (SHP-7). */
const TopLevelError = z.object({
  message: z.string(),
  extensions: z.looseObject({ code: z.string().optional() }).nullish(),
});

/** The `errors` member of an answer, in both shapes. */
const TopLevelErrors = z.union([z.string(), z.array(TopLevelError)]);
type TopLevelErrors = z.infer<typeof TopLevelErrors>;

/** `extensions.cost`. */
const Cost = z.object({
  requestedQueryCost: z.number(),
  throttleStatus: z.object({
    maximumAvailable: z.number(),
    currentlyAvailable: z.number(),
    restoreRate: z.number(),
  }),
});
export type Cost = z.infer<typeof Cost>;

const Body = z.object({
  data: z.unknown().optional(),
  errors: TopLevelErrors.optional(),
  extensions: z.object({ cost: Cost.optional().catch(undefined) }).nullish(),
});
/** The body of an answer. */
type Body = z.infer<typeof Body>;

/** Null when it is not GraphQL. */
export function bodyOf(answer: HttpAnswer): Body | null {
  return Body.safeParse(jsonOf(answer.body)).data ?? null;
}

/** Whoever asked for a page asks again for half of it. */
export function isTooCostly(error: unknown): boolean {
  return error instanceof Refusal && error.has('MAX_COST_EXCEEDED');
}

/** The credentials are good, but one scope is missing. */
export function lacksScope(error: unknown): error is Refusal {
  return error instanceof Refusal && error.has('ACCESS_DENIED');
}

const scopesHint = 'grant the missing scopes and install the app again, then run: invsync check';

/** The failure that an answer tells, or null. Partial data is a failure too: half an answer about stock is no answer (SHP-7). */
export function failureOf(answer: HttpAnswer, body: Body | null, effect: Effect): Refusal | null {
  if (answer.status !== 200) return byStatus(answer, effect);
  if (body === null) return unclear(effect, 'Shopify answered with something that is not GraphQL');
  if (body.errors === undefined || body.errors.length === 0) return null;
  const failure = byErrors(body.errors, body.extensions?.cost ?? null, effect);
  const isPartial = effect === 'write' && hasContent(body.data);
  return isPartial ? new Refusal('unknown', failure.message) : failure;
}

function hasContent(data: unknown): boolean {
  return typeof data === 'object' && data !== null && Object.values(data).some((value) => value !== null);
}

/** SHP-7 and SHP-9.18 (402 and 423: the shop is frozen or locked; nothing is lost by waiting for a person). */
function byStatus(answer: HttpAnswer, effect: Effect): Refusal {
  const { status } = answer;
  const id = answer.headers['x-request-id']?.slice(0, 64);
  const answered = `Shopify answered ${status}${id === undefined ? '' : ` (request ${id})`}`;
  const told = meaning[status] === undefined ? answered : `${answered}: ${meaning[status]}`;
  if (status === 402 || status === 423)
    return new Refusal('auth', told, {
      status,
      hint: 'settle the shop’s plan in its admin; pushes are kept until then',
    });
  const hints = {
    auth: 'renew the credentials, then run: invsync check',
    forbidden: scopesHint,
    rejected: status === 404 ? 'check shop and api_version in the configuration' : 'run: invsync check',
  };
  return (
    statusFailure(answer, { told, effect, hints }) ??
    new Refusal('rejected', `${told}: unexpected`, { status, hint: 'run: invsync check' })
  );
}

const meaning: Readonly<Record<number, string>> = {
  401: 'the access token is not accepted',
  402: 'the shop is frozen or locked',
  403: 'the app may not do this',
  404: 'no such shop or API version',
  423: 'the shop is frozen or locked',
  429: 'too many requests',
};

/** The failure that the top-level errors of a 200 tell (SHP-7). */
function byErrors(errors: TopLevelErrors, cost: Cost | null, effect: Effect): Refusal {
  if (typeof errors === 'string') return unclear(effect, `Shopify: ${short(errors)}`);
  const codes = errors.flatMap((error) => error.extensions?.code ?? []);
  const text = `Shopify: ${short(errors.map((error) => error.message).join('; '))}`;
  if (codes.includes('THROTTLED'))
    return new Refusal('throttled', text, { codes, afterMs: throttleMs(cost) });
  if (codes.includes('MAX_COST_EXCEEDED'))
    return new Refusal('rejected', text, {
      codes,
      hint: 'a smaller page is needed; this is a fault in invsync',
    });
  if (codes.includes('ACCESS_DENIED')) return new Refusal('auth', text, { codes, hint: scopesHint });
  if (codes.includes('SHOP_INACTIVE'))
    return new Refusal('auth', text, { codes, hint: 'the shop is closed; open it or remove the channel' });
  if (codes.includes('INTERNAL_SERVER_ERROR') || codes.length === 0) return unclear(effect, text, { codes });
  const hint = 'Shopify refuses the request itself; check api_version';
  return new Refusal('rejected', text, { codes, hint });
}

/** Wait until the bucket holds what was asked for, at least one second (SHP-7). */
export function throttleMs(cost: Cost | null): number {
  if (cost === null || cost.throttleStatus.restoreRate <= 0) return 1000;
  const missing = cost.requestedQueryCost - cost.throttleStatus.currentlyAvailable;
  return Math.max(1000, Math.ceil((missing / cost.throttleStatus.restoreRate) * 1000));
}
