import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { order, pulled } from '../contract/store/kit.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = makeWorld();
  world.one.list({ sku: 'MUG', shown: 3, listingId: '1001', title: 'Black mug' });
  world.one.list({ sku: 'SET', shown: 3, listingId: '1002', title: 'Mug and spoon' });
  world.one.list({ sku: null, shown: 3, listingId: '1003', title: 'Nameless' });
  await world.ok('stock set MUG 7');
  await world.ok('stock set SPOON 8');
});

const importAll = () => world.ok('listings import one');

describe('listings import', () => {
  test('reads the catalogue and maps what equals a known SKU', async () => {
    expect(await importAll()).toMatchObject({
      channel: 'one',
      listings: 3,
      mapped: 1,
      unmapped: 2,
      vanished: 0,
    });
    const { listings } = await world.ok('listings list --channel one');
    expect(listings.map((row: { listing_id: string; state: string }) => [row.listing_id, row.state])).toEqual(
      [
        ['1003', 'unmapped'],
        ['1002', 'unmapped'],
        ['1001', 'mapped'],
      ],
    );
    expect(listings[2]).toMatchObject({
      channel: 'one',
      channel_sku: 'MUG',
      parts: [{ sku: 'MUG', units: 1 }],
      mode: 'on',
    });
  });

  test('fails in the words of the channel and with its exit code', async () => {
    world.one.faults.arm('auth', { count: null });
    const { error } = await world.json(EXIT.refused, 'listings', 'import', 'one');
    expect(error.code).toBe('channel_auth');
  });

  test('list pages newest first', async () => {
    await importAll();
    const { listings } = await world.ok('listings list --limit 2');
    const older = await world.json(EXIT.ok, 'listings', 'list', '--before', String(listings[1].id));
    expect(older.listings.map((row: { listing_id: string }) => row.listing_id)).toEqual(['1001']);
    const unmapped = await world.ok('listings list --unmapped');
    expect(unmapped.listings).toHaveLength(2);
  });

  test('unmatched says why', async () => {
    await importAll();
    const { listings } = await world.ok('listings unmatched one');
    expect(listings.map((row: { why: string }) => row.why)).toEqual([
      'it has no SKU at the channel',
      expect.stringContaining('no SKU of that name'),
    ]);
  });
});

describe('listings map, unmap and set', () => {
  beforeEach(async () => void (await importAll()));

  test('map replaces what stood behind a listing, by id or by SKU', async () => {
    const mapped = await world.ok('listings map one SET MUG SPOON=2');
    expect(mapped).toMatchObject({
      listing_id: '1002',
      parts: [
        { sku: 'MUG', units: 1 },
        { sku: 'SPOON', units: 2 },
      ],
      before: [],
      lines: 0,
    });
    expect(await world.ok('listings map one 1002 SPOON=4')).toMatchObject({
      parts: [{ sku: 'SPOON', units: 4 }],
      before: { length: 2 },
    });
    const { listings } = await world.ok('stock show SPOON');
    expect(listings).toEqual([expect.objectContaining({ listing_id: '1002', units: 4, target: 2 })]);
  });

  test('map tells which waiting sales count now', async () => {
    const order = world.one.sell({ lines: [{ ref: '1003', quantity: 2 }] });
    await world.deliver(world.one.hookForOrder(order?.id ?? ''));
    await world.ok('events replay --status new --yes');
    const mapped = await world.ok('listings map one 1003 MUG');
    expect(mapped).toMatchObject({ lines: 1, units: 2 });
    expect(await world.ok('stock show MUG')).toMatchObject({ available: 5, committed: 2 });
  });

  test('a SKU with = in its name is found by its whole name', async () => {
    await world.ok('stock set A=2 3');
    const mapped = await world.ok('listings map one 1003 A=2');
    expect(mapped.parts).toEqual([{ sku: 'A=2', units: 1 }]);
    const both = await world.ok('listings map one 1003 A=2=5');
    expect(both.parts).toEqual([{ sku: 'A=2', units: 5 }]);
  });

  test('unmap takes the SKU away', async () => {
    expect(await world.ok('listings unmap one 1001')).toMatchObject({
      parts: [],
      before: { length: 1 },
    });
    expect((await world.ok('stock show MUG')).listings).toEqual([]);
  });

  test('set keeps settings of one listing, and default takes them back', async () => {
    const set = await world.ok('listings set one 1001 --buffer 2 --percent 50 --max 3');
    expect(set).toMatchObject({ buffer: 2, percent: 50, max: 3, fixed: null, mode: 'on' });
    expect((await world.ok('stock show MUG')).listings[0]).toMatchObject({ target: 1 });
    const back = await world.ok('listings set one 1001 --buffer default --percent default');
    expect(back).toMatchObject({ buffer: null, percent: null, max: 3 });
    const fixed = await world.ok('listings set one 1003 --fixed 9 --mode off');
    expect(fixed).toMatchObject({ fixed: 9, mode: 'off', state: 'off' });
  });

  test.each([
    [['map', 'one', '9999', 'MUG'], EXIT.failed, 'one has no listing "9999"'],
    [['map', 'oen', '1001', 'MUG'], EXIT.usage, 'no channel is called "oen"'],
    [['map', 'one', '1001', 'NOPE'], EXIT.failed, 'no SKU is called "NOPE"'],
    [['map', 'one', '1001', 'MUG=0'], EXIT.usage, 'the units of MUG 0 is out of range'],
    [['map', 'one', '1001', 'MUG=x'], EXIT.usage, 'the units of MUG "x" is not a whole number'],
    [['map', 'one', '1001', 'MUG', 'MUG=2'], EXIT.usage, 'the SKU MUG is named twice'],
    [['map', 'one', '1001'], EXIT.usage, "missing required argument 'parts'"],
    [['set', 'one', '1001'], EXIT.usage, 'nothing to set'],
    [['set', 'one', '1001', '--percent', '101'], EXIT.usage, '--percent 101 is out of range'],
    [['set', 'one', '1001', '--buffer', '-1'], EXIT.usage, '--buffer "-1" is not a whole number'],
    [['set', 'one', '1001', '--mode', 'live'], EXIT.usage, '--mode "live" is none of on, off'],
    [['unmap', 'one', 'TWIN'], EXIT.usage, 'more than one listing of one has the SKU "TWIN"'],
  ])('refuses listings %s', async (line, code, message) => {
    world.one.list({ sku: 'TWIN', shown: 1, listingId: 't1' });
    world.one.list({ sku: 'TWIN', shown: 1, listingId: 't2' });
    await importAll();
    const { error } = await world.json(code, 'listings', ...line);
    expect(error.message).toContain(message);
  });
});

