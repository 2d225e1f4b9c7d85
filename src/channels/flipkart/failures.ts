import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import { retryAfterMs } from '../kit/retry-after.ts';

/** What a request could have done: a `write` without a clear answer may have happened. */
export type Effect = 'read' | 'write';

/** A refusal with its HTTP status, for callers to whom some of them are an answer. */
export class Refusal extends ChannelError {
  readonly status: number;

  constructor(status: number, message: string, hint: string) {
    super('rejected', message, { hint });
    this.name = 'Refusal';
    this.status = status;
  }
}

/** Words of an error body; no form is published for business calls, so that several are tried. */
const ErrorBody = z.object({
  errors: z
    .array(
      z.object({
        code: z.unknown().optional(),
        description: z.string().nullish(),
        message: z.string().nullish(),
      }),
    )
    .nullish()
    .catch(null),
  error: z.string().nullish().catch(null),
  error_description: z.string().nullish().catch(null),
  message: z.string().nullish().catch(null),
});

const authHint =
  'check app_id and app_secret, and that the application under Developer Access in the seller dashboard is active and has the scope Seller_Api';

/** Statuses that mean "too much" or "not now" (FK-6): 499 is Flipkart's own for a time-out inside. */
const throttling = new Set([429, 499, 503]);

/**
 * The failure that an answer tells, or null for 2xx with anything but a web page. `afterMs` is how long to stay away
 * when the answer does not say it.
 */
export function failureOf(
  answer: HttpAnswer,
  asked: { what: string; effect: Effect; afterMs: number },
): ChannelError | null {
  const { status } = answer;
  const { what, effect } = asked;
  const isPage = looksLikePage(answer);
  if (status >= 200 && status < 300 && !isPage) return null;
  const words = isPage ? 'a web page instead of JSON' : wordsOf(answer);
  const told = `${what}: Flipkart answered ${status}${words === '' ? '' : `, ${words}`}`;
  if (status === 401) return new ChannelError('auth', told, { hint: authHint });
  if (status === 403) return new ChannelError('auth', told, { hint: authHint });
  const afterMs = retryAfterMs(answer) ?? asked.afterMs;
  if (status === 429) return new ChannelError('throttled', told, { afterMs });
  const isShut = throttling.has(status) || (isPage && status < 300);
  // 503 is Flipkart's "not now", said before anything happens: a write is refused by it. 499 is a time-out inside, and a
  // page or a 500 tells nothing: what they answer may have been done.
  if (status === 503 || (isShut && effect === 'read'))
    return new ChannelError('throttled', told, { afterMs });
  if (isShut || status >= 500) return unclear(effect, told);
  if (status >= 300 && status < 400)
    return new Refusal(status, `${told} (a redirect)`, 'check base_url: redirects are not followed');
  return new Refusal(status, told, 'run: invsync check');
}

/** Was the whole family of calls asked to slow down? */
export function isThrottle(answer: HttpAnswer): boolean {
  return throttling.has(answer.status) || (answer.status < 300 && looksLikePage(answer));
}

/** Failure of a request whose effect nobody can tell. */
export function unclear(effect: Effect, message: string): ChannelError {
  return new ChannelError(effect === 'write' ? 'unknown' : 'retry', message);
}

/** Nothing of a write has left yet: whatever failed before it may be tried again. */
export function beforeWriting(error: unknown): unknown {
  if (!(error instanceof ChannelError) || error.kind !== 'unknown') return error;
  return new ChannelError('retry', error.message, { hint: error.hint, cause: error });
}

/** JSON of an answer; undefined when it is none. */
export function jsonOf(body: Uint8Array): unknown {
  try {
    return parseJsonBytes(body);
  } catch {
    return undefined;
  }
}

/** Words of the platform for people: one line, short. */
export function short(text: string): string {
  const clean = text.replace(/\s+/g, ' ').trim();
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean;
}

function wordsOf(answer: HttpAnswer): string {
  const body = ErrorBody.safeParse(jsonOf(answer.body)).data;
  if (body === undefined) return '';
  const rows = (body.errors ?? []).map(({ code, description, message }) => {
    const known = typeof code === 'string' || typeof code === 'number' ? `${code} ` : '';
    return `${known}${description ?? message ?? ''}`;
  });
  return short([...rows, body.error, body.error_description, body.message].filter(Boolean).join('; '));
}

function looksLikePage(answer: HttpAnswer): boolean {
  if (/^\s*text\/html\b/i.test(answer.headers['content-type'] ?? '')) return true;
  return /^\s*<(?:!doctype|html)\b/i.test(answer.body.subarray(0, 100).toString('latin1'));
}
