import type { Answer } from '../kit/rest.ts';
import type { Query } from './api.ts';
import { anyRows, orderKey } from './schema.ts';
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
}

/** Rows that were not on an earlier page in the same state. `last` marks the end of the walk. */
export interface WalkedPage {
  rows: unknown[];
  answer: Answer<unknown>;
  last: boolean;
}

/** Rows that two requests within one second share, so that we see whether rows before them have left. */
const overlap = 20;

/**
 * Walks orders, oldest first, by keyset: orders that change while we page move to the end and must not push others off
 * a page. The next page is the first one after the last row's second less one (the search is strictly greater, in whole
 * seconds); only when a whole page shares one second do we go on within it by offset (WOO-6, WOO-O.4, 2026-11). There,
 * too, rows may leave: a page that shows no row of the page before has lost touch, and we step back until one does.
 */
export async function* walkOrders(shop: Shop, walk: Walk, signal: AbortSignal): AsyncGenerator<WalkedPage> {
  const { field } = axes[walk.axis];
  let after = walk.since === null || walk.since <= 0 ? null : Math.floor(walk.since / 1000) * 1000 - 1000;
  let offset = 0;
  let whole = false;
  /** Rows of the pages up to here that nothing is missing between. */
  let joined = new Set<string>();
  let seen = new Set<string>();
  for (;;) {
    const query = queryOf(walk, after, offset);
    const answer = await shop.api.call({ method: 'GET', path: '/orders', query, data: anyRows }, signal);
    const rows = answer.data;
    const keys = rows.map((row) => orderKey.safeParse(row).data);
    const texts = rows.map((row, at) => JSON.stringify(keys[at] ?? row));
    const fresh = rows.filter((_, at) => !seen.has(texts[at] ?? ''));
    // Plugins hide rows: after a page with gaps there is nothing to compare with.
    const lostTouch = offset > 0 && whole && !texts.some((text) => joined.has(text));
    // The total rules where it is told: plugins hide rows, so that a short page is not always the last one.
    const total = countIn(answer.headers, 'x-wp-total');
    const isMore = total === null ? rows.length >= pageSize : offset + pageSize < total;
    const last = !lostTouch && !isMore;
    yield { rows: fresh, answer, last };
    if (last) return;
    const newest = Math.max(...keys.map((key) => key?.[field] ?? 0), 0);
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
  return {
    ...(after === null ? {} : { [axis.after]: new Date(after).toISOString().slice(0, 19) }),
    // Times without a zone are the site's own unless this is told (WOO-6 and WOO-O.4).
    dates_are_gmt: 'true',
    orderby: axis.orderby,
    order: 'asc',
    per_page: pageSize,
    offset,
    status: walk.status,
    _fields: walk.fields,
  };
}

/** A number that a list tells in its headers (`x-wp-total`, `x-wp-totalpages`); null when it does not. */
export function countIn(headers: Answer<unknown>['headers'], name: string): number | null {
  const text = headers[name] ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}
