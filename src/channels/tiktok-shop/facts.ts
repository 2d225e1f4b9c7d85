import { z } from 'zod';
import type { Json, ListingRef } from '../channel.ts';

const Facts = z.object({
  /** The listing id: the SKU's. */
  id: z.string(),
  productId: z.string(),
  unwritable: z.string().nullable(),
});
/** What discovery stores about a listing. */
export type Facts = z.infer<typeof Facts>;

/** Facts held against the listing's id: those of another listing must not speak for it. */
export function factsOf(ref: Pick<ListingRef, 'listingId' | 'facts'>): Pick<Facts, 'unwritable'> {
  const stored = Facts.safeParse(ref.facts);
  return stored.success && stored.data.id === ref.listingId ? stored.data : { unwritable: null };
}

/** Facts as they are stored. */
export function asJson(facts: Facts): Json {
  return facts;
}
