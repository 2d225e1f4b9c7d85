import { type Call, invalid } from './call.ts';

/** How a list is walked: `after` names the last row of the page before, `offset` counts the rows before. */
interface Place {
  after: { at: number; id: string } | null;
  offset: number;
}

/** `page_size` of a call. */
function pageSizeOf(call: Call, [most, usual]: readonly [number, number]): number {
  const text = call.query.get('page_size');
  if (text === null) return usual;
  const size = Number(text);
  if (!/^\d+$/.test(text) || size < 1 || size > most) throw invalid(`Invalid 'page_size' query parameter.`);
  return size;
}

/** The place that a `page_token` stands for; the beginning without one. A token fits the filters it was made with. */
function placeOf(call: Call, filters: unknown): Place {
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

interface Keyed<Row> {
  row: Row;
  at: number;
  id: string;
}

/** One page of rows by time and id, oldest first. `next` is empty at the end. */
export function pageOf<Row>(
  call: Call,
  all: Keyed<Row>[],
  wish: {
    /** Rows on a page: the most, and without a word of the caller. */
    size: readonly [number, number];
    filters: unknown;
    by: 'key' | 'offset';
    descending?: boolean;
    /** Hears of the end of the page that is asked for. */
    reach?(end: number): void;
  },
): { rows: Row[]; next: string } {
  const { filters, by, descending = false } = wish;
  const size = pageSizeOf(call, wish.size);
  const { after, offset } = placeOf(call, filters);
  wish.reach?.(offset + size);
  const sign = descending ? -1 : 1;
  const rows = all.sort((a, b) => sign * compare(a, b));
  const left =
    by === 'offset'
      ? rows.slice(offset)
      : rows.filter((one) => after === null || sign * compare(one, after) > 0);
  const page = left.slice(0, size);
  const last = page.at(-1);
  const place = { after: by === 'key' && last !== undefined ? last : null, offset: offset + page.length };
  return { rows: page.map(({ row }) => row), next: left.length > size ? tokenOf(place, filters) : '' };
}

/** Oldest first; ids of one second in their own order. */
function compare(a: { at: number; id: string }, b: { at: number; id: string }): number {
  if (a.at !== b.at) return a.at - b.at;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
