import { z } from 'zod';
import type { PushOutcome } from '../channel.ts';
import type { HttpAnswer } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { type Effect, Refusal, short, statusFailure } from '../kit/refusal.ts';

/** One entry of `errors` or `warnings` in REST answers (EBAY-7). */
export const RestError = z
  .object({
    errorId: z.coerce.number().catch(0),
    message: z.string().nullish(),
    longMessage: z.string().nullish(),
  })
  .transform(({ errorId, message, longMessage }) => faultOf(errorId, longMessage ?? message));

const ErrorBody = z.object({ errors: z.array(RestError) });

/** One error of an answer, whichever API it comes from: its number, and number and words for people. */
type Fault = ReturnType<typeof faultOf>;

export function faultOf(code: number, words: string | null | undefined) {
  return { code, words: `${code} ${words ?? ''}`.trim() };
}

/** Numbers and words of errors for people. */
export function wordsOf(errors: readonly Fault[]): string {
  return short(errors.map(({ words }) => words).join('; '));
}

/** Where the scope for notifications is missing, polling goes on: no trouble of the channel, no refused credentials. */
const notifications = '/commerce/notification/';
/** What some refusals of a whole request mean (EBAY-1.4; of a destination's address: EBAY-3, EBAY-9.12). */
const hints: Readonly<Record<number, string>> = {
  25709: 'a header was changed on the way: a proxy must pass Accept-Language on',
  195017: 'public_url must be https with a public name: no IP address, no localhost',
  195020:
    'eBay called the address and did not get the right answer: the daemon must run, public_url must be the address as seen from outside, and no proxy may change the path',
};

/** The failure that a REST answer tells, or null. */
export function failureOf(answer: HttpAnswer, what: string, effect: Effect): Refusal | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  const errors = ErrorBody.safeParse(jsonOf(answer.body)).data?.errors ?? [];
  const codes = errors.map(({ code }) => code);
  const told = `${what}: HTTP ${status}${errors.length === 0 ? '' : `, ${wordsOf(errors)}`}`;
  // 25025: another write at the same item was under way, so that this one did nothing (EBAY-5.1). 500 with 25001 is a
  // system error at any point of the work.
  if (codes.includes(25025)) return new Refusal('retry', told, { status, codes });
  if (status === 403 && what.includes(notifications)) {
    const hint =
      'let the seller consent again with the scope commerce.notification.subscription, or set webhooks: false';
    return new Refusal('rejected', told, { status, codes, hint });
  }
  return statusFailure(answer, {
    told,
    effect,
    codes,
    hints: {
      auth: 'the token is refused: consent again and set refresh_token',
      forbidden:
        'the consent lacks a scope, or the seller account is restricted: consent again with the scopes of docs/channels/ebay.md',
      throttled: 'a call limit is reached; invsync waits',
      rejected: codes.map((code) => hints[code]).find((hint) => hint !== undefined) ?? 'run: invsync check',
    },
  });
}

const importHint = 'run: invsync listings import';
const ended = 'the listing has ended: relist it, then run invsync listings import';
const limited = 'the selling limit of the account is reached: ask eBay for a higher one';
/** What refusals of a row mean (EBAY-5.1, verified 2026-11; of the XML API: EBAY-5.2, from third parties, 2026-11). */
const rowHints: Readonly<Record<number, string>> = {
  17: importHint,
  291: ended,
  1047: ended,
  25004: 'eBay does not take this number',
  25019: 'the listing cannot be revised just now: look at it in Seller Hub',
  25026: limited,
  25097: 'eBay has put the listing on hold: see its messages',
  25701: importHint,
  25702: importHint,
  25707: 'the Inventory API takes letters and digits only in a SKU',
  25710: importHint,
  25713: `${importHint}; the offer may also be barred on this marketplace`,
  25759: 'an auction holds more than this number',
  21916750: ended,
  21916884: importHint,
  21919188: limited,
};

/** A row that eBay will not write. */
export function refusedRow(errors: readonly Fault[], error: string): PushOutcome {
  const hint = errors.map(({ code }) => rowHints[code]).find((text) => text !== undefined);
  return { kind: 'rejected', error, hint: hint ?? 'look at the listing in Seller Hub' };
}
