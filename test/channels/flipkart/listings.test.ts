import { describe, expect, test } from 'vitest';
import { type Call, calm, failure, listed, type Reply } from '../../kit/stage.ts';
import {
  account,
  answers,
  elsewhere,
  here,
  line,
  searchPath,
  stage,
  updatePath,
} from './scripted-flipkart.ts';

const ref = (sku: string) => ({ listingId: sku, counterKey: sku, channelSku: sku, facts: null });

describe('the catalogue of a Flipkart channel', () => {
  test('is walked 500 SKUs a page and read ten SKUs a request, at the channel’s own location', async () => {
    const state = account(Array.from({ length: 1_203 }, (_, at) => ({ sku: `S-${at}`, inventory: at })));
    const { channel, asked, calls } = await stage(answers(state));
    const found = await listed(channel);
    expect(found.map(({ shown }) => shown)).toEqual(state.skus.map(({ inventory }) => inventory));
    expect(asked(searchPath).map(({ body }) => body)).toEqual([
      { filters: {}, page_id: null },
      { filters: {}, page_id: 'p500' },
      { filters: {}, page_id: 'p1000' },
    ]);
    expect(calls.filter(({ method, path }) => method === 'GET' && path.includes('/listings/')).length).toBe(
      121,
    );
    expect(found[7]).toEqual({
      listingId: 'S-7',
      counterKey: 'S-7',
      channelSku: 'S-7',
      title: 'S-7',
      aliases: ['LST-S-7'],
      unwritable: null,
      ambiguous: false,
      shown: 7,
      facts: null,
    });
  });

  test('is understood as an object of rows too, and rows without a SKU are left out', async () => {
    const state = account([{ sku: 'A', inventory: 4 }]);
    const rows = { one: { listing_id: 'LST-A', sku_id: 'A' }, two: { listing_id: 'LST-B' }, three: 'x' };
    const { channel } = await stage((call) =>
      call.path === searchPath ? { json: { has_more: false, listings: rows } } : answers(state)(call),
    );
    expect((await listed(channel)).map(({ listingId, shown }) => [listingId, shown])).toEqual([['A', 4]]);
  });

  test('that goes on without saying where, or in circles, is an error and no end', async () => {
    for (const next of [undefined, 'again']) {
      const json = { has_more: true, next_page_id: next, listings: [] };
      const { channel } = await stage((call) => (call.path === searchPath ? { json } : undefined));
      expect((await failure(listed(channel))).kind).toBe('retry');
    }
  });

  test('says why a number may not be written', async () => {
    const state = account([
      { sku: 'FBF', inventory: 5, profile: 'FBF' },
      { sku: 'NEW-KIND', inventory: 5, profile: 'FBF_2030' },
      { sku: 'OLD', inventory: 5, archived: 'ARCHIVED' },
      { sku: 'NO-FSN', inventory: 5, fsn: null },
      { sku: 'AWAY', inventory: 5, row: { product_id: 'FSN', locations: [{ id: elsewhere, inventory: 3 }] } },
      { sku: 'NO-PLACE', inventory: 5, row: { product_id: 'FSN' } },
      { sku: 'ODD', inventory: 5, row: [] },
      { sku: 'TEXT', inventory: 5, row: 'none' },
      { sku: 'LITE', inventory: 5, profile: 'FBF_LITE' },
      { sku: 'MIXED', inventory: 5, profile: 'FBF_AND_NON_FBF' },
    ]);
    const { channel } = await stage(answers(state));
    const why = new Map((await listed(channel)).map(({ listingId, unwritable }) => [listingId, unwritable]));
    expect(why.get('FBF')).toContain('warehouse');
    expect(why.get('NEW-KIND')).toContain('FBF_2030');
    expect(why.get('OLD')).toContain('archived');
    expect(why.get('NO-FSN')).toContain('FSN');
    expect(why.get('AWAY')).toContain('not offered at the location');
    expect(why.get('NO-PLACE')).toContain('not offered at the location');
    expect(why.get('ODD')).toContain('cannot be read');
    expect(why.get('TEXT')).toContain('leaves this SKU out');
    expect([why.get('LITE'), why.get('MIXED')]).toEqual([null, null]);
  });

  test('flags SKUs that the API cannot address, and never asks for them', async () => {
    const odd = ['A,B', 'A/B', '.', '..', '__proto__', 'A\\B'];
    const state = account(
      [...odd, 'constructor', 'ünï cödé & ?x=1', '100%'].map((sku) => ({ sku, inventory: 3 })),
    );
    const { channel, calls } = await stage(answers(state));
    const found = await listed(channel);
    const flagged = found.filter(({ unwritable }) => unwritable !== null).map(({ listingId }) => listingId);
    expect(flagged).toEqual(odd);
    expect(found.filter(({ shown }) => shown === 3).length).toBe(3);
    const asked = calls.filter(({ path }) => path.startsWith('/sellers/listings/v3/') && path !== searchPath);
    expect(asked.map(({ path }) => path)).toEqual([
      `/sellers/listings/v3/constructor,${encodeURIComponent('ünï cödé & ?x=1')},100%25`,
    ]);
    const readings = await channel.readStock(odd.map(ref), calm);
    expect(new Set(readings.map(({ state }) => state))).toEqual(new Set(['unwritable']));
    expect(readings[0]?.detail).toContain('cannot address');
    expect(Object.hasOwn(Object.prototype, 'shown')).toBe(false);
  });

  test('marks a SKU that two listings carry', async () => {
    const state = account([{ sku: 'A', inventory: 4 }]);
    const rows = ['1', '2'].map((id) => ({ listing_id: id, sku_id: 'A' }));
    const { channel } = await stage((call) =>
      call.path === searchPath ? { json: { has_more: false, listings: rows } } : answers(state)(call),
    );
    expect(await listed(channel)).toMatchObject([{ listingId: 'A', ambiguous: true, aliases: ['1', '2'] }]);
  });
});

