import { z } from 'zod';
import type { Reading, Span } from '../kit/reading.ts';
import { isNotFound, nullWhen } from '../kit/refusal.ts';
import { chunksOf } from '../kit/write.ts';
import { isGone } from './answer.ts';
import type { Query } from './api.ts';
import { type StockRow, stockRow } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';

/** A product (no parent) or a variation whose number is wanted. */
export interface Wanted {
  id: string;
  parentId: string | null;
}

/** `93` or `93/94` apart. */
export function idsOf(listingId: string): Wanted {
  const [first = '', second] = listingId.split('/');
  return second === undefined ? { id: first, parentId: null } : { id: second, parentId: first };
}

/** A row as the shop has it now; null: it is not there. */
export interface ReadRow extends Span {
  row: StockRow | null;
}

/**
 * Reads rows past every cache (WOO-9.20), by id. Variations are not found among products (O.2): those of one parent are
 * read there, those of many from `/variations` (WooCommerce 10.3), else parent by parent. Whatever a list leaves out is
 * asked for by itself before it counts as gone.
 */
export async function readRows(
  shop: Shop,
  wanted: readonly Wanted[],
  reading: Reading,
): Promise<Map<string, ReadRow>> {
  const { learned } = shop;
  const now = shop.deps.clock.now();
  const found = new Map<string, ReadRow>(
    wanted.map(({ id }) => [id, { row: null, askedAt: now, answeredAt: now }]),
  );
  // An id that is no number has no route of its own and would hide its neighbours behind a 404.
  const sound = wanted.filter(({ id, parentId }) => /^\d+$/.test(id) && /^\d*$/.test(parentId ?? ''));
  const readFrom = async (path: string, rows: readonly Wanted[]): Promise<void> => {
    for (const chunk of chunksOf(rows, pageSize)) {
      const listed = chunk.length > 1 ? await readTogether(shop, { path, chunk }, reading) : new Map();
      for (const each of chunk)
        found.set(each.id, listed.get(each.id) ?? (await readOne(shop, each, reading)));
    }
  };
  const of = (parentId: string | null) => sound.filter((each) => each.parentId === parentId);
  await readFrom('/products', of(null));
  const variations = sound.filter(({ parentId }) => parentId !== null);
  const parents = new Set(variations.map(({ parentId }) => parentId));
  if (parents.size > 1 && learned.flatVariations !== false) {
    try {
      await readFrom('/variations', variations);
      learned.flatVariations = true;
      return found;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      learned.flatVariations = false;
    }
  }
  for (const parentId of parents) await readFrom(`/products/${parentId}/variations`, of(parentId));
  return found;
}

async function readTogether(
  shop: Shop,
  { path, chunk }: { path: string; chunk: readonly Wanted[] },
  { priority, signal }: Reading,
): Promise<Map<string, ReadRow>> {
  const include = chunk.map(({ id }) => id).join(',');
  const query = { include, status: 'any', per_page: pageSize, ...uncached(shop) };
  const parents = new Map(chunk.map(({ id, parentId }) => [id, parentId]));
  const answer = await shop.api
    .call({ method: 'GET', path, query, data: z.array(stockRow), priority }, signal)
    .catch(nullWhen(isGone));
  if (answer === null) return new Map();
  const { data, askedAt, answeredAt } = answer;
  const rows = data.filter((row) => belongs(row, parents.get(row.id)));
  return new Map(rows.map((row) => [row.id, { row, askedAt, answeredAt }]));
}

async function readOne(shop: Shop, wanted: Wanted, { priority, signal }: Reading): Promise<ReadRow> {
  const { id, parentId } = wanted;
  const path = parentId === null ? `/products/${id}` : `/products/${parentId}/variations/${id}`;
  const { clock } = shop.deps;
  const before = clock.now();
  const answer = await shop.api
    .call({ method: 'GET', path, query: uncached(shop), data: stockRow, priority }, signal)
    .catch(nullWhen(isGone));
  if (answer === null) return { row: null, askedAt: before, answeredAt: clock.now() };
  const { data, askedAt, answeredAt } = answer;
  // GET of a trashed product answers 200 (WOO-O.2).
  const isThere = data.status !== 'trash' && belongs(data, parentId);
  return { row: isThere ? data : null, askedAt, answeredAt };
}

/** A variation that moved to another parent is another listing; writing to the old parent would move it back (WOO-5.1). */
function belongs(row: StockRow, parentId: string | null | undefined): boolean {
  return parentId !== undefined && (row.parent_id === '0' || parentId === null || row.parent_id === parentId);
}

/** The dummy parameter makes each read an address of its own for caches that ignore no-cache (WOO-4). */
function uncached(shop: Shop): Query {
  return {
    _fields: 'id,parent_id,status,manage_stock,stock_quantity',
    invsync: shop.deps.randomHex(6),
  };
}
