import { z } from 'zod';
import type { ChannelError } from '../errors.ts';
import type { HttpAnswer } from '../kit/http.ts';
import { jsonOf } from '../kit/json.ts';
import { type Effect, Refusal, short, unclear } from '../kit/refusal.ts';
import { retryAfterMs } from '../kit/retry-after.ts';
import { Text } from '../kit/shapes.ts';
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
import { wholeOf } from './ids.ts';

/** A code of TikTok's, also where it is written as text. */
export const Code = wholeOf(12);
const Envelope = z.object({ code: Code, message: Text, data: z.unknown() });
/** The wrapping of every answer; success is `code` 0 and nothing else (TTS-0). */
export type Envelope = z.infer<typeof Envelope>;

/** Null when the body is no envelope: HTML of a proxy, cut JSON. */
export function envelopeOf(answer: HttpAnswer): Envelope | null {
  return Envelope.safeParse(jsonOf(answer.body)).data ?? null;
}

const configHint = 'check base_url: this answer does not come from TikTok Shop';
const hourMs = 3_600_000;

/**
 * The failure that an answer tells, or null. What may mend a refusal: another token, TikTok's time, the shop's cipher read
 * anew.
 */
export function failure(
  answer: HttpAnswer,
  { what, effect }: { what: string; effect: Effect },
): ChannelError | null {
  const { status } = answer;
  const envelope = envelopeOf(answer);
  const code = envelope?.code ?? null;
  if (code === 0 && status >= 200 && status < 300) return null;
  const told = `${what}: ${wordsOf(status, envelope)}`;
  const facts = { status, codes: code === null ? [] : [code] };
  if (status === 429 || (code !== null && throttleCodes.has(code)))
    return new Refusal('throttled', told, {
      ...facts,
      afterMs: retryAfterMs(answer),
      hint: 'the rate of the shop is reached; invsync waits',
    });
  if (code === hourlyLimitCode)
    return new Refusal('throttled', told, {
      ...facts,
      afterMs: hourMs - (answer.answeredAt % hourMs),
      hint: 'a development shop has so many calls an hour',
    });
  // 503 is the front door's, which let nothing in. Any other 5xx and 36009003 ("internal error") come from inside, where
  // the number may have been written before (the documentation says only: try again).
  if (status === 503) return new Refusal('retry', told, facts);
  if (status >= 500 || (code !== null && transientCodes.has(code))) return unclear(effect, told, facts);
  if (envelope !== null && code !== null && code !== 0) return refusalOf(code, envelope.message ?? '', told);
  // An answer that is no envelope, or says success under a status that is none.
  if (status === 401 || status === 403) return new Refusal('auth', told, { status, hint: configHint });
  if (status >= 300) return new Refusal('rejected', told, { status, hint: configHint });
  return unclear(effect, told, { status });
}

function refusalOf(code: number, message: string, told: string): Refusal {
  const codes = [code];
  if (code === catchAllCode) return byWords(message, told);
  if (code === cipherMissingCode)
    return new Refusal('auth', told, { codes, cure: 'cipher', hint: 'check shop_id' });
  const stop = stopHints.get(code);
  if (stop !== undefined) return new Refusal('auth', told, { codes, hint: stop });
  // 105002 expired; the rest of 105xxx concerns the token too, from memory.
  if (code >= 105_000 && code < 106_000)
    return new Refusal('auth', told, { codes, cure: 'token', hint: reconsent });
  if (code >= 106_000 && code < 107_000)
    return new Refusal('auth', told, { codes, hint: 'check app_key, app_secret and shop_id' });
  return new Refusal('rejected', told, { codes, hint: rejectHints.get(code) ?? 'run: invsync check' });
}

/** One code for a dozen causes; TikTok's advice is to read the words (TTS-4.2). */
function byWords(message: string, told: string): Refusal {
  const codes = [catchAllCode];
  const auth = (hint: string, cure: string | null = null) => new Refusal('auth', told, { codes, cure, hint });
  if (/timestamp/i.test(message))
    return new Refusal('retry', told, { codes, cure: 'clock', hint: 'synchronize the clock (NTP)' });
  if (/app.?key/i.test(message)) return auth('app_key is wrong');
  if (/\bsign(?:ature)?\b/i.test(message)) return auth(stopHints.get(106001) ?? '');
  if (/cipher/i.test(message) && /not required|unexpected/i.test(message))
    return new Refusal('rejected', told, { codes, hint: 'this is a fault of invsync' });
  if (/cipher/i.test(message)) return auth('check shop_id', 'cipher');
  if (/token/i.test(message)) return auth(reconsent, 'token');
  return new Refusal('rejected', told, { codes, hint: 'run: invsync check' });
}

/** True when only this ability is refused, and not the whole account. */
export function lacksScope(error: unknown): error is Refusal {
  return error instanceof Refusal && error.has(scopeMissingCode);
}

function wordsOf(status: number, envelope: Envelope | null): string {
  if (envelope === null) return `HTTP ${status} without the JSON that TikTok Shop answers`;
  return short(`HTTP ${status}, code ${envelope.code} ${envelope.message ?? ''}`);
}
