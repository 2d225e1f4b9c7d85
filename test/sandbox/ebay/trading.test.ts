import { beforeEach, describe, expect, test } from 'vitest';
import { type Loose, listing, NOON, sell, shown } from '../../kit/shop-stage.ts';
import { catalogue, type Stage, startShop } from './world.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await startShop();
});

const active = async (page = 1, size = 200) =>
  (
    await stage.trading(
      'GetMyeBaySelling',
      `<ActiveList><Include>true</Include><Pagination><EntriesPerPage>${size}</EntriesPerPage><PageNumber>${page}</PageNumber></Pagination></ActiveList>`,
    )
  ).ActiveList;
const itemIdOf = (sku: string) => listing(stage, sku).split('/')[0] ?? '';
const node = (itemId: string, quantity: number | string, sku?: string) =>
  `<InventoryStatus><ItemID>${itemId}</ItemID>${sku === undefined ? '' : `<SKU>${sku}</SKU>`}<Quantity>${quantity}</Quantity></InventoryStatus>`;
const rowFor = (sku: string, quantity: number | string) =>
  node(itemIdOf(sku), quantity, listing(stage, sku).includes('/') ? sku : undefined);
const revise = (...rows: string[]) => stage.trading('ReviseInventoryStatus', rows.join(''));
const fetchItem = async (itemId: string) =>
  (await stage.trading('GetItem', `<ItemID>${itemId}</ItemID>`)).Item[0];
const codes = (answer: Loose): string[] =>
  (answer.Errors ?? [])
    .filter((error: Loose) => error.SeverityCode === 'Error')
    .map((error: Loose) => error.ErrorCode);

describe('reading by the Trading API', () => {
  test('lists what both models sell, with the units left beside the sum of left and sold', async () => {
    sell(stage, ['SKU-002', 3], ['SKU-007', 2]);
    const { ItemArray, PaginationResult } = await active();
    const items: Loose[] = ItemArray.Item;
    expect(PaginationResult.TotalNumberOfEntries).toBe(String(items.length));
    const single = items.find((item) => item.ItemID === itemIdOf('SKU-002'));
    expect(single).toMatchObject({ SKU: 'SKU-002', Quantity: '10', QuantityAvailable: '7' });
    const range = items.find((item) => item.ItemID === itemIdOf('SKU-007'));
    expect(range).not.toHaveProperty('SKU');
    expect(
      range.Variations.Variation.map((each: Loose) => [
        each.SKU,
        each.Quantity,
        each.SellingStatus.QuantitySold,
      ]),
    ).toEqual([
      ['SKU-007', '10', '2'],
      ['SKU-008', '10', '0'],
      ['SKU-009', '10', '0'],
    ]);
    const { json } = await stage.rest('GET', '/sell/inventory/v1/offer?sku=SKU-001');
    expect(items.map((item) => item.ItemID)).toContain(json.offers[0].listing.listingId);
    expect(items.filter((item) => item.SKU === 'DUP-1')).toHaveLength(2);
    expect(items.some((item) => item.ListingType === 'Chinese')).toBe(true);
  });

  test('pages up to 200 and knows where the pages end', async () => {
    const big = await startShop({ catalogue: catalogue(100) });
    stage.shop.stop();
    stage = big;
    const ids: string[] = [];
    const first = await active(1, 20);
    for (let page = 1; page <= Number(first.PaginationResult.TotalNumberOfPages); page += 1) {
      ids.push(...(await active(page, 20)).ItemArray.Item.map((item: Loose) => item.ItemID));
    }
    expect(String(new Set(ids).size)).toBe(first.PaginationResult.TotalNumberOfEntries);
    const beyond = await stage.trading(
      'GetMyeBaySelling',
      '<ActiveList><Pagination><PageNumber>99</PageNumber></Pagination></ActiveList>',
    );
    expect([beyond.Ack, codes(beyond)]).toEqual(['Failure', ['340']]);
    const wide = await stage.trading(
      'GetMyeBaySelling',
      '<ActiveList><Pagination><EntriesPerPage>201</EntriesPerPage></Pagination></ActiveList>',
    );
    expect(wide.Ack).toBe('Failure');
  });

  test('shows one item with sold units in its quantity', async () => {
    sell(stage, ['SKU-002', 4]);
    expect(await fetchItem(itemIdOf('SKU-002'))).toMatchObject({
      SKU: 'SKU-002',
      Quantity: '10',
      SellingStatus: { QuantitySold: '4', ListingStatus: 'Active' },
      OutOfStockControl: 'true',
      InventoryTrackingMethod: 'ItemID',
    });
    expect(codes(await stage.trading('GetItem', '<ItemID>999999999999</ItemID>'))).toEqual(['17']);
  });

  test('lists a seller’s items by a range of time, which is mandatory', async () => {
    const range = `<StartTimeFrom>${new Date(NOON - 86_400_000).toISOString()}</StartTimeFrom><StartTimeTo>${new Date(NOON + 1000).toISOString()}</StartTimeTo>`;
    const pagination =
      '<Pagination><EntriesPerPage>10</EntriesPerPage><PageNumber>1</PageNumber></Pagination>';
    const page = await stage.trading('GetSellerList', range + pagination);
    expect([page.Ack, page.HasMoreItems, page.ItemArray.Item.length]).toEqual(['Success', 'true', 10]);
    expect((await stage.trading('GetSellerList', pagination)).Ack).toBe('Failure');
    expect((await stage.trading('GetSellerList', range)).Ack).toBe('Failure');
  });
});

