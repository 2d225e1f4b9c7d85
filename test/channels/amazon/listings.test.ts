import { describe, expect, test } from 'vitest';
import { calm, listed } from '../../kit/stage.ts';
import {
  france,
  germany,
  item,
  type Received,
  type Reply,
  refusal,
  scripted,
  shelf,
  testStart,
} from './scripted-amazon.ts';

const ref = (sku: string) => ({ listingId: sku, counterKey: sku, channelSku: sku, facts: null });

/** A catalogue that is paged as Amazon does it: 20 a page, and never past item 1,000 of one query. */
function catalogue(count: number, createdOf: (index: number) => number) {
  const items = Array.from({ length: count }, (_, index) => ({
    created: createdOf(index),
    row: item(`SKU-${String(index).padStart(5, '0')}`, index),
  }));
  return ({ query }: Received): Reply => {
    const after = Date.parse(query.get('createdAfter') ?? '1970-01-01T00:00:00Z');
    const before = Date.parse(query.get('createdBefore') ?? '2100-01-01T00:00:00Z');
    const found = items.filter(({ created }) => created >= after && created <= before);
    const from = Number(query.get('pageToken') ?? 0);
    const next =
      Math.min(found.length, 1_000) > from + 20 ? { pagination: { nextToken: String(from + 20) } } : {};
    if (query.get('sortOrder') === 'DESC') found.reverse();
    const page = found.slice(from, from + 20).map(({ row }) => row);
    return { json: { numberOfResults: found.length, items: page, ...next } };
  };
}

