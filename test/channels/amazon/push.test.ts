import { describe, expect, test } from 'vitest';
import { calm } from '../../kit/stage.ts';
import {
  france,
  germany,
  item,
  line,
  ownFacts,
  type Received,
  type Reply,
  refusal,
  type Script,
  scripted,
  shelf,
} from './scripted-amazon.ts';

const accepted: Reply = { json: { sku: 'x', status: 'ACCEPTED', submissionId: 's', issues: [] } };
const amazonFacts = { ...ownFacts, channels: ['AMAZON_EU'] };

function shop(over: Script = {}): Script {
  return {
    searchListingsItems: shelf([item('A', 5), item('B', 5), item('C', 5), item('FBA', null)]),
    patchListingsItem: [accepted],
    ...over,
  };
}

describe('a push', () => {
  test('reads first, then merges the quantity, and names nothing else: handling time and restock date stay', async () => {
    const { channel, received, of } = await scripted(shop());
    expect(await channel.setStock([line('A', 7, 5)], calm)).toEqual([{ kind: 'accepted' }]);
    expect(received.map(({ operation }) => operation)).toEqual([
      'token',
      'searchListingsItems',
      'patchListingsItem',
    ]);
    const [write] = of('patchListingsItem');
    expect(write?.query.get('marketplaceIds')).toBe(germany);
    expect(write?.json).toEqual({
      productType: 'PRODUCT',
      patches: [
        {
          op: 'merge',
          path: '/attributes/fulfillment_availability',
          value: [{ fulfillment_channel_code: 'DEFAULT', quantity: 7 }],
        },
      ],
    });
  });

  test('is accepted, never applied: what is live is for a later read to say', async () => {
    const { channel } = await scripted(shop());
    const [outcome] = await channel.setStock([line('A', 5, 5)], calm);
    expect(outcome).toEqual({ kind: 'accepted' });
    expect(channel.capabilities.settleMs).toBe(15 * 60_000);
  });

  test('goes to the marketplaces where the SKU is listed, of those configured', async () => {
    const both = item('A', 5);
    const summaries = [...both.summaries, { ...both.summaries[0], marketplaceId: france }];
    const { channel, of } = await scripted(
      {
        searchListingsItems: shelf([{ ...both, summaries } as typeof both, item('B', 5)]),
        patchListingsItem: [accepted],
      },
      { config: { marketplaces: [france, germany] } },
    );
    await channel.setStock([line('A', 1, 5), line('B', 1, 5)], calm);
    const asked = of('patchListingsItem').map(({ query }) => query.get('marketplaceIds'));
    expect(asked.sort()).toEqual([`${france},${germany}`, germany].sort());
  });

  test('HTTP 200 with INVALID is a refusal, and so is ACCEPTED with an error; a warning is none', async () => {
    const issue = (severity: string) => [
      { code: '8541', message: 'bad value', severity, categories: ['INVALID_ATTRIBUTE'] },
    ];
    const { channel } = await scripted(
      shop({
        patchListingsItem: ({ path }: Received) => {
          if (path.endsWith('/A'))
            return { json: { sku: 'A', status: 'INVALID', submissionId: 's', issues: issue('ERROR') } };
          if (path.endsWith('/B'))
            return { json: { sku: 'B', status: 'ACCEPTED', submissionId: 's', issues: issue('ERROR') } };
          return { json: { sku: 'C', status: 'ACCEPTED', submissionId: 's', issues: issue('WARNING') } };
        },
      }),
    );
    const outcomes = await channel.setStock([line('A', 1, 5), line('B', 1, 5), line('C', 1, 5)], calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['rejected', 'rejected', 'accepted']);
    expect(outcomes[0]).toMatchObject({
      error: expect.stringContaining('8541: bad value'),
      hint: expect.stringMatching(/\w+ \w+/),
    });
  });

  test('an answer without a status is no success', async () => {
    const { channel } = await scripted(shop({ patchListingsItem: [{ text: '{}' }] }));
    expect(await channel.setStock([line('A', 1, 5)], calm)).toMatchObject([{ kind: 'unknown' }]);
  });

  test('on a number that moved is a conflict and writes nothing', async () => {
    const { channel, of } = await scripted(shop());
    const outcomes = await channel.setStock([line('A', 4, 6), line('B', 4, 5), line('C', 4, null)], calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['conflict', 'accepted', 'accepted']);
    expect(outcomes[0]).toMatchObject({
      shown: 5,
      askedAt: expect.any(Number),
      answeredAt: expect.any(Number),
    });
    expect(
      of('patchListingsItem')
        .map(({ path }) => path.at(-1))
        .sort(),
    ).toEqual(['B', 'C']);
  });

  test.each([-1, 1.5, Number.NaN, 1_000_001])('of %s is refused and never sent', async (quantity) => {
    const { channel, received } = await scripted(shop());
    expect(await channel.setStock([line('A', quantity, 5)], calm)).toMatchObject([{ kind: 'rejected' }]);
    expect(received).toEqual([]);
  });

  test('of nothing asks for nothing', async () => {
    const { channel, received } = await scripted(shop());
    expect(await channel.setStock([], calm)).toEqual([]);
    expect(received).toEqual([]);
  });
});

