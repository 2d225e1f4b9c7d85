import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(() => {
  world = makeWorld();
});

describe('stock set and count', () => {
  test('set makes N units available and creates an unknown SKU, saying so', async () => {
    const made = await world.ok('stock set MUG 7');
    expect(made).toMatchObject({
      sku: 'MUG',
      on_hand: 7,
      available: 7,
      counted: true,
      created: true,
      before: null,
    });
    expect(made.warnings).toEqual([expect.stringContaining('has been created')]);
    const again = await world.ok('stock set MUG 0');
    expect(again).toMatchObject({ available: 0, created: false, before: { available: 7 }, warnings: [] });
  });

  test('set is free and count is shelf, so that open orders are taken off a count only', async () => {
    await sellOne(world);
    await world.ok('stock count MUG 10');
    expect(await world.ok('stock show MUG')).toMatchObject({
      on_hand: 10,
      committed: 2,
      available: 8,
    });
    const set = await world.ok('stock set MUG 10');
    expect(set).toMatchObject({ on_hand: 12, committed: 2, available: 10 });
    expect(set.open_lines).toEqual([
      expect.objectContaining({ channel: 'one', taken: 2, given: 2, gone: 0, presumed_gone: false }),
    ]);
    const shown = await world.invsync('stock', 'set', 'MUG', '9');
    expect(shown.out).toContain('MUG  available 10 -> 9');
    expect(shown.out).toContain('open lines when it was counted:');
  });

  test('records who did it and why: the user and "by hand" unless told', async () => {
    await world.ok('stock set MUG 7');
    await world.ok('stock adjust MUG -2 --reason broken --by ana');
    const { entries } = await world.ok('explain MUG');
    expect(entries[0]).toMatchObject({ reason: 'by hand', by: expect.stringMatching(/.+/) });
    expect(entries[1]).toMatchObject({ kind: 'adjustment', delta: -2, reason: 'broken', by: 'ana' });
  });

  test('counts as of an earlier time', async () => {
    await world.ok('stock count MUG 5');
    await world.ok('stock receive MUG 3');
    const counted = await world.ok('stock count MUG 4 --as-of 1h');
    expect(counted).toMatchObject({ on_hand: 7, before: { on_hand: 8 } });
  });
});

describe('stock adjust and receive', () => {
  test('take bare signed numbers', async () => {
    await world.ok('stock set MUG 7');
    expect(await world.ok('stock adjust MUG -4')).toMatchObject({ available: 3 });
    expect(await world.ok('stock adjust MUG +2')).toMatchObject({ available: 5 });
    expect(await world.ok('stock receive MUG 10')).toMatchObject({ available: 15 });
  });

  test('answer a known ref with the first outcome instead of adding again', async () => {
    const first = await world.ok('stock receive MUG 48 --ref po-1');
    expect(first).toMatchObject({ available: 48, created: true, repeated: false });
    const again = await world.ok('stock receive MUG 48 --ref po-1');
    expect(again).toMatchObject({ available: 48, repeated: true });
    expect(await world.ok('stock show MUG')).toMatchObject({ available: 48 });
  });

  test('a known ref with another SKU is an error, never the other one’s outcome', async () => {
    await world.ok('stock receive TEE 3 --ref PO-17');
    const { error } = await world.json(EXIT.failed, 'stock', 'receive', 'MUG', '3', '--ref', 'PO-17');
    expect(error).toMatchObject({ code: 'refused', message: expect.stringContaining('"receive 3" of TEE') });
    expect((await world.json(EXIT.failed, 'stock', 'show', 'MUG')).error.code).toBe('unknown_sku');
  });

  test('adjust does not make a SKU, and says which was meant', async () => {
    await world.ok('stock set MUG-BLK 1');
    const { error } = await world.json(EXIT.failed, 'stock', 'adjust', 'mug-blk', '1');
    expect(error).toMatchObject({ code: 'unknown_sku', hint: 'did you mean MUG-BLK?' });
    const refused = await world.json(EXIT.failed, 'stock', 'adjust', 'MUG-BLK', '-2');
    expect(refused.error).toMatchObject({ code: 'refused', message: expect.stringContaining('below zero') });
  });
});

