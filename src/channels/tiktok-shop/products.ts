import { z } from 'zod';
import { ChannelError } from '../errors.ts';
import { Refusal } from '../kit/refusal.ts';
import { allOf, maybe, Text, Whole } from '../kit/shapes.ts';
import { type Shop, searched } from './api.ts';
import { rowsPerPage } from './capabilities.ts';
import { tooManyRowsCode } from './codes.ts';
import { Id } from './ids.ts';

const Sku = z.object({
  id: Id,
  seller_sku: Text,
  inventory: maybe(z.array(z.object({ warehouse_id: maybe(Id), quantity: z.int() }))),
});
const Product = z.object({
  id: Id,
  title: Text,
  status: Text,
  skus: allOf(z.unknown()),
});
const Page = z.object({
  total_count: Whole,
  next_page_token: z.string().nullish(),
  products: allOf(z.unknown()),
});

export type ProductSku = z.infer<typeof Sku>;
/** A product with its SKUs; status ACTIVATE is on sale. */
export type Product = Record<'id' | 'title' | 'status', string> & { skus: ProductSku[] };

/** Rows that a search ends at (TTS-3.1). */
const mostRows = 10_000;

/** Times of last change in Unix seconds, both included; null: no bound. */
interface Range {
  from: number;
  to: number;
}

/**
 * Every product of the shop, deleted ones aside, by id. A catalogue beyond 10,000 products is read in ranges of the time
 * of change, halved until each is small enough. A product that changes meanwhile moves to a later range and is read again.
 */
export async function allProducts(shop: Shop, signal: AbortSignal): Promise<Map<string, Product>> {
  const found = new Map<string, Product>();
  if (await readRange(shop, null, found, signal)) return found;
  // An hour more, for what changes while we read and for clocks that differ.
  const queue: Range[] = [{ from: 0, to: Math.floor(shop.serverClock.now() / 1000) + 3_600 }];
  for (let range = queue.shift(); range !== undefined; range = queue.shift()) {
    if (await readRange(shop, range, found, signal)) continue;
    if (range.from >= range.to) {
      throw new ChannelError('rejected', 'more than 10,000 products changed in one second', {
        hint: 'TikTok Shop lists no more than 10,000 at once: touch some of them in Seller Center',
      });
    }
    const middle = Math.floor((range.from + range.to) / 2);
    queue.unshift({ from: range.from, to: middle }, { from: middle + 1, to: range.to });
  }
  return found;
}

/** False when the range holds more than one search tells. */
async function readRange(
  shop: Shop,
  range: Range | null,
  found: Map<string, Product>,
  signal: AbortSignal,
): Promise<boolean> {
  const path = '/product/202502/products/search';
  const query = { page_size: String(rowsPerPage) };
  const bounds = range === null ? {} : { update_time_ge: range.from, update_time_le: range.to };
  const body = { status: 'ALL', ...bounds };
  const what = 'the list of products';
  try {
    let rows = 0;
    for await (const { data } of searched(shop, { what, path, query, body, data: Page }, signal)) {
      rows += rowsPerPage;
      if ((data.total_count ?? 0) > mostRows || rows > mostRows + rowsPerPage) return false;
      for (const row of data.products) keep(shop, row, found);
    }
    return true;
  } catch (error) {
    if (error instanceof Refusal && error.has(tooManyRowsCode)) return false;
    throw error;
  }
}

function keep(shop: Shop, row: unknown, found: Map<string, Product>): void {
  const product = Product.safeParse(row);
  if (!product.success) {
    shop.deps.log.warn({}, 'a product cannot be read and is left out of the catalogue');
    return;
  }
  const { id, title, status, skus } = product.data;
  if (status === 'DELETED') return;
  const read = skus.flatMap((each) => Sku.safeParse(each).data ?? []);
  if (read.length < skus.length) {
    shop.deps.log.warn({ product: id }, 'a SKU cannot be read and is left out of the catalogue');
  }
  found.set(id, { id, title: title || id, status: status ?? '', skus: read });
}
