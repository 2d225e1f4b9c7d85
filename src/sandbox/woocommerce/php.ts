/** The few habits of PHP and WordPress that show on the wire. Last verified 2026-11 (WOO-O.3, WOO-O.6). */

export type Fields = Record<string, unknown>;

/** `json_encode` with its default flags: `/` is escaped as `\/`, non-ASCII as `\uXXXX`; an empty object is `[]`. */
export function phpJson(value: unknown): string {
  return JSON.stringify(emptyAsList(value))
    .replaceAll('/', '\\/')
    .replace(/[\u0080-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function emptyAsList(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(emptyAsList);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  if (entries.length === 0) return [];
  return Object.fromEntries(entries.map(([key, inner]) => [key, emptyAsList(inner)]));
}

/** `intval`: "abc" and "" are 0, 7.9 is 7, true is 1, a list with anything in it is 1. */
export function intval(value: unknown): number {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : 0;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string') {
    const match = /^\s*[+-]?\d*\.?\d+(?:e[+-]?\d+)?/i.exec(value);
    return match === null ? 0 : Math.trunc(Number(match[0]));
  }
  if (Array.isArray(value)) return value.length > 0 ? 1 : 0;
  return value === null || value === undefined ? 0 : 1;
}

/** `rawurlencode`: RFC 3986. */
export function rawurlencode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `rawurldecode`: leaves what is no valid escape alone. */
export function rawurldecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * `$_GET` flattened: of a repeated key the last value counts, `a[]=1&a[]=2` becomes `a[0]`, `a[1]`. Dots and spaces
 * in names become underscores.
 */
export function flatQuery(query: URLSearchParams): Map<string, string> {
  const flat = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const [key, value] of query) {
    let name = key;
    if (key.endsWith('[]')) {
      const count = counts.get(key) ?? 0;
      counts.set(key, count + 1);
      name = `${key.slice(0, -2)}[${count}]`;
    }
    const bracket = name.indexOf('[');
    const head = (bracket === -1 ? name : name.slice(0, bracket)).replace(/[. ]/g, '_');
    flat.set(bracket === -1 ? head : head + name.slice(bracket), value);
  }
  return flat;
}

/** `$_GET` as REST parameters: text, or a list of texts for `a[]=…` and `a[0]=…`. */
export function queryFields(query: URLSearchParams): Fields {
  const fields: Fields = {};
  for (const [key, value] of flatQuery(query)) {
    const list = /^([^[]+)\[(\d+)\]$/.exec(key);
    if (list?.[1] === undefined) {
      fields[key] = value;
      continue;
    }
    const known = fields[list[1]];
    fields[list[1]] = Array.isArray(known) ? [...known, value] : [value];
  }
  return fields;
}

export { listOf as asList, tableOf as asFields } from '../kit/untyped.ts';

export function asText(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** WordPress's idea of a true parameter. */
export function asFlag(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'true' || value === 'yes';
}
