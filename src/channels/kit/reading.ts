import type { StockReading } from '../channel.ts';
import type { Priority } from './pace.ts';

/** How urgent a reading is, and what ends it. */
export interface Reading {
  priority: Priority;
  signal: AbortSignal;
}

/** When something was asked and answered. */
export interface Span {
  askedAt: number;
  answeredAt: number;
}

/** A number that was read. */
export function shownAs(shown: number, { askedAt, answeredAt }: Span): Omit<StockReading, 'listingId'> {
  return { shown, state: 'ok', detail: null, askedAt, answeredAt };
}

/** There is no number, or none that may be written, and why. */
export function noNumber(
  state: 'not-listed' | 'untracked' | 'unwritable',
  detail: string,
  { askedAt, answeredAt }: Span,
): Omit<StockReading, 'listingId'> {
  return { shown: null, state, detail, askedAt, answeredAt };
}