describe('stock rename, list, show, export', () => {
  test('rename keeps the old name leading to the SKU and never merges two', async () => {
    await world.ok('stock set MUG 7');
    await world.ok('stock set CUP 1');
    expect(await world.ok('stock rename MUG BECHER')).toMatchObject({
      sku: 'BECHER',
      available: 7,
    });
    expect(await world.ok('stock show MUG')).toMatchObject({ sku: 'BECHER' });
    expect((await world.json(EXIT.failed, 'stock', 'rename', 'BECHER', 'CUP')).error.code).toBe('sku_taken');
    expect((await world.json(EXIT.failed, 'stock', 'rename', 'NOPE', 'X')).error.code).toBe('unknown_sku');
  });

  test('list pages in the order of the SKUs', async () => {
    for (const sku of ['C', 'A', 'B']) await world.json(EXIT.ok, 'stock', 'set', sku, '1');
    const { stock } = await world.ok('stock list --limit 2');
    expect(stock.map((row: { sku: string }) => row.sku)).toEqual(['A', 'B']);
    expect(stock[0]).toEqual({
      sku: 'A',
      on_hand: 1,
      committed: 0,
      reserved: 0,
      available: 1,
      counted: true,
    });
    const rest = await world.ok('stock list --after B');
    expect(rest.stock.map((row: { sku: string }) => row.sku)).toEqual(['C']);
    const plain = await world.invsync('stock', 'list', '--limit', '2');
    expect(plain.err).toContain('more may follow: --after B');
  });

  test('list finds SKUs by a part of their name, and those that nobody has counted', async () => {
    for (const sku of ['MUG-RED', 'MUG-BLK', 'TEE']) await world.ok(`stock set ${sku} 1`);
    world.one.list({ sku: 'mug-new', shown: 3 });
    await world.ok('listings import one');
    await world.ok('listings match --create --yes');
    const names = async (options: string) =>
      (await world.ok(`stock list ${options}`)).stock.map((row: { sku: string }) => row.sku);
    expect(await names('--search Mug-')).toEqual(['MUG-BLK', 'MUG-RED', 'mug-new']);
    expect(await names('--search mug- --after MUG-BLK --limit 1')).toEqual(['MUG-RED']);
    expect(await names('--uncounted')).toEqual(['mug-new']);
    expect(await names('--search 100%')).toEqual([]);
  });

  test('show says what each listing shows', async () => {
    world.one.list({ sku: 'MUG', shown: 3 });
    await world.ok('stock set MUG 7');
    await world.ok('listings import one');
    const { listings } = await world.ok('stock show MUG');
    expect(listings).toEqual([
      expect.objectContaining({
        channel: 'one',
        listing_id: 'MUG',
        channel_sku: 'MUG',
        units: 1,
        target: 7,
        sent: null,
      }),
    ]);
    expect((await world.json(EXIT.failed, 'stock', 'show', 'NOPE')).error).toMatchObject({
      code: 'unknown_sku',
    });
  });

  test('export prints what import reads again without a change', async () => {
    await world.ok('stock set MUG 7');
    await world.json(EXIT.ok, 'stock', 'set', 'CUP, "blue"', '2');
    world.one.list({ sku: 'NEW', shown: 3 });
    await world.ok('listings import one');
    await world.ok('listings match --create --yes');
    const { out } = await world.invsync('stock', 'export');
    expect(out.split('\r\n')[0]).toMatch(/^sku,on_hand,reason,/);
    expect(out).toContain('"CUP, ""blue""",2,');
    world.write('again.csv', out);
    const again = await world.ok('stock import again.csv --yes');
    expect(again).toMatchObject({ rows: 2, unchanged: 2, changed: 0, uncounted: 1, skipped: 0 });
  });
});

describe('stock count --from', () => {
  test('takes the number that the channel shows as what may still be sold', async () => {
    const live = makeWorld({ mode: 'live' });
    live.one.list({ sku: 'MUG', shown: 5 });
    await live.ok('stock set MUG 3');
    await live.ok('listings import one');
    const counted = await live.ok('stock count MUG --from one');
    expect(counted).toMatchObject({ available: 5, before: { available: 3 } });
    const { error } = await live.json(EXIT.failed, 'stock', 'count', 'MUG', '--from', 'two');
    expect(error).toMatchObject({ code: 'not_countable' });
  });

  test.each([
    ['--buffer', '2', 8],
    ['--buffer', '0', 10],
  ])('repeated with %s %s it always gives the same count', async (setting, value, shown) => {
    const live = makeWorld({ mode: 'live' });
    live.one.list({ sku: 'TEE', shown: 10 });
    await live.ok('stock set TEE 10');
    await live.ok('listings import one');
    await live.json(EXIT.ok, 'listings', 'set', 'one', 'TEE', setting, value);
    await live.ok('reconcile');
    for (let time = 0; time < 3; time += 1) {
      const counted = await live.ok('stock count TEE --from one');
      expect(counted).toMatchObject({ available: 10, from: { channel: 'one', shown, available: 10 } });
      await live.ok('reconcile');
      expect(live.one.shown('TEE')).toBe(shown);
    }
  });

  test.each([
    ['--max', '5', 'it shows 5: its maximum of 5 is reached'],
    ['--percent', '50', 'it shows 5: it shows 50 % of the stock'],
    ['--fixed', '99', 'it shows 99: it always shows 99'],
  ])('refuses a number that %s %s has made, and changes nothing', async (setting, value, reason) => {
    const live = makeWorld({ mode: 'live' });
    live.one.list({ sku: 'TEE', shown: 11 });
    await live.ok('stock set TEE 11');
    await live.ok('listings import one');
    await live.ok('reconcile');
    await live.json(EXIT.ok, 'listings', 'set', 'one', 'TEE', setting, value);
    await live.ok('reconcile');
    const { error } = await live.json(EXIT.failed, 'stock', 'count', 'TEE', '--from', 'one');
    expect(error).toMatchObject({
      code: 'not_countable',
      message: expect.stringContaining(reason),
      hint: 'give the number: invsync stock count TEE N',
    });
    expect(await live.ok('stock show TEE')).toMatchObject({ available: 11 });
  });

  test('shows both numbers, and with --dry-run changes nothing', async () => {
    const live = makeWorld({ mode: 'live' });
    live.one.list({ sku: 'TEE', shown: 4 });
    await live.ok('stock set TEE 10');
    await live.ok('listings import one');
    await live.ok('listings set one TEE --buffer 1');
    const { code, out } = await live.invsync('stock', 'count', 'TEE', '--from', 'one', '--dry-run');
    expect([code, out.split('\n').slice(0, 3)]).toEqual([
      EXIT.ok,
      [
        'one shows 4, so 5 may still be sold',
        'it would be (nothing is changed):',
        'TEE  available 10 -> 5  (on hand 10 -> 5, committed 0, reserved 0)',
      ],
    ]);
    expect(await live.ok('stock show TEE')).toMatchObject({ available: 10 });
  });
});