describe('a reading of a Flipkart channel', () => {
  test('halves a refused request down to the SKU that spoils it', async () => {
    const state = account(Array.from({ length: 12 }, (_, at) => ({ sku: `S-${at}`, inventory: at })));
    state.poison.add('S-3');
    const { channel } = await stage(answers(state));
    const readings = await channel.readStock(
      state.skus.map(({ sku }) => ref(sku)),
      calm,
    );
    expect(readings.map(({ state, shown }) => [state, shown])).toEqual(
      state.skus.map(({ inventory }, at) => (at === 3 ? ['unwritable', null] : ['ok', inventory])),
    );
    expect(readings[3]?.detail).toContain('bad request');
  });

  test('tells what is not listed, not tracked and not ours apart, and null from 0', async () => {
    const place = (inventory: unknown) => ({ product_id: 'FSN', locations: [{ id: here, inventory }] });
    const state = account([
      { sku: 'ZERO', inventory: 0 },
      { sku: 'NONE', inventory: 0, row: place(null) },
      { sku: 'TEXT', inventory: 0, row: place('12') },
      { sku: 'HALF', inventory: 0, row: place(1.5) },
      { sku: 'FBF', inventory: 9, profile: 'FBF' },
    ]);
    const { channel } = await stage(answers(state));
    const wanted = ['ZERO', 'NONE', 'TEXT', 'HALF', 'FBF', 'GHOST', 'ZERO'].map(ref);
    const readings = await channel.readStock(wanted, calm);
    expect(readings.map(({ state, shown }) => [state, shown])).toEqual([
      ['ok', 0],
      ['untracked', null],
      ['untracked', null],
      ['untracked', null],
      ['unwritable', null],
      ['not-listed', null],
      ['ok', 0],
    ]);
  });

  test('that leaves a SKU out is no word that it is not listed, and a push of it is tried again', async () => {
    const json = { available: { A: 7 }, unavailable: ['B'] };
    const script = (call: Call): Reply | undefined =>
      call.path.includes('/listings/v3/') ? { json } : undefined;
    const { channel, asked } = await stage(script);
    const readings = await channel.readStock([ref('A'), ref('B'), ref('C')], calm);
    expect(readings.map(({ state }) => state)).toEqual(['unwritable', 'not-listed', 'unwritable']);
    const outcomes = await channel.setStock([line('A', 1, 2), line('B', 1, 2), line('C', 1, 2)], calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['retry', 'rejected', 'retry']);
    expect(asked(updatePath)).toEqual([]);
  });

  test('that says nothing at all is an error', async () => {
    const script = (call: Call): Reply | undefined =>
      call.path.includes('/listings/v3/') ? { json: {} } : undefined;
    const { channel } = await stage(script);
    expect((await failure(channel.readStock([ref('A')], calm))).kind).toBe('retry');
  });

  test('is shown beforehand: requests and time', async () => {
    const { channel } = await stage(() => undefined);
    expect(channel.forecast?.(5_000)).toEqual({ requests: 500, expectedMs: 250_000 });
  });

  test('has a malformed SKU called so', async () => {
    const json = { available: {}, unavailable: [], invalid: ['bad sku'] };
    const script = (call: Call): Reply | undefined =>
      call.path.includes('/listings/v3/') ? { json } : undefined;
    const { channel } = await stage(script);
    expect(await channel.readStock([ref('bad sku')], calm)).toMatchObject([
      { state: 'not-listed', detail: 'Flipkart calls this SKU malformed' },
    ]);
    expect(await channel.setStock([line('bad sku', 1, null)], calm)).toMatchObject([{ kind: 'rejected' }]);
  });
});
