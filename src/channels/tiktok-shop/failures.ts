import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import type { HttpAnswer } from '../kit/http.ts';
import { parseJsonBytes } from '../kit/json.ts';
import {
  catchAllCode,
  cipherMissingCode,
  hourlyLimitCode,
  reconsent,
  rejectHints,
  scopeMissingCode,
  stopHints,
  throttleCodes,
  transientCodes,
} from './codes.ts';

/** What a request could have done: a `write` without a clear answer may have happened. */
export type Effect = 'read' | 'write';

/** What may mend a refusal that did nothing: another token, TikTok's time, the shop's cipher read anew. */
export type Cure = 'token' | 'clock' | 'cipher';

/** A refusal with TikTok's own code (null: the answer carried none). */
export class Refusal extends ChannelError {
  readonly code: number | null;
  readonly cure: Cure | null;

  constructor(
    kind: ChannelError['kind'],
    message: string,
    facts: { code: number | null; hint?: string; afterMs?: number; cure?: Cure | null },
  ) {
    super(kind, message, {
      hint: facts.hint ?? '',
      ...(facts.afterMs === undefined ? {} : { afterMs: facts.afterMs }),
    });
    this.name = 'Refusal';
    this.code = facts.code;
    this.cure = facts.cure ?? null;
  }
}

const Code = z.union([
  z.int(),
  z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number),
]);
const Envelope = z.object({
  code: Code,
  message: z.string().nullish().catch(null),
  data: z.unknown(),
});
/** The wrapping of every answer; success is `code` 0 and nothing else (TTS-0). */
export type Envelope = z.infer<typeof Envelope>;

/** Null when the body is no envelope: HTML of a proxy, cut JSON. */
export function envelopeOf(answer: HttpAnswer): Envelope | null {
  try {
    return Envelope.safeParse(parseJsonBytes(answer.body)).data ?? null;
  } catch {
    return null;
  }
}

const configHint = 'check base_url: this answer does not come from TikTok Shop';
const longestWaitMs = 3_600_000;

/** The failure that an answer tells, or null. `what` names the request without its query. */
export function failureOf(answer: HttpAnswer, what: string, effect: Effect): ChannelError | null {
  const { status } = answer;
  const envelope = envelopeOf(answer);
  const code = envelope?.code ?? null;
  if (code === 0 && status >= 200 && status < 300) return null;
  const told = `${what}: ${wordsOf(status, envelope)}`;
  if (status === 429 || (code !== null && throttleCodes.has(code))) {
    return new Refusal('throttled', told, {
      code,
      afterMs: retryAfterMs(answer) ?? 0,
      hint: 'the rate of the shop is reached; invsync waits',
    });
  }
  if (code === hourlyLimitCode) {
    return new Refusal('throttled', told, {
      code,
      afterMs: longestWaitMs - (answer.answeredAt % longestWaitMs),
      hint: 'a development shop has so many calls an hour',
    });
  }
  // 503 is the front door's, which let nothing in. Any other 5xx and 36009003 ("internal error") come from inside, where
  // the number may have been written before (the documentation says only: try again).
  if (status === 503) return new Refusal('retry', told, { code });
  if (status >= 500 || (code !== null && transientCodes.has(code))) return unclear(effect, told, code);
  if (envelope === null || code === null || code === 0) return unwrapped(status, told, effect);
  return refusalOf(code, envelope.message ?? '', told);
}

/** An answer that is no envelope, or says success under a status that is none. */
function unwrapped(status: number, told: string, effect: Effect): ChannelError {
  if (status === 401 || status === 403) return new Refusal('auth', told, { code: null, hint: configHint });
  if (status >= 300) return new Refusal('rejected', told, { code: null, hint: configHint });
  return unclear(effect, told, null);
}

function refusalOf(code: number, message: string, told: string): Refusal {
  if (code === catchAllCode) return byWords(message, told);
  if (code === cipherMissingCode) {
    return new Refusal('auth', told, { code, cure: 'cipher', hint: 'check shop_id' });
  }
  const stop = stopHints.get(code);
  if (stop !== undefined) return new Refusal('auth', told, { code, hint: stop });
  // 105002 expired; the rest of 105xxx concerns the token too, from memory.
  if (code >= 105_000 && code < 106_000) {
    return new Refusal('auth', told, { code, cure: 'token', hint: reconsent });
  }
  if (code >= 106_000 && code < 107_000) {
    return new Refusal('auth', told, { code, hint: 'check app_key, app_secret and shop_id' });
  }
  return new Refusal('rejected', told, { code, hint: rejectHints.get(code) ?? 'run: invsync check' });
}

/** One code for a dozen causes; TikTok's advice is to read the words (TTS-4.2). */
function byWords(message: string, told: string): Refusal {
  const code = catchAllCode;
  if (/timestamp/i.test(message)) {
    return new Refusal('retry', told, { code, cure: 'clock', hint: 'synchronize the clock (NTP)' });
  }
  if (/app.?key/i.test(message)) return new Refusal('auth', told, { code, hint: 'app_key is wrong' });
  if (/\bsign(?:ature)?\b/i.test(message)) {
    return new Refusal('auth', told, { code, hint: stopHints.get(106001) ?? '' });
  }
  if (/cipher/i.test(message)) {
    if (/not required|unexpected/i.test(message)) {
      return new Refusal('rejected', told, { code, hint: 'this is a fault of invsync' });
    }
    return new Refusal('auth', told, { code, cure: 'cipher', hint: 'check shop_id' });
  }
  if (/token/i.test(message)) return new Refusal('auth', told, { code, cure: 'token', hint: reconsent });
  return new Refusal('rejected', told, { code, hint: 'run: invsync check' });
}

/** Failure of a request whose effect nobody can tell. */
export function unclear(effect: Effect, message: string, code: number | null = null): Refusal {
  return new Refusal(effect === 'write' ? 'unknown' : 'retry', message, { code });
}

/** True when only this ability is refused, and not the whole account. */
export function lacksScope(error: unknown): error is Refusal {
  return error instanceof Refusal && error.code === scopeMissingCode;
}

function wordsOf(status: number, envelope: Envelope | null): string {
  if (envelope === null) return `HTTP ${status} without the JSON that TikTok Shop answers`;
  return short(`HTTP ${status}, code ${envelope.code} ${envelope.message ?? ''}`.trim());
}

/** Cuts texts of the platform for people. */
export function short(text: string): string {
  return text.length > 240 ? `${text.slice(0, 240)}…` : text;
}

/** `Retry-After` in milliseconds, an hour at most: seconds, or a date counted from the answer. */
export function retryAfterMs(answer: HttpAnswer): number | null {
  const value = answer.headers['retry-after']?.trim();
  if (value === undefined || value === '') return null;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - dateOf(answer);
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 1000), longestWaitMs);
}

function dateOf(answer: HttpAnswer): number {
  const date = Date.parse(answer.headers['date'] ?? '');
  return Number.isNaN(date) ? answer.answeredAt : date;
}
