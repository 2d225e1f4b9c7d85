import { z } from 'zod';
import type { Listing, ListingPage, ListingRef } from '../channel.ts';
import { markAmbiguous } from '../kit/ambiguous.ts';
import { chunksOf } from '../kit/write.ts';
import type { Shop } from './api.ts';
import { allProducts, type Product, type ProductSku } from './products.ts';
import { type Sites, shownOf } from './warehouses.ts';

/** Listings that are handed on at once. */
const handful = 100;

/** Why the SKUs of a product that is not on sale cannot be written (TTS-3.1, TTS-4). */
const words: Readonly<Record<string, string>> = {
  DRAFT: 'the product is a draft on TikTok Shop',
  PENDING: 'the product is being reviewed by TikTok Shop',
  FAILED: 'the product failed the review of TikTok Shop',
  SELLER_DEACTIVATED: 'the product is deactivated in Seller Center',
  PLATFORM_DEACTIVATED: 'TikTok Shop has deactivated the product',
  FREEZE: 'TikTok Shop has frozen the product',
};

/**
 * The catalogue, one listing per SKU (TTS-3.1). It is read to its end before the first page is handed out, because
 * only the whole tells which seller SKUs are not unique: TikTok allows any number of twins (TTS-7.14).
 */
export async function* listListings(shop: Shop, signal: AbortSignal): AsyncGenerator<ListingPage> {
  const products = await allProducts(shop, signal);
  const sites = await shop.warehouses.fresh(signal);
  const listings = new Map<string, Listing>();
  for (const product of products.values()) {
    for (const sku of product.skus) listings.set(sku.id, listingOf(product, sku, sites));
  }
  const all = [...listings.values()];
  markAmbiguous(all);
  const total = all.length;
  if (total === 0) yield { listings: [], total };
  for (const listings of chunksOf(all, handful)) yield { listings, total };
}

function listingOf(product: Product, sku: ProductSku, sites: Sites): Listing {
  const unwritable = whyOffSale(product) ?? whyElsewhere(sku, sites);
  return {
    listingId: sku.id,
    counterKey: sku.id,
    channelSku: sku.seller_sku || null,
    title: product.title,
    aliases: [],
    unwritable,
    ambiguous: false,
    shown: shownIn(sku, sites),
    facts: { id: sku.id, productId: product.id, unwritable },
  };
}

function whyOffSale({ status }: Product): string | null {
  if (status === 'ACTIVATE' || status === '') return null;
  const known = Object.hasOwn(words, status) ? words[status] : undefined;
  return known ?? `the product is not on sale on TikTok Shop (${status.slice(0, 40)})`;
}

/**
 * The list of warehouses holds the seller's own (TTS-3.3): stock that lies nowhere else but in others is kept by
 * TikTok, which refuses its number (12052144). A list that tells none proves nothing.
 */
function whyElsewhere({ inventory }: ProductSku, sites: Sites): string | null {
  const places = (inventory ?? []).map(({ warehouse_id: id }) => id ?? null);
  if (places.length === 0 || sites.all.length === 0) return null;
  const isForeign = places.every((id) => id !== null && !sites.all.some((own) => own.id === id));
  return isForeign ? 'its stock lies in a warehouse that is not the seller’s own' : null;
}

/** A hint only: the search trails, the live number is read elsewhere. */
function shownIn(sku: ProductSku, sites: Sites): number | null {
  const rows = sku.inventory ?? [];
  if (rows.length === 0) return null;
  const levels = rows.map(({ warehouse_id: id, quantity }) => ({
    warehouseId: id ?? sites.home ?? '',
    available: quantity,
  }));
  return shownOf(levels, sites);
}

/** What discovery stores about a listing. */
const Facts = z.object({
  /** The listing id: the SKU's. */
  id: z.string(),
  productId: z.string(),
  unwritable: z.string().nullable(),
});

/** Facts held against the listing's id: those of another listing must not speak for it. */
export function factsOf(ref: Pick<ListingRef, 'listingId' | 'facts'>): { unwritable: string | null } {
  const stored = Facts.safeParse(ref.facts);
  return stored.success && stored.data.id === ref.listingId ? stored.data : { unwritable: null };
}
