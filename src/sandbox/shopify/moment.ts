/** The platform shows whole seconds everywhere except in the trigger time of a delivery. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** GraphQL's form: UTC, whole seconds. */
export function utc(ms: number): string {
  return new Date(wholeSeconds(ms)).toISOString().replace('.000Z', 'Z');
}

/** The form of webhook bodies: the shop's own time zone, here fixed at five hours behind UTC (SHP-2.6). */
export function shopTime(ms: number): string {
  return utc(ms - 5 * 3_600_000).replace('Z', '-05:00');
}

/** RFC 3339 with nine digits, as in the trigger header (SHP-2.2). */
export function nanoTime(ms: number, digits: string): string {
  return new Date(ms).toISOString().replace('Z', `${digits}Z`);
}
