import { z } from 'zod';

/** India has one time zone and no summer time. */
const istMs = 5.5 * 3_600_000;

/**
 * A time in milliseconds: `+05:30` and `Z` both occur (FK-7.13). One without an offset is taken for Indian time, and
 * never for that of this machine. NaN when it is none.
 */
export function timeOf(text: string): number {
  const hasOffset = /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text.trim());
  const isDate = /^\d{4}-\d{2}-\d{2}T/.test(text.trim());
  if (!isDate) return Number.NaN;
  return Date.parse(hasOffset ? text.trim().replace(/([+-]\d{2})(\d{2})$/, '$1:$2') : `${text.trim()}+05:30`);
}

/** As the examples write it: whole seconds, Indian offset. */
export function timeText(at: number): string {
  return `${new Date(at + istMs).toISOString().slice(0, 19)}+05:30`;
}

/** A time that is read; anything else does not parse. */
export const Time = z.string().transform((text, context) => {
  const at = timeOf(text);
  if (!Number.isNaN(at)) return at;
  context.addIssue({ code: 'custom', message: 'not a time' });
  return z.NEVER;
});