describe('ReviseInventoryStatus', () => {
  test('sets units left, of four rows at once, and variations by their SKU', async () => {
    sell(stage, ['SKU-002', 4]);
    const answer = await revise(
      rowFor('SKU-002', 7),
      rowFor('SKU-007', 5),
      rowFor('SKU-008', 6),
      rowFor('SKU-010', 2),
    );
    expect(['Success', 'Warning']).toContain(answer.Ack);
    expect(answer.InventoryStatus.map((each: Loose) => [each.SKU, each.Quantity])).toEqual([
      ['SKU-002', '7'],
      ['SKU-007', '5'],
      ['SKU-008', '6'],
      ['SKU-010', '2'],
    ]);
    expect(['SKU-002', 'SKU-007', 'SKU-008', 'SKU-009', 'SKU-010'].map((sku) => shown(stage, sku))).toEqual([
      7, 5, 6, 10, 2,
    ]);
    expect(await fetchItem(itemIdOf('SKU-002'))).toMatchObject({ Quantity: '11' });
  });

  test('refuses five rows, and none', async () => {
    const five = await revise(
      ...['SKU-002', 'SKU-003', 'SKU-007', 'SKU-008', 'SKU-009'].map((sku) => rowFor(sku, 1)),
    );
    expect([five.Ack, codes(five)]).toEqual(['Failure', ['37']]);
    expect(shown(stage, 'SKU-002')).toBe(10);
    expect((await revise()).Ack).toBe('Failure');
  });

  test('does the good rows and names the item of each bad one', async () => {
    const answer = await revise(
      node('999999999999', 1),
      rowFor('SKU-002', 4),
      node(itemIdOf('SKU-007'), 1, 'SKU-999'),
      rowFor('SKU-003', 'many'),
    );
    expect(answer.Ack).toBe('PartialFailure');
    expect(codes(answer)).toEqual(['17', '21916799', '515']);
    const parameters = (error: Loose) =>
      error.ErrorParameters.map((each: Loose) => [each['@_ParamID'], each.Value]);
    expect(parameters(answer.Errors[0])).toEqual([['ItemID', '999999999999']]);
    expect(parameters(answer.Errors[1])).toEqual([
      ['ItemID', itemIdOf('SKU-007')],
      ['SKU', 'SKU-999'],
    ]);
    expect(answer.InventoryStatus.map((each: Loose) => each.ItemID)).toEqual([itemIdOf('SKU-002')]);
    expect([shown(stage, 'SKU-002'), shown(stage, 'SKU-003')]).toEqual([4, 10]);
  });

  test('fails on listings of the inventory model, on auctions, by SKU alone, and on variations without a SKU', async () => {
    const { json } = await stage.rest('GET', '/sell/inventory/v1/offer?sku=SKU-001');
    expect(codes(await revise(node(json.offers[0].listing.listingId, 3)))).toEqual(['21919474']);
    expect(codes(await revise(node(itemIdOf('AUCTION-1'), 3)))).toEqual(['37']);
    expect(
      codes(await revise('<InventoryStatus><SKU>SKU-002</SKU><Quantity>3</Quantity></InventoryStatus>')),
    ).toEqual(['21916884']);
    expect(codes(await revise(node(itemIdOf('SKU-007'), 3)))).toEqual(['21916799']);
    expect([shown(stage, 'SKU-001'), shown(stage, 'SKU-002'), shown(stage, 'SKU-007')]).toEqual([10, 10, 10]);
  });

  test('tells some successes with a warning about something else', async () => {
    const acks = new Set<string>();
    for (let turn = 0; turn < 60; turn += 1) acks.add((await revise(rowFor('SKU-002', turn))).Ack);
    expect(acks).toEqual(new Set(['Success', 'Warning']));
    expect(shown(stage, 'SKU-002')).toBe(59);
  });

  test('spends one of 250 revisions per listing and call', async () => {
    for (let turn = 0; turn < 250; turn += 1) {
      await revise(rowFor('SKU-007', turn), rowFor('SKU-008', turn), rowFor('SKU-009', turn));
    }
    const spent = await revise(rowFor('SKU-007', 3), rowFor('SKU-002', 3));
    expect([spent.Ack, codes(spent).length]).toEqual(['PartialFailure', 1]);
    expect(spent.Errors[0].LongMessage).toContain('250');
    expect([shown(stage, 'SKU-007'), shown(stage, 'SKU-002')]).toEqual([249, 3]);
    stage.tick(86_400);
    expect(codes(await revise(rowFor('SKU-007', 3)))).toEqual([]);
  });
});

