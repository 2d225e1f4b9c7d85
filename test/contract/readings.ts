import { describe, expect, test } from 'vitest';
import type { ListingRef } from '../../src/channels/channel.ts';
import { benches, calm, type MakeBench, need } from './bench.ts';

/** Live reads of what the channel shows. */
export function readingSuite(make: MakeBench): void {
  describe('a reading', () => {
    const open = benches(make);

    test('tells each number in the order asked, however many are asked, with the span of the request', async () => {
      const bench = await open(137);
      for (const [index, { sku }] of bench.catalogue.entries()) {
        if (index % 3 === 0) bench.shop.set({ sku, quantity: index });
      }
      const wanted = bench.catalogue.map(({ sku }) => sku).sort((a, b) => hash(a) - hash(b));
      const refs: ListingRef[] = [];
      for (const sku of wanted) refs.push(await bench.listing(sku));
      const before = Date.now();
      const readings = await bench.channel.readStock(refs, calm);
      const after = Date.now();
      expect(readings.map((reading) => reading.listingId)).toEqual(refs.map((ref) => ref.listingId));
      expect(readings.map((reading) => reading.shown)).toEqual(wanted.map((sku) => bench.shown(sku)));
      for (const reading of readings) {
        expect(reading.state).toBe('ok');
        expect(reading.askedAt).toBeGreaterThanOrEqual(before);
        expect(reading.answeredAt).toBeGreaterThanOrEqual(reading.askedAt);
        expect(reading.answeredAt).toBeLessThanOrEqual(after);
      }
    });

    test('is never cached', async () => {
      const bench = await open();
      const ref = await bench.listing('SKU-002');
      for (const quantity of [3, 0, 9]) {
        bench.shop.set({ sku: 'SKU-002', quantity });
        expect((await bench.channel.readStock([ref], calm))[0]?.shown).toBe(quantity);
      }
    });

    test('of a listing that does not exist says so, shows null and hurts no neighbour', async () => {
      const bench = await open();
      const [good, other] = [await bench.listing('SKU-001'), await bench.listing('SKU-005')];
      const readings = await bench.channel.readStock(
        [good, unknownLike(good), unknownLike(other), other],
        calm,
      );
      expect(readings.map(({ state, shown }) => [state, shown])).toEqual([
        ['ok', 10],
        ['not-listed', null],
        ['not-listed', null],
        ['ok', 10],
      ]);
      expect(readings[1]?.detail).toMatch(/\w+ \w+/);
    });

    test('of one unknown listing alone, and of none at all, does not throw', async () => {
      const bench = await open();
      const unknown = unknownLike(await bench.listing('SKU-001'));
      expect((await bench.channel.readStock([unknown], calm)).map(({ state }) => state)).toEqual([
        'not-listed',
      ]);
      expect(await bench.channel.readStock([], calm)).toEqual([]);
    });

    test('of an id of the wrong form hurts no neighbour either', async () => {
      const bench = await open();
      const good = await bench.listing('SKU-001');
      const odd = ['rubbish', '-1', '0', '1/2/3', 'ünï cödé & ?x=1', 'x'.repeat(300)];
      const refs = odd.map((id) => ({ ...good, listingId: id, counterKey: id }));
      const readings = await bench.channel.readStock([good, ...refs, good], calm);
      expect(readings.map(({ listingId }) => listingId)).toEqual(
        ['', ...odd, ''].map((id) => id || good.listingId),
      );
      expect(readings.map(({ shown }) => shown)).toEqual([10, ...odd.map(() => null), 10]);
    });

    test('of the same listing twice answers twice', async () => {
      const bench = await open();
      const ref = await bench.listing('SKU-001');
      const readings = await bench.channel.readStock([ref, ref], calm);
      expect(readings.map(({ shown }) => shown)).toEqual([10, 10]);
    });

    test('of what may not be written is never ok', async (context) => {
      const bench = await open();
      const { unwritable = [] } = (await bench.furnish?.()) ?? {};
      need(context, unwritable[0], 'every number of this shop may be written');
      const refs: ListingRef[] = [];
      for (const sku of unwritable) refs.push(await bench.listing(sku));
      for (const { state, detail } of await bench.channel.readStock(refs, calm)) {
        expect(['untracked', 'unwritable']).toContain(state);
        expect(detail).toMatch(/\w+ \w+/);
      }
    });
  });
}

/** A reference of the right form that leads nowhere: the last number in the id is one that the shop never gave out. */
export function unknownLike<Ref extends ListingRef>(ref: Ref): Ref {
  const elsewhere = (id: string) => id.replace(/\d+$/, (digits) => '9'.repeat(digits.length));
  return { ...ref, listingId: elsewhere(ref.listingId), counterKey: elsewhere(ref.counterKey) };
}

/** Shuffles the same way each time. */
function hash(text: string): number {
  let sum = 7;
  for (const char of text) sum = (sum * 31 + char.charCodeAt(0)) % 65_521;
  return sum;
}
