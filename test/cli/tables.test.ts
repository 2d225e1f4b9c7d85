import { describe, expect, test } from 'vitest';
import { type Column, printLine, printTable } from '../../src/cli/print.ts';
import { cutTo, widthOf, wrapped } from '../../src/cli/table-fit.ts';
import { heard } from './io.ts';
import { makeWorld } from './world.ts';

interface Row {
  order: string;
  at: string;
  units: number;
  note: string;
  minor: string;
}
const now = Date.UTC(2026, 10, 23, 12);
const rows: Row[] = [
  {
    order: 'gid://shopify/Order/820982911946154508',
    at: '2026-11-23T11:57:00.000Z',
    units: 12,
    note: 'the shop answers with something that is long',
    minor: 'of no great worth',
  },
  { order: '🏺茶碗-1', at: '2026-11-23T12:05:00.000Z', units: 7, note: 'short', minor: 'x' },
];
const columns: Column<Row>[] = [
  { title: 'order', value: (row) => row.order },
  { title: 'at', value: (row) => row.at },
  { title: 'units', value: (row) => row.units },
  { title: 'minor', value: (row) => row.minor, worth: 1 },
  { title: 'note', value: (row) => row.note, room: 20 },
];

function table(over: Partial<Parameters<typeof heard>[0]>): { lines: string[]; err: string } {
  const io = heard({ isTty: true, now: () => now, ...over });
  printTable(io, columns, rows);
  return { lines: io.out.trimEnd().split('\n'), err: io.err };
}

describe('a table on a terminal', () => {
  test('fits it, whatever its width, and keeps columns straight', () => {
    for (let width = 50; width <= 140; width += 1) {
      const { lines } = table({ columns: width });
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
      const [head = '', first = '', second = ''] = lines;
      const ends = (line: string, word: string) => widthOf(line.slice(0, line.indexOf(word) + word.length));
      expect(ends(first, ' 12')).toBe(ends(head, 'UNITS'));
      expect(ends(second, ' 7')).toBe(ends(head, 'UNITS'));
    }
  });

  test('tells ages, cuts ids in their middle and sentences at their end', () => {
    const { lines } = table({ columns: 70 });
    expect(lines[1]).toMatch(/^gid:\/\/\S*…\S*4508 {2}3m ago {5}12 {2}the shop answers.*…$/);
    expect(lines[2]).toMatch(/in 5m/);
  });

  test('leaves out what is worth least first, says so, and never what names the row', () => {
    const { lines, err } = table({ columns: 70 });
    expect(lines[0]).toMatch(/^ORDER .* AT .* UNITS {2}NOTE$/);
    expect(err).toBe('1 column left out: --wide shows all\n');
    const narrow = table({ columns: 20 });
    expect(narrow.lines[0]).toBe('ORDER');
    expect(narrow.err).toBe('4 columns left out: --wide shows all\n');
  });

  test('is in full with --wide, and off a terminal', () => {
    const wide = table({ columns: 40, wide: true });
    expect(wide).toEqual(table({ columns: 40, isTty: false }));
    expect(wide.lines[1]).toContain('gid://shopify/Order/820982911946154508  2026-11-23T11:57:00.000Z');
    expect(wide.err).toBe('');
  });
});

describe('a sentence on a terminal', () => {
  test('breaks between words, with its indentation, and loses none', () => {
    const text = '  order 12 waits for 3 more of a SKU; see: invsync oversells list';
    const lines = wrapped(text, 30).split('\n');
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(30);
    expect(lines[0]).toMatch(/^ {2}order/);
    expect(lines[1]).toMatch(/^ {4}\S/);
    expect(lines.join(' ').replace(/ +/g, ' ')).toBe(text.replace(/ +/g, ' '));
    const io = heard({ isTty: true, columns: 30 });
    printLine(io, '\u001b[31mred\u001b[39m and quite short text');
    expect(io.out.split('\n')).toHaveLength(2);
  });

  test('is cut by columns, not by characters', () => {
    expect(widthOf(cutTo('茶碗茶碗茶碗茶碗', 7))).toBeLessThanOrEqual(7);
    expect(cutTo('short', 5)).toBe('short');
  });
});

describe('every list of the program', () => {
  test('fits 80 columns, and has all of it with --wide', async () => {
    const world = makeWorld({ mode: 'live' });
    const long = 'A-VERY-LONG-SKU-OF-A-MERCHANT-WHO-PUTS-EVERYTHING-INTO-IT-COLOUR-SIZE-YEAR-2026';
    world.write('stock.csv', `sku,on_hand\n${long},3\nMUG,2\n`);
    await world.ok('stock import stock.csv --yes');
    world.one.list({
      sku: long,
      shown: 5,
      listingId: `gid://one/InventoryItem/${'9'.repeat(40)}`,
      title: long,
    });
    world.one.list({ sku: 'NOBODY-KNOWS', shown: 5, title: 'A listing whose title goes on for a long time' });
    await world.ok('listings import one');
    const order = world.one.sell({ lines: [{ ref: long, quantity: 5 }], force: true });
    await world.deliver(world.one.hookForOrder(order?.id ?? ''));
    await world.ok('reconcile --over-brake');
    const commands = [
      ...['status --plain', 'channels list', 'channels show one', 'channels types', 'stock list'],
      ...[
        'listings list',
        'listings unmatched',
        'orders list',
        'oversells list',
        'events list',
        'pushes list',
      ],
      ...['alerts list', 'reservations list', 'webhooks list', 'db check', 'check --offline', 'config check'],
      ...['config show', `stock show ${long}`, `explain ${long}`, 'reconcile --dry-run'],
    ];
    for (const command of commands) {
      const { out, err, code } = await world.invsyncWith({ isTty: true, columns: 80 }, ...command.split(' '));
      // Progress rewrites its line.
      const wide = [...out.split('\n'), ...err.split(/[\r\n]/)].filter((line) => widthOf(line) > 80);
      // A word that is longer than the terminal cannot be broken.
      const broken = wide.filter(
        (line) =>
          !line
            .trim()
            .split(' ')
            .some((word) => widthOf(word) > 74),
      );
      expect([command, broken]).toEqual([command, []]);
      expect([command, [2, 7].includes(code)]).toEqual([command, false]);
    }
    const full = await world.invsyncWith({ isTty: true, columns: 80 }, 'listings', 'list', '--wide');
    expect(full.out).toContain(`gid://one/InventoryItem/${'9'.repeat(40)}`);
  });
});
