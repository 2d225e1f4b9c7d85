import { beforeEach, describe, expect, test } from 'vitest';
import { Interruption } from '../../src/cli/io.ts';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(() => {
  world = makeWorld();
});

describe('stock import', () => {
  test('counts the SKUs of a file on the shelf, creates unknown ones and leaves others alone', async () => {
    await world.ok('stock set OTHER 3');
    await world.ok('stock set MUG 3');
    world.write('stock.csv', '\ufeffsku,on_hand,reason\r\nMUG,12,stocktake\r\n"TEA, green",4,\r\n');
    const done = await world.ok('stock import stock.csv --yes --by ana');
    expect(done).toMatchObject({ rows: 2, changed: 1, created: 1, unchanged: 0, skipped: 0, problems: [] });
    expect(done.warnings).toEqual(['1 SKU was unknown and created']);
    const { stock } = await world.ok('stock list');
    expect(stock.map((row: { sku: string; on_hand: number }) => [row.sku, row.on_hand])).toEqual([
      ['MUG', 12],
      ['OTHER', 3],
      ['TEA, green', 4],
    ]);
    const { entries } = await world.ok('explain MUG');
    expect(entries.at(-1)).toMatchObject({ kind: 'count', by: 'ana', reason: 'stocktake', delta: 9 });
  });

  test('reads stdin, any order of columns, and as of an earlier time', async () => {
    const readStdin = async () => 'note,on_hand,SKU\nx,5,MUG\n';
    const ran = await world.invsyncWith(
      { readStdin },
      'stock',
      'import',
      '-',
      '--yes',
      '--as-of',
      '2h',
      '--basis',
      'free',
      '--json',
    );
    expect(ran.code).toBe(EXIT.ok);
    expect(JSON.parse(ran.out)).toMatchObject({
      file: '-',
      rows: 1,
      warnings: ['columns that are not read: note', expect.any(String)],
    });
    expect(await world.ok('stock show MUG')).toMatchObject({ available: 5 });
  });

  test('asks on a terminal, and without one needs --yes and prints the plan', async () => {
    world.write('stock.csv', 'sku,on_hand\nMUG,12\n');
    const silent = await world.invsync('stock', 'import', 'stock.csv');
    expect(silent.code).toBe(EXIT.usage);
    expect(silent.out).toContain('stock.csv: 1 count: 0 to change, 1 to create');
    expect(silent.err).toContain('repeat the command with --yes');
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'stock.csv');
    expect(error).toMatchObject({ code: 'needs_yes', plan: { rows: 1, created: 1 } });
    const asked = await world.invsyncWith({ isTty: true }, 'stock', 'import', 'stock.csv');
    expect([asked.code, asked.asked]).toEqual([EXIT.ok, ['Import 1 count?']]);
    const declined = await world.invsyncWith(
      { isTty: true, confirm: async () => false },
      'stock',
      'import',
      'stock.csv',
    );
    expect(declined.code).toBe(EXIT.failed);
  });

  test('the same file again changes nothing and says so; another --as-of is another count', async () => {
    world.write('stock.csv', 'sku,on_hand\nMUG,12\n');
    await world.ok('stock import stock.csv --yes');
    await world.ok('stock adjust MUG -2');
    const again = await world.ok('stock import stock.csv --yes');
    expect(again).toMatchObject({ repeated: 1, changed: 0 });
    expect(again.warnings).toEqual([expect.stringContaining('--as-of')]);
    expect(await world.ok('stock show MUG')).toMatchObject({ on_hand: 10 });
    const later = await world.ok('stock import stock.csv --yes --as-of 0s');
    expect(later).toMatchObject({ repeated: 0, changed: 1 });
    expect(await world.ok('stock show MUG')).toMatchObject({ on_hand: 12 });
  });

  test('names all bad rows with their lines and imports nothing', async () => {
    const bad =
      'sku,on_hand\nMUG,12\nCUP,-1\nCUP2,1.5\nCUP3,many\nMUG,1\n,3\nCUP4,\nCUP5,9999999999\nCUP6,1,2\nx"y,1\nTEA,3\n';
    world.write('stock.csv', bad);
    const ran = await world.invsync('stock', 'import', 'stock.csv', '--yes');
    expect([ran.code, ran.out]).toEqual([EXIT.usage, '']);
    expect(ran.err.split('\n').filter((line) => line.startsWith('  line'))).toEqual([
      '  line 3  CUP: on_hand -1 is negative (a whole number from 0 to 1000000000)',
      '  line 4  CUP2: on_hand 1.5 is not written as a whole number (a whole number from 0 to 1000000000)',
      '  line 5  CUP3: on_hand "many" is not a number (a whole number from 0 to 1000000000)',
      '  line 6  MUG: is on line 2 already (keep one line per SKU)',
      '  line 7  sku: is empty (give the SKU, or remove the line)',
      '  line 8  CUP4: on_hand is empty (a whole number from 0 to 1000000000)',
      '  line 9  CUP5: on_hand 9999999999 is larger than any stock (a whole number from 0 to 1000000000)',
      '  line 10  has 3 fields, the header has 2 (a comma inside a field needs quotes around the field)',
      expect.stringMatching(/^ {2}line 11 {2}a quote in the middle of a field/),
    ]);
    expect((await world.ok('stock list')).stock).toEqual([]);
    const skipped = await world.json(EXIT.partial, 'stock', 'import', 'stock.csv', '--yes', '--skip-errors');
    expect(skipped).toMatchObject({ rows: 2, created: 2, skipped: 9, problems: { length: 9 } });
    const { stock } = await world.ok('stock list');
    expect(stock.map((row: { sku: string }) => row.sku)).toEqual(['MUG', 'TEA']);
  });

  test.each([
    ['', 'has no header'],
    ['\n\n', 'has no header'],
    ['sku;count\nMUG;1\n', 'lacks the column on_hand'],
    ['article\tcount\nMUG\t1\n', 'lacks the column sku and on_hand'],
    ['sku\nMUG\n', 'lacks the column on_hand'],
    ['on_hand\n3\n', 'lacks the column sku'],
    ['sku,on_hand,sku\nMUG,1,CUP\n', 'has the column sku twice'],
    [Buffer.from('sku,on_hand\nM\u00fctze,1\n', 'latin1'), 'is not UTF-8 text'],
  ])('refuses a file that is none: %j', async (content, message) => {
    world.write('stock.csv', content);
    for (const extra of [[], ['--skip-errors']]) {
      const { error } = await world.json(EXIT.usage, 'stock', 'import', 'stock.csv', '--yes', ...extra);
      expect(error.message).toContain(message);
    }
  });

  test('says that a file is not there, with --skip-errors too', async () => {
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'nope.csv', '--skip-errors');
    expect(error).toMatchObject({ code: 'no_file', message: 'cannot read nope.csv (ENOENT)' });
  });

  test('imports more rows than one transaction takes', async () => {
    const rows = Array.from({ length: 450 }, (_, index) => `SKU-${index},${index}`);
    world.write('stock.csv', `sku,on_hand\n${rows.join('\n')}\n`);
    expect(await world.ok('stock import stock.csv --yes')).toMatchObject({
      rows: 450,
      created: 450,
    });
    expect((await world.ok('stock list --limit 1000')).stock).toHaveLength(450);
  });

  test('Ctrl-C ends it between two steps with 130; the same command again counts the rest', async () => {
    const rows = Array.from({ length: 900 }, (_, row) => `S${row},${row % 9}`);
    world.write('stock.csv', ['sku,on_hand', ...rows].join('\n'));
    const stopped = new AbortController();
    let looks = 0;
    const io = {
      interruption: () => stopped.signal,
      now: () => {
        looks += 1;
        if (looks > 6) stopped.abort(new Interruption('SIGINT'));
        return Date.now();
      },
    };
    expect((await world.invsyncWith(io, 'stock', 'import', 'stock.csv', '--yes')).code).toBe(130);
    const counted = async () => (await world.ok('stock list --limit 1000')).stock.length as number;
    const before = await counted();
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(900);
    await world.ok('stock import stock.csv --yes');
    expect(await counted()).toBe(900);
  });

  test('--dry-run shows the plan and changes nothing', async () => {
    world.write('stock.csv', 'sku,on_hand\nMUG,12\n');
    const plan = await world.ok('stock import stock.csv --dry-run');
    expect(plan).toMatchObject({ rows: 1, created: 1, braked: [], lines: [] });
    expect((await world.ok('stock list')).stock).toEqual([]);
  });
});

