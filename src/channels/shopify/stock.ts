import { z } from 'zod';
import type { ListingRef, StockReading } from '../channel.ts';
import type { Priority } from '../kit/pace.ts';
import type { Answer } from '../kit/rest.ts';
import type { ShopifyApi } from './api.ts';
import { isTooCostly } from './failures.ts';
import { availableOf, LevelNode, ListingFacts, whyUnwritable } from './listings.ts';

/** Most ids that `nodes` takes (SHP-7). */
const idsPerRead = 250;

const ItemNode = z.object({ id: z.string(), tracked: z.boolean(), inventoryLevel: LevelNode.nullish() });
const LevelsData = z.object({ nodes: z.array(ItemNode.nullable()) });

/** Where stock is read. */
export interface Shelf {
  api: ShopifyApi;
  location: string;
}

/** One uncached reading per listing, in order. Throws `ChannelError`. */
export async function readStock(
  shelf: Shelf,
  listings: readonly ListingRef[],
  signal: AbortSignal,
  priority: Priority = 'read',
): Promise<StockReading[]> {
  const readings: StockReading[] = [];
  let size = idsPerRead;
  while (readings.length < listings.length) {
    const batch = listings.slice(readings.length, readings.length + size);
    const answer = await tryRead(shelf, { ids: batch.map((listing) => listing.listingId), priority }, signal);
    if (answer === null) {
      size = Math.floor(batch.length / 2);
      continue;
    }
    const { askedAt, answeredAt } = answer;
    const readBatch = batch.map((listing, index) => ({
      listingId: listing.listingId,
      askedAt,
      answeredAt,
      ...stateOf(listing, answer.data.nodes[index] ?? null),
    }));
    readings.push(...readBatch);
  }
  return readings;
}

/** An id of another form fails the whole request (a top-level error), so that one which nothing has goes in its place. */
const nobody = 'gid://shopify/InventoryItem/0';

/** Is this the global id of an inventory item? */
export function isItemId(id: string): boolean {
  return /^gid:\/\/shopify\/InventoryItem\/\d{1,19}$/.test(id);
}

/** Null: the batch was too costly and can be halved. */
async function tryRead(
  shelf: Shelf,
  ask: { ids: string[]; priority: Priority },
  signal: AbortSignal,
): Promise<Answer<z.infer<typeof LevelsData>> | null> {
  const ids = ask.ids.map((id) => (isItemId(id) ? id : nobody));
  const variables = { ids, location: shelf.location };
  try {
    return await shelf.api.call(
      { document: 'Levels', variables, data: LevelsData, priority: ask.priority },
      signal,
    );
  } catch (error) {
    if (isTooCostly(error) && ask.ids.length > 1) return null;
    throw error;
  }
}

/** An item that is not stocked at the location has no number: null is not 0 (SHP-9.14). */
function stateOf(
  listing: ListingRef,
  node: z.infer<typeof ItemNode> | null,
): Pick<StockReading, 'shown' | 'state' | 'detail'> {
  if (node === null)
    return { shown: null, state: 'not-listed', detail: 'the inventory item does not exist any more' };
  const facts = ListingFacts.safeParse(listing.facts);
  const isBundle = facts.success && facts.data.bundle;
  const detail = whyUnwritable(node.tracked, isBundle);
  if (detail !== null) return { shown: null, state: isBundle ? 'unwritable' : 'untracked', detail };
  const shown = availableOf(node.inventoryLevel ?? null);
  if (shown !== null) return { shown, state: 'ok', detail: null };
  return { shown: null, state: 'not-listed', detail: 'not stocked at the configured location' };
}