describe('bad input', () => {
  test.each([
    [['set', 'MUG'], "missing required argument 'n'"],
    [['set', 'MUG', '1.5'], 'the count "1.5" is not a whole number'],
    [['set', 'MUG', '-1'], 'the count "-1" is not a whole number'],
    [['set', 'MUG', 'many'], 'the count "many" is not a whole number'],
    [['set', 'MUG', '1e3'], 'the count "1e3" is not a whole number'],
    [['set', 'MUG', '1000000001'], 'the count 1000000001 is out of range'],
    [['set', '', '1'], 'the SKU "" is empty'],
    [['set', 'M\u0007UG', '1'], 'contains a control character'],
    [['set', 'M'.repeat(101), '1'], 'is longer than 100 characters'],
    [['set', 'MUG', '1', '--basis', 'heap'], '--basis "heap" is none of shelf, free'],
    [['set', 'MUG', '1', '--as-of', 'yesterday'], '--as-of "yesterday" is not a time'],
    [['set', 'MUG', '1', '--as-of', '2026-02-31'], '--as-of "2026-02-31" is not a time'],
    [['set', 'MUG', '1', '--as-of', '2026-02-30T10:00:00+01:00'], 'is not a time'],
    [['set', 'MUG', '1', '--as-of', '2026-11-31T10:00Z'], 'is not a time'],
    [['set', 'MUG', '1', '--as-of', '2025-02-29 10:00'], 'is not a time'],
    [['set', 'MUG', '1', '--as-of', '2026-11-20T24:00:00Z'], 'is not a time'],
    [['set', 'MUG', '1', '--as-of', '2199-01-01'], 'lies in the future'],
    [['adjust', 'MUG', '0'], 'an adjustment of 0 changes nothing'],
    [['adjust', 'MUG', '--4'], "unknown option '--4'"],
    [['receive', 'MUG', '0'], 'the receipt 0 is out of range'],
    [['count', 'MUG'], "missing required argument 'n'"],
    [['count', 'MUG', '1', '--from', 'one'], 'a number and --from exclude each other'],
    [['count', 'MUG', '--from', 'on'], 'no channel is called "on"'],
    [['list', '--limit', '0'], '--limit 0 is out of range'],
    [['list', '--limit', 'all'], '--limit "all" is not a whole number'],
  ])('is wrong usage: stock %s', async (line, message) => {
    const { error } = await world.json(EXIT.usage, 'stock', ...line);
    expect(error.message).toContain(message);
    const plain = await world.invsync('stock', ...line);
    expect([plain.code, plain.out]).toEqual([EXIT.usage, '']);
  });
});

/** An order of two mugs at shop `one`, taken in before anything was counted. */
async function sellOne(shop: World): Promise<void> {
  shop.one.list({ sku: 'MUG', shown: 10 });
  await shop.json(EXIT.ok, 'stock', 'set', 'MUG', '20');
  await shop.json(EXIT.ok, 'listings', 'import', 'one');
  const order = shop.one.sell({ lines: [{ ref: 'MUG', quantity: 2 }] });
  await shop.deliver(shop.one.hookForOrder(order?.id ?? ''));
  await shop.json(EXIT.ok, 'events', 'replay', '--status', 'new', '--yes');
}
