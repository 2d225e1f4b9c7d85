import { z } from 'zod';
import type { ListingRef, StockReading } from '../channel.ts';
import type { Due as AnyDue } from '../kit/write.ts';

const Shared = z.object({
  /** The listing id. */
  id: z.string(),
  unwritable: z.string().nullable(),
});
const InventoryFacts = Shared.extend({
  model: z.literal('inventory'),
  sku: z.string(),
  offers: z.array(
    z.object({
      offerId: z.string(),
      /** The eBay listing (ItemID) behind the offer, whose revisions are counted. */
      itemId: z.string(),
      /** The offer carries a number of its own, which caps the one shown (EBAY-5.1, EBAY-9.4). */
      pinned: z.boolean(),
    }),
  ),
});
export type InventoryFacts = z.infer<typeof InventoryFacts>;

const TradingFacts = Shared.extend({
  model: z.literal('trading'),
  itemId: z.string(),
  /** The SKU that names a variation; null for a listing without variations. */
  variation: z.string().nullable(),
});
export type TradingFacts = z.infer<typeof TradingFacts>;

const Facts = z.discriminatedUnion('model', [InventoryFacts, TradingFacts]);
/** What discovery stores about a listing: which of the two models it is of, and how it is addressed there. */
export type Facts = z.infer<typeof Facts>;

/**
 * The facts of a listing, held against its id: facts that belong to another listing must not direct a write. Without
 * usable facts the form of the id tells the model: an ItemID has nine digits or more (EBAY-5.2).
 */
export function factsOf({ listingId: id, facts }: Pick<ListingRef, 'listingId' | 'facts'>): Facts {
  const stored = Facts.safeParse(facts).data;
  if (stored?.id === id) return stored;
  const model = stored?.model ?? (/^\d{9,}(?:\/|$)/.test(id) ? 'trading' : 'inventory');
  if (model === 'inventory') return { model, id, sku: id, offers: [], unwritable: null };
  const itemId = id.split(/[/#]/, 1)[0] ?? '';
  const variation = id.startsWith(`${itemId}/`) ? id.slice(itemId.length + 1) : null;
  return { model, id, itemId, variation, unwritable: null };
}

/** A line that is to be written, with the facts that address it. */
export interface Due<F extends Facts = Facts> extends AnyDue {
  facts: F;
}

/** What is shown now. `failed`: eBay could not read this one just now. */
export type Look = Omit<StockReading, 'listingId' | 'state'> & { state: StockReading['state'] | 'failed' };

/** The eBay listings whose revision a write of these facts costs. */
export function revisedBy(facts: Facts): string[] {
  return facts.model === 'trading' ? [facts.itemId] : [...new Set(facts.offers.map(({ itemId }) => itemId))];
}

/** The name of a variation that has no SKU: its item and its aspects in one order. */
export function aspectsRef(itemId: string, aspects: readonly { name: string; value: string }[]): string {
  const parts = aspects.map(({ name, value }) => `${name}=${value}`).sort();
  return `${itemId}#${parts.join('|')}`;
}
