import { describe, expect, test } from 'vitest';
import { all } from '../../kit/stage.ts';
import { catalogue, type Item } from './catalogue.ts';
import { scripted, signal } from './scripted-shop.ts';

const items: Item[] = [
  { id: 11, name: 'Mug', sku: 'MUG', type: 'simple', manage_stock: true, stock_quantity: 8 },
  { id: 30, name: 'Card', sku: 'CARD', type: 'simple', manage_stock: false, stock_quantity: null },
  { id: 31, name: 'Tee', sku: '', type: 'variable', manage_stock: false, variations: [32, 33] },
  { id: 32, parent_id: 31, name: 'S', sku: 'TEE-S', manage_stock: true, stock_quantity: 22 },
  { id: 33, parent_id: 31, name: 'M', sku: '', manage_stock: false, stock_quantity: null },
  {
    id: 41,
    name: 'Cap',
    sku: 'CAP',
    type: 'variable',
    manage_stock: true,
    stock_quantity: 6,
    variations: [42, 43],
  },
  { id: 42, parent_id: 41, name: 'red', sku: 'CAP-R', manage_stock: 'parent', stock_quantity: 6 },
  { id: 43, parent_id: 41, name: 'blue', sku: 'CAP-B', manage_stock: 'parent', stock_quantity: 6 },
  { id: 50, name: 'Set', sku: 'SET', type: 'grouped' },
  { id: 51, name: 'Elsewhere', sku: 'EXT', type: 'external' },
  { id: 60, name: 'Becher', sku: 'MUG', type: 'simple', manage_stock: true, stock_quantity: 8 },
  { id: 77, parent_id: 70, name: 'orphan', sku: 'ORPHAN', manage_stock: true, stock_quantity: 1 },
];

const found = async (options: { flat?: boolean }) => {
  const { channel, calls } = await scripted(catalogue(structuredClone(items), options));
  const listings = (await all(channel.listListings(signal))).flatMap((page) => page.listings);
  return { calls, listings, byId: new Map(listings.map((listing) => [listing.listingId, listing])) };
};

describe('the catalogue', () => {
  test('is the same from a shop with GET /variations and from an old one', async () => {
    const [flat, old] = [await found({ flat: true }), await found({ flat: false })];
    expect(old.listings).toEqual(flat.listings);
    expect([...flat.byId.keys()]).toEqual(['11', '30', '60', '31/32', '31/33', '41/42', '41/43']);
    expect(old.calls.some(({ path }) => path.endsWith('/products/41/variations'))).toBe(true);
  });

  test('variations that show the number of their parent share its counter', async () => {
    const { byId } = await found({});
    expect(byId.get('41/42')).toMatchObject({
      counterKey: '41',
      aliases: ['42'],
      shown: 6,
      unwritable: null,
    });
    expect(byId.get('41/43')?.counterKey).toBe('41');
    expect(byId.get('31/32')).toMatchObject({ counterKey: '31/32', shown: 22, title: 'Tee - S' });
  });

  test('variations that share their number and print its SKU are one article, others with one SKU are not', async () => {
    const shared = (id: number) =>
      ({ id, parent_id: 80, name: `v${id}`, sku: 'HAT', manage_stock: 'parent', stock_quantity: 3 }) as const;
    const own = { id: 83, parent_id: 80, name: 'v83', sku: 'HAT', manage_stock: true, stock_quantity: 9 };
    const parent = {
      id: 80,
      name: 'Hat',
      sku: 'HAT',
      type: 'variable',
      manage_stock: true,
      stock_quantity: 3,
    };
    const flags = async (...variations: Item[]) => {
      const ids = variations.map(({ id }) => id);
      const { channel } = await scripted(catalogue([{ ...parent, variations: ids }, ...variations], {}));
      const listings = (await all(channel.listListings(signal))).flatMap((page) => page.listings);
      return listings.map(({ ambiguous }) => ambiguous);
    };
    expect(await flags(shared(81), shared(82))).toEqual([false, false]);
    expect(await flags(shared(81), shared(82), own)).toEqual([true, true, true]);
  });

  test('what the shop does not manage cannot be written, and null is not 0', async () => {
    const { byId } = await found({});
    for (const id of ['30', '31/33']) {
      expect(byId.get(id)).toMatchObject({
        shown: null,
        unwritable: expect.stringMatching(/Track stock quantity/),
        facts: { managed: false },
      });
    }
  });

  test('one SKU on two products is never matched by itself', async () => {
    const { byId } = await found({});
    expect(byId.get('11')?.ambiguous).toBe(true);
    expect(byId.get('60')?.ambiguous).toBe(true);
    expect(byId.get('31/32')?.ambiguous).toBe(false);
    expect(byId.get('31/33')).toMatchObject({ channelSku: null, ambiguous: false });
  });

  test('only the needed fields are asked for, by ascending id, 100 a page, drafts included', async () => {
    const { calls } = await found({});
    for (const { query } of calls) {
      expect(query.get('_fields')).toMatch(/^id,parent_id,name,sku/);
      expect([query.get('per_page'), query.get('orderby'), query.get('order'), query.get('status')]).toEqual([
        '100',
        'id',
        'asc',
        'any',
      ]);
    }
  });

  test('a product that a plugin mangled does not hide the others', async () => {
    const rows = [
      { id: 11, sku: 'A', manage_stock: 'maybe' },
      { id: 12, sku: 'B', manage_stock: true, stock_quantity: '5' },
    ];
    const { channel } = await scripted(() => ({ json: rows }));
    const [page] = await all(channel.listListings(signal));
    expect(page?.listings).toMatchObject([{ listingId: '12', shown: 5 }]);
  });

  test('a shop that answers every page with the first one ends it in an error, not in half a catalogue', async () => {
    const answer = catalogue(
      Array.from({ length: 250 }, (_, at) => ({ id: at + 1, name: 'x', sku: `S${at}`, type: 'simple' })),
    );
    const { channel } = await scripted((call) => {
      call.query.set('page', '1');
      return answer(call);
    });
    await expect(all(channel.listListings(signal))).rejects.toThrow('page 2 brings nothing new');
  });

  test('a product deleted while we page makes no other one disappear', async () => {
    const many: Item[] = Array.from({ length: 250 }, (_, at) => ({
      id: at + 1,
      sku: `S-${at + 1}`,
      type: 'simple',
      manage_stock: true,
      stock_quantity: 1,
    }));
    const serve = catalogue(many);
    let calls = 0;
    const { channel } = await scripted((call) => {
      const reply = serve(call);
      calls += 1;
      if (calls === 1) many.splice(3, 1);
      return reply;
    });
    const pages = await all(channel.listListings(signal));
    const ids = new Set(pages.flatMap((page) => page.listings.map(({ listingId }) => listingId)));
    expect(ids.size).toBe(250);
    expect(pages[0]?.total).toBe(250);
  });
});
