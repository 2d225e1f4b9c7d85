import type { HttpAnswer } from './http.ts';

/** Asked to come back later than this, we come back earlier. */
const longestWaitMs = 3_600_000;

/**
 * The platform's clock when the request began, at the latest; ours when the answer carries no date. The Date header has a
 * resolution of one second and is written at the end: the request's own duration is taken off.
 */
export function clockOf(answer: Pick<HttpAnswer, 'headers' | 'askedAt' | 'answeredAt'>): number {
  const date = Date.parse(answer.headers['date'] ?? '');
  return Number.isNaN(date) ? answer.askedAt : date - (answer.answeredAt - answer.askedAt);
}

/** `Retry-After` in milliseconds, a second at least and an hour at most: seconds, or a date counted from our own clock. */
export function retryAfterMs(answer: HttpAnswer): number | null {
  const value = answer.headers['retry-after']?.trim();
  if (value === undefined || value === '') return null;
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - answer.answeredAt;
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 1_000), longestWaitMs);
}
