import { describe, expect, test } from 'vitest';
import { calm, listed } from '../../kit/stage.ts';
import { account, answers } from './catalogue.ts';
import { line, stage } from './scripted-ebay.ts';

const mug = { sku: 'MUG', quantity: 10, itemId: '110000000001' };

describe('a push to the Inventory API', () => {
  test('writes 29 of 30 SKUs in calls of 25 and 4, and the one that shows its number already not at all', async () => {
    const skus = Array.from({ length: 30 }, (_, at) => ({
      sku: `SKU${at}`,
      quantity: 10,
      itemId: `1100000000${10 + at}`,
    }));
    const state = account({ skus });
    const { channel } = await stage(answers(state));
    const lines = (await listed(channel)).map((listing, at) => line(listing, at, 10));
    const outcomes = await channel.setStock(lines, calm);
    expect(outcomes).toEqual(lines.map(({ quantity }) => ({ kind: 'applied', shown: quantity })));
    expect(state.writes.map(({ rows }) => rows.length)).toEqual([25, 4]);
    expect(state.skus.map(({ quantity }) => quantity)).toEqual(lines.map(({ quantity }) => quantity));
  });

  test('reads each row’s own status under HTTP 200 and hurts no neighbour', async () => {
    const skus = ['A', 'B', 'C', 'D', 'E', 'F'].map((sku, at) => ({
      sku,
      quantity: 10,
      itemId: `11000000000${at}`,
    }));
    const refused = new Map([
      ['B', 25026],
      ['C', 25025],
      ['D', 25001],
      ['E', 25097],
    ]);
    const state = account({ skus, refused });
    const { channel } = await stage(answers(state));
    const outcomes = await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 3, 10)),
      calm,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      'applied',
      'rejected',
      'retry',
      'unknown',
      'rejected',
      'applied',
    ]);
    expect(outcomes[1]).toMatchObject({ hint: expect.stringMatching(/selling limit/) });
    expect(outcomes[4]).toMatchObject({ hint: expect.stringMatching(/on hold/) });
  });

  test('sends the number of an offer that carries one along, and reads the lower of the two', async () => {
    const state = account({ skus: [{ ...mug, own: 4 }] });
    const { channel } = await stage(answers(state));
    const listings = await listed(channel);
    expect(listings[0]?.shown).toBe(4);
    expect((await channel.readStock(listings, calm))[0]?.shown).toBe(4);
    const outcomes = await channel.setStock(
      listings.map((listing) => line(listing, 8, 4)),
      calm,
    );
    expect(outcomes).toEqual([{ kind: 'applied', shown: 8 }]);
    expect(state.writes[0]?.rows).toEqual([
      {
        sku: 'MUG',
        shipToLocationAvailability: { quantity: 8 },
        offers: [{ offerId: 'offer-MUG', availableQuantity: 8 }],
      },
    ]);
    expect((await channel.readStock(listings, calm))[0]?.shown).toBe(8);
  });

  test('never sends the offer of one listing with the name of another', async () => {
    const state = account({ skus: [{ ...mug, own: 4 }] });
    const { channel } = await stage(answers(state));
    const [listing] = await listed(channel);
    if (listing === undefined) throw new Error('nothing listed');
    const stranger = { ...line(listing, 1, null), listingId: 'OTHER', counterKey: 'OTHER' };
    const [outcome] = await channel.setStock([stranger], calm);
    expect(outcome).toMatchObject({ kind: 'rejected' });
    expect(state.writes).toEqual([]);
    expect(state.skus[0]?.own).toBe(4);
  });

  test('is a conflict when the number is another one, and no call at all when it is there already', async () => {
    const state = account({ skus: [mug, { sku: 'CUP', quantity: 5, itemId: '110000000002' }] });
    const { channel } = await stage(answers(state));
    const [one, other] = await listed(channel);
    if (one === undefined || other === undefined) throw new Error('nothing listed');
    const outcomes = await channel.setStock([line(one, 3, 9), line(other, 5, 5)], calm);
    expect(outcomes[0]).toMatchObject({ kind: 'conflict', shown: 10 });
    expect(outcomes[1]).toEqual({ kind: 'applied', shown: 5 });
    expect(state.writes).toEqual([]);
  });

  test('that is refused as a whole is halved, so that one bad row costs only itself', async () => {
    const skus = ['A', 'B', 'C'].map((sku, at) => ({ sku, quantity: 10, itemId: `11000000000${at}` }));
    const state = account({ skus });
    const script = answers(state);
    const { channel } = await stage((call) => {
      const rows = (call.body as { requests?: { sku: string }[] }).requests ?? [];
      const bad = call.path.endsWith('price_quantity') && rows.some(({ sku }) => sku === 'B');
      return bad ? { status: 400, json: { errors: [{ errorId: 25707, message: 'bad' }] } } : script(call);
    });
    const outcomes = await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 3, 10)),
      calm,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'rejected', 'applied']);
  });

  test.each([
    [500, 'unknown'],
    [503, 'retry'],
    [429, 'throttled'],
    [403, 'auth'],
  ])('answered with HTTP %i is %s for every line', async (status, kind) => {
    const state = account({ skus: [mug] });
    const script = answers(state);
    const { channel } = await stage((call) =>
      call.path.endsWith('price_quantity')
        ? { status, json: { errors: [{ errorId: 25001 }] } }
        : script(call),
    );
    const [outcome] = await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 3, 10)),
      calm,
    );
    expect(outcome?.kind).toBe(kind);
  });

  test('without an answer is unknown, and 25025 on the whole call is tried again', async () => {
    const state = account({ skus: [mug] });
    const script = answers(state);
    const faults = [{ hangUp: true } as const, { status: 500, json: { errors: [{ errorId: 25025 }] } }];
    const { channel } = await stage((call) =>
      call.path.endsWith('price_quantity') ? (faults.shift() ?? script(call)) : script(call),
    );
    const lines = (await listed(channel)).map((listing) => line(listing, 3, 10));
    expect((await channel.setStock(lines, calm))[0]?.kind).toBe('unknown');
    expect((await channel.setStock(lines, calm))[0]?.kind).toBe('retry');
    expect((await channel.setStock(lines, calm))[0]?.kind).toBe('applied');
  });

  test('never uses the call that replaces a whole item', async () => {
    const state = account({ skus: [mug] });
    const { channel, calls } = await stage(answers(state));
    await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 3, 10)),
      calm,
    );
    expect(calls.filter(({ method }) => method === 'PUT')).toEqual([]);
  });
});

