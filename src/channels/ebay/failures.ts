import { z } from 'zod';
import type { HttpAnswer } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { type Effect, Refusal, short, statusFailure } from '../kit/refusal.ts';

/** One entry of `errors` or `warnings` in REST answers (EBAY-7). */
export const RestError = z.object({
  errorId: z.coerce.number().catch(0),
  message: z.string().nullish(),
  longMessage: z.string().nullish(),
});
export type RestError = z.infer<typeof RestError>;

const ErrorBody = z.object({ errors: z.array(RestError) });

/** The failure that a REST answer tells, or null. */
export function failureOf(answer: HttpAnswer, what: string, effect: Effect): Refusal | null {
  if (answer.status >= 200 && answer.status < 300) return null;
  const errors = ErrorBody.safeParse(jsonOf(answer.body)).data?.errors ?? [];
  const codes = errors.map((error) => error.errorId);
  const told = `${what}: HTTP ${answer.status}${errors.length === 0 ? '' : `, ${wordsOf(errors)}`}`;
  // 25025: another write at the same item was under way, so that this one did nothing (EBAY-5.1). 500 with 25001 is a
  // system error at any point of the work.
  if (codes.includes(25025)) return new Refusal('retry', told, { status: answer.status, codes });
  return statusFailure(answer, {
    told,
    effect,
    codes,
    hints: {
      auth: 'the token is refused: consent again and set refresh_token',
      forbidden:
        'the consent lacks a scope, or the seller account is restricted: consent again with the scopes of docs/channels/ebay.md',
      throttled: 'a call limit is reached; invsync waits',
      rejected: codes.includes(25709)
        ? 'a header was changed on the way: a proxy must pass Accept-Language on'
        : 'run: invsync check',
    },
  });
}

/** Error ids and words for people. */
export function wordsOf(errors: readonly RestError[]): string {
  return short(
    errors.map((error) => `${error.errorId} ${error.longMessage ?? error.message ?? ''}`.trim()).join('; '),
  );
}
