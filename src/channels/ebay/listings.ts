import { z } from 'zod';
import type { Listing, ListingPage } from '../channel.ts';
import { markAmbiguous } from '../kit/ambiguous.ts';
import { allOf } from '../kit/shapes.ts';
import { walkPages } from '../kit/walk.ts';
import { chunksOf } from '../kit/write.ts';
import { type ActiveRow, activeListings, pageSize } from './active.ts';
import type { Task } from './api.ts';
import type { Facts } from './facts.ts';
import { Item, type Offer, offersOf } from './inventory.ts';

const ItemPage = z.object({ inventoryItems: allOf(z.unknown()), next: z.string().nullish() });
/** Offers are asked for SKU by SKU (there is no list of all of them), a few at a time. */
const offersAtOnce = 4;
/** Listings that are handed on at once. */
const handful = 100;

const auction = 'it is an auction: its quantity is never touched';
const nameless = 'this variation has no SKU: give it one on eBay, else its quantity cannot be addressed';

/**
 * The catalogue in both models (EBAY-4): SKUs of the Inventory API first, then the account's active listings, less
 * those that belong to a SKU already seen. It is read to its end before the first page is handed out, because only the
 * whole tells which SKUs are not unique (EBAY-9.19).
 */
export async function* listListings(task: Task): AsyncGenerator<ListingPage> {
  const listings: Listing[] = [];
  /** eBay listings behind the SKUs. */
  const itemIds = new Set<string>();
  /** SKUs whose offers could not be asked for. */
  const unclear = new Set<string>();
  for (const some of chunksOf(await allItems(task), offersAtOnce)) {
    const answers = await Promise.all(some.map(({ sku }) => offersOf(task, sku)));
    for (const [at, item] of some.entries()) {
      const offers = answers[at] ?? null;
      if (offers === null) unclear.add(item.sku);
      for (const { listing } of offers ?? []) if (listing?.listingId) itemIds.add(listing.listingId);
      listings.push(inventoryListing(item, offers ?? []));
    }
  }
  const ids = new Set(listings.map((listing) => listing.listingId));
  for await (const { rows } of activeListings(task)) {
    for (const row of rows) {
      if (itemIds.has(row.itemId) || unclear.has(row.sku ?? '')) continue;
      const listing = tradingListing(row);
      const { listingId } = listing;
      // The same id twice would be one listing to the engine; two variations with one SKU cannot be told apart.
      if (ids.has(listingId))
        task.deps.log.warn({ listing: listingId }, 'a listing has the id of another one and is left out');
      else listings.push(listing);
      ids.add(listingId);
    }
  }
  markAmbiguous(listings);
  dropStolenAliases(listings, ids);
  const total = listings.length;
  if (total === 0) yield { listings: [], total };
  for (const page of chunksOf(listings, handful)) yield { listings: page, total };
}

/** `offset` counts pages here, not rows (EBAY-9.17). A page that goes on without bringing anything new is an error. */
async function allItems(task: Task): Promise<Item[]> {
  const items = new Map<string, Item>();
  const path = '/sell/inventory/v1/inventory_item';
  const pages = walkPages({
    what: 'the list of inventory items',
    first: 0,
    mostPages: 5_000,
    ask(offset: number) {
      const query = { limit: String(pageSize), offset: String(offset) };
      return task.ask({ path, query, data: ItemPage });
    },
    next: ({ data }, offset) => (data.next ? offset + 1 : null),
    rows: ({ data }) => data.inventoryItems,
  });
  for await (const { data } of pages) {
    for (const row of data.inventoryItems) {
      const item = Item.safeParse(row);
      if (item.success) items.set(item.data.sku, item.data);
      else task.deps.log.warn({}, 'an inventory item cannot be read and is left out of the catalogue');
    }
  }
  return [...items.values()];
}

function inventoryListing(item: Item, offers: readonly Offer[]): Listing {
  const { sku, title, shown: own } = item;
  const published = offers.filter((offer) => offer.status !== 'UNPUBLISHED');
  const isAuction = offers.some((offer) => offer.format === 'AUCTION');
  const unwritable = isAuction ? auction : item.unwritable;
  const facts = {
    model: 'inventory',
    id: sku,
    sku,
    offers: published.flatMap(({ offerId, listing, availableQuantity: pin }) =>
      listing?.listingId ? [{ offerId, itemId: listing.listingId, pinned: typeof pin === 'number' }] : [],
    ),
    unwritable,
  } satisfies Facts;
  return {
    ...listingOf(facts),
    channelSku: sku,
    title,
    aliases: [...new Set(facts.offers.map(({ itemId }) => `${itemId}/${sku}`))],
    // Offers with a number of their own cap the item's.
    shown: own === null ? null : Math.min(own, ...published.map((offer) => offer.availableQuantity ?? own)),
  };
}

function tradingListing(row: ActiveRow): Listing {
  const { itemId, sku, aspects } = row;
  const fixed = row.type === 'FixedPriceItem' || row.type === 'StoresFixedPrice';
  const isNameless = aspects !== null && sku === null;
  const unwritable = !fixed ? auction : isNameless ? nameless : null;
  const variation = aspects === null ? null : sku;
  const id = variation === null ? (aspects ?? itemId) : `${itemId}/${variation}`;
  const names = [aspects, sku === null ? null : `${itemId}/${sku}`];
  return {
    ...listingOf({ model: 'trading', id, itemId, variation, unwritable }),
    channelSku: sku,
    title: row.title,
    aliases: names.filter((name) => name !== null).filter((name) => name !== id),
    shown: row.available,
  };
}

/** What listings of both models have alike. */
function listingOf(facts: Facts) {
  const { id, unwritable } = facts;
  return { listingId: id, counterKey: id, unwritable, ambiguous: false, facts };
}

/** Ids and aliases are unique within the channel: the first to claim a name keeps it. */
function dropStolenAliases(listings: readonly Listing[], ids: ReadonlySet<string>): void {
  const taken = new Set(ids);
  for (const listing of listings) {
    listing.aliases = listing.aliases.filter((alias) => !taken.has(alias));
    for (const alias of listing.aliases) taken.add(alias);
  }
}
