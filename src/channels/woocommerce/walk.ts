import { z } from 'zod';
import { shaped } from './answer.ts';
import type { Answered } from './api.ts';
import type { Query } from './auth.ts';
import { formatGmt, parseGmt } from './gmt.ts';
import { wooId } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';

/** By what a walk goes forward: the parameters of the shop and the field of the rows. */
const axes = {
  modified: { orderby: 'modified', after: 'modified_after', field: 'date_modified_gmt' },
  created: { orderby: 'date', after: 'after', field: 'date_created_gmt' },
} as const;

/** A walk over orders. `since` in milliseconds, inclusive; null: from the first order on. */
export interface Walk {
  axis: keyof typeof axes;
  since: number | null;
  status: string;
  fields: string;
  signal: AbortSignal;
}

/** Rows that were not on an earlier page in the same state. `last` marks the end of the walk. */
export interface WalkedPage {
  rows: unknown[];
  answer: Answered;
  last: boolean;
}

const keyRow = z.object({
  id: wooId,
  date_modified_gmt: z.string().nullish(),
  date_created_gmt: z.string().nullish(),
});

/** Rows that two requests within one second share, so that we see whether rows before them have left. */
const overlap = 20;

/**
 * Walks orders, oldest first, by keyset: orders that change while we page move to the end and must not push others off
 * a page. The next page is the first one after the last row's second less one (the search is strictly greater, in whole
 * seconds); only when a whole page shares one second do we go on within it by offset (WOO-6, WOO-O.4, 2026-11). There,
 * too, rows may leave: a page that shows no row of the page before has lost touch, and we step back until one does.
 */
export async function* walkOrders(shop: Shop, walk: Walk): AsyncGenerator<WalkedPage> {
  const { field } = axes[walk.axis];
  let after = walk.since === null || walk.since <= 0 ? null : Math.floor(walk.since / 1000) * 1000 - 1000;
  let offset = 0;
  let whole = false;
  /** Rows of the pages up to here that nothing is missing between. */
  let joined = new Set<string>();
  let seen = new Set<string>();
  for (;;) {
    const answer = await shop.api.get({
      path: '/orders',
      query: queryOf(walk, after, offset),
      signal: walk.signal,
    });
    const rows = shaped(z.array(z.unknown()), answer.json, 'orders');
    const keys = rows.map((row) => keyOf(row));
    const texts = keys.map((key) => key.text);
    const fresh = rows.filter((_, at) => !seen.has(keys[at]?.text ?? ''));
    // Plugins hide rows: after a page with gaps there is nothing to compare with.
    const lostTouch = offset > 0 && whole && !texts.some((text) => joined.has(text));
    const last = !lostTouch && !hasMore(answer, rows.length, offset);
    yield { rows: fresh, answer, last };
    if (last) return;
    const newest = Math.max(...keys.map((key) => parseGmt(key[field]) ?? 0), 0);
    const next = newest - 1000;
    const moved = !lostTouch && rows.length > 0 && next > (after ?? Number.NEGATIVE_INFINITY);
    // Rows of the same second come again after a step, and none other: older pages need not be remembered.
    seen = moved ? new Set(texts) : new Set([...seen, ...texts]);
    if (!lostTouch) joined = new Set(texts);
    if (moved) [after, offset, whole] = [next, 0, false];
    else if (lostTouch) offset = Math.max(0, offset - pageSize / 2);
    else [offset, whole] = [offset + pageSize - overlap, rows.length === pageSize];
  }
}

function queryOf(walk: Walk, after: number | null, offset: number): Query {
  const axis = axes[walk.axis];
  return [
    ...(after === null ? [] : [[axis.after, formatGmt(after)] as const]),
    ['dates_are_gmt', 'true'],
    ['orderby', axis.orderby],
    ['order', 'asc'],
    ['per_page', String(pageSize)],
    ['offset', String(offset)],
    ['status', walk.status],
    ['_fields', walk.fields],
  ];
}

function keyOf(row: unknown): { text: string; date_modified_gmt: string; date_created_gmt: string } {
  const key = keyRow.safeParse(row);
  const modified = (key.success ? key.data.date_modified_gmt : null) ?? '';
  const created = (key.success ? key.data.date_created_gmt : null) ?? '';
  const id = key.success ? key.data.id : JSON.stringify(row);
  return { text: `${id} ${modified}`, date_modified_gmt: modified, date_created_gmt: created };
}

/** The total rules where it is told: plugins hide rows, so that a short page is not always the last one. */
function hasMore(answer: Answered, rows: number, offset: number): boolean {
  const total = answer.headers['x-wp-total'];
  if (total !== undefined && /^\d+$/.test(total)) return offset + pageSize < Number(total);
  return rows >= pageSize;
}
