import type { Call } from './call.ts';
import { invalid } from './refusal.ts';

/** How a list is walked: `after` names the last row of the page before, `offset` counts the rows before. */
interface Place {
  after: { at: number; id: string } | null;
  offset: number;
}

/** `page_size` of a call. */
export function pageSizeOf(call: Call, most: number, usual: number): number {
  const text = call.query.get('page_size');
  if (text === null) return usual;
  const size = Number(text);
  if (!/^\d+$/.test(text) || size < 1 || size > most) throw invalid(`Invalid 'page_size' query parameter.`);
  return size;
}

/** The place that a `page_token` stands for; the beginning without one. A token fits the filters it was made with. */
export function placeOf(call: Call, filters: unknown): Place {
  const token = call.query.get('page_token') ?? '';
  if (token === '') return { after: null, offset: 0 };
  const text = Buffer.from(token, 'base64').subarray(mark.length).toString('utf8');
  try {
    const { f, at, id, offset } = JSON.parse(text);
    if (f !== JSON.stringify(filters)) throw new Error('of another search');
    return { after: typeof id === 'string' ? { at: Number(at), id } : null, offset: Number(offset) };
  } catch {
    throw invalid(`Invalid 'page_token' query parameter.`);
  }
}

/** Base64 of these is `+/+/`: whoever sends a token without encoding it loses its plus signs. */
const mark = Buffer.from([0xfb, 0xff, 0xbf]);

/** The token of the place. */
function tokenOf({ after, offset }: Place, filters: unknown): string {
  const place = { f: JSON.stringify(filters), at: after?.at, id: after?.id, offset };
  return Buffer.concat([mark, Buffer.from(JSON.stringify(place))]).toString('base64');
}

/** One page of rows that are sorted by time and id. `next` is empty at the end. */
export function pageOf<Row>(
  rows: readonly Row[],
  wish: { place: Place; size: number; filters: unknown; by: 'key' | 'offset'; descending: boolean },
  keyOf: (row: Row) => { at: number; id: string },
): { rows: Row[]; next: string } {
  const { place, size, filters, by, descending } = wish;
  const { after } = place;
  const isLater = (row: Row) => {
    if (after === null) return true;
    const order = compare(keyOf(row), after);
    return descending ? order < 0 : order > 0;
  };
  const left = by === 'offset' ? rows.slice(place.offset) : rows.filter(isLater);
  const page = left.slice(0, size);
  const last = page.at(-1);
  if (last === undefined || left.length <= size) return { rows: page, next: '' };
  const next: Place = {
    after: by === 'key' ? keyOf(last) : null,
    offset: place.offset + page.length,
  };
  return { rows: page, next: tokenOf(next, filters) };
}

/** Oldest first; ids of one second in their own order. */
export function compare(a: { at: number; id: string }, b: { at: number; id: string }): number {
  if (a.at !== b.at) return a.at - b.at;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
