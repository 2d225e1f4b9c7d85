import { describe, expect, test } from 'vitest';
import { calm, listed } from '../../kit/stage.ts';
import { account, answers } from './catalogue.ts';
import { stage } from './scripted-ebay.ts';

describe('the catalogue of an eBay account', () => {
  test('tells the two models apart and lists a listing of the Inventory API once', async () => {
    const state = account({
      skus: [{ sku: 'MUG-RED', quantity: 7, itemId: '110000000001' }],
      made: [
        { itemId: '220000000001', sku: 'CUP', available: 4, sold: 3 },
        {
          itemId: '220000000002',
          variations: [
            { sku: 'SHIRT-R', color: 'Red', available: 2, sold: 5 },
            { sku: 'SHIRT-B', color: 'Blue', available: 0 },
          ],
        },
      ],
    });
    const { channel } = await stage(answers(state));
    const listings = await listed(channel);
    expect(
      listings.map(({ listingId, channelSku, shown, unwritable }) => [
        listingId,
        channelSku,
        shown,
        unwritable,
      ]),
    ).toEqual([
      ['MUG-RED', 'MUG-RED', 7, null],
      ['220000000001', 'CUP', 4, null],
      ['220000000002/SHIRT-R', 'SHIRT-R', 2, null],
      ['220000000002/SHIRT-B', 'SHIRT-B', 0, null],
    ]);
    expect(listings.map(({ facts }) => (facts as { model: string }).model)).toEqual([
      'inventory',
      'trading',
      'trading',
      'trading',
    ]);
    expect(listings[0]?.aliases).toEqual(['110000000001/MUG-RED']);
    expect(listings[1]?.title).toBe('Cup & saucer');
  });

  test('asks for pages by number in the Inventory API and takes 450 SKUs from three of them', async () => {
    const skus = Array.from({ length: 450 }, (_, at) => ({ sku: `SKU${at}`, quantity: at }));
    const { channel, asked } = await stage(answers(account({ skus })));
    expect((await listed(channel)).length).toBe(450);
    const pages = asked('/sell/inventory/v1/inventory_item').map((call) => call.query.get('offset'));
    expect(pages).toEqual(['0', '1', '2']);
  });

  test('ends in an error, not in half a list, where a list goes on without bringing anything new', async () => {
    const answer = answers(account({ skus: [{ sku: 'A', quantity: 1 }] }));
    const again = await stage((call) => {
      const reply = answer(call);
      const isItems = call.path.endsWith('/inventory_item');
      return isItems ? { json: { ...(reply?.json as object), next: '/x?offset=1' } } : reply;
    });
    await expect(listed(again.channel)).rejects.toThrow('the list of inventory items says that it goes on');
    const empty = await stage((call) =>
      call.path === 'GetMyeBaySelling'
        ? {
            xml: '<ActiveList><PaginationResult><TotalNumberOfPages>3</TotalNumberOfPages></PaginationResult></ActiveList>',
          }
        : answer(call),
    );
    await expect(listed(empty.channel)).rejects.toThrow('the list of active listings says that it goes on');
  });

  test('sends an explicit language with every request and never the star of an HTTP client', async () => {
    const state = account({ skus: [{ sku: 'A', quantity: 1, itemId: '110000000001' }] });
    const { channel, calls } = await stage(answers(state));
    await channel.readStock(await listed(channel), calm);
    const languages = calls
      .filter((call) => !call.path.includes('oauth2'))
      .map((call) => call.headers['accept-language']);
    expect(new Set(languages)).toEqual(new Set(['de-DE']));
    const [trading] = calls.filter((call) => call.path === 'GetMyeBaySelling');
    expect(trading?.headers['x-ebay-api-siteid']).toBe('77');
    expect(trading?.headers['x-ebay-api-iaf-token']).toBe('token-user');
  });

  test('never offers auctions, warehouse stock and variations without SKU for writing', async () => {
    const state = account({
      skus: [
        { sku: 'BID', quantity: 1, itemId: '110000000001', format: 'AUCTION' },
        { sku: 'SPLIT', quantity: 5, itemId: '110000000002', distributed: true },
      ],
      made: [
        { itemId: '220000000001', type: 'Chinese', available: 1 },
        { itemId: '220000000002', variations: [{ color: 'Red', available: 2 }] },
      ],
    });
    const { channel, asked } = await stage(answers(state));
    const listings = await listed(channel);
    expect(listings.map(({ listingId }) => listingId)).toEqual([
      'BID',
      'SPLIT',
      '220000000001',
      '220000000002#Color=Red',
    ]);
    for (const { unwritable } of listings) expect(unwritable).toMatch(/\w+ \w+/);
    const lines = listings.map((listing) => ({ ...listing, quantity: 3, base: null, key: 'k' }));
    const outcomes = await channel.setStock(lines, calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['rejected', 'rejected', 'rejected', 'rejected']);
    expect(asked('ReviseInventoryStatus')).toEqual([]);
    expect(state.writes).toEqual([]);
    const readings = await channel.readStock(listings, calm);
    expect(readings.map(({ state: what }) => what)).toEqual(Array(4).fill('unwritable'));
  });

  test('marks a SKU that two listings carry as ambiguous, in whichever models they are', async () => {
    const state = account({
      skus: [{ sku: 'TWIN', quantity: 1, itemId: '110000000001' }],
      made: [
        { itemId: '220000000001', sku: 'TWIN', available: 1 },
        { itemId: '220000000002', sku: 'CUP', available: 1 },
        { itemId: '220000000003', sku: 'CUP', available: 1 },
        { itemId: '220000000004', sku: 'LONE', available: 1 },
      ],
    });
    const { channel } = await stage(answers(state));
    const listings = await listed(channel);
    expect(listings.filter(({ ambiguous }) => ambiguous).map(({ listingId }) => listingId)).toEqual([
      'TWIN',
      '220000000001',
      '220000000002',
      '220000000003',
    ]);
  });

  test('keeps a SKU with dashes whose offers eBay will not look up, and does not list it twice', async () => {
    const state = account({ skus: [{ sku: 'A-B/C &', quantity: 2, itemId: '110000000001' }] });
    const script = answers(state);
    const { channel, asked } = await stage((call) =>
      call.path.endsWith('/offer')
        ? { status: 400, json: { errors: [{ errorId: 25707, message: 'sku' }] } }
        : script(call),
    );
    // The active list carries the same SKU, escaped.
    state.skus[0] = { sku: 'A-B/C', quantity: 2, itemId: '110000000001' };
    expect((await listed(channel)).map(({ listingId }) => listingId)).toEqual(['A-B/C']);
    expect(asked('/sell/inventory/v1/offer')[0]?.query.get('sku')).toBe('A-B/C');
  });

  test('leaves names that two listings claim with the first one', async () => {
    const state = account({
      made: [
        {
          itemId: '220000000002',
          variations: [
            { sku: 'S', color: 'Red', available: 1 },
            { sku: 'S', color: 'Red', available: 1 },
          ],
        },
      ],
    });
    const { channel } = await stage(answers(state));
    const names = (await listed(channel)).flatMap(({ listingId, aliases }) => [listingId, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });

  test('says beforehand what a read of 5,000 listings takes', async () => {
    const { channel } = await stage(() => undefined);
    expect(channel.forecast?.(5_000)).toEqual({ requests: 200, expectedMs: 80_000 });
  });
});