describe('out-of-stock control', () => {
  test('on: a listing at 0 stays and comes back', async () => {
    await revise(rowFor('SKU-002', 0));
    expect(shown(stage, 'SKU-002')).toBe(0);
    expect((await fetchItem(itemIdOf('SKU-002'))).SellingStatus.ListingStatus).toBe('Active');
    expect(codes(await revise(rowFor('SKU-002', 4)))).toEqual([]);
    expect(shown(stage, 'SKU-002')).toBe(4);
  });

  test('off: 0 ends the listing for good; the merchant who lists it again gets another item number', async () => {
    stage.shop.fault({ name: 'out_of_stock_control_off' });
    const before = itemIdOf('SKU-002');
    await revise(rowFor('SKU-002', 0));
    expect(shown(stage, 'SKU-002')).toBeNull();
    expect((await fetchItem(before)).SellingStatus.ListingStatus).toBe('Completed');
    expect(codes(await revise(node(before, 4)))).toEqual(['21916750']);
    expect((await active()).ItemArray.Item.map((item: Loose) => item.ItemID)).not.toContain(before);
    stage.shop.set({ sku: 'SKU-002', quantity: 6 });
    expect(itemIdOf('SKU-002')).not.toBe(before);
    expect(shown(stage, 'SKU-002')).toBe(6);
  });

  test('off: the last sale ends the listing too, and a cancel brings nothing back', () => {
    stage.shop.fault({ name: 'out_of_stock_control_off' });
    const { orderId } = sell(stage, ['SKU-003', 10]);
    expect(shown(stage, 'SKU-003')).toBeNull();
    stage.shop.cancel({ order_id: orderId, restock: true });
    expect(shown(stage, 'SKU-003')).toBeNull();
    expect(stage.shop.records().orders[0]?.lines[0]).toMatchObject({ taken: 0 });
  });

  test('off: 0 for one variation is refused or drops the variation', async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed < 12; seed += 1) {
      const other = await startShop({ seed });
      const id =
        other.shop
          .records()
          .listings.find((each) => each.sku === 'SKU-007')
          ?.listing_id.split('/')[0] ?? '';
      other.shop.fault({ name: 'out_of_stock_control_off' });
      const answer = await other.trading('ReviseInventoryStatus', node(id, 0, 'SKU-007'));
      outcomes.add(
        answer.Ack === 'Failure'
          ? `refused at ${shown(other, 'SKU-007')}`
          : `gone: ${shown(other, 'SKU-007')}`,
      );
    }
    expect(outcomes).toEqual(new Set(['refused at 10', 'gone: undefined']));
  });

  test('is read and switched on by preferences', async () => {
    const read = async () =>
      (
        await stage.trading(
          'GetUserPreferences',
          '<ShowOutOfStockControlPreference>true</ShowOutOfStockControlPreference>',
        )
      ).OutOfStockControlPreference;
    expect(await read()).toBe('true');
    stage.shop.fault({ name: 'out_of_stock_control_off' });
    expect(await read()).toBe('false');
    await stage.trading(
      'SetUserPreferences',
      '<OutOfStockControlPreference>true</OutOfStockControlPreference>',
    );
    expect(await read()).toBe('true');
    await revise(rowFor('SKU-002', 0));
    expect(shown(stage, 'SKU-002')).toBe(0);
  });
});

