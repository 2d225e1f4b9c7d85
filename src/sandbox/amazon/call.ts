import type { WriteRecord } from '../kit/records.ts';
import type { ShopAnswer } from '../kit/server.ts';
import { invalidInput, invalidValue } from './problem.ts';
import type { Site } from './site.ts';

/** What a request to the API carries through its handler. */
export interface Call {
  /** Path parameters, percent-decoded once. */
  params: string[];
  query: Query;
  /** Raw. */
  body: string;
  /** Stock writes of this request, to be marked as answered when the answer leaves. */
  writes: WriteRecord[];
}

export type Handler = (call: Call) => ShopAnswer;

export { jsonAnswer as json } from '../kit/server.ts';

/** The request's JSON. Throws Problem 400. */
export function bodyOf(call: Call): unknown {
  try {
    return JSON.parse(call.body);
  } catch {
    throw invalidInput('Request has missing or invalid parameters and cannot be parsed.');
  }
}

export type Query = ReturnType<typeof queryOf>;

/** A query as this API reads it. What cannot be is refused: all of it throws Problem 400. */
export function queryOf(site: Site, raw: URLSearchParams) {
  const get = (name: string) => raw.get(name);
  const getAll = (name: string) => raw.getAll(name).flatMap((value) => value.split(','));
  /** A list that came as `a,b`, as repeated parameters, or both. */
  const list = (name: string) => getAll(name).filter((part) => part !== '');
  return {
    get,
    getAll,
    list,
    /** The list, each of `allowed`. */
    chosen(name: string, allowed: readonly string[]): string[] {
      const stranger = list(name).find((value) => !allowed.includes(value));
      if (stranger !== undefined) throw invalidValue(name, stranger);
      return list(name);
    },
    /** A time in ms, or null. */
    time(name: string): number | null {
      const text = get(name);
      if (text === null) return null;
      const ms = /^\d{4}-\d\d-\d\d(T.*)?$/.test(text) ? Date.parse(text) : Number.NaN;
      if (Number.isNaN(ms)) throw invalidValue(name, 'The date must be in ISO 8601.');
      return ms;
    },
    /** A whole number within bounds. */
    count(name: string, [lowest, highest]: [number, number], fallback: number): number {
      const value = Number(get(name) ?? fallback);
      if (Number.isInteger(value) && value >= lowest && value <= highest) return value;
      throw invalidValue(name, `between ${lowest} and ${highest}`);
    },
    /** The marketplaces that are named: one at least, unless none means all; none of another region. */
    marketplaces(name: string, fallback?: 'all'): string[] {
      const ids = list(name);
      const here = site.marketplaces.map(({ id }) => id);
      if (ids.length === 0 && fallback === 'all') return here;
      if (ids.length === 0) throw invalidInput(`Missing required request parameter: '${name}'.`);
      const stranger = ids.find((id) => !here.includes(id));
      if (stranger !== undefined) throw invalidValue(name, stranger);
      return ids;
    },
    /** What `writeToken` wrote, or null where there is no token. */
    token(name: string): Record<string, unknown> | null {
      const token = get(name);
      if (token === null) return null;
      try {
        const state: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
        if (typeof state === 'object' && state !== null && !Array.isArray(state)) return { ...state };
      } catch {
        // Falls through: not one of ours.
      }
      throw invalidValue(name);
    },
  };
}

/** An opaque token that carries what the next page needs. */
export function writeToken(state: unknown): string {
  return Buffer.from(JSON.stringify(state)).toString('base64url');
}

/** One page of a list, and the token for the one after it, with what else it is to carry, where there is one. */
export function pageAt<T>(found: T[], offset: number, size: number, carried: Record<string, unknown> = {}) {
  const page = found.slice(offset, offset + size);
  const after = offset + page.length;
  const next = after < found.length ? { nextToken: writeToken({ offset: after, ...carried }) } : {};
  return { page, next };
}

/** Whole seconds in UTC: what the data APIs tell, however exact the event was. */
export function wholeSecond(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
