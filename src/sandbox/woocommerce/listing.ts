import { filterDate } from './dates.ts';
import { asFlag, asText, type Fields } from './php.ts';
import { invalidParam } from './problem.ts';
import { listParam, type RestCall, type RestResult } from './request.ts';
import type { Site } from './site.ts';

/** Paging, ordering and date filters that all lists share. WOO-O.4, last verified 2026-11. */

export interface Dated {
  id: number;
  createdAt: number;
  modifiedAt: number;
}

/** Applies `after`, `before`, `modified_after`, `modified_before`: strictly, in whole seconds. */
export function filterDates<T extends Dated>(site: Site, rows: T[], query: Fields): T[] {
  const columns = asFlag(query['dates_are_gmt']) ? 'gmt' : 'site';
  const bound = (name: string): number | null => {
    if (query[name] === undefined) return null;
    const seconds = filterDate(asText(query[name]), site.zoneHours, columns);
    if (seconds === null) throw invalidParam(name, 'Invalid date.', 'rest_invalid_date');
    return seconds;
  };
  const within = (after: number | null, before: number | null) => (at: number) =>
    (after === null || at > after) && (before === null || at < before);
  const created = within(bound('after'), bound('before'));
  const modified = within(bound('modified_after'), bound('modified_before'));
  return rows.filter((row) => created(row.createdAt) && modified(row.modifiedAt));
}

/** Applies `include` and `exclude`. */
export function filterIds<T extends { id: number }>(rows: T[], query: Fields): T[] {
  const include = listParam(query['include']).map(Number);
  const exclude = listParam(query['exclude']).map(Number);
  return rows.filter(
    (row) => (include.length === 0 || include.includes(row.id)) && !exclude.includes(row.id),
  );
}

const ORDERINGS = ['date', 'modified', 'id', 'include', 'title', 'slug'];

/** Newest first unless asked otherwise; equal dates by id. */
export function sortRows<T extends Dated>(rows: T[], query: Fields, extra: string[] = []): T[] {
  const by = asText(query['orderby'] ?? 'date');
  const known = [...ORDERINGS, ...extra];
  if (!known.includes(by)) {
    throw invalidParam('orderby', `orderby is not one of ${known.join(', ')}.`, 'rest_not_in_enum');
  }
  const order = asText(query['order'] ?? 'desc');
  if (order !== 'asc' && order !== 'desc') {
    throw invalidParam('order', 'order is not one of asc, desc.', 'rest_not_in_enum');
  }
  const include = listParam(query['include']).map(Number);
  if (by === 'include') return [...rows].sort((a, b) => include.indexOf(a.id) - include.indexOf(b.id));
  const sign = order === 'asc' ? 1 : -1;
  const value = (row: T) => (by === 'modified' ? row.modifiedAt : by === 'date' ? row.createdAt : row.id);
  return [...rows].sort((a, b) => sign * (value(a) - value(b) || a.id - b.id));
}

/** One page with X-WP-Total, X-WP-TotalPages and Link; a page beyond the end is 200 and empty. */
export function pageOf<T>(site: Site, call: RestCall, rows: T[], view: (row: T) => unknown): RestResult {
  const perPage = bounded(call.query, 'per_page', 10, 1, 100);
  const page = bounded(call.query, 'page', 1, 1, Number.MAX_SAFE_INTEGER);
  const offset = call.query['offset'] === undefined ? (page - 1) * perPage : Number(call.query['offset']);
  const pages = Math.ceil(rows.length / perPage);
  const link = (to: number, rel: string) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query)) query.set(name, String(value));
    query.set('page', String(to));
    return `<${site.home}/wp-json/wc/v3${call.route}?${query}>; rel="${rel}"`;
  };
  const linked = [
    ...(page > 1 ? [link(Math.min(page - 1, Math.max(pages, 1)), 'prev')] : []),
    ...(page < pages ? [link(page + 1, 'next')] : []),
  ];
  return {
    status: 200,
    body: rows.slice(offset, offset + perPage).map(view),
    headers: {
      'X-WP-Total': String(rows.length),
      'X-WP-TotalPages': String(pages),
      ...(linked.length > 0 ? { Link: linked.join(', ') } : {}),
    },
  };
}

function bounded(query: Fields, name: string, fallback: number, low: number, high: number): number {
  const value = query[name];
  if (value === undefined) return fallback;
  const number = Number(asText(value));
  if (asText(value).trim() === '' || !Number.isInteger(number)) {
    throw invalidParam(name, `${name} is not of type integer.`);
  }
  if (number < low || number > high) {
    const why =
      high === Number.MAX_SAFE_INTEGER
        ? `${name} must be greater than or equal to ${low}`
        : `${name} must be between ${low} (inclusive) and ${high} (inclusive)`;
    throw invalidParam(name, why, 'rest_out_of_bounds');
  }
  return number;
}