describe('a push to listings made on the site', () => {
  test('writes nine variations of three listings in three calls, each listing in one', async () => {
    const made = [1, 2, 3].map((n) => ({
      itemId: `22000000000${n}`,
      variations: ['r', 'g', 'b'].map((color) => ({ sku: `S${n}${color}`, color, available: 10, sold: 4 })),
    }));
    const state = account({ made });
    const { channel } = await stage(answers(state));
    const listings = await listed(channel);
    const outcomes = await channel.setStock(
      listings.map((listing) => line(listing, 7, 10)),
      calm,
    );
    expect(outcomes).toEqual(listings.map(() => ({ kind: 'applied', shown: 7 })));
    expect(
      state.writes.map(({ rows }) => new Set(rows.map((row) => (row as { itemId: string }).itemId)).size),
    ).toEqual([1, 1, 1]);
    expect(state.made.flatMap(({ variations }) => variations?.map(({ available }) => available))).toEqual(
      Array(9).fill(7),
    );
    expect((await channel.readStock(listings, calm)).map(({ shown }) => shown)).toEqual(Array(9).fill(7));
  });

  test('names a listing without variations by its ItemID alone, though it has a SKU', async () => {
    const state = account({ made: [{ itemId: '220000000001', sku: 'CUP', available: 5, sold: 8 }] });
    const { channel } = await stage(answers(state));
    await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 2, 5)),
      calm,
    );
    expect(state.writes[0]?.rows).toEqual([{ itemId: '220000000001', sku: undefined, quantity: 2 }]);
  });

  test('puts SKUs with markup into the request as text', async () => {
    const variations = [{ sku: 'A&amp;B&lt;1&gt;', color: 'Red', available: 5 }];
    const state = account({ made: [{ itemId: '220000000001', variations }] });
    const { channel } = await stage(answers(state));
    const listings = await listed(channel);
    expect(listings[0]?.channelSku).toBe('A&B<1>');
    await channel.setStock(
      listings.map((listing) => line(listing, 2, 5)),
      calm,
    );
    expect(state.writes[0]?.rows).toEqual([{ itemId: '220000000001', sku: 'A&B<1>', quantity: 2 }]);
  });

  test('repeats the rows of a refused call one by one, and tells the bad one with a hint', async () => {
    const made = [1, 2, 3].map((n) => ({ itemId: `22000000000${n}`, available: 10 }));
    const state = account({ made, refused: new Map([['220000000002', 21916750]]) });
    const { channel } = await stage(answers(state));
    const outcomes = await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 3, 10)),
      calm,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['applied', 'rejected', 'applied']);
    expect(outcomes[1]).toMatchObject({ hint: expect.stringMatching(/ended/) });
    expect(state.writes.map(({ rows }) => rows.length)).toEqual([3, 1, 1, 1]);
  });

  test('of 0 is refused with a remedy while Out-of-Stock control is off, and written once it is on', async () => {
    const state = account({ made: [{ itemId: '220000000001', available: 5 }], outOfStockControl: false });
    const { channel } = await stage(answers(state));
    const lines = (await listed(channel)).map((listing) => line(listing, 0, 5));
    const [refused] = await channel.setStock(lines, calm);
    expect(refused).toMatchObject({ kind: 'rejected', hint: expect.stringMatching(/out of stock option/) });
    expect(state.writes).toEqual([]);
    const [one] = await channel.setStock(
      lines.map((each) => ({ ...each, quantity: 1 })),
      calm,
    );
    expect(one).toEqual({ kind: 'applied', shown: 1 });
    state.outOfStockControl = true;
    const [zero] = await channel.setStock(
      lines.map((each) => ({ ...each, base: 1 })),
      calm,
    );
    expect(zero).toEqual({ kind: 'applied', shown: 0 });
  });

  test('of 0 needs no Out-of-Stock control in the Inventory API', async () => {
    const state = account({ skus: [mug], outOfStockControl: false });
    const { channel } = await stage(answers(state));
    const [zero] = await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 0, 10)),
      calm,
    );
    expect(zero).toEqual({ kind: 'applied', shown: 0 });
  });

  test.each([
    [218050, 'throttled'],
    [10007, 'unknown'],
    [931, 'auth'],
  ])('with error code %i is %s', async (code, kind) => {
    const state = account({ made: [{ itemId: '220000000001', available: 5 }] });
    const script = answers(state);
    const { channel } = await stage((call) =>
      call.path === 'ReviseInventoryStatus'
        ? {
            xml: `<Ack>Failure</Ack><Errors><ErrorCode>${code}</ErrorCode><SeverityCode>Error</SeverityCode></Errors>`,
          }
        : script(call),
    );
    const [outcome] = await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 3, 5)),
      calm,
    );
    expect(outcome?.kind).toBe(kind);
  });
});

