import { z } from 'zod';
import type { Priority } from '../kit/pace.ts';
import { Refusal } from '../kit/refusal.ts';
import type { Shop } from './api.ts';
import { rowsPerCall } from './capabilities.ts';
import type { OfferFacts } from './facts.ts';
import { RestError } from './failures.ts';

/** An inventory item: the number that all marketplaces of a SKU share (EBAY-4.1). */
export const Item = z.object({
  sku: z.string().min(1),
  product: z.object({ title: z.string().nullish() }).nullish(),
  availability: z
    .object({
      shipToLocationAvailability: z
        .object({
          quantity: z.number().nullish(),
          availabilityDistributions: z.array(z.unknown()).nullish(),
        })
        .nullish(),
    })
    .nullish(),
});
export type Item = z.infer<typeof Item>;

/** An offer of a SKU on one marketplace. */
export const Offer = z.object({
  offerId: z.string(),
  format: z.string().nullish(),
  status: z.string().nullish(),
  availableQuantity: z.number().nullish(),
  listing: z.object({ listingId: z.string().nullish(), listingStatus: z.string().nullish() }).nullish(),
});
export type Offer = z.infer<typeof Offer>;

const Offers = z.object({ offers: z.array(Offer).nullish() });
const Rows = z.object({
  responses: z.array(
    z.object({
      sku: z.string().nullish(),
      statusCode: z.number(),
      inventoryItem: z.unknown().optional(),
      errors: z.array(RestError).nullish(),
    }),
  ),
});

/** Why a SKU with stock at several warehouses is left alone (EBAY-5.1). */
export const distributed =
  'its stock is kept per warehouse on eBay (availabilityDistributions): a plain number would conflict with it';

/** An item as read now, or why there is none. */
export type ItemReading = {
  item: Item | null;
  /** The number shown: the item's, capped by the offers that carry one of their own. */
  shown: number | null;
  problem: 'none' | 'missing' | 'failed';
  detail: string | null;
  askedAt: number;
  answeredAt: number;
};

/** Error ids for a SKU that is not there (EBAY-5.1). */
const notFound = [25701, 25702, 25710, 25707];

/** Reads items by SKU, 25 a call; offers with a number of their own are read too. */
export async function readItems(
  shop: Shop,
  wanted: readonly { sku: string; offers: readonly OfferFacts[] }[],
  reading: { priority: Priority; signal: AbortSignal },
): Promise<Map<string, ItemReading>> {
  const found = new Map<string, ItemReading>();
  const bySku = new Map(wanted.map((each) => [each.sku, each]));
  const skus = [...bySku.keys()];
  for (let at = 0; at < skus.length; at += rowsPerCall) {
    await readChunk(shop, skus.slice(at, at + rowsPerCall), found, reading);
  }
  for (const { sku, offers } of bySku.values()) {
    const read = found.get(sku);
    if (read === undefined || read.shown === null) continue;
    for (const { offerId } of offers.filter((offer) => offer.pinned)) {
      const offer = await readOffer(shop, offerId, reading);
      const own = offer.data?.availableQuantity ?? null;
      if (own !== null) read.shown = Math.min(read.shown ?? own, own);
      read.answeredAt = Math.max(read.answeredAt, offer.answeredAt);
    }
  }
  return found;
}

async function readChunk(
  shop: Shop,
  skus: readonly string[],
  found: Map<string, ItemReading>,
  reading: { priority: Priority; signal: AbortSignal },
): Promise<void> {
  const { data, askedAt, answeredAt } = await shop.rest.call(
    {
      method: 'POST',
      path: '/sell/inventory/v1/bulk_get_inventory_item',
      body: { requests: skus.map((sku) => ({ sku })) },
      data: Rows,
      effect: 'read',
      priority: reading.priority,
    },
    reading.signal,
  );
  for (const [at, sku] of skus.entries()) {
    const row =
      data.responses[at]?.sku === sku ? data.responses[at] : data.responses.find((each) => each.sku === sku);
    const span = { askedAt, answeredAt };
    if (row === undefined) {
      found.set(sku, { ...nothing, ...span, problem: 'failed', detail: 'the answer lacks this SKU' });
      continue;
    }
    const item = Item.safeParse({ sku, ...(row.inventoryItem ?? {}) });
    const ids = (row.errors ?? []).map((error) => error.errorId);
    if (row.statusCode === 404 || ids.some((id) => notFound.includes(id))) {
      found.set(sku, { ...nothing, ...span, problem: 'missing', detail: 'eBay has no such SKU (any more)' });
    } else if (row.statusCode >= 300 || !item.success || row.inventoryItem === undefined) {
      const detail = `eBay could not read it (status ${row.statusCode})`;
      found.set(sku, { ...nothing, ...span, problem: 'failed', detail });
    } else {
      const shown = shownOf(item.data);
      found.set(sku, { item: item.data, shown, problem: 'none', detail: null, ...span });
    }
  }
}

const nothing = { item: null, shown: null };

/** The item's own number; null when it has none. */
export function shownOf(item: Item): number | null {
  const quantity = item.availability?.shipToLocationAvailability?.quantity;
  return quantity === undefined || quantity === null || !Number.isSafeInteger(quantity) ? null : quantity;
}

/** Is the item's stock split over warehouses? */
export function isDistributed(item: Item): boolean {
  return (item.availability?.shipToLocationAvailability?.availabilityDistributions ?? []).length > 0;
}

/** An offer by its id; `data` null: it is gone. */
async function readOffer(
  shop: Shop,
  offerId: string,
  { priority, signal }: { priority: Priority; signal: AbortSignal },
): Promise<{ data: Offer | null; answeredAt: number }> {
  const path = `/sell/inventory/v1/offer/${encodeURIComponent(offerId)}`;
  try {
    return await shop.rest.call({ method: 'GET', path, data: Offer, priority }, signal);
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) {
      return { data: null, answeredAt: shop.deps.clock.now() };
    }
    throw error;
  }
}

/**
 * The offers of a SKU. Null: eBay does not take this SKU in an address (EBAY-9.18), so that nothing is known of them.
 * None: 404, which a few accounts also get for other reasons (25713, EBAY-9.20).
 */
export async function offersOf(shop: Shop, sku: string, signal: AbortSignal): Promise<Offer[] | null> {
  const query = [
    ['sku', sku],
    ['limit', '100'],
  ] as const;
  try {
    const { data } = await shop.rest.call(
      { method: 'GET', path: '/sell/inventory/v1/offer', query, data: Offers },
      signal,
    );
    return data.offers ?? [];
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind !== 'rejected') throw error;
    if (error.status === 404) return [];
    if (error.has(25707, 25702, 25709)) return null;
    throw error;
  }
}
