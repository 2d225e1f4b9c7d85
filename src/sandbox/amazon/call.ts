import type { WriteRecord } from '../kit/records.ts';
import type { ShopAnswer } from '../kit/server.ts';
import { invalidInput, invalidValue } from './problem.ts';
import type { Site } from './site.ts';

/** What a request to the API carries through its handler. */
export interface Call {
  /** Path parameters, percent-decoded once. */
  params: string[];
  query: URLSearchParams;
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

/** A list that came as `a,b`, as repeated parameters, or both. */
export function listOf(query: URLSearchParams, name: string): string[] {
  return query.getAll(name).flatMap((value) => value.split(',').filter((part) => part !== ''));
}

/** The list, each of `allowed`. Throws Problem 400. */
export function chosenOf(query: URLSearchParams, name: string, allowed: readonly string[]): string[] {
  const values = listOf(query, name);
  const stranger = values.find((value) => !allowed.includes(value));
  if (stranger !== undefined) throw invalidValue(name, stranger);
  return values;
}

/** A time of the query in ms, or null. Throws Problem 400. */
export function timeOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  const ms = /^\d{4}-\d\d-\d\d(T.*)?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw invalidValue(name, 'The date must be in ISO 8601.');
  return ms;
}

/** A whole number of the query within bounds. Throws Problem 400. */
export function countOf(
  query: URLSearchParams,
  name: string,
  bounds: { lowest: number; highest: number; fallback: number },
): number {
  const text = query.get(name);
  if (text === null) return bounds.fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < bounds.lowest || value > bounds.highest) {
    throw invalidValue(name, `between ${bounds.lowest} and ${bounds.highest}`);
  }
  return value;
}

/** The marketplaces that the request names. Throws Problem 400 for none, and for one of another region. */
export function marketplacesOf(site: Site, query: URLSearchParams, name: string, fallback?: 'all'): string[] {
  const ids = listOf(query, name);
  const here = site.marketplaces.map(({ id }) => id);
  if (ids.length === 0 && fallback === 'all') return here;
  if (ids.length === 0) throw invalidInput(`Missing required request parameter: '${name}'.`);
  const stranger = ids.find((id) => !here.includes(id));
  if (stranger !== undefined) throw invalidValue(name, stranger);
  return ids;
}

/** An opaque token that carries what the next page needs. */
export function writeToken(state: unknown): string {
  return Buffer.from(JSON.stringify(state)).toString('base64url');
}

/** What `writeToken` wrote. Throws Problem 400. */
export function readToken(token: string, name: string): Record<string, unknown> {
  try {
    const state: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (typeof state === 'object' && state !== null && !Array.isArray(state)) return { ...state };
  } catch {
    // Falls through: not one of ours.
  }
  throw invalidValue(name);
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
