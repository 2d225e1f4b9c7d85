import { z } from 'zod';
import type { Json, Listing, ListingPage } from '../channel.ts';
import { connectionPages, type ShopifyApi } from './api.ts';
import { blankToNull } from './fields.ts';
import { connection } from './graphql-order.ts';

/** Variants per page: 4 points each, of 1,000 that a query may ask for (sandbox and documented prices, 2026-11). */
const pageSize = 240;

/** The level of one item at the configured location. */
export const LevelNode = z.object({
  isActive: z.boolean(),
  quantities: z.array(z.object({ name: z.string(), quantity: z.int() })),
});
export type LevelNode = z.infer<typeof LevelNode>;

const VariantNode = z.object({
  id: z.string(),
  sku: z.string().nullish(),
  displayName: z.string(),
  requiresComponents: z.boolean(),
  inventoryItem: z.object({
    id: z.string(),
    sku: z.string().nullish(),
    tracked: z.boolean(),
    duplicateSkuCount: z.int(),
    inventoryLevel: LevelNode.nullish(),
  }),
});
type VariantNode = z.infer<typeof VariantNode>;

const ListingsData = z.object({ productVariants: connection(VariantNode) });
/** What is stored about a listing: a bundle parent's number is derived, an untracked item's means nothing. */
export const ListingFacts = z.object({ bundle: z.boolean(), tracked: z.boolean() });

/**
 * The catalogue, one listing per inventory item: what holds the number (SHP-4.1). Variants are aliases, because
 * order lines name them; several variants may share one item (from 2026-01), which is listed once. Which share one only
 * the whole list tells, which is read to its end before anything is handed out: asking each item for its variants would
 * cost twice the points of everything else, and the points are what a catalogue waits for.
 */
export async function* listListings(
  api: ShopifyApi,
  location: string,
  signal: AbortSignal,
): AsyncGenerator<ListingPage> {
  const items = new Map<string, VariantNode[]>();
  const pages = connectionPages(
    { what: 'the list of variants', first: pageSize },
    (at) => api.call({ document: 'Listings', variables: { ...at, location }, data: ListingsData }, signal),
    ({ data }) => data.productVariants.pageInfo,
  );
  for await (const { data } of pages) {
    for (const node of data.productVariants.nodes) {
      const sharers = items.get(node.inventoryItem.id);
      if (sharers === undefined) items.set(node.inventoryItem.id, [node]);
      else sharers.push(node);
    }
  }
  const listings = [...items.values()].map(listingOf);
  const total = listings.length;
  for (let at = 0; at === 0 || at < total; at += pageSize)
    yield { listings: listings.slice(at, at + pageSize), total };
}

/** The listing of an item by the variants that reference it. */
function listingOf(variants: readonly VariantNode[]): Listing {
  const [node] = variants;
  if (node === undefined) throw new RangeError('an item without a variant is no listing');
  const item = node.inventoryItem;
  const isBundle = variants.some((variant) => variant.requiresComponents);
  const sku = blankToNull(item.sku) ?? blankToNull(node.sku);
  const unwritable = whyUnwritable(item.tracked, isBundle);
  return {
    listingId: item.id,
    counterKey: item.id,
    channelSku: sku,
    title: node.displayName,
    aliases: [...new Set(variants.map((variant) => variant.id))].sort(),
    unwritable,
    // duplicateSkuCount counts the other items of the same SKU; a blank SKU is nobody's (SHP-9.11).
    ambiguous: sku !== null && item.duplicateSkuCount > 0,
    shown: unwritable === null ? availableOf(item.inventoryLevel ?? null) : null,
    facts: { bundle: isBundle, tracked: item.tracked } satisfies Json,
  };
}

/** Why the number may not be written, in words; null when it may. */
export function whyUnwritable(isTracked: boolean, isBundle: boolean): string | null {
  if (isBundle) return 'a bundle parent: Shopify derives its stock from the components (map those)';
  return isTracked ? null : 'stock is not tracked in Shopify';
}

/** `available` of a level; null when the item is not stocked there. May be negative after an oversell. */
export function availableOf(level: LevelNode | null): number | null {
  if (level === null || !level.isActive) return null;
  return level.quantities.find((quantity) => quantity.name === 'available')?.quantity ?? null;
}
