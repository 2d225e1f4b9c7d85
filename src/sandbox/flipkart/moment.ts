const istMs = 19_800_000;

/** `2026-11-23T17:30:00+05:30`: whole seconds, as notifications write it (FK-2.2, last verified 2026-11). */
export function ist(ms: number): string {
  return `${utc(ms + istMs).slice(0, 19)}+05:30`;
}

/** `2026-11-23T17:30:00.000+05:30`: three digits that are always zero. */
export function istLong(ms: number): string {
  return `${utc(ms + istMs).slice(0, 23)}+05:30`;
}

/** `2026-11-23T12:00:00.000Z`: the other form in which times come (FK-7.13). */
export function utc(ms: number): string {
  return new Date(wholeSecond(ms)).toISOString();
}

/** The beginning of the second, in ms. */
export function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** A time with its offset in ms since 1970; null for anything else, dates without a zone included. */
export function momentIn(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
