import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import type { Effect } from './operations.ts';

/** The platform knows nothing under that id. */
export class NotFound extends ChannelError {}
/** It exists already. */
export class AlreadyThere extends ChannelError {}

/** The error body of old and new APIs alike (AMZ-1.3). */
const errorList = z.object({
  errors: z
    .array(
      z.object({
        code: z.string(),
        message: z.string().nullish(),
        details: z.string().nullish(),
      }),
    )
    .min(1),
});

/** What an answer that is not 2xx says. */
interface Told {
  code: string;
  text: string;
}

/** JSON of an answer; undefined when it is none. */
export function jsonOf(body: Uint8Array): unknown {
  try {
    return parseJsonBytes(body);
  } catch {
    return undefined;
  }
}

/** Code and words of an error body; empty when it is none of Amazon's. */
function toldBy(body: Uint8Array): Told {
  const parsed = errorList.safeParse(jsonOf(body));
  const first = parsed.success ? parsed.data.errors[0] : undefined;
  if (first === undefined) return { code: '', text: '' };
  return { code: first.code, text: scrub([first.message, first.details].filter(Boolean).join(' ')) };
}

/** The access token was good and is not any more, so that nothing was done: worth a second try with a new one. */
export function isExpired(answer: HttpAnswer): boolean {
  if (answer.status !== 401 && answer.status !== 403) return false;
  return /expired/i.test(toldBy(answer.body).text);
}

/** The failure that a status means; null for 2xx. `afterMs` is the bucket's word about a 429 (AMZ-7). */
export function failureOf(
  answer: HttpAnswer,
  asked: { operation: string; effect: Effect; afterMs: number },
): ChannelError | null {
  const { status } = answer;
  if (status >= 200 && status < 300) return null;
  const { code, text } = toldBy(answer.body);
  const words = [code, text].filter(Boolean).join(': ');
  const told = `${asked.operation}: Amazon answered ${status}${words === '' ? '' : ` ${words}`}${requestId(answer)}`;
  if (status === 401 || status === 403) return new ChannelError('auth', told, { hint: authHint });
  if (status === 404) return new NotFound('rejected', told, { hint: 'check seller_id and marketplaces' });
  if (status === 409) return new AlreadyThere('rejected', told);
  if (status === 429) return new ChannelError('throttled', told, { afterMs: asked.afterMs });
  // "Temporary overloading or maintenance of the server" (Listings Items model, 2021-08-01): nothing was begun. A 500 is
  // "an unexpected condition" at any point of the work.
  if (status === 503) return new ChannelError('retry', told);
  if (status >= 500) return new ChannelError(asked.effect === 'write' ? 'unknown' : 'retry', told);
  return new ChannelError('rejected', told, { hint: 'run: invsync check' });
}

/** Roles are frozen into the refresh token when it is made (AMZ-1.1). */
const authHint =
  'the refresh token lacks a role, or was revoked: save the roles Inventory and Order Tracking and Product Listing, authorize the application again, and use the new refresh_token';

/** Failure of an answer whose effect nobody can tell. */
export function unclear(effect: Effect, message: string): ChannelError {
  return new ChannelError(effect === 'write' ? 'unknown' : 'retry', message);
}

/** Nothing of a write has left yet: whatever failed before it may be tried again. */
export function beforeWriting(error: unknown): unknown {
  if (!(error instanceof ChannelError) || error.kind !== 'unknown') return error;
  return new ChannelError('retry', error.message, { hint: error.hint, cause: error });
}

function requestId(answer: HttpAnswer): string {
  const id = answer.headers['x-amzn-requestid'];
  return id === undefined ? '' : ` (request ${id.slice(0, 64)})`;
}

/** Words of the platform for people: short, and never a token. */
export function scrub(text: string): string {
  const clean = text
    .replace(/Atz[a-z]\|\S+/g, '[token]')
    .replace(/\s+/g, ' ')
    .trim();
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean;
}