describe('what a stock file may look like', () => {
  const counts = async () => {
    const { stock } = await world.ok('stock list');
    return Object.fromEntries(stock.map((row: { sku: string; on_hand: number }) => [row.sku, row.on_hand]));
  };

  test.each([
    ['semicolons', 'sku;on_hand;reason\nMUG;12;"a; b"\n'],
    ['tabs', 'sku\ton_hand\nMUG\t12\n'],
    ['commas, though a title holds semicolons', 'sku,on_hand,"a;b;c;d"\nMUG,12,x\n'],
    ['.0 at its end', 'sku,on_hand\nMUG,12.0\n'],
    ['rows of separators and blanks', 'sku,on_hand,reason\n,,\nMUG,12,\n , ,\n,,\n'],
    ['a blank line in front', '\r\nsku;on_hand\r\nMUG;12\r\n'],
    ['a reason of digits in quotes', 'sku,on_hand,reason\nMUG,12,"800"\n'],
  ])('with %s', async (_, text) => {
    world.write('stock.csv', text);
    await world.ok('stock import stock.csv --yes');
    expect(await counts()).toEqual({ MUG: 12 });
  });

  test('with columns that are called otherwise', async () => {
    world.write('stock.csv', 'Artikel;Bezeichnung;Bestand\nMUG;Becher;12\n');
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'stock.csv', '--yes');
    expect(error).toMatchObject({
      message: 'stock.csv lacks the column sku and on_hand',
      hint: 'its columns are artikel, bezeichnung, bestand: name yours with --sku-column and --count-column',
    });
    const named = ['--sku-column', 'artikel', '--count-column', 'Bestand'];
    await world.json(EXIT.ok, 'stock', 'import', 'stock.csv', '--yes', ...named);
    expect(await counts()).toEqual({ MUG: 12 });
    const same = ['--sku-column', 'bestand', '--count-column', 'Bestand'];
    await world.json(EXIT.usage, 'stock', 'import', 'stock.csv', '--yes', ...same);
  });

  test.each([
    [
      'sku,on_hand,reason\nMUG,1,800\n',
      'on_hand 1,800 is split by its comma (a reason of digits needs quotes)',
    ],
    ['sku,on_hand\nMUG,12.000\n', 'on_hand 12.000 may be thousands or a fraction'],
    ['sku;on_hand\nMUG;1.800\n', 'on_hand 1.800 may be thousands or a fraction'],
    ['sku;on_hand\nMUG;12,5\n', 'on_hand 12,5 is not written as a whole number'],
    ['sku,on_hand\nMUG,-12.0\n', 'on_hand -12.0 is negative'],
  ])('is refused in true words: %j', async (text, message) => {
    world.write('stock.csv', text);
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'stock.csv', '--yes');
    expect(error.problems).toMatchObject([{ line: 2, path: 'MUG', message }]);
    expect(await counts()).toEqual({});
  });

  test.each([
    [
      'UTF-16 with its mark',
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('sku,on_hand', 'utf16le')]),
    ],
    ['UTF-16 without one', Buffer.from('sku,on_hand', 'utf16le')],
  ])('names %s', async (_, bytes) => {
    world.write('stock.csv', bytes);
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'stock.csv', '--yes');
    expect(error).toMatchObject({ code: 'not_utf8', hint: expect.stringContaining('iconv -f UTF-16') });
  });

  test('shows before it acts which SKU goes from what to what', async () => {
    await world.ok('stock count MUG 10');
    await world.ok('stock count TEE 4');
    world.write('stock.csv', 'sku,on_hand\nTEE,4\nNEW,6\nMUG,3\n');
    const { out } = await world.invsync('stock', 'import', 'stock.csv', '--dry-run');
    expect(out.split('\n')).toEqual([
      'stock.csv: 3 counts: 1 to change, 1 to create, 1 as they are',
      '  NEW  new -> 6',
      '  MUG  10 -> 3',
      'on live channels 0 listings change, 0 of them to zero',
      '',
    ]);
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'stock.csv');
    expect(error.plan.counts).toEqual([
      { line: 2, sku: 'TEE', before: 4, after: 4, will: 'keep' },
      { line: 3, sku: 'NEW', before: null, after: 6, will: 'create' },
      { line: 4, sku: 'MUG', before: 10, after: 3, will: 'change' },
    ]);
    await world.ok('stock import stock.csv --yes');
    const again = await world.ok('stock import stock.csv --dry-run');
    expect(again).toMatchObject({ repeated: 3, changed: 0, created: 0, unchanged: 0 });
  });
});