describe('the catalogue', () => {
  test('is one listing per SKU with its number, its channel, its handling time and its restock date', async () => {
    const attributes = {
      fulfillment_availability: [
        {
          fulfillment_channel_code: 'DEFAULT',
          quantity: 7,
          lead_time_to_ship_max_days: 5,
          restock_date: '2026-12-01',
        },
      ],
    };
    const { channel, of } = await scripted({
      searchListingsItems: shelf([item('MUG-RED', 7, { attributes })]),
    });
    expect(await listed(channel)).toEqual([
      {
        listingId: 'MUG-RED',
        counterKey: 'MUG-RED',
        channelSku: 'MUG-RED',
        title: 'Thing MUG-RED',
        aliases: [],
        unwritable: null,
        ambiguous: false,
        shown: 7,
        facts: {
          channels: ['DEFAULT'],
          marketplaces: [germany],
          lead_time_days: 5,
          restock_date: '2026-12-01',
        },
      },
    ]);
    expect(of('searchListingsItems')[0]?.query.get('includedData')).toBe(
      'summaries,fulfillmentAvailability,attributes',
    );
  });

  test.each([
    ['fulfilled by Amazon', item('A', null), /fulfilled by Amazon/],
    [
      'in both channels',
      item('A', 3, {
        fulfillmentAvailability: [
          { fulfillmentChannelCode: 'DEFAULT', quantity: 3 },
          { fulfillmentChannelCode: 'AMAZON_NA' },
        ],
      }),
      /fulfilled by Amazon/,
    ],
    [
      'at a supply source',
      item('A', 3, { fulfillmentAvailability: [{ fulfillmentChannelCode: 'abc-123', quantity: 3 }] }),
      /supply source abc-123/,
    ],
    ['without a channel', item('A', 3, { fulfillmentAvailability: [] }), /no fulfilment channel/],
    ['without any word about it', { sku: 'A' } as ReturnType<typeof item>, /no fulfilment channel/],
  ])('an offer %s cannot be written, and shows no number', async (_, row, why) => {
    const { channel } = await scripted({ searchListingsItems: shelf([row]) });
    const [listing] = await listed(channel);
    expect(listing).toMatchObject({ shown: null, unwritable: expect.stringMatching(why) });
    const [reading] = await channel.readStock([ref('A')], calm);
    expect(reading).toMatchObject({ shown: null, state: 'unwritable', detail: expect.stringMatching(why) });
  });

  test('of 999 listings is paged through without windows', async () => {
    const { channel, of } = await scripted({ searchListingsItems: catalogue(999, () => testStart) });
    expect((await listed(channel)).length).toBe(999);
    expect(of('searchListingsItems').every(({ query }) => !query.has('createdAfter'))).toBe(true);
  });

  test.each([1_000, 1_001, 5_003])(
    'of %i listings is read whole, past the limit of 1,000, each once',
    async (count) => {
      const spread = (index: number) => Date.UTC(2019, 0, 1) + index * 7_200_000;
      const { channel, of } = await scripted({ searchListingsItems: catalogue(count, spread) });
      const skus = (await listed(channel)).map((listing) => listing.listingId);
      expect(new Set(skus).size).toBe(count);
      expect(skus.length).toBe(count);
      expect(of('searchListingsItems').length).toBeLessThan(count / 20 + 60);
    },
  );

  test('of which most were created within minutes is read whole too', async () => {
    const uploaded = (index: number) => Date.UTC(2024, 4, 1) + Math.floor(index / 300) * 1_000;
    const { channel } = await scripted({ searchListingsItems: catalogue(2_500, uploaded) });
    const skus = (await listed(channel)).map((listing) => listing.listingId);
    expect(new Set(skus).size).toBe(2_500);
  });

  test('of which up to two thousand were created within one second is read from both ends', async () => {
    const { channel } = await scripted({ searchListingsItems: catalogue(1_900, () => Date.UTC(2024, 4, 1)) });
    const skus = (await listed(channel)).map((listing) => listing.listingId);
    expect(skus.length).toBe(1_900);
    expect(new Set(skus).size).toBe(1_900);
  });

  test('that cannot be listed whole is an error, never a short catalogue', async () => {
    const { channel } = await scripted({ searchListingsItems: catalogue(2_500, () => Date.UTC(2024, 4, 1)) });
    await expect(listed(channel)).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringContaining('one second'),
    });
  });

  test('of which many pages were read outlives a rest that is longer than a call would wait', async () => {
    const shown = catalogue(200, () => testStart);
    const { channel, of } = await scripted({
      searchListingsItems: (call, count) =>
        count === 4
          ? {
              status: 429,
              headers: { 'retry-after': '120' },
              json: refusal('QuotaExceeded', 'You exceeded your quota for the requested resource.'),
            }
          : shown(call),
    });
    expect((await listed(channel)).length).toBe(200);
    expect(of('searchListingsItems').length).toBe(11);
  });

  test('is paced by the rate of searches: 5,000 listings take what the forecast says', async () => {
    const { channel, clock } = await scripted({ searchListingsItems: shelf([]) });
    const forecast = channel.forecast?.(5_000);
    expect(forecast).toEqual({ requests: 250, expectedMs: 49_200 });
    const began = clock.now();
    await channel.readStock(
      Array.from({ length: 5_000 }, (_, at) => ref(`S-${at}`)),
      calm,
    );
    expect(clock.now() - began).toBe(forecast?.expectedMs);
  });
});

