import { z } from 'zod';
import type { Listing, ListingPage } from '../channel.ts';
import { Refusal } from '../kit/refusal.ts';
import { chunksOf } from '../kit/write.ts';
import { shaped } from './answer.ts';
import type { Query } from './auth.ts';
import { type CatalogueRow, catalogueRow } from './schema.ts';
import { pageSize, type Shop } from './shop.ts';
import { unmanagedReason } from './stock.ts';

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
  for await (const { row, parent } of sellable(shop, signal)) {
    listings.push(parent === null ? productListing(row) : variationListing(row, parent));
  }
  // Variations that share their parent's stock print its SKU (an empty one is inherited): one number, one article.
  const numbers = new Map<string, Set<string>>();
  for (const { channelSku, counterKey } of listings) {
    if (channelSku !== null) numbers.set(channelSku, (numbers.get(channelSku) ?? new Set()).add(counterKey));
  }
  for (const listing of listings) listing.ambiguous = (numbers.get(listing.channelSku ?? '')?.size ?? 0) > 1;
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
    const answer = await shop.api.get({ path, query: pageQuery(page), signal });
    const rows = shaped(z.array(z.unknown()), answer.json, path);
    const total = numberOf(answer.headers['x-wp-total']);
    const pageCount = numberOf(answer.headers['x-wp-totalpages']);
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

function pageQuery(page: number): Query {
  return [
    ['per_page', String(pageSize)],
    ['page', String(page)],
    ['orderby', 'id'],
    ['order', 'asc'],
    ['status', 'any'],
    ['_fields', fields],
  ];
}

function numberOf(header: string | undefined): number | null {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) : null;
}

function productListing(row: CatalogueRow): Listing {
  const managed = row.manage_stock === true;
  return {
    listingId: row.id,
    counterKey: row.id,
    channelSku: row.sku,
    title: row.name ?? `product ${row.id}`,
    aliases: [],
    unwritable: managed ? null : unmanagedReason,
    ambiguous: false,
    shown: managed ? shownOf(row) : null,
    facts: { managed, parentId: null },
  };
}

/** With `"parent"` every variation shows the parent's one number: they share a counter named by the parent (WOO-9.9). */
function variationListing(row: CatalogueRow, parent: CatalogueRow): Listing {
  const listingId = `${parent.id}/${row.id}`;
  const managed = row.manage_stock !== false;
  return {
    listingId,
    counterKey: row.manage_stock === 'parent' ? parent.id : listingId,
    channelSku: row.sku,
    title: titleOf(row, parent),
    aliases: [row.id],
    unwritable: managed ? null : unmanagedReason,
    ambiguous: false,
    shown: managed ? shownOf(row) : null,
    facts: { managed, parentId: parent.id },
  };
}

function titleOf(row: CatalogueRow, parent: CatalogueRow): string {
  const own = row.name ?? row.sku ?? row.id;
  const whole = parent.name ?? `product ${parent.id}`;
  return own.startsWith(whole) ? own : `${whole} - ${own}`;
}

function shownOf(row: CatalogueRow): number | null {
  return row.stock_quantity === null ? null : Math.floor(row.stock_quantity);
}
