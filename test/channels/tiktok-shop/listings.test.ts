import { describe, expect, test } from 'vitest';
import { all, calm, listed } from '../../kit/stage.ts';
import { type Account, account, answers, type Product } from './catalogue.ts';
import { stage } from './scripted-tiktok.ts';

const product = (n: number, change: Partial<Product> = {}): Product => ({
  id: String(1729592969712000000n + BigInt(n)),
  skus: [{ id: String(1729592969713000000n + BigInt(n)), sku: `SKU-${n}`, levels: { '700': n } }],
  ...change,
});

describe('the catalogue', () => {
  test('is one listing per SKU, with ids as text, over all pages of an opaque token', async () => {
    const state = account(Array.from({ length: 250 }, (_, n) => product(n)));
    const { channel, asked } = await stage(answers(state));
    const pages = await all(channel.listListings(calm));
    const listings = pages.flatMap((page) => page.listings);
    expect(pages.map((page) => page.total)).toEqual([250, 250, 250]);
    expect(listings[249]).toEqual({
      listingId: '1729592969713000249',
      counterKey: '1729592969713000249',
      channelSku: 'SKU-249',
      title: 'Product 1729592969712000249',
      aliases: [],
      unwritable: null,
      ambiguous: false,
      shown: 249,
      facts: { id: '1729592969713000249', productId: '1729592969712000249', unwritable: null },
    });
    expect(asked('/product/202502/products/search').map(({ query }) => query['page_token'])).toEqual([
      undefined,
      'p+/100',
      'p+/200',
    ]);
  });

  test('beyond 10,000 products is read in ranges of the time of change, each product once', async () => {
    const products = Array.from({ length: 12_500 }, (_, n) => product(n, { changedAt: 1_700_000_000 + n }));
    const { channel, asked } = await stage(answers(account(products)));
    const listings = await listed(channel);
    expect(new Set(listings.map((one) => one.listingId)).size).toBe(12_500);
    expect(listings.length).toBe(12_500);
    expect(asked('/product/202502/products/search').length).toBeLessThan(220);
  });

  test('that ends with a refusal instead of a count is read in ranges too', async () => {
    const products = Array.from({ length: 310 }, (_, n) => product(n, { changedAt: 1_700_000_000 + n }));
    const script = answers(account(products, { limit: 200 }));
    const { channel } = await stage((call) => {
      const reply = script(call);
      const data = reply?.data as Record<string, unknown> | undefined;
      if (data !== undefined) delete data['total_count'];
      return reply;
    });
    expect((await listed(channel)).length).toBe(310);
  });

  test('sums the managed warehouses, whichever are configured, and never one for returns', async () => {
    const skus = [{ id: '1', sku: 'A', levels: { '700': 5, '701': 3, '799': 50 } }];
    const state = account([{ id: '9', skus }]);
    const { channel, reopen } = await stage(answers(state));
    expect((await listed(channel))[0]?.shown).toBe(8);
    expect((await listed(reopen({ warehouses: ['701'] })))[0]?.shown).toBe(3);
  });

  test('says in words what is not on sale, leaves deleted products out and marks twins', async () => {
    const state = account([
      product(1, { status: 'DRAFT' }),
      product(2, { status: 'FREEZE' }),
      product(3, { status: 'SOMETHING_NEW' }),
      product(4, { status: 'DELETED' }),
      product(5),
      { ...product(6), skus: [{ id: '66', sku: 'SKU-5', levels: { '700': 1 } }] },
    ]);
    const { channel } = await stage(answers(state));
    const listings = await listed(channel);
    expect(listings.map(({ unwritable }) => unwritable)).toEqual([
      expect.stringMatching(/draft/),
      expect.stringMatching(/frozen/),
      expect.stringMatching(/SOMETHING_NEW/),
      null,
      null,
    ]);
    expect(listings.map(({ ambiguous }) => ambiguous)).toEqual([false, false, false, true, true]);
  });

  test('says in words that stock in a warehouse of TikTok itself is not ours, unless one of our own holds some', async () => {
    const skus = [
      { id: '1', sku: 'THEIRS', levels: { '900': 5 } },
      { id: '2', sku: 'BOTH', levels: { '900': 5, '700': 1 } },
      { id: '3', sku: 'NOWHERE', levels: {} },
    ];
    const state = account([{ id: '9', skus }]);
    const { channel } = await stage(answers(state));
    const [theirs, both, nowhere] = await listed(channel);
    expect(theirs?.unwritable).toMatch(/not the seller’s own/);
    expect([both?.unwritable, nowhere?.unwritable]).toEqual([null, null]);
    if (theirs === undefined) throw new Error('not listed');
    expect((await channel.readStock([theirs], calm))[0]?.state).toBe('unwritable');
    const line = { ...theirs, quantity: 2, base: null, key: 'k' };
    expect((await channel.setStock([line], calm))[0]?.kind).toBe('rejected');
    expect(state.writes).toEqual([]);
    // A shop that tells no warehouses has one, and all stock lies in it.
    state.warehouses = [];
    expect((await listed(channel)).map(({ unwritable }) => unwritable)).toEqual([null, null, null]);
  });

  test('keeps what it can read of rows with wrong types, and takes ids that are numbers to the last digit', async () => {
    const text = `{"code":0,"data":{"total_count":3,"products":[7,{"id":1729592969712207009,"title":5,"status":"ACTIVATE","skus":[
      {"id":1729592969712207013,"seller_sku":null,"inventory":"none"},{"id":null},{"id":"12","seller_sku":"B","inventory":[{"warehouse_id":700,"quantity":4,"handling_time":1}]}]}]}}`;
    const { channel } = await stage((call) => (call.path.endsWith('products/search') ? { text } : undefined));
    const listings = await listed(channel);
    expect(listings.map(({ listingId, channelSku, shown }) => [listingId, channelSku, shown])).toEqual([
      ['1729592969712207013', null, null],
      ['12', 'B', 4],
    ]);
  });

  test('whose page token stands still ends with a failure and not never', async () => {
    const { channel } = await stage((call) =>
      call.path.endsWith('products/search') ? { data: { products: [], next_page_token: 'same' } } : undefined,
    );
    await expect(listed(channel)).rejects.toMatchObject({ kind: 'retry' });
  });
});

