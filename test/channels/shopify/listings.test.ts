import { describe, expect, test } from 'vitest';
import type { Listing, ListingRef } from '../../../src/channels/channel.ts';
import { calm } from '../../kit/stage.ts';
import {
  channelAt,
  location,
  type Received,
  type Reply,
  type ScriptedShop,
  startShop,
} from './scripted-shop.ts';

let shop: ScriptedShop;

const noMore = { hasNextPage: false, endCursor: null };

interface Item {
  item?: number;
  sku?: string | null;
  tracked?: boolean;
  duplicates?: number;
  bundle?: boolean;
  available?: number | null;
}

function variant(n: number, over: Item = {}) {
  const quantity = over.available === undefined ? 5 : over.available;
  const level =
    quantity === null ? null : { id: 'l', isActive: true, quantities: [{ name: 'available', quantity }] };
  const bundle = over.bundle ?? false;
  return {
    id: `gid://shopify/ProductVariant/${n}`,
    sku: over.sku === undefined ? `S${n}` : over.sku,
    displayName: `Shirt ${n}`,
    requiresComponents: bundle,
    inventoryItem: {
      id: `gid://shopify/InventoryItem/${over.item ?? n}`,
      sku: over.sku === undefined ? `S${n}` : over.sku,
      tracked: over.tracked ?? true,
      duplicateSkuCount: over.duplicates ?? 0,
      inventoryLevel: level,
    },
  };
}

async function listingsOf(...pages: ReturnType<typeof variant>[][]): Promise<Listing[]> {
  const last = pages.length - 1;
  shop = await startShop({
    Listings: pages.map((nodes, index) => ({
      data: {
        productVariants: {
          nodes,
          pageInfo: index === last ? noMore : { hasNextPage: true, endCursor: `c${index}` },
        },
      },
    })),
  });
  const channel = channelAt(shop.url);
  const listings: Listing[] = [];
  for await (const page of channel.listListings(calm)) listings.push(...page.listings);
  return listings;
}

function ref(n: number, facts: ListingRef['facts'] = { bundle: false, tracked: true }): ListingRef {
  const id = `gid://shopify/InventoryItem/${n}`;
  return { listingId: id, counterKey: id, channelSku: null, facts };
}

describe('the catalogue', () => {
  test('a listing is the inventory item, its variants are aliases', async () => {
    expect(await listingsOf([variant(1)])).toEqual([
      {
        listingId: 'gid://shopify/InventoryItem/1',
        counterKey: 'gid://shopify/InventoryItem/1',
        channelSku: 'S1',
        title: 'Shirt 1',
        aliases: ['gid://shopify/ProductVariant/1'],
        unwritable: null,
        ambiguous: false,
        shown: 5,
        facts: { bundle: false, tracked: true },
      },
    ]);
    expect(shop.received[0]?.variables).toMatchObject({ location });
  });

  test('variants that share an item are one listing, also when they come on different pages', async () => {
    const listings = await listingsOf([variant(1, { item: 9 })], [variant(2, { item: 9 }), variant(3)]);
    expect(listings.map(({ listingId, aliases }) => [listingId, aliases])).toEqual([
      ['gid://shopify/InventoryItem/9', ['gid://shopify/ProductVariant/1', 'gid://shopify/ProductVariant/2']],
      ['gid://shopify/InventoryItem/3', ['gid://shopify/ProductVariant/3']],
    ]);
  });

  test('an untracked item and a bundle parent cannot be written, and their number is not shown', async () => {
    const [untracked, bundle] = await listingsOf([
      variant(1, { tracked: false }),
      variant(2, { bundle: true }),
    ]);
    expect(untracked).toMatchObject({ unwritable: expect.stringContaining('not tracked'), shown: null });
    expect(bundle).toMatchObject({
      unwritable: expect.stringContaining('bundle'),
      shown: null,
      facts: { bundle: true, tracked: true },
    });
  });

  test('an item that is not stocked at the location shows null, not 0, and can be written', async () => {
    const [listing] = await listingsOf([variant(1, { available: null })]);
    expect(listing).toMatchObject({ shown: null, unwritable: null });
  });

  test('a SKU that several items carry is ambiguous, a blank one is no SKU', async () => {
    const [twice, blank] = await listingsOf([
      variant(1, { duplicates: 1 }),
      variant(2, { sku: ' ', duplicates: 7 }),
    ]);
    expect(twice).toMatchObject({ channelSku: 'S1', ambiguous: true });
    expect(blank).toMatchObject({ channelSku: null, ambiguous: false });
  });
});

describe('reading stock', () => {
  function levels(
    numbers: Record<string, { available: number | null; tracked?: boolean }>,
  ): (received: Received) => Reply {
    return ({ variables }) => ({
      data: {
        nodes: (variables['ids'] as string[]).map((id) => {
          const known = numbers[id];
          if (known === undefined) return null;
          const quantities = [{ name: 'available', quantity: known.available }];
          const level = known.available === null ? null : { isActive: true, quantities };
          return { id, tracked: known.tracked ?? true, inventoryLevel: level };
        }),
      },
    });
  }

  test('null, untracked, bundle and deleted are told apart from numbers, zero and negative ones included', async () => {
    const id = (n: number) => ref(n).listingId;
    shop = await startShop({
      Levels: levels({
        [id(1)]: { available: 0 },
        [id(2)]: { available: -2 },
        [id(3)]: { available: null },
        [id(4)]: { available: 7, tracked: false },
        [id(5)]: { available: 7 },
      }),
    });
    const channel = channelAt(shop.url);
    const readings = await channel.readStock(
      [ref(1), ref(2), ref(3), ref(4), ref(5, { bundle: true, tracked: true }), ref(6)],
      calm,
    );
    expect(readings.map(({ shown, state }) => [shown, state])).toEqual([
      [0, 'ok'],
      [-2, 'ok'],
      [null, 'not-listed'],
      [null, 'untracked'],
      [null, 'unwritable'],
      [null, 'not-listed'],
    ]);
  });

  test('any number of listings is read, 250 ids at a time, in order', async () => {
    const refs = Array.from({ length: 501 }, (_, n) => ref(n + 1));
    const numbers = Object.fromEntries(refs.map(({ listingId }, n) => [listingId, { available: n }]));
    shop = await startShop({ Levels: levels(numbers) });
    const channel = channelAt(shop.url);
    const readings = await channel.readStock(refs, calm);
    expect(shop.received.map((call) => (call.variables['ids'] as string[]).length)).toEqual([250, 250, 1]);
    expect(readings.map((reading) => reading.shown)).toEqual(refs.map((_, n) => n));
  });

  test('a read that is too costly is split', async () => {
    const answer = levels({ [ref(1).listingId]: { available: 1 }, [ref(2).listingId]: { available: 2 } });
    shop = await startShop({
      Levels: (received) =>
        (received.variables['ids'] as string[]).length > 1
          ? { errors: [{ message: 'too much', extensions: { code: 'MAX_COST_EXCEEDED' } }] }
          : answer(received),
    });
    const channel = channelAt(shop.url);
    const readings = await channel.readStock([ref(1), ref(2)], calm);
    expect(readings.map((reading) => reading.shown)).toEqual([1, 2]);
  });
});
