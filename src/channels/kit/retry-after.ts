import type { HttpAnswer } from './http.ts';

/** Asked to come back later than this, we come back earlier. */
const longestWaitMs = 3_600_000;

/**
 * The platform's clock when the request began, at the latest; `fallback` (ours) when the answer carries no date. The Date
 * header has a resolution of one second and is written at the end: the request's own duration is taken off.
 */
export function clockOf(
  answer: Pick<HttpAnswer, 'headers' | 'askedAt' | 'answeredAt'>,
  fallback = answer.askedAt,
): number {
  const date = Date.parse(answer.headers['date'] ?? '');
  return Number.isNaN(date) ? fallback : date - (answer.answeredAt - answer.askedAt);
}

/**
 * `Retry-After` in milliseconds, a second at least and an hour at most: seconds, or a date, which is counted from the
 * answer's own Date where it has one, so that a clock that is off makes no difference. Null: nothing was said.
 */
export function retryAfterMs(answer: Pick<HttpAnswer, 'headers' | 'answeredAt'>): number | null {
  const value = answer.headers['retry-after']?.trim();
  if (value === undefined || value === '') return null;
  const from = Date.parse(answer.headers['date'] ?? '');
  const waitMs = /^\d+(?:\.\d+)?$/.test(value)
    ? Math.ceil(Number(value) * 1_000)
    : Date.parse(value) - (Number.isNaN(from) ? answer.answeredAt : from);
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 1_000), longestWaitMs);
}