describe('a live read', () => {
  test('asks for 20 SKUs at once and answers in the order asked', async () => {
    const items = Array.from({ length: 45 }, (_, at) => item(`S-${at}`, at));
    const { channel, of } = await scripted({ searchListingsItems: shelf(items) });
    const wanted = [...items].reverse().map(({ sku }) => ref(sku));
    const readings = await channel.readStock(wanted, calm);
    expect(readings.map((reading) => reading.shown)).toEqual(items.map((_, at) => 44 - at));
    expect(of('searchListingsItems').map(({ query }) => query.get('identifiers')?.split(',').length)).toEqual(
      [20, 20, 5],
    );
    expect(of('searchListingsItems')[0]?.query.get('identifiersType')).toBe('SKU');
  });

  test('tells what is not listed, and 0 from nothing', async () => {
    const rows = [
      item('ZERO', 0),
      item('NONE', 0, { fulfillmentAvailability: [{ fulfillmentChannelCode: 'DEFAULT' }] }),
    ];
    const { channel } = await scripted({ searchListingsItems: shelf(rows) });
    const readings = await channel.readStock([ref('ZERO'), ref('GONE'), ref('NONE')], calm);
    expect(readings.map(({ shown, state }) => [shown, state])).toEqual([
      [0, 'ok'],
      [null, 'not-listed'],
      [null, 'untracked'],
    ]);
  });

  test('takes `a` and `A` for two SKUs', async () => {
    const { channel } = await scripted({
      searchListingsItems: [{ json: { numberOfResults: 2, items: [item('A', 1), item('a', 2)] } }],
    });
    const readings = await channel.readStock([ref('a'), ref('A')], calm);
    expect(readings.map(({ shown }) => shown)).toEqual([2, 1]);
  });

  test.each(['A/B', 'A B', 'A#1', 'A+B', 'A%20B', 'Ä', 'A&B', 'A|B', 'ＡＢ', 'A?x=1', 'A,B'])(
    'sends the SKU %s encoded once, in a query and as a path',
    async (sku) => {
      const { channel, of } = await scripted({
        searchListingsItems: [{ json: { numberOfResults: 1, items: [item(sku, 4)] } }],
        getListingsItem: [{ json: item(sku, 4) }],
        patchListingsItem: [{ json: { sku, status: 'ACCEPTED', submissionId: 's' } }],
      });
      expect((await channel.readStock([ref(sku)], calm))[0]?.shown).toBe(4);
      const [outcome] = await channel.setStock([{ ...ref(sku), quantity: 3, base: 4, key: 'k' }], calm);
      expect(outcome).toEqual({ kind: 'accepted' });
      const [search] = of('searchListingsItems');
      if (search !== undefined) expect(search.query.get('identifiers')).toBe(sku);
      const [write] = of('patchListingsItem');
      expect(write?.path).toBe(`/listings/2021-08-01/items/A1EXAMPLE/${encodeURIComponent(sku)}`);
    },
  );

  test.each(['..', '.', '', '\ud800'])(
    'no address can be made of the SKU %j, so that it counts as not listed',
    async (sku) => {
      const { channel, received } = await scripted({});
      expect((await channel.readStock([ref(sku)], calm))[0]?.state).toBe('not-listed');
      const [outcome] = await channel.setStock([{ ...ref(sku), quantity: 3, base: 4, key: 'k' }], calm);
      expect(outcome).toMatchObject({ kind: 'rejected' });
      expect(received).toEqual([]);
    },
  );

  test('a SKU with a comma is asked for alone, and may be missing', async () => {
    const { channel, of } = await scripted({
      searchListingsItems: shelf([item('A', 1)]),
      getListingsItem: [{ status: 404, json: refusal('NOT_FOUND', "SKU 'A,B' not found in marketplace") }],
    });
    const readings = await channel.readStock([ref('A,B'), ref('A')], calm);
    expect(readings.map(({ state }) => state)).toEqual(['not-listed', 'ok']);
    expect(of('searchListingsItems')[0]?.query.get('identifiers')).toBe('A');
  });

  test('of a SKU that several marketplaces show differently takes the highest, which is what could be sold', async () => {
    const rows = [
      item('A', 1, {
        fulfillmentAvailability: [
          { fulfillmentChannelCode: 'DEFAULT', quantity: 1 },
          { fulfillmentChannelCode: 'DEFAULT', quantity: 4 },
        ],
      }),
    ];
    const { channel, of } = await scripted(
      { searchListingsItems: shelf(rows) },
      { config: { marketplaces: [germany, france] } },
    );
    expect((await channel.readStock([ref('A')], calm))[0]?.shown).toBe(4);
    expect(of('searchListingsItems')[0]?.query.get('marketplaceIds')).toBe(`${germany},${france}`);
  });
});
