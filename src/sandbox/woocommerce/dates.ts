/** Dates as the REST API writes and reads them. Seconds since 1970 inside. WOO-O.4, last verified 2026-11. */

/** UTC without a Z: `date_modified_gmt`. */
export function gmtDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

/** Site time without an offset: `date_modified`. */
export function siteDate(seconds: number, zoneHours: number): string {
  return gmtDate(seconds + zoneHours * 3600);
}

/** One instant under both of its names, in that order: `name`, `name_gmt`. */
export function datePair(site: { zoneHours: number }, name: string, seconds: number | null) {
  return {
    [name]: seconds === null ? null : siteDate(seconds, site.zoneHours),
    [`${name}_gmt`]: seconds === null ? null : gmtDate(seconds),
  };
}

const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/**
 * The bound of a date filter, in seconds; null for garbage.
 * Without a zone it is site time, unless `gmt`. A zone in the text is understood only against the site-time columns:
 * with `gmt` WordPress moves the instant into site time and then compares it with the GMT column, so both together
 * are wrong by the site's offset (read in WP_Date_Query and OrdersTableQuery, not seen on the shop).
 */
export function filterDate(text: string, zoneHours: number, columns: 'gmt' | 'site'): number | null {
  const match = DATE_TIME.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const plain = Date.parse(`${match[1]}T${match[2]}Z`) / 1000;
  if (!Number.isFinite(plain)) return null;
  const zone = match[3];
  if (zone === undefined) return columns === 'gmt' ? plain : plain - zoneHours * 3600;
  const instant = plain - offsetSeconds(zone);
  return columns === 'gmt' ? instant + zoneHours * 3600 : instant;
}

function offsetSeconds(zone: string): number {
  if (zone === 'Z') return 0;
  const sign = zone.startsWith('-') ? -1 : 1;
  const digits = zone.slice(1).replace(':', '');
  return sign * (Number(digits.slice(0, 2)) * 3600 + Number(digits.slice(2, 4) || '0') * 60);
}
