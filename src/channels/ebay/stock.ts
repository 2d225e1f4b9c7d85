import type { ListingRef, StockReading } from '../channel.ts';
import type { Priority } from '../kit/pace.ts';
import { type ActiveRow, type ActiveRows, activeListings, readItem } from './active.ts';
import type { Shop } from './api.ts';
import { factsOf, type InventoryFacts, type TradingFacts } from './facts.ts';
import { distributed, type ItemReading, isDistributed, readItems } from './inventory.ts';

interface Reading {
  priority: Priority;
  signal: AbortSignal;
}

const gone = 'eBay has no such active listing (any more): it was ended, or its SKU was changed';

/** What eBay shows now, one uncached reading per listing in order, each by the API of its model (EBAY-4). */
export async function readStock(
  shop: Shop,
  listings: readonly ListingRef[],
  signal: AbortSignal,
): Promise<StockReading[]> {
  const looks = await look(shop, listings, { priority: 'read', signal });
  return looks.map((one) =>
    one.state === 'failed' ? { ...one, state: 'untracked' } : { ...one, state: one.state },
  );
}

/** A reading, or `failed`: eBay could not read this one item just now. */
export type Look = Omit<StockReading, 'state'> & { state: StockReading['state'] | 'failed' };

/** As `readStock`, with failed items told apart. */
export async function look(shop: Shop, listings: readonly ListingRef[], reading: Reading): Promise<Look[]> {
  const facts = listings.map((listing) => factsOf(listing));
  const skus = facts.filter((each): each is InventoryFacts => each.model === 'inventory');
  const items = await readItems(shop, skus, reading);
  const made = facts.filter((each): each is TradingFacts => each.model === 'trading');
  const rows = await readMade(shop, new Set(made.map(({ itemId }) => itemId)), reading);
  const now = shop.deps.clock.now();
  return listings.map(({ listingId }, index) => {
    const own = facts[index];
    if (own?.model === 'inventory') return { listingId, ...ofItem(own, items.get(own.sku), now) };
    const read = rows.get(own?.itemId ?? '') ?? null;
    return { listingId, ...ofRow(own, read), ...spanOf(read, now) };
  });
}

/**
 * Listings made on the site. The XML API gives 5,000 calls a day (EBAY-7): a sweep over all pages when that takes
 * fewer calls than one per listing. What a sweep leaves out is asked for by itself before it counts as gone.
 */
async function readMade(
  shop: Shop,
  itemIds: Set<string>,
  reading: Reading,
): Promise<Map<string, ActiveRows | null>> {
  const found = new Map<string, ActiveRows | null>();
  if (itemIds.size > Math.max(2, shop.learned.activePages)) {
    for await (const { rows, askedAt, answeredAt } of activeListings(
      shop,
      reading.signal,
      reading.priority,
    )) {
      for (const row of rows) {
        if (!itemIds.has(row.itemId)) continue;
        const known = found.get(row.itemId) ?? { rows: [], askedAt, answeredAt };
        known.rows.push(row);
        found.set(row.itemId, known);
      }
      if (found.size === itemIds.size) break;
    }
  }
  for (const itemId of itemIds) {
    if (!found.has(itemId)) found.set(itemId, await readItem(shop, itemId, reading));
  }
  return found;
}

function spanOf(read: ActiveRows | null, now: number): Pick<StockReading, 'askedAt' | 'answeredAt'> {
  return read === null
    ? { askedAt: now, answeredAt: now }
    : { askedAt: read.askedAt, answeredAt: read.answeredAt };
}

type State = Pick<Look, 'shown' | 'state' | 'detail'>;

function ofItem(facts: InventoryFacts, read: ItemReading | undefined, now: number): Omit<Look, 'listingId'> {
  if (read === undefined) return { ...unlisted('not read'), askedAt: now, answeredAt: now };
  const { askedAt, answeredAt } = read;
  const span = { askedAt, answeredAt };
  if (read.problem === 'missing') return { ...unlisted(read.detail ?? gone), ...span };
  if (read.item === null) return { shown: null, state: 'failed', detail: read.detail, ...span };
  const why = facts.unwritable ?? (isDistributed(read.item) ? distributed : null);
  if (why !== null) return { shown: read.shown, state: 'unwritable', detail: why, ...span };
  if (read.shown !== null) return { shown: read.shown, state: 'ok', detail: null, ...span };
  return {
    shown: null,
    state: 'untracked',
    detail: 'the inventory item carries no quantity on eBay',
    ...span,
  };
}

function ofRow(facts: TradingFacts | undefined, read: ActiveRows | null): State {
  const row = facts === undefined || read === null ? undefined : rowOf(facts, read.rows);
  if (row === undefined || row.ended) return unlisted(gone);
  const why = facts?.unwritable ?? null;
  if (why !== null) return { shown: row.available, state: 'unwritable', detail: why };
  if (row.available === null)
    return { shown: null, state: 'untracked', detail: 'eBay tells no quantity for it' };
  return { shown: row.available, state: 'ok', detail: null };
}

/** A listing that has got variations since, or lost them, is another one: its old level must not be written. */
function rowOf(facts: TradingFacts, rows: readonly ActiveRow[]): ActiveRow | undefined {
  const named = rows.filter((row) => row.aspects !== null);
  if (facts.variation !== null) return named.find((row) => row.sku === facts.variation);
  return facts.id === facts.itemId
    ? rows.find((row) => row.aspects === null)
    : named.find((row) => row.aspects === facts.id);
}

function unlisted(detail: string): State {
  return { shown: null, state: 'not-listed', detail };
}
