import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = makeWorld();
  await world.ok('stock set ABC-1 10');
});

const codes = async () => (await world.ok('stock list')).stock.map((row: { sku: string }) => row.sku);

describe('a SKU that looks like a known one', () => {
  test.each(['set', 'count', 'receive'])('is not made by stock %s, which names both', async (verb) => {
    const { error } = await world.json(EXIT.usage, 'stock', verb, 'abc-1', '3');
    expect(error).toMatchObject({ code: 'looks_alike', sku: 'abc-1', resembles: 'ABC-1' });
    expect(error.message).toBe('nothing was changed: abc-1 is not known, but it looks like ABC-1');
    expect(await codes()).toEqual(['ABC-1']);
  });

  test('is made when it is asked for by name, or by a yes on a terminal', async () => {
    const made = await world.ok('stock set abc-1 3 --create abc-1');
    expect(made).toMatchObject({ sku: 'abc-1', available: 3, created: true });
    const asked = await world.invsyncWith({ isTty: true }, 'stock', 'receive', 'Abc-1', '2');
    expect(asked.asked).toEqual(['Abc-1 is not known, but it looks like ABC-1. Make Abc-1 as another SKU?']);
    expect(await codes()).toEqual(['ABC-1', 'Abc-1', 'abc-1']);
    const no = { isTty: true, confirm: async () => false };
    expect((await world.invsyncWith(no, 'stock', 'set', 'aBc-1', '2')).code).toBe(EXIT.failed);
    expect(await codes()).toHaveLength(3);
  });

  test('is no name for another SKU by renaming, but mends its own name', async () => {
    await world.ok('stock set MUG 1');
    const { error } = await world.json(EXIT.usage, 'stock', 'rename', 'MUG', 'abc-1');
    expect(error).toMatchObject({ code: 'looks_alike', resembles: 'ABC-1' });
    await world.ok('stock rename ABC-1 abc-1');
    await world.ok('stock rename MUG ABC_1');
    expect(await codes()).toEqual(['ABC_1', 'abc-1']);
  });

  test('is what a mistyped SKU is answered with', async () => {
    const { error } = await world.json(EXIT.failed, 'stock', 'show', 'ABC\u20131');
    expect(error).toMatchObject({ code: 'unknown_sku', nearest: 'ABC-1' });
  });
});

describe('a stock file with SKUs that look like known ones', () => {
  beforeEach(async () => void world.write('stock.csv', 'sku,on_hand\nabc-1,7\nMUG,4\nABC-1,12\n'));

  test('is refused as a whole, each of them named with its line', async () => {
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'stock.csv', '--yes');
    expect(error).toMatchObject({
      code: 'looks_alike',
      resembling: [{ line: 2, sku: 'abc-1', resembles: 'ABC-1' }],
    });
    expect(error.hint).toContain('--create abc-1');
    expect(await world.ok('stock show ABC-1')).toMatchObject({ available: 10 });
    const plain = await world.invsync('stock', 'import', 'stock.csv', '--yes');
    expect(plain.err).toContain('line 2  abc-1: is not known, but it looks like ABC-1');
  });

  test('shows them in the plan, which a yes on a terminal covers', async () => {
    const plan = await world.ok('stock import stock.csv --dry-run');
    expect(plan).toMatchObject({ created: 2, resembling: [{ line: 2, sku: 'abc-1', resembles: 'ABC-1' }] });
    const asked = await world.invsyncWith({ isTty: true }, 'stock', 'import', 'stock.csv');
    expect(asked.out).toContain('line 2: abc-1 would be made, and it looks like the known ABC-1');
    expect(await codes()).toEqual(['ABC-1', 'MUG', 'abc-1']);
  });

  test('leaves them out with --skip-errors and takes them in by name', async () => {
    const skipped = await world.json(EXIT.partial, 'stock', 'import', 'stock.csv', '--yes', '--skip-errors');
    expect(skipped).toMatchObject({ rows: 2, created: 1, changed: 1, skipped: 1 });
    expect(await codes()).toEqual(['ABC-1', 'MUG']);
    const named = await world.ok('stock import stock.csv --yes --create abc-1');
    expect(named).toMatchObject({ rows: 3, created: 1 });
  });

  test('counts no SKU twice under its old and its new name', async () => {
    await world.ok('stock rename ABC-1 XYZ');
    world.write('twice.csv', 'sku,on_hand\nXYZ,5\nABC-1,6\n');
    const { error } = await world.json(EXIT.usage, 'stock', 'import', 'twice.csv', '--yes');
    expect(error.problems).toMatchObject([{ line: 3, message: 'names XYZ, which is on line 2 already' }]);
  });
});

describe('one rule for what a SKU is', () => {
  test('a blank at its ends is not part of it, in commands and in files', async () => {
    expect(await world.json(EXIT.ok, 'stock', 'count', 'SKU123 ', '9')).toMatchObject({ sku: 'SKU123' });
    expect(await world.json(EXIT.ok, 'stock', 'adjust', ' SKU123', '-2')).toMatchObject({ available: 7 });
    world.write('blank.csv', 'sku,on_hand\n"SKU123\u00a0",5\n');
    await world.ok('stock import blank.csv --yes');
    expect(await world.ok('stock show SKU123')).toMatchObject({ on_hand: 5 });
    expect(await codes()).toEqual(['ABC-1', 'SKU123']);
  });

  test.each([
    ['', 'is empty'],
    ['A\tB', 'control character'],
    ['A\u200bB', 'invisible character (U+200B)'],
    ['x'.repeat(101), 'longer than 100'],
  ])('%j is refused by every command that makes one', async (text, words) => {
    for (const verb of ['set', 'count', 'receive']) {
      const { error } = await world.json(EXIT.usage, 'stock', verb, text, '3');
      expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining(words) });
    }
    await world.json(EXIT.usage, 'stock', 'rename', 'ABC-1', text);
    expect(await codes()).toEqual(['ABC-1']);
  });

  test('what an older version let in is named by db check, counted, exported, imported and repaired', async () => {
    await world.withStore(async () => undefined);
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(`${world.dataDir}/invsync.db`);
    for (const code of ['SKU123 ', 'A\tB']) {
      const { lastInsertRowid } = db.prepare('insert into sku (code, created_at) values (?, 0)').run(code);
      db.prepare('insert into level (sku_id) values (?)').run(lastInsertRowid);
    }
    db.close();
    expect(await world.json(EXIT.ok, 'stock', 'count', 'SKU123 ', '9')).toMatchObject({ sku: 'SKU123 ' });
    expect(await world.ok('stock receive SKU123 1')).toMatchObject({ sku: 'SKU123 ' });
    const { checks } = await world.ok('db check');
    expect(checks.find((item: { name: string }) => item.name === 'names')).toMatchObject({
      level: 'warn',
      detail: '2 SKUs have names that no command would make: "A\\tB" contains a control character',
      remedy: "give each a sound name: invsync stock rename $'A\\u0009B' NEW",
    });
    const { out } = await world.invsync('stock', 'export');
    world.write('export.csv', out.replace(/^"?A\tB.*\r\n/m, ''));
    await world.ok('stock import export.csv --yes --as-of 0s');
    expect(await codes()).toEqual(['A\tB', 'ABC-1', 'SKU123 ']);
    await world.json(EXIT.ok, 'stock', 'rename', 'SKU123 ', 'SKU123');
    await world.json(EXIT.ok, 'stock', 'rename', 'A\tB', 'AB');
    expect(await codes()).toEqual(['AB', 'ABC-1', 'SKU123']);
    expect(await world.ok('stock show SKU123')).toMatchObject({ on_hand: 10 });
  });
});
