import { z } from 'zod';
import type { Json, Listing, ListingPage } from '../channel.ts';
import { nextCursor, type ShopifyApi } from './api.ts';
import { QueryTooCostly } from './failures.ts';
import { blankToNull } from './fields.ts';
import { connection } from './graphql-order.ts';

/** Variants per page: about 15 points each when every node counts (dossier 4.3, 7). */
const pageSize = 60;

const VariantRef = z.object({ id: z.string(), requiresComponents: z.boolean() });

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
    variants: connection(VariantRef).nullish(),
    inventoryLevel: LevelNode.nullish(),
  }),
});
type VariantNode = z.infer<typeof VariantNode>;

const ListingsData = z.object({ productVariants: connection(VariantNode) });
const ItemVariantsData = z.object({
  inventoryItem: z.object({ variants: connection(VariantRef).nullish() }).nullable(),
});

/** What is stored about a listing: a bundle parent's number is derived, an untracked item's means nothing. */
export const ListingFacts = z.object({ bundle: z.boolean(), tracked: z.boolean() });

/**
 * The catalogue, one listing per inventory item: what holds the number (dossier 4.1). Variants are aliases, because
 * order lines name them; several variants may share one item (from 2026-01), which is listed once.
 */
export async function* listListings(
  api: ShopifyApi,
  location: string,
  signal: AbortSignal,
): AsyncGenerator<ListingPage> {
  const seen = new Set<string>();
  let first = pageSize;
  let after: string | null = null;
  for (;;) {
    const page: z.infer<typeof ListingsData> | null = await tryPage(api, { first, after, location }, signal);
    if (page === null) {
      first = Math.floor(first / 2);
      continue;
    }
    const { nodes, pageInfo } = page.productVariants;
    const listings: Listing[] = [];
    for (const node of nodes) {
      if (seen.has(node.inventoryItem.id)) continue;
      seen.add(node.inventoryItem.id);
      listings.push(listingOf(node, await sharersOf(api, node, signal)));
    }
    yield { listings, total: null };
    if (!pageInfo.hasNextPage) return;
    after = nextCursor(pageInfo.endCursor, after);
  }
}

/** Null: the page was too costly and can be halved. */
async function tryPage(
  api: ShopifyApi,
  variables: { first: number; after: string | null; location: string },
  signal: AbortSignal,
): Promise<z.infer<typeof ListingsData> | null> {
  try {
    return (await api.call({ document: 'Listings', variables, data: ListingsData }, signal)).data;
  } catch (error) {
    if (error instanceof QueryTooCostly && variables.first > 1) return null;
    throw error;
  }
}

/** All variants that reference the item, the one at hand included. */
async function sharersOf(
  api: ShopifyApi,
  node: VariantNode,
  signal: AbortSignal,
): Promise<z.infer<typeof VariantRef>[]> {
  const told = node.inventoryItem.variants ?? null;
  const sharers = new Map([[node.id, { id: node.id, requiresComponents: node.requiresComponents }]]);
  for (const variant of told?.nodes ?? []) sharers.set(variant.id, variant);
  let after: string | null = null;
  let hasMore = told?.pageInfo.hasNextPage ?? false;
  while (hasMore) {
    const variables = { id: node.inventoryItem.id, after };
    const answer: { data: z.infer<typeof ItemVariantsData> } = await api.call(
      { document: 'ItemVariants', variables, data: ItemVariantsData },
      signal,
    );
    const more = answer.data.inventoryItem?.variants ?? null;
    for (const variant of more?.nodes ?? []) sharers.set(variant.id, variant);
    hasMore = more?.pageInfo.hasNextPage ?? false;
    if (hasMore) after = nextCursor(more?.pageInfo.endCursor, after);
  }
  return [...sharers.values()];
}

function listingOf(node: VariantNode, sharers: z.infer<typeof VariantRef>[]): Listing {
  const item = node.inventoryItem;
  const isBundle = sharers.some((variant) => variant.requiresComponents);
  const sku = blankToNull(item.sku) ?? blankToNull(node.sku);
  const unwritable = whyUnwritable(item.tracked, isBundle);
  return {
    listingId: item.id,
    counterKey: item.id,
    channelSku: sku,
    title: node.displayName,
    aliases: sharers.map((variant) => variant.id).sort(),
    unwritable,
    // duplicateSkuCount counts the other items of the same SKU; a blank SKU is nobody's (dossier 9.11).
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
