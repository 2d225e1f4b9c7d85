import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { catalogue, type Item } from '../channels/woocommerce/catalogue.ts';
import { scripted, signal } from '../channels/woocommerce/scripted-shop.ts';
import { makeWorld, type World } from '../cli/world.ts';
import { actor, kitOn, noon, order } from '../contract/store/kit.ts';
import { all } from '../kit/stage.ts';

const shared = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '../../../shared');
const folder = join(shared, 'cases');
const absent = existsSync(folder)
  ? ''
  : ' (needs the shared material beside the project, or $INVSYNC_SHARED)';

let world: World;
beforeEach(() => {
  world = makeWorld();
});

describe.skipIf(absent !== '')(`stock files as merchants send them${absent}`, () => {
  const known = { 'ABC-1': 10, 'XYZ-9': 7, '0017': 5, '90.750': 6 };
  beforeEach(async () => {
    for (const [sku, count] of Object.entries(known))
      await world.json(EXIT.ok, 'stock', 'set', sku, String(count));
  });
  const unchanged = async () => {
    const { stock } = await world.ok('stock list');
    const now = stock.map((row: { sku: string; available: number }) => [row.sku, row.available]);
    expect(Object.fromEntries(now)).toEqual(known);
  };

  test.each([
    ['leading-zeros-lost.csv', '17', '0017'],
    ['lower-case.csv', 'abc-1', 'ABC-1'],
    ['apostrophe-sku.csv', "'0017", '0017'],
  ])(
    '%s: the preview and the answer name %s and the known %s, and nothing is made',
    async (name, sku, resembles) => {
      const file = world.write(name, readFileSync(join(folder, 'csv', name)));
      const plan = await world.json(EXIT.ok, 'stock', 'import', file, '--dry-run');
      expect(plan.resembling).toEqual([{ line: 2, sku, resembles }]);
      const { error } = await world.json(EXIT.usage, 'stock', 'import', file, '--yes');
      expect(error).toMatchObject({ code: 'looks_alike', resembling: [{ line: 2, sku, resembles }] });
      await unchanged();
      await world.json(EXIT.ok, 'stock', 'import', file, '--yes', '--create', sku);
      expect(await world.json(EXIT.ok, 'stock', 'show', sku)).toMatchObject({ counted: true });
    },
  );
});

const read = <T>(name: string): T => JSON.parse(readFileSync(join(folder, name), 'utf8')) as T;

describe.skipIf(absent !== '')(`listings as shops have them${absent}`, () => {
  test('sku-with-a-blank-at-its-end.json: the SKU that is made can be counted, set, received and adjusted', async () => {
    const { shop } = read<{ shop: { sku: string; available: number }[] }>('sku-with-a-blank-at-its-end.json');
    const [listed] = shop;
    if (listed === undefined) throw new Error('the case lists nothing');
    world.one.list({ sku: listed.sku, shown: listed.available });
    await world.ok('listings import one');
    await world.ok('listings match --create --yes');
    expect(await world.json(EXIT.ok, 'stock', 'count', listed.sku, '9')).toMatchObject({ created: false });
    await world.json(EXIT.ok, 'stock', 'set', listed.sku, '8');
    await world.json(EXIT.ok, 'stock', 'receive', listed.sku, '2');
    const last = await world.json(EXIT.ok, 'stock', 'adjust', listed.sku, '-1');
    expect(last).toMatchObject({ sku: 'SKU123', available: 9 });
    const { listings } = await world.ok('stock show SKU123');
    expect(listings).toMatchObject([{ channel_sku: listed.sku, target: 9 }]);
  });

  test('shopify/sku-corrected-at-the-shop.json: a command says it, with both names, and what decides it', async () => {
    const { books } = read<{ books: Record<string, number> }>('shopify/sku-corrected-at-the-shop.json');
    for (const [sku, count] of Object.entries(books))
      await world.json(EXIT.ok, 'stock', 'set', sku, String(count));
    world.one.list({ sku: 'A', shown: 10, listingId: 'item-1' });
    await world.ok('listings import one');
    world.one.list({ sku: 'A-NEW', shown: 10, listingId: 'item-1' });
    const { warnings } = await world.ok('listings import one');
    expect(warnings.join()).toContain('its SKU there is A-NEW now');
    const { listings } = await world.ok('listings unmatched --changed');
    expect(listings).toMatchObject([
      {
        state: 'sku_changed',
        channel_sku: 'A-NEW',
        parts: [{ sku: 'A', units: 1 }],
        mend: 'invsync listings map one item-1 A-NEW',
      },
    ]);
  });

  test('woocommerce/variations-share-parent-stock-and-sku.json: one number, mapped by itself, its sales count', async () => {
    type Product = Omit<Item, 'name'>;
    const found = read<{ parent: Product; variations: Product[]; books: { TEE: number } }>(
      'woocommerce/variations-share-parent-stock-and-sku.json',
    );
    const ids = found.variations.map((variation) => variation.id);
    const products = [{ ...found.parent, variations: ids }, ...found.variations];
    const shop = catalogue(
      products.map((product) => ({ ...product, name: `product ${product.id}` }) as Item),
      {},
    );
    const { channel } = await scripted(shop);
    const listings = (await all(channel.listListings(signal))).flatMap((page) => page.listings);
    await world.withStore(async (store) => {
      const kit = kitOn(store);
      const shopId = await kit.channel('woo');
      await kit.count('TEE', found.books.TEE);
      await store.listings.upsert(shopId, listings, noon);
      const matches = await store.listings.matches('woo', false, 9);
      expect(matches.map((match) => match.listingId)).toEqual(['11/12', '11/13']);
      for (const { listingRowId, sku } of matches)
        await store.listings.map(listingRowId, [{ sku, units: 1 }], actor, noon, 'sku');
      await kit.apply(shopId, order('1', noon + 1, [['line-1', '11/12', 2]]));
      expect(await kit.available('TEE')).toBe(8);
      const numbers = await store.outbox.page(shopId, 0, 9);
      expect(numbers).toMatchObject([{ counterKey: '11', target: { kind: 'number', quantity: 8 } }]);
    });
  });
});
