import { z } from 'zod';
import type { Priority } from '../kit/pace.ts';
import { isNotFound } from '../kit/refusal.ts';
import { shaped } from './answer.ts';
import type { Answered } from './api.ts';
import type { Query } from './auth.ts';
import { type StockRow, stockRow } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';

/** A product (no parent) or a variation whose number is wanted. */
export interface Wanted {
  id: string;
  parentId: string | null;
}

/** A row as the shop has it now; null: it is not there. */
export interface ReadRow {
  row: StockRow | null;
  askedAt: number;
  answeredAt: number;
}

/** How rows are read. */
export interface Reading {
  priority: Priority;
  signal: AbortSignal;
}

const fields = 'id,parent_id,status,manage_stock,stock_quantity';

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
  const found = new Map<string, ReadRow>();
  const now = shop.deps.clock.now();
  // An id that is no number has no route of its own and would hide its neighbours behind a 404.
  const sound = wanted.filter(({ id, parentId }) => /^\d+$/.test(id) && /^\d*$/.test(parentId ?? ''));
  for (const { id } of wanted) {
    if (!sound.some((other) => other.id === id)) found.set(id, { row: null, askedAt: now, answeredAt: now });
  }
  for (const [parentId, rows] of byParent(sound)) {
    if (parentId === null) await readFrom(shop, '/products', rows, found, reading);
  }
  const variations = [...byParent(sound)].filter(([parentId]) => parentId !== null);
  const flat = variations.length > 1 && shop.learned.flatVariations !== false;
  if (
    flat &&
    (await readFlat(
      shop,
      variations.flatMap(([, rows]) => rows),
      found,
      reading,
    ))
  )
    return found;
  for (const [parentId, rows] of variations) {
    await readFrom(shop, `/products/${parentId}/variations`, rows, found, reading);
  }
  return found;
}

async function readFlat(
  shop: Shop,
  rows: readonly Wanted[],
  found: Map<string, ReadRow>,
  reading: Reading,
): Promise<boolean> {
  try {
    await readFrom(shop, '/variations', rows, found, reading);
    shop.learned.flatVariations = true;
    return true;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    shop.learned.flatVariations = false;
    return false;
  }
}

async function readFrom(
  shop: Shop,
  path: string,
  rows: readonly Wanted[],
  found: Map<string, ReadRow>,
  reading: Reading,
): Promise<void> {
  for (let at = 0; at < rows.length; at += pageSize) {
    const chunk = rows.slice(at, at + pageSize);
    if (chunk.length > 1) await readTogether(shop, path, chunk, found, reading).catch(unlessGone);
    for (const wanted of chunk) {
      if (!found.has(wanted.id)) found.set(wanted.id, await readOne(shop, wanted, reading));
    }
  }
}

async function readTogether(
  shop: Shop,
  path: string,
  chunk: readonly Wanted[],
  found: Map<string, ReadRow>,
  reading: Reading,
): Promise<void> {
  const answer = await shop.api.get({
    path,
    query: [
      ['include', chunk.map(({ id }) => id).join(',')],
      ['status', 'any'],
      ['per_page', String(pageSize)],
      ...uncached(shop),
    ],
    ...reading,
  });
  const parents = new Map(chunk.map(({ id, parentId }) => [id, parentId]));
  for (const row of shaped(z.array(stockRow), answer.json, 'stock')) {
    const parentId = parents.get(row.id);
    if (parentId === undefined || !belongs(row, parentId)) continue;
    found.set(row.id, spanned(row, answer));
  }
}

async function readOne(shop: Shop, { id, parentId }: Wanted, reading: Reading): Promise<ReadRow> {
  const path = parentId === null ? `/products/${id}` : `/products/${parentId}/variations/${id}`;
  const askedAt = shop.deps.clock.now();
  try {
    const answer = await shop.api.get({ path, query: uncached(shop), ...reading });
    const row = shaped(stockRow, answer.json, 'stock');
    // GET of a trashed product answers 200 (WOO-O.2).
    const there = row.status !== 'trash' && belongs(row, parentId);
    return spanned(there ? row : null, answer);
  } catch (error) {
    unlessGone(error);
    return { row: null, askedAt, answeredAt: shop.deps.clock.now() };
  }
}

/** Throws again all but WooCommerce's own "no such product": a missing route must not look like a missing product. */
function unlessGone(error: unknown): void {
  const gone = isNotFound(error) && String(error.codes[0]).includes('invalid_id');
  if (!gone) throw error;
}

/** A variation that moved to another parent is another listing; writing to the old parent would move it back (WOO-5.1). */
function belongs(row: StockRow, parentId: string | null): boolean {
  return row.parent_id === '0' || parentId === null || row.parent_id === parentId;
}

function spanned(row: StockRow | null, answer: Answered): ReadRow {
  return { row, askedAt: answer.askedAt, answeredAt: answer.answeredAt };
}

/** The dummy parameter makes each read an address of its own for caches that ignore no-cache (WOO-4). */
function uncached(shop: Shop): Query {
  return [
    ['_fields', fields],
    ['invsync', shop.deps.randomHex(6)],
  ];
}

function byParent(wanted: readonly Wanted[]): Map<string | null, Wanted[]> {
  const groups = new Map<string | null, Wanted[]>();
  for (const row of wanted) groups.set(row.parentId, [...(groups.get(row.parentId) ?? []), row]);
  return groups;
}