describe('an offer that Amazon fulfils', () => {
  test('is refused before anything is sent, by what is known of it', async () => {
    const { channel, received } = await scripted(shop());
    const [outcome] = await channel.setStock([line('FBA', 3, null, { facts: amazonFacts })], calm);
    expect(outcome).toMatchObject({
      kind: 'rejected',
      error: expect.stringContaining('fulfilled by Amazon'),
    });
    expect(received).toEqual([]);
  });

  test('is refused by the live read when it became one since the import', async () => {
    const { channel, of } = await scripted(shop());
    const outcomes = await channel.setStock([line('FBA', 3, 5), line('A', 3, 5)], calm);
    expect(outcomes).toMatchObject([
      { kind: 'rejected', hint: expect.stringMatching(/\w+ \w+/) },
      { kind: 'accepted' },
    ]);
    expect(of('patchListingsItem').length).toBe(1);
  });

  test.each([null, {}, { channels: 'DEFAULT' }, { channels: [] }, 'rubbish'])(
    'is never written blind: with facts %j the live read decides, and a read that fails writes nothing',
    async (facts) => {
      const { channel, of } = await scripted(
        shop({ searchListingsItems: [{ status: 500, json: refusal('InternalFailure', 'x') }] }),
      );
      const [outcome] = await channel.setStock([line('FBA', 3, null, { facts })], calm);
      expect(['retry', 'rejected']).toContain(outcome?.kind);
      expect(of('patchListingsItem')).toEqual([]);
    },
  );

  test('is still refused when Amazon tells no fulfilment channel', async () => {
    const { channel, of } = await scripted(
      shop({ searchListingsItems: [{ json: { numberOfResults: 1, items: [{ sku: 'A' }] } }] }),
    );
    expect(await channel.setStock([line('A', 3, null)], calm)).toMatchObject([{ kind: 'rejected' }]);
    expect(of('patchListingsItem')).toEqual([]);
  });
});

describe('a push in bad weather', () => {
  test.each([
    [{ status: 429, json: refusal('QuotaExceeded', 'slow down') }, 'throttled', 'throttled'],
    [
      { status: 403, json: refusal('Unauthorized', 'Access to requested resource is denied.') },
      'auth',
      'auth',
    ],
    [{ status: 500, json: refusal('InternalFailure', 'x') }, 'unknown', 'retry'],
    [{ status: 503, json: refusal('ServiceUnavailable', 'x') }, 'retry', 'retry'],
    ['hang up', 'unknown', 'retry'],
  ] as const)(
    'answered by %j: that line is %s, lines that were not sent are %s',
    async (reply, first, rest) => {
      const items = Array.from({ length: 30 }, (_, at) => item(`S-${at}`, 5));
      const { channel, of } = await scripted({
        searchListingsItems: shelf(items),
        patchListingsItem: [reply],
      });
      const outcomes = await channel.setStock(
        items.map(({ sku }) => line(sku, 1, 5)),
        calm,
      );
      const sent = of('patchListingsItem').length;
      expect(sent).toBeLessThanOrEqual(4);
      expect(outcomes.filter(({ kind }) => kind === first).length).toBeGreaterThanOrEqual(sent);
      expect(outcomes.at(-1)?.kind).toBe(rest);
      expect(outcomes.length).toBe(30);
    },
  );

  test('a bad line does not hold up its neighbours', async () => {
    const { channel } = await scripted(
      shop({
        patchListingsItem: ({ path }: Received) =>
          path.endsWith('/A') ? { status: 400, json: refusal('InvalidInput', 'bad') } : accepted,
      }),
    );
    const outcomes = await channel.setStock([line('A', 1, 5), line('B', 1, 5), line('GONE', 1, 5)], calm);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['rejected', 'accepted', 'rejected']);
  });

  test('a failed read is never in doubt: nothing was written', async () => {
    const { channel } = await scripted(shop({ searchListingsItems: ['hang up'] }));
    expect(await channel.setStock([line('A', 1, 5)], calm)).toMatchObject([{ kind: 'retry' }]);
  });

  test('patches leave five a second, and what does not fit into the call spends no attempt', async () => {
    const items = Array.from({ length: 300 }, (_, at) => item(`S-${String(at).padStart(3, '0')}`, 5));
    const { channel, clock, of } = await scripted(
      { searchListingsItems: shelf(items), patchListingsItem: [accepted] },
      { timeoutMs: 10_000 },
    );
    const began = clock.now();
    const outcomes = await channel.setStock(
      items.map(({ sku }) => line(sku, 1, 5)),
      calm,
    );
    const sent = of('patchListingsItem').length;
    expect(sent).toBeGreaterThan(25);
    expect(sent).toBeLessThan(80);
    expect((sent - 5) / ((clock.now() - began) / 1_000)).toBeLessThanOrEqual(5.1);
    expect(clock.now() - began).toBeLessThan(10_000);
    // The most urgent come first, so that what is left is the tail.
    expect(outcomes.findIndex(({ kind }) => kind === 'throttled')).toBe(sent);
    expect(outcomes.slice(sent).every((each) => each.kind === 'throttled' && each.afterMs > 0)).toBe(true);
  });

  test('an aborted call writes nothing', async () => {
    const { channel, of } = await scripted(shop());
    const [outcome] = await channel.setStock([line('A', 1, 5)], AbortSignal.abort());
    expect(outcome).toMatchObject({ kind: 'retry' });
    expect(of('patchListingsItem')).toEqual([]);
  });
});