describe('listings match', () => {
  beforeEach(async () => void (await importAll()));

  test('maps at a later time what has become known, after it was asked', async () => {
    await world.ok('stock set SET 1');
    const { error } = await world.json(EXIT.usage, 'listings', 'match');
    expect(error).toMatchObject({
      code: 'needs_yes',
      plan: { matches: [{ listing_id: '1002', sku: 'SET' }] },
    });
    const { matches } = await world.ok('listings match one --yes');
    expect(matches).toEqual([
      { channel: 'one', listing_id: '1002', sku: 'SET', created: false, lines: 0, units: 0 },
    ]);
    expect((await world.ok('listings match --yes')).matches).toEqual([]);
    expect((await world.ok('listings match')).matches).toEqual([]);
  });

  test('--create leaves out what looks like another SKU and names both, until it is asked for by name', async () => {
    world.one.list({ sku: 'mug', shown: 1, listingId: '1004', title: 'mug' });
    world.one.list({ sku: 'Set', shown: 1, listingId: '1005', title: 'set' });
    await importAll();
    const first = await world.ok('listings match --create one --yes');
    expect(first.matches).toEqual([expect.objectContaining({ sku: 'SET', created: true })]);
    expect(first.resembling).toEqual([
      { channel: 'one', listing_id: '1004', sku: 'mug', resembles: 'MUG' },
      { channel: 'one', listing_id: '1005', sku: 'Set', resembles: 'SET' },
    ]);
    expect(first.warnings[0]).toContain('mug is not made because it looks like MUG');
    const named = await world.ok('listings match one --create mug --yes');
    expect(named.matches).toEqual([expect.objectContaining({ sku: 'mug', created: true })]);
  });

  test('--create makes missing SKUs, uncounted', async () => {
    const { matches } = await world.ok('listings match --create --yes');
    expect(matches).toEqual([expect.objectContaining({ sku: 'SET', created: true })]);
    expect(await world.ok('stock show SET')).toMatchObject({
      counted: false,
      listings: [{ state: 'uncounted', target: null }],
    });
  });
});

