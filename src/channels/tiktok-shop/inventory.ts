import { z } from 'zod';
import type { Priority } from '../kit/pace.ts';
import { skusPerRead } from './capabilities.ts';
import { unknownSkuCodes } from './codes.ts';
import { Refusal } from './failures.ts';
import { Id } from './ids.ts';
import type { Shop } from './shop.ts';
import { type Level, type Sites, shownOf } from './warehouses.ts';

const Sku = z.object({
  id: Id,
  total_available_quantity: z.int().nullish().catch(null),
  warehouse_inventory: z.array(z.object({ warehouse_id: Id, available_quantity: z.int() })).nullish(),
});
const Found = z.object({
  inventory: z.array(z.object({ product_id: Id, skus: z.array(z.unknown()).nullish() })).nullish(),
});

/** What TikTok tells about the number of one SKU. `levels` is null when it cannot be read. */
export interface SkuStock {
  productId: string;
  levels: Level[] | null;
  /** The sum over all warehouses, where it is told. */
  total: number | null;
  askedAt: number;
  answeredAt: number;
}

/** How numbers are read, and until when. */
export interface Reading {
  priority: Priority;
  signal: AbortSignal;
}

/** Numbers by SKU id, read live, 600 a call (TTS-3.2). A SKU that is left out is deleted or foreign. */
export async function readSkus(
  shop: Shop,
  skuIds: readonly string[],
  reading: Reading,
): Promise<Map<string, SkuStock>> {
  const found = new Map<string, SkuStock>();
  const wanted = [...new Set(skuIds)];
  const queue: string[][] = [];
  for (let at = 0; at < wanted.length; at += skusPerRead) queue.push(wanted.slice(at, at + skusPerRead));
  for (let ids = queue.shift(); ids !== undefined; ids = queue.shift()) {
    try {
      await readSome(shop, ids, found, reading);
    } catch (error) {
      // One unknown id may fail them all; what remains of the halves is the bad one.
      if (!(error instanceof Refusal) || !unknownSkuCodes.has(error.code ?? 0)) throw error;
      const half = Math.ceil(ids.length / 2);
      if (ids.length > 1) queue.unshift(ids.slice(0, half), ids.slice(half));
    }
  }
  return found;
}

async function readSome(
  shop: Shop,
  skuIds: readonly string[],
  found: Map<string, SkuStock>,
  reading: Reading,
): Promise<void> {
  const { data, askedAt, answeredAt } = await shop.api.call(
    {
      method: 'POST',
      path: '/product/202309/inventory/search',
      body: { sku_ids: skuIds },
      data: Found,
      priority: reading.priority,
    },
    reading.signal,
  );
  for (const { product_id: productId, skus } of data.inventory ?? []) {
    for (const row of skus ?? []) {
      const sku = Sku.safeParse(row);
      const id = sku.success ? sku.data.id : z.object({ id: Id }).safeParse(row).data?.id;
      if (id === undefined) continue;
      const levels = sku.success ? levelsOf(sku.data) : null;
      const total = sku.success ? (sku.data.total_available_quantity ?? null) : null;
      found.set(id, { productId, levels, total, askedAt, answeredAt });
    }
  }
}

function levelsOf(sku: z.infer<typeof Sku>): Level[] {
  return (sku.warehouse_inventory ?? []).map((row) => ({
    warehouseId: row.warehouse_id,
    available: row.available_quantity,
  }));
}

/** The number that counts for us; null when TikTok told none. */
export function numberOf(stock: SkuStock, sites: Sites): number | null {
  if (stock.levels === null) return null;
  return stock.levels.length === 0 ? stock.total : shownOf(stock.levels, sites);
}
