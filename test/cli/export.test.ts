import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseCsv } from '../../src/cli/csv.ts';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

const root = join(import.meta.dirname, '../..');
const kinds = ['orders', 'ledger', 'stock'] as const;

/** What an export printed as CSV, a table by its header. */
async function csv(world: World, ...args: string[]): Promise<Record<string, string>[]> {
  const ran = await world.invsync('export', ...args, '--csv');
  expect([ran.code, ran.err]).toEqual([EXIT.ok, '']);
  const { records, faults } = parseCsv(ran.out);
  expect(faults).toEqual([]);
  const [header = { fields: [] as string[] }, ...rows] = records;
  return rows.map(({ fields }) =>
    Object.fromEntries(header.fields.map((name, at) => [name, fields[at] ?? ''])),
  );
}

async function jsonl(world: World, ...args: string[]) {
  const ran = await world.invsync('export', ...args, '--jsonl');
  expect([ran.code, ran.err]).toEqual([EXIT.ok, '']);
  return ran.out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Two SKUs, one of which sold two pieces in an order. */
async function shop(): Promise<World> {
  const world = makeWorld();
  world.one.list({ sku: 'MUG', shown: 9 });
  await world.ok('stock receive MUG 9 --reason kiln');
  await world.ok('stock receive BOWL 3');
  await world.ok('listings import one');
  const order = world.one.sell({ lines: [{ ref: 'MUG', quantity: 2 }] });
  await world.deliver(world.one.hookForOrder(order?.id ?? ''));
  await world.ok('events replay --status new --yes');
  return world;
}

describe('export', () => {
  test('prints orders, ledger and stock in both forms with the same values', async () => {
    const world = await shop();
    const [order] = await csv(world, 'orders');
    expect(order).toMatchObject({ channel: 'one', sku: 'MUG', taken: '2', given: '2', shortfall: '0' });
    const ledger = await csv(world, 'ledger');
    expect(
      ledger.map(({ sku, kind, available, available_after }) => [sku, kind, available, available_after]),
    ).toEqual([
      ['MUG', 'count', '9', '9'],
      ['BOWL', 'count', '3', '3'],
      ['MUG', 'sale', '-2', '7'],
    ]);
    expect((await csv(world, 'stock')).map(({ sku, available }) => [sku, available])).toEqual([
      ['BOWL', '3'],
      ['MUG', '7'],
    ]);
    for (const kind of kinds) {
      const texts = (await jsonl(world, kind)).map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([key, value]) => [key, value === null ? '' : String(value)]),
        ),
      );
      expect(texts).toEqual(await csv(world, kind));
    }
  });

  test('with --since prints what changed since then', async () => {
    const world = await shop();
    const at = new Date(Date.now() + 1).toISOString();
    while (Date.now() <= Date.parse(at));
    await world.ok('stock receive BOWL 1');
    expect((await csv(world, 'ledger', '--since', at)).map(({ sku }) => sku)).toEqual(['BOWL']);
    expect((await csv(world, 'stock', '--since', at)).map(({ sku }) => sku)).toEqual(['BOWL']);
    expect(await csv(world, 'orders', '--since', at)).toEqual([]);
    expect(await csv(world, 'orders', '--since', '1h')).toHaveLength(1);
  });

  test('makes what a spreadsheet takes for a formula harmless in CSV, numbers and JSON lines excepted', async () => {
    const world = makeWorld();
    const formulas = ['=1+1', '+1', '-1', '@SUM(A1)'];
    for (const reason of formulas)
      await world.json(EXIT.ok, 'stock', 'receive', 'MUG', '1', '--reason', reason);
    await world.json(EXIT.ok, 'stock', 'adjust', 'MUG', '-2', '--reason', 'broken');
    const rows = await csv(world, 'ledger');
    expect(rows.map(({ reason }) => reason)).toEqual([...formulas.map((text) => `'${text}`), 'broken']);
    expect(rows.at(-1)?.['available']).toBe('-2');
    expect((await jsonl(world, 'ledger')).map(({ reason }) => reason)).toEqual([...formulas, 'broken']);
  });

  test('asks for one form, and for nothing in the future', async () => {
    const world = makeWorld();
    for (const args of [[], ['--csv', '--jsonl'], ['--csv', '--since', '2999-01-01']])
      expect((await world.invsync('export', 'stock', ...args)).code).toBe(EXIT.usage);
  });

  test.each(kinds)('has the columns of %s that docs/operations.md names', async (kind) => {
    const docs = readFileSync(join(root, 'docs/operations.md'), 'utf8');
    const row = new RegExp(`^\\| \`${kind}\`[^|]*\\| (.*) \\|$`, 'm').exec(docs)?.[1] ?? '';
    const ran = await makeWorld().invsync('export', kind, '--csv');
    expect(ran.out.trim()).toBe(row.replaceAll('`', '').replaceAll(', ', ','));
  });
});

describe('a reader of an export', () => {
  async function many(): Promise<World> {
    const world = makeWorld();
    const rows = Array.from({ length: 3_000 }, (_, n) => `SKU-${String(n).padStart(5, '0')},${n}`);
    world.write('stock.csv', `sku,on_hand\n${rows.join('\n')}\n`);
    await world.ok('stock import stock.csv --yes');
    return world;
  }

  test('gets no more than it takes: a page is read when the one before has left', async () => {
    const world = await many();
    let pages = 0;
    const io = { stdoutTaken: async () => ++pages < 3 };
    const ran = await world.invsyncWith(io, 'export', 'stock', '--csv');
    expect(ran.code).toBe(EXIT.ok);
    expect(ran.out.trimEnd().split('\r\n')).toHaveLength(1 + 2 * 500);
  });

  test('that goes away ends it quietly, and a full disk does not', async () => {
    const world = await many();
    const command = `node ${join(root, 'bin/invsync.js')} export ledger --csv`;
    const head = spawnSync('bash', ['-c', `${command} | head -1; echo "\${PIPESTATUS[0]}"`], {
      cwd: world.cwd,
      encoding: 'utf8',
    });
    expect(head.stderr).toBe('');
    expect(head.stdout).toMatch(/^entry,recorded_at,.*\r\n0\n$/);
    const full = spawnSync('bash', ['-c', `${command} > /dev/full`], { cwd: world.cwd, encoding: 'utf8' });
    expect([full.status, full.stderr]).toEqual([
      EXIT.failed,
      expect.stringMatching(/the output is cut short/),
    ]);
  });
});
