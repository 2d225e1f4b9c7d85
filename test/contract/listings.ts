import { describe, expect, test } from 'vitest';
import type { Listing, ListingPage } from '../../src/channels/channel.ts';
import { type Bench, benches, calm, listingsOf, type MakeBench, need } from './bench.ts';

/** More than the largest page of any channel. */
const size = 257;

/** The catalogue as the channel lists it. */
export function listingSuite(make: MakeBench): void {
  describe('the catalogue', () => {
    const open = benches(make);

    test('lists every item once, with its SKU and the number shown, beyond one page', async () => {
      const bench = await open(size);
      const pages: ListingPage[] = [];
      for await (const page of bench.channel.listListings(calm)) pages.push(page);
      const listings = pages.flatMap((page) => page.listings);
      expect(pages.length).toBeGreaterThan(1);
      for (const item of bench.catalogue) {
        const found = listings.filter((listing) => listing.channelSku === item.sku);
        expect
          .soft(
            found.map((listing) => listing.shown),
            item.sku,
          )
          .toEqual([bench.shown(item.sku)]);
        expect.soft(found[0]).toMatchObject({ unwritable: null, ambiguous: false });
        expect.soft(found[0]?.title).not.toBe('');
      }
      for (const { total } of pages) if (total !== null) expect(total).toBe(listings.length);
    });

    test('names each listing and each alias once', async () => {
      const listings = await (await open(size)).listings();
      const names = listings.flatMap((listing) => [listing.listingId, ...listing.aliases]);
      expect(new Set(names).size).toBe(names.length);
      expect(names).not.toContain('');
    });

    test('gives each number one counter key, and listings that share a number the same', async (context) => {
      const bench = await open();
      const { shared = [] } = (await bench.furnish?.()) ?? {};
      const listings = await bench.listings();
      const own = listings.filter((listing) => !shared.includes(listing.channelSku ?? ''));
      expect(new Set(own.map((listing) => listing.counterKey)).size).toBe(own.length);
      const [first] = need(context, shared.length > 0 ? shared : null, 'no two listings share a number here');
      const together = listings.filter((listing) => shared.includes(listing.channelSku ?? ''));
      expect(together.length).toBeGreaterThan(1);
      expect(new Set(together.map((listing) => listing.counterKey)).size).toBe(1);
      const last = together.at(-1);
      if (first === undefined || last === undefined) throw new Error('no shared listing');
      await bench.channel.setStock([{ ...last, quantity: 4, base: last.shown, key: 'ab'.repeat(16) }], calm);
      await bench.eventually('all of them show the new number', async () => {
        const readings = await bench.channel.readStock(together, calm);
        return readings.every((reading) => reading.shown === 4) ? true : undefined;
      });
    });

    test('says in words why a number may not be written', async (context) => {
      const bench = await open();
      const { unwritable = [] } = (await bench.furnish?.()) ?? {};
      need(context, unwritable[0], 'every number of this shop may be written');
      for (const sku of unwritable) {
        const { unwritable: why } = await bench.listing(sku);
        expect(why?.trim()).toMatch(/\w+ \w+/);
      }
    });

    test('marks SKUs that are not unique', async (context) => {
      const bench = await open();
      const { ambiguous = [] } = (await bench.furnish?.()) ?? {};
      need(context, ambiguous[0], 'this platform refuses a second product with a known SKU');
      for (const sku of ambiguous) {
        const found = (await bench.listings()).filter((listing) => listing.channelSku === sku);
        expect(found.length).toBeGreaterThan(1);
        expect(found.every((listing) => listing.ambiguous)).toBe(true);
      }
    });

    test('comes out the same twice, and its facts survive storing', async () => {
      const bench = await open(size);
      const first = await bench.listings();
      expect(sorted(await listingsOf(bench.channel))).toEqual(sorted(first));
      for (const { facts } of first) expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
    });

    test('has ids that order lines lead to', async () => {
      const bench = await open();
      const facts = await bench.facts();
      for (const { sku } of bench.catalogue) {
        expect.soft(await listingOfSale(bench, sku, facts)).toBe((await bench.listing(sku)).listingId);
      }
    });
  });
}

async function listingOfSale(
  bench: Bench,
  sku: string,
  facts: Awaited<ReturnType<Bench['facts']>>,
): Promise<string | undefined> {
  const sold = bench.sell([sku, 1]);
  const [line] = (await bench.fetchOrder(sold.orderId)).lines;
  return facts(line?.listingId ?? '')?.listingId;
}

function sorted(listings: Listing[]): Listing[] {
  return [...listings].sort((a, b) => (a.listingId < b.listingId ? -1 : 1));
}