describe('listings over the years', () => {
  const states = async () => {
    const { listings } = await world.ok('listings list --channel one');
    return Object.fromEntries(
      listings.map((row: { listing_id: string; state: string }) => [row.listing_id, row.state]),
    );
  };

  test('one that is listed again under a new id takes the place of the old one, and no command says otherwise', async () => {
    await importAll();
    world.one.unlist('1001');
    world.one.list({ sku: 'MUG', shown: 2, listingId: '2001', title: 'Black mug' });
    const again = await importAll();
    expect(again).toMatchObject({ mapped: 1, vanished: 1, unmapped: 2 });
    expect(again.warnings.join()).toContain('2001 for 1001 (MUG)');
    expect(await states()).toMatchObject({ 1001: 'vanished', 2001: 'mapped' });
    const unmatched = await world.ok('listings unmatched one');
    expect(unmatched.listings.map((row: { listing_id: string }) => row.listing_id)).toEqual(['1003', '1002']);
    expect((await world.ok('listings match one --yes')).matches).toEqual([]);
    const { listings } = await world.ok('stock show MUG');
    expect(listings).toMatchObject([{ listing_id: '2001', target: 7 }]);
    const alerts = () => world.withStore((store) => store.duties.alerts(true, 9));
    expect(await alerts()).toMatchObject([{ kind: 'listing_replaced', subject: 'one' }]);
    expect((await importAll()).warnings).toEqual([]);
    expect(await alerts()).toEqual([]);
  });

  test('what unmatched says mends it is what match does', async () => {
    await importAll();
    await world.ok('stock count SET 1');
    world.one.list({ sku: 'mug', shown: 2, listingId: '2002', title: 'Mug' });
    world.one.list({ sku: 'T\u200bEE', shown: 2, listingId: '2003', title: 'Tee' });
    await importAll();
    const before = await world.ok('listings list --unmapped');
    const unmatched = await world.ok('listings unmatched one');
    const said = (listings: { listing_id: string; state: string; mend: string }[]) =>
      listings.map((row) => [row.listing_id, row.state, row.mend]);
    expect(said(unmatched.listings)).toEqual([
      ['2003', 'unmapped', 'invsync listings map one 2003 SKU'],
      ['2002', 'unmapped', 'invsync listings map one 2002 MUG'],
      ['1003', 'unmapped', 'invsync listings map one 1003 SKU'],
    ]);
    expect(unmatched.listings[0].why).toBe('its SKU there contains an invisible character (U+200B)');
    expect(before.listings.map((row: { state: string }) => row.state)).toEqual(Array(3).fill('unmapped'));
    expect((await world.ok('listings match --yes')).matches).toEqual([]);
  });

  test('different SKUs on one number get a word at import', async () => {
    for (const [listingId, sku] of Object.entries({ 'v-1': 'MUG', 'v-2': 'SPOON' }))
      world.one.list({ sku, shown: 3, listingId, counterKey: 'parent' });
    world.one.unlist('1001');
    const { warnings, mapped } = await importAll();
    expect(mapped).toBe(2);
    expect(warnings).toEqual([
      'one: v-1, v-2 share one number there, which follows the least of MUG, SPOON; if they are one article, map each of them: invsync listings map one v-2 MUG',
    ]);
    const { listings } = await world.ok('stock show SPOON');
    expect(listings).toMatchObject([{ target: 7 }, { target: 7 }]);
  });

  test('a SKU that changed at the shop is said by every view, with the command that mends it', async () => {
    await importAll();
    world.one.list({ sku: 'SPOON', shown: 3, listingId: '1001', title: 'Black mug' });
    const { warnings } = await importAll();
    expect(warnings.join()).toContain(
      'it was mapped to MUG because that was its SKU, and its SKU there is SPOON now',
    );
    expect(await states()).toMatchObject({ 1001: 'sku_changed' });
    expect(await world.ok('status')).toMatchObject({ sku_changed: 1 });
    const { listings } = await world.ok('stock show MUG');
    expect(listings).toMatchObject([{ listing_id: '1001', state: 'sku_changed' }]);
    const changed = await world.ok('listings unmatched --changed');
    expect(changed.listings).toMatchObject([{ mend: 'invsync listings map one 1001 SPOON' }]);
    await world.ok('listings map one 1001 SPOON');
    expect((await world.ok('listings unmatched --changed')).listings).toEqual([]);
    expect(await world.ok('status')).toMatchObject({ sku_changed: 0 });
    expect(await world.withStore((store) => store.duties.alerts(true, 9))).toEqual([]);
  });

  test('a sale under a name that no catalogue brings is shown, and settled by mapping or dismissing it', async () => {
    await importAll();
    const sell = (id: string) =>
      world.withStore(async (store) => {
        const channel = (await store.channels.list()).find((row) => row.name === 'one')?.id ?? 0;
        await store.orders.apply(
          [pulled(channel, order(id, Date.now(), [[`${id}-1`, `gone-${id}`, 2]]))],
          Date.now(),
        );
      });
    await sell('7');
    await sell('8');
    const { sales } = await world.ok('listings unmatched one');
    expect(sales).toMatchObject([
      { name: 'gone-7', orders: ['7'], units: 2, mend: 'invsync listings map one gone-7 SKU' },
      { name: 'gone-8' },
    ]);
    expect(await world.ok('listings map one gone-7 MUG')).toMatchObject({ units: 2 });
    expect(await world.ok('stock show MUG')).toMatchObject({ available: 5 });
    expect(await world.ok('listings dismiss one 8')).toMatchObject({
      lines: 1,
      units: 2,
    });
    await world.json(EXIT.failed, 'listings', 'dismiss', 'one', '8');
    expect(await world.ok('status')).toMatchObject({ unmapped_sales: 0 });
    expect((await world.ok('listings unmatched one')).sales).toEqual([]);
  });
});