describe('the revisions of a day', () => {
  const made = [{ itemId: '220000000001', available: 500 }];

  test('are counted per listing, survive a restart, keep 50 for lowering and end at 250', async () => {
    const state = account({ made: made });
    const { channel, reopen } = await stage(answers(state));
    const [listing] = await listed(channel);
    if (listing === undefined) throw new Error('nothing listed');
    for (let at = 1; at <= 200; at += 1) {
      const [outcome] = await channel.setStock([line(listing, 500 - at, 501 - at)], calm);
      expect(outcome?.kind).toBe('applied');
    }
    const later = reopen();
    const [raise] = await later.setStock([line(listing, 301, 300)], calm);
    expect(raise).toMatchObject({ kind: 'retry' });
    expect(raise?.kind === 'retry' && raise.afterMs).toBeGreaterThan(3_600_000);
    for (let at = 1; at <= 50; at += 1) {
      const [outcome] = await later.setStock([line(listing, 300 - at, 301 - at)], calm);
      expect(outcome?.kind).toBe('applied');
    }
    const [lower] = await later.setStock([line(listing, 249, 250)], calm);
    expect(lower).toMatchObject({ kind: 'rejected', hint: expect.stringMatching(/by hand/) });
    expect(state.writes.length).toBe(250);
  });

  test('begin anew at midnight in California', async () => {
    const state = account({ made: made });
    const counts = { '220000000001': 250 };
    const vault = new Map([['revisions', JSON.stringify({ day: '2026-11-23', counts })]]);
    const { channel, pass } = await stage(answers(state), { vault });
    const [listing] = await listed(channel);
    if (listing === undefined) throw new Error('nothing listed');
    expect((await channel.setStock([line(listing, 3, 500)], calm))[0]?.kind).toBe('rejected');
    pass(19 * 3_600_000);
    expect((await channel.setStock([line(listing, 3, 500)], calm))[0]?.kind).toBe('rejected');
    pass(3_600_000 + 60_000);
    expect((await channel.setStock([line(listing, 3, 500)], calm))[0]?.kind).toBe('applied');
  });

  test('are spent once by a call that writes several variations of one listing', async () => {
    const variations = ['r', 'g', 'b'].map((color) => ({ sku: color, color, available: 10 }));
    const { channel, vault } = await stage(
      answers(account({ made: [{ itemId: '220000000001', variations }] })),
    );
    await channel.setStock(
      (await listed(channel)).map((listing) => line(listing, 3, 10)),
      calm,
    );
    expect(JSON.parse(vault.get('revisions') ?? '{}')).toEqual({
      day: '2026-11-23',
      counts: { '220000000001': 1 },
    });
  });
});