describe('a reading', () => {
  test('asks for 600 SKUs a call and answers in order, with the sum of the managed warehouses', async () => {
    const state: Account = account(Array.from({ length: 700 }, (_, n) => product(n)));
    const { channel, asked } = await stage(answers(state));
    const refs = (await listed(channel)).reverse();
    const readings = await channel.readStock(refs, calm);
    expect(readings.map(({ shown }) => shown)).toEqual(refs.map(({ shown }) => shown));
    expect(
      asked('/product/202309/inventory/search').map(({ body }) => (body['sku_ids'] as []).length),
    ).toEqual([600, 100]);
    expect(channel.forecast?.(700).requests).toBe(2);
  });

  test('says not listed for a SKU that is left out, never 0, and unwritable for what is off sale', async () => {
    const { channel } = await stage(answers(account([product(1, { status: 'DRAFT' }), product(2)])));
    const [draft, live] = await listed(channel);
    if (draft === undefined || live === undefined) throw new Error('nothing listed');
    const readings = await channel.readStock([draft, { ...live, listingId: '999' }, live], calm);
    expect(readings.map(({ state, shown }) => [state, shown])).toEqual([
      ['unwritable', 1],
      ['not-listed', null],
      ['ok', 2],
    ]);
  });

  test('finds the others when one unknown id fails the whole call', async () => {
    const script = answers(account([product(1), product(2)]));
    const { channel } = await stage((call) => {
      const ids = (call.body['sku_ids'] ?? []) as string[];
      return ids.includes('404') ? { code: 12052032, message: 'not found' } : script(call);
    });
    const [one, two] = await listed(channel);
    if (one === undefined || two === undefined) throw new Error('nothing listed');
    const readings = await channel.readStock([one, { ...one, listingId: '404' }, two], calm);
    expect(readings.map(({ shown }) => shown)).toEqual([1, null, 2]);
  });

  test('of a number that cannot be read is untracked and not 0', async () => {
    const { channel } = await stage((call) =>
      call.path.endsWith('inventory/search')
        ? {
            data: {
              inventory: [
                {
                  product_id: '9',
                  skus: [
                    { id: '1', warehouse_inventory: [{ warehouse_id: '700', available_quantity: '3' }] },
                  ],
                },
              ],
            },
          }
        : undefined,
    );
    const ref = { listingId: '1', counterKey: '1', channelSku: null, facts: null };
    expect(await channel.readStock([ref], calm)).toMatchObject([{ state: 'untracked', shown: null }]);
  });
});
