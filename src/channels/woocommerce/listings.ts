import { z } from 'zod';
import type { Listing, ListingPage } from '../channel.ts';
import { markAmbiguous } from '../kit/ambiguous.ts';
import { Refusal } from '../kit/refusal.ts';
import { chunksOf } from '../kit/write.ts';
import { anyRows, type CatalogueRow, catalogueRow } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';
import { unmanagedReason } from './stock.ts';
import { countIn } from './walk.ts';

const fields =
  'id,parent_id,name,sku,type,status,manage_stock,stock_quantity,backorders,variations,date_modified_gmt';
/** Types that hold no stock of their own (WOO-4). */
const withoutStock = new Set(['grouped', 'external']);

/**
 * The catalogue: each product and each variation that can be sold. It is read to its end before the first page is
 * handed out, because only the whole tells which SKUs are not unique (legacy data, WPML copies: WOO-9.17).
 */
export async function* listListings(shop: Shop, signal: AbortSignal): AsyncGenerator<ListingPage> {
  const listings: Listing[] = [];
  for await (const { row, parent } of sellable(shop, signal)) listings.push(listingOf(row, parent));
  // Variations that share their parent's stock print its SKU (an empty one is inherited): one number, one article.
  markAmbiguous(listings);
  const total = listings.length;
  if (total === 0) yield { listings: [], total };
  for (const page of chunksOf(listings, pageSize)) yield { listings: page, total };
}

/** Whatever can be sold: products that hold stock of their own, then the variations with their variable product. */
export async function* sellable(
  shop: Shop,
  signal: AbortSignal,
): AsyncGenerator<{ row: CatalogueRow; parent: CatalogueRow | null }> {
  const parents = new Map<string, CatalogueRow>();
  for await (const rows of pages(shop, '/products', signal)) {
    for (const row of rows) {
      if (hasVariations(row)) parents.set(row.id, row);
      else if (!withoutStock.has(row.type ?? '')) yield { row, parent: null };
    }
  }
  yield* variations(shop, parents, signal);
}

function hasVariations(row: CatalogueRow): boolean {
  return row.type?.startsWith('variable') === true || row.variations.length > 0;
}

async function* variations(
  shop: Shop,
  parents: ReadonlyMap<string, CatalogueRow>,
  signal: AbortSignal,
): AsyncGenerator<{ row: CatalogueRow; parent: CatalogueRow }> {
  if (parents.size === 0) return;
  if (shop.learned.flatVariations !== false) {
    try {
      for await (const rows of pages(shop, '/variations', signal)) {
        shop.learned.flatVariations = true;
        for (const row of rows) {
          const parent = parents.get(row.parent_id);
          if (parent !== undefined) yield { row, parent };
        }
      }
      return;
    } catch (error) {
      // Before WooCommerce 10.3 the route does not exist (WOO-4).
      if (!(error instanceof Refusal) || !error.has('rest_no_route')) throw error;
      shop.learned.flatVariations = false;
    }
  }
  for (const parent of parents.values()) {
    for await (const rows of pages(shop, `/products/${parent.id}/variations`, signal)) {
      for (const row of rows) yield { row, parent };
    }
  }
}

/**
 * Pages by ascending id, so that new products come last. A deletion meanwhile moves rows one page forward: the total
 * shows it, and the page before is read again.
 */
async function* pages(shop: Shop, path: string, signal: AbortSignal): AsyncGenerator<CatalogueRow[]> {
  const seen = new Set<string>();
  let totalBefore: number | null = null;
  /** Up to here pages were read, some of them again. */
  let farthest = 0;
  for (let page = 1; ; page += 1) {
    const query = { per_page: pageSize, page, orderby: 'id', order: 'asc', status: 'any', _fields: fields };
    const { data: rows, headers } = await shop.api.call(
      { method: 'GET', path, query, data: anyRows },
      signal,
    );
    const total = countIn(headers, 'x-wp-total');
    const pageCount = countIn(headers, 'x-wp-totalpages');
    const fresh = rows.filter((row) => !seen.has(idOf(row)));
    for (const row of fresh) seen.add(idOf(row));
    yield readable(shop, fresh);
    const isAgain = page <= farthest;
    farthest = Math.max(farthest, page);
    if (total !== null && totalBefore !== null && total < totalBefore && page > 1) page -= 2;
    else if (pageCount === null ? rows.length < pageSize : page >= pageCount) return;
    else if (fresh.length === 0 && !isAgain)
      throw new Refusal('retry', `${path} goes on, and page ${page} brings nothing new`);
    totalBefore = total;
  }
}

function idOf(row: unknown): string {
  return String(z.object({ id: z.unknown() }).safeParse(row).data?.id);
}

/** One row that a plugin mangled must not hide the catalogue. */
function readable(shop: Shop, rows: readonly unknown[]): CatalogueRow[] {
  return rows.flatMap((row) => {
    const parsed = catalogueRow.safeParse(row);
    if (parsed.success) return [parsed.data];
    const field = parsed.error.issues[0]?.path.join('.');
    shop.deps.log.warn(
      { product: idOf(row), field },
      'a product cannot be read and is left out of the catalogue',
    );
    return [];
  });
}

/** With `"parent"` every variation shows the parent's one number: they share a counter named by the parent (WOO-9.9). */
function listingOf(row: CatalogueRow, parent: CatalogueRow | null): Listing {
  const listingId = parent === null ? row.id : `${parent.id}/${row.id}`;
  const isShared = parent !== null && row.manage_stock === 'parent';
  const managed = row.manage_stock === true || isShared;
  const { stock_quantity: told } = row;
  return {
    listingId,
    counterKey: isShared ? parent.id : listingId,
    channelSku: row.sku,
    title: parent === null ? (row.name ?? `product ${row.id}`) : titleOf(row, parent),
    aliases: parent === null ? [] : [row.id],
    unwritable: managed ? null : unmanagedReason,
    ambiguous: false,
    shown: managed && told !== null ? Math.floor(told) : null,
    facts: { managed, parentId: parent?.id ?? null },
  };
}

function titleOf(row: CatalogueRow, parent: CatalogueRow): string {
  const own = row.name ?? row.sku ?? row.id;
  const whole = parent.name ?? `product ${parent.id}`;
  return own.startsWith(whole) ? own : `${whole} - ${own}`;
}