describe('a reading', () => {
  test('takes the sold units off where GetItem counts them in, and a sweep where that is cheaper', async () => {
    const made = Array.from({ length: 30 }, (_, at) => ({
      itemId: `2200000000${10 + at}`,
      available: at,
      sold: 9,
    }));
    const { channel, asked } = await stage(answers(account({ made })));
    const listings = await listed(channel);
    const before = asked('GetMyeBaySelling').length;
    const [third] = await channel.readStock(listings.slice(3, 4), calm);
    expect(third?.shown).toBe(3);
    expect(asked('GetItem').length).toBe(1);
    const readings = await channel.readStock(listings, calm);
    expect(readings.map(({ shown }) => shown)).toEqual(made.map(({ available }) => available));
    expect(asked('GetItem').length).toBe(1);
    expect(asked('GetMyeBaySelling').length).toBe(before + 1);
  });

  test('says not listed for what is gone, in both models, and shows its neighbours', async () => {
    const state = account({
      skus: [mug, { sku: 'CUP', quantity: 1, itemId: '110000000002' }],
      made: [
        { itemId: '220000000001', available: 5 },
        { itemId: '220000000002', variations: [{ sku: 'S', color: 'Red', available: 2 }] },
      ],
    });
    const { channel } = await stage(answers(state));
    const listings = await listed(channel);
    state.skus.splice(0, 1);
    state.made = [{ itemId: '220000000002', available: 4 }];
    const readings = await channel.readStock(listings, calm);
    expect(readings.map(({ state: what, shown }) => [what, shown])).toEqual([
      ['not-listed', null],
      ['ok', 1],
      ['not-listed', null],
      ['not-listed', null],
    ]);
  });
});
