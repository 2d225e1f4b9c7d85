/**
 * WooCommerce writes `*_gmt` times without a zone and reads zoneless times as the site's own unless told
 * `dates_are_gmt=true` (WOO-6 and WOO-O.4, 2026-11). All of them are converted here and nowhere else.
 */

/** Milliseconds of a `*_gmt` field; null for null, empty and what is no date. */
export function parseGmt(text: string | null | undefined): number | null {
  if (text === null || text === undefined || text === '') return null;
  const zoned = /(?:z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`;
  const at = Date.parse(zoned);
  return Number.isNaN(at) ? null : at;
}

/** The whole second of `at` as query parameters take it, to be sent with `dates_are_gmt=true`. */
export function formatGmt(at: number): string {
  return new Date(Math.floor(at / 1000) * 1000).toISOString().slice(0, 19);
}