describe('the brake on a command', () => {
  const skus = Array.from({ length: 20 }, (_, index) => `SKU-${index}`);
  const csv = (number: number, some: string[] = skus) =>
    `sku,on_hand\n${some.map((sku) => `${sku},${number}`).join('\n')}\n`;
  let live: World;
  beforeEach(async () => {
    live = makeWorld({ mode: 'live' });
    for (const sku of skus) live.one.list({ sku, shown: 5 });
    live.write('first.csv', csv(5));
    await live.ok('stock import first.csv --yes');
    await live.ok('listings import one');
  });

  test('holds an import that would empty the shop, saves its plan and exits 4', async () => {
    live.write('zero.csv', csv(0));
    const { error } = await live.json(EXIT.brake, 'stock', 'import', 'zero.csv', '--yes');
    expect(error).toMatchObject({
      code: 'brake',
      message: expect.stringContaining('20 of 20 listings would change without a recorded sale (limit 20 %)'),
      hint: expect.stringContaining('--over-brake'),
      braked: [{ channel: 'one' }],
      lines: { length: 20 },
    });
    expect(await live.ok('stock show SKU-0')).toMatchObject({ available: 5 });
    const { plan, state } = await live.json(EXIT.ok, 'reconcile', '--show', error.plan_id);
    expect([plan.command, plan.lines.length, state]).toEqual(['stock import zero.csv', 20, 'open']);
    const applied = await live.json(EXIT.usage, 'reconcile', '--apply', error.plan_id, '--yes');
    expect(applied.error).toMatchObject({ code: 'bad_plan', hint: 'repeat that command with --over-brake' });
  });

  test('lets --over-brake and nothing else past', async () => {
    live.write('zero.csv', csv(0));
    expect(await live.ok('stock import zero.csv --yes --over-brake')).toMatchObject({
      changed: 20,
    });
    expect(await live.ok('stock show SKU-0')).toMatchObject({ available: 0 });
  });

  test('shows what a bundle will have when its parts are far from each other in the file', async () => {
    await live.withStore(async (store) => {
      const listing = await store.listings.find('one', 'SKU-0');
      if (listing === null || listing === 'ambiguous') throw new Error('no listing');
      const parts = [
        { sku: 'SKU-0', units: 1 },
        { sku: 'SKU-19', units: 1 },
      ];
      await store.listings.map(listing.id, parts, { by: 'test', reason: null }, Date.now());
    });
    const numbers = skus.map((sku, n) => `${sku},${n === 0 ? 9 : n === skus.length - 1 ? 8 : 5}`);
    live.write('parts.csv', `sku,on_hand\n${numbers.join('\n')}\n`);
    const plan = await live.ok('stock import parts.csv --dry-run');
    const bundle = plan.lines.find((line: { listing_id: string }) => line.listing_id === 'SKU-0');
    expect(bundle).toMatchObject({ before: 5, after: 8 });
  });

  test('lets a few listings pass, and everything while the channel is not live', async () => {
    live.write('few.csv', csv(0, skus.slice(0, 3)));
    expect(await live.ok('stock import few.csv --yes')).toMatchObject({ changed: 3 });
    await live.ok('channels mode one shadow');
    live.write('zero.csv', csv(0));
    expect(await live.ok('stock import zero.csv --yes')).toMatchObject({ changed: 17 });
  });

  test('holds one SKU too, when many listings hang on it', async () => {
    await live.ok('stock set BOX 9');
    for (const sku of skus) await live.json(EXIT.ok, 'listings', 'map', 'one', sku, 'BOX');
    const { error } = await live.json(EXIT.brake, 'stock', 'set', 'BOX', '0');
    expect(error).toMatchObject({ code: 'brake', lines: { length: 20 } });
    expect(await live.ok('stock set BOX 0 --over-brake')).toMatchObject({
      available: 0,
    });
  });
});