describe('the envelope', () => {
  test('tells a bad token, a missing header and an unknown call as a Failure with HTTP 200', async () => {
    const bad = await stage.trading('GetUser', '', { 'x-ebay-api-iaf-token': 'nobody' });
    expect(bad.Ack).toBe('Failure');
    expect(['931', '932', '21916984', '21917053']).toContain(bad.Errors[0].ErrorCode);
    const app = await stage.trading('GetUser', '', { 'x-ebay-api-iaf-token': await stage.app() });
    expect(app.Ack).toBe('Failure');
    expect((await stage.trading('GetUser', '', { 'x-ebay-api-siteid': 'US' })).Ack).toBe('Failure');
    expect((await stage.trading('GetUser', '', { 'x-ebay-api-compatibility-level': '' })).Ack).toBe(
      'Failure',
    );
    expect(codes(await stage.trading('AddItem', ''))).toEqual(['2']);
  });

  test('takes no DOCTYPE, no broken XML and no other call’s document', async () => {
    const bomb =
      '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><GetItemRequest><ItemID>&a;</ItemID></GetItemRequest>';
    expect(codes(await stage.trading('GetItem', bomb))).toEqual(['5']);
    expect(codes(await stage.trading('GetItem', '<?xml version="1.0"?><GetItemRequest><ItemID>'))).toEqual([
      '5',
    ]);
    expect(codes(await stage.trading('GetItem', '<?xml version="1.0"?><GetUserRequest/>'))).toEqual(['5']);
  });

  test('escapes what it writes and reads what is escaped', async () => {
    const odd = await startShop({
      catalogue: [0, 1].map((index) => ({ sku: `A&B<${index}>"x'`, title: `T & <${index}>`, stock: 5 })),
    });
    const { ActiveList } = await odd.trading('GetMyeBaySelling', '<ActiveList/>');
    const item = ActiveList.ItemArray.Item.find((each: Loose) => each.Title === 'T & <1>');
    expect(item.SKU).toBe(`A&B<1>"x'`);
    const answer = await odd.trading(
      'ReviseInventoryStatus',
      node(item.ItemID, 2, 'A&amp;B&lt;1&gt;&quot;x&#39;'),
    );
    expect(codes(answer)).toEqual([]);
    expect(shown(odd, `A&B<1>"x'`)).toBe(2);
  });

  test('stops at 5,000 calls a day, reads and writes together', async () => {
    stage.shop.leaveCalls('trading', 2);
    await active();
    await revise(rowFor('SKU-002', 3));
    const refused = await revise(rowFor('SKU-002', 4));
    expect(refused.Ack).toBe('Failure');
    expect(['218050', '218053', '218054']).toContain(refused.Errors[0].ErrorCode);
    expect(shown(stage, 'SKU-002')).toBe(3);
    stage.tick(86_400);
    expect(codes(await revise(rowFor('SKU-002', 4)))).toEqual([]);
  });
});
