import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importCatalogue } from '../../src/sync/account/catalogue.ts';
import { makeOutbound, type Outbound } from '../sync/outbound-world.ts';

/** Stock as merchants move it, with the right numbers, beside the project or at $INVSYNC_SHARED. */
const shared = [process.env['INVSYNC_SHARED'], resolve(import.meta.dirname, '../../../shared')].find(
  (place) => place !== undefined && existsSync(join(place, 'cases/packs.json')),
);
const absent = 'needs the shared cases beside the project, or $INVSYNC_SHARED';
const read = (name: string) => JSON.parse(readFileSync(join(shared ?? '', 'cases', name), 'utf8'));

let world: Outbound;

const calm = new AbortController().signal;
const by = { by: 'merchant', reason: null };

describe.skipIf(shared === undefined)(`stock moves from the field (${absent})`, () => {
  test('packs of one article follow it on every channel when all of them are sold at once', async () => {
    const { books, listings, order, expected } = read('packs.json') as {
      books: Record<string, number>;
      listings: Record<string, string>;
      order: Record<string, number>;
      expected: Record<string, number>;
    };
    world = await makeOutbound({ shop: {}, other: {} });
    for (const [sku, count] of Object.entries(books)) {
      await world.store.listings.createSku(sku, by, world.clock.now());
      await world.change(sku, 'count', count);
    }
    for (const channel of ['shop', 'other']) {
      for (const [listing, recipe] of Object.entries(listings)) {
        const [sku = '', units = '1'] = recipe.split('=');
        const shown = Math.floor((books[sku] ?? 0) / Number(units));
        world.platform(channel).list({ listingId: listing, sku: listing, shown });
      }
      await importCatalogue(world.engine, world.live(channel), () => undefined, calm);
      for (const [listing, recipe] of Object.entries(listings)) {
        const [sku = '', units = '1'] = recipe.split('=');
        const row = await world.store.listings.find(channel, listing);
        if (row === null || row === 'ambiguous') throw new Error(`no listing ${listing}`);
        await world.store.listings.map(row.id, [{ sku, units: Number(units) }], by, world.clock.now());
      }
    }
    await world.reconcile();
    await world.pullAfter(60_000);
    const lines = Object.entries(order).map(([ref, quantity]) => ({ ref, quantity }));
    const sale = world.platform('shop').sell({ lines });
    if (sale === null) throw new Error('the shop did not sell');
    await world.hear('shop', sale);
    await world.push();
    expect(await world.available('BASE')).toBe(expected['BASE']);
    for (const channel of ['shop', 'other']) {
      const shown = Object.keys(listings).map((name) => [name, world.platform(channel).shown(name)]);
      expect(Object.fromEntries(shown)).toEqual(expected);
    }
  });

  test('goods that arrive while orders are open are for sale beside what is promised', async () => {
    const { steps, expected } = read('receipt-while-orders-are-open.json') as {
      steps: string[];
      expected: { available: number; every_shop_shows: number };
    };
    world = await makeOutbound({ shop: {}, other: {} });
    for (const step of steps) {
      const [, sku = '', count = ''] = /^stock count (\S+) (\d+)$/.exec(step) ?? [];
      if (count !== '') await world.stock(sku, Number(count));
      const [, sold = ''] = /^order of (\d+)$/.exec(step) ?? [];
      if (sold !== '') {
        await world.reconcile();
        world.clock.jump(60_000);
        const sale = world.platform('shop').sell({ lines: [{ ref: 'A', quantity: Number(sold) }] });
        if (sale === null) throw new Error('the shop did not sell');
        await world.hear('shop', sale);
        await world.push();
      }
      const [, goods = '', received = ''] = /^stock receive (\S+) (\d+)$/.exec(step) ?? [];
      if (received !== '') await world.change(goods, 'receive', Number(received));
    }
    expect(await world.available('A')).toBe(expected.available);
    await world.pullAfter(60_000);
    await world.push();
    for (const channel of ['shop', 'other'])
      expect(world.platform(channel).shown('A')).toBe(expected.every_shop_shows);
  });
});
