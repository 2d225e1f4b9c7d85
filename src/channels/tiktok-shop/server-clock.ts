import type { Clock } from '../../clock.ts';
import type { HttpAnswer } from '../kit/http.ts';

/**
 * TikTok's clock as its answers tell it. A request is taken from 5 min behind to 30 s ahead of it (TTS-1.4), so
 * that a clock that runs half a minute fast would fail every call.
 */
export interface ServerClock {
  /** TikTok's time by all that is known, in ms. */
  now(): number;
  /** How far TikTok's clock is from ours, in ms, positive when ours is behind; 0 when the two may agree. */
  offsetMs(): number;
  /** Takes over what an answer's Date proves; true when the correction changed by a second or more. */
  learn(answer: HttpAnswer): boolean;
}

export function createServerClock(clock: Clock): ServerClock {
  let offset = 0;
  return {
    now: () => clock.now() + offset,
    offsetMs: () => offset,
    learn(answer) {
      const before = offset;
      offset = provenOffset(answer) ?? offset;
      return Math.abs(offset - before) >= 1000;
    },
  };
}

/**
 * The Date was written between question and answer and has whole seconds: only what lies outside of that span is an
 * error of our clock.
 */
function provenOffset({ headers, askedAt, answeredAt }: HttpAnswer): number | null {
  const date = Date.parse(headers['date'] ?? '');
  if (Number.isNaN(date)) return null;
  if (date + 1000 < askedAt) return date + 1000 - askedAt;
  return date > answeredAt ? date - answeredAt : 0;
}
