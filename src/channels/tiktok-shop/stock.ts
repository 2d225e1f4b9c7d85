import { z } from 'zod';
import type { ListingRef, StockReading } from '../channel.ts';
import { stopped } from '../errors.ts';
import { noNumber, type Reading, type Span, shownAs } from '../kit/reading.ts';
import { Refusal } from '../kit/refusal.ts';
import { allOf, Whole } from '../kit/shapes.ts';
import { chunksOf } from '../kit/write.ts';
import type { Shop } from './api.ts';
import { skusPerRead } from './capabilities.ts';
import { unknownSkuCodes } from './codes.ts';
import { Id, isId } from './ids.ts';
import { factsOf } from './listings.ts';
import { type Level, type Sites, shownOf } from './warehouses.ts';

const Sku = z.object({
  id: Id,
  total_available_quantity: Whole,
  warehouse_inventory: allOf(
    z
      .object({ warehouse_id: Id, available_quantity: z.int() })
      .transform((row) => ({ warehouseId: row.warehouse_id, available: row.available_quantity })),
  ),
});
const Found = z.object({
  inventory: allOf(z.object({ product_id: Id, skus: allOf(z.unknown()) })),
});

/** What TikTok tells about the number of one SKU. `levels` is null when it cannot be read. */
export interface SkuStock extends Span {
  productId: string;
  levels: Level[] | null;
  /** The sum over all warehouses, where it is told. */
  total: number | null;
}

/** What TikTok shows now, one uncached reading per listing in order (TTS-3.2). */
export async function readStock(
  shop: Shop,
  listings: readonly ListingRef[],
  signal: AbortSignal,
): Promise<StockReading[]> {
  if (signal.aborted) throw stopped();
  const ids = listings.map(({ listingId }) => listingId).filter(isId);
  const sites = ids.length === 0 ? null : await shop.warehouses.known(signal);
  const found = await readSkus(shop, ids, { priority: 'read', signal });
  const now = shop.deps.clock.now();
  const gone = 'TikTok Shop has no such SKU in this shop (any more)';
  return listings.map((listing) => {
    const { listingId } = listing;
    const stock = found.get(listingId);
    if (stock === undefined || sites === null)
      return { listingId, ...noNumber('not-listed', gone, { askedAt: now, answeredAt: now }) };
    return { listingId, ...readingOf(stock, sites, factsOf(listing).unwritable) };
  });
}

/** What a SKU shows; `why` it may not be written, as far as is known. */
export function readingOf(
  stock: SkuStock,
  sites: Sites,
  why: string | null,
): Omit<StockReading, 'listingId'> {
  const { levels, total } = stock;
  const shown = levels?.length === 0 ? total : levels && shownOf(levels, sites);
  if (why !== null) return { ...noNumber('unwritable', why, stock), shown };
  return shown === null
    ? noNumber('untracked', 'TikTok Shop tells no number for this SKU', stock)
    : shownAs(shown, stock);
}

/** Numbers by SKU id, read live, 600 a call (TTS-3.2). A SKU that is left out is deleted or foreign. */
export async function readSkus(
  shop: Shop,
  skuIds: readonly string[],
  reading: Reading,
): Promise<Map<string, SkuStock>> {
  const found = new Map<string, SkuStock>();
  const queue = chunksOf([...new Set(skuIds)], skusPerRead);
  for (let ids = queue.shift(); ids !== undefined; ids = queue.shift()) {
    try {
      await readSome(shop, ids, found, reading);
    } catch (error) {
      // One unknown id may fail them all; what remains of the halves is the bad one.
      if (!(error instanceof Refusal) || !error.has(...unknownSkuCodes)) throw error;
      if (ids.length > 1) queue.unshift(...chunksOf(ids, Math.ceil(ids.length / 2)));
    }
  }
  return found;
}

async function readSome(
  shop: Shop,
  skuIds: readonly string[],
  found: Map<string, SkuStock>,
  { priority, signal }: Reading,
): Promise<void> {
  const path = '/product/202309/inventory/search';
  const { data, askedAt, answeredAt } = await shop.api.call(
    { method: 'POST', path, body: { sku_ids: skuIds }, data: Found, effect: 'read', priority },
    signal,
  );
  for (const { product_id: productId, skus } of data.inventory) {
    for (const row of skus) {
      const sku = Sku.safeParse(row).data;
      const id = sku?.id ?? z.object({ id: Id }).safeParse(row).data?.id;
      if (id === undefined) continue;
      const levels = sku?.warehouse_inventory ?? null;
      const total = sku?.total_available_quantity ?? null;
      found.set(id, { productId, levels, total, askedAt, answeredAt });
    }
  }
}
