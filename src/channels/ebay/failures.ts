import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { retryAfterMs } from '../kit/retry-after.ts';

/** What a request could have done: a `write` without a clear answer may have happened. */
export type Effect = 'read' | 'write';

/** A refusal with eBay's own error ids, for callers to whom some of them are an answer. */
export class Refusal extends ChannelError {
  readonly status: number;
  readonly ids: readonly number[];

  constructor(
    kind: ChannelError['kind'],
    message: string,
    facts: { status: number; ids: readonly number[]; hint?: string; afterMs?: number },
  ) {
    super(kind, message, {
      hint: facts.hint ?? '',
      ...(facts.afterMs === undefined ? {} : { afterMs: facts.afterMs }),
    });
    this.name = 'Refusal';
    this.status = facts.status;
    this.ids = facts.ids;
  }

  has(...ids: number[]): boolean {
    return ids.some((id) => this.ids.includes(id));
  }
}

/** One entry of `errors` or `warnings` in REST answers (EBAY-7). */
export const RestError = z.object({
  errorId: z.coerce.number().catch(0),
  message: z.string().nullish(),
  longMessage: z.string().nullish(),
});
export type RestError = z.infer<typeof RestError>;

const ErrorBody = z.object({ errors: z.array(RestError) });

/** The failure that a REST answer tells, or null. A 401 comes here only after a renewed token was refused too. */
export function failureOf(answer: HttpAnswer, what: string, effect: Effect): ChannelError | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  const errors = errorsIn(answer);
  const ids = errors.map((error) => error.errorId);
  const told = `${what}: HTTP ${status}${errors.length === 0 ? '' : `, ${wordsOf(errors)}`}`;
  const facts = { status, ids };
  if (status === 401)
    return new Refusal('auth', told, {
      ...facts,
      hint: 'the token is refused: consent again and set refresh_token',
    });
  if (status === 403)
    return new Refusal('auth', told, {
      ...facts,
      hint: 'the consent lacks a scope, or the seller account is restricted: consent again with the scopes of docs/channels/ebay.md',
    });
  if (status === 429) {
    const afterMs = retryAfterMs(answer);
    return new Refusal('throttled', told, {
      ...facts,
      ...(afterMs === null ? {} : { afterMs }),
      hint: 'a call limit is reached; invsync waits',
    });
  }
  // 25025: another write at the same item was under way, so that this one did nothing (EBAY-5.1).
  if (ids.includes(25025)) return new Refusal('retry', told, facts);
  // Unavailable: refused before any work, as HTTP has it. 500 with 25001 is a system error at any point of the work.
  if (status === 503) return new Refusal('retry', told, facts);
  if (status >= 500) return new Refusal(effect === 'write' ? 'unknown' : 'retry', told, facts);
  if (status >= 300 && status < 400)
    return new Refusal('rejected', `${told} (a redirect)`, { ...facts, hint: 'check base_url' });
  const hint = ids.includes(25709)
    ? 'a header was changed on the way: a proxy must pass Accept-Language on'
    : 'run: invsync check';
  return new Refusal('rejected', told, { ...facts, hint });
}

/** Error ids and words for people, 200 characters at most. */
export function wordsOf(errors: readonly RestError[]): string {
  const words = errors.map((error) => `${error.errorId} ${error.longMessage ?? error.message ?? ''}`.trim());
  return short(words.join('; '));
}

/** Failure of a request whose effect nobody can tell. */
export function unclear(effect: Effect, message: string): ChannelError {
  return new ChannelError(effect === 'write' ? 'unknown' : 'retry', message);
}

/** Cuts texts of the platform for people. */
export function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function errorsIn(answer: HttpAnswer): RestError[] {
  try {
    const body = ErrorBody.safeParse(parseJsonBytes(answer.body));
    return body.success ? body.data.errors : [];
  } catch {
    return [];
  }
}
