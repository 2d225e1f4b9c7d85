import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { EXIT } from '../../src/errors.ts';
import { nextRun } from '../../src/sync/duties/schedule.ts';
import { makeWorld, type World } from '../cli/world.ts';

/** Stock files and configurations from the field with their right values, beside the project or at $INVSYNC_SHARED. */
const shared = [process.env['INVSYNC_SHARED'], resolve(import.meta.dirname, '../../../shared')].find(
  (place) => place !== undefined && existsSync(join(place, 'cases/csv')),
);
const cases = join(shared ?? '', 'cases');
const absent = 'needs the shared cases beside the project, or $INVSYNC_SHARED';

const known = { 'ABC-1': 10, 'XYZ-9': 7, '0017': 5, '90.750': 6 };

/** What a file says: the counts afterwards, or the refusal in words that name what is wrong. */
const right: Record<string, { counts: Record<string, number> } | { code: string; says: string[] }> = {
  'bom.csv': { counts: { 'ABC-1': 11 } },
  'comma-rows.csv': { counts: { 'ABC-1': 12 } },
  'float.csv': { counts: { 'ABC-1': 12 } },
  'count-lower.csv': { counts: { 'ABC-1': 3 } },
  'semicolon.csv': {
    code: 'bad_rows',
    says: ['line 2', 'ABC-1: on_hand 13,75 is not written as a whole number'],
  },
  'decimal-comma-quoted.csv': {
    code: 'bad_rows',
    says: ['line 2', 'ABC-1: on_hand 13,75 is not written as a whole number'],
  },
  'thousands-quoted.csv': {
    code: 'bad_rows',
    says: ['line 2', 'ABC-1: on_hand 1,800 may be thousands or a fraction'],
  },
  'apostrophe-number.csv': { code: 'bad_rows', says: ['line 2', `ABC-1: on_hand "'-3" is not a number`] },
  'one-bad-row.csv': { code: 'bad_rows', says: ['line 3', 'XYZ-9: on_hand "many" is not a number'] },
  'sku-twice.csv': { code: 'bad_rows', says: ['line 4', 'ABC-1: is on line 2 already'] },
  'utf16.csv': { code: 'not_utf8', says: ['looks like UTF-16', 'iconv -f UTF-16 -t UTF-8'] },
  'latin1.csv': { code: 'not_utf8', says: ['is not UTF-8 text', 'iconv -f WINDOWS-1252 -t UTF-8'] },
};
/** Files about SKUs that resemble a known one: `test/cli` holds what is said of them. */
const resembling = ['leading-zeros-lost.csv', 'lower-case.csv', 'apostrophe-sku.csv'];

describe.skipIf(shared === undefined)(`stock files from the field (${absent})`, () => {
  let world: World;
  beforeAll(async () => {
    world = makeWorld();
    for (const [sku, count] of Object.entries(known))
      await world.json(EXIT.ok, 'stock', 'count', sku, String(count));
  });
  afterAll(() => world.close());

  const counted = async () => {
    const { stock } = await world.ok('stock list');
    return Object.fromEntries(stock.map((row: { sku: string; on_hand: number }) => [row.sku, row.on_hand]));
  };

  test('are all judged here', () => {
    const files = readdirSync(join(cases, 'csv')).sort();
    expect([...Object.keys(right), ...resembling].sort()).toEqual(files);
  });

  test.each(Object.entries(right))('%s', async (name, wanted) => {
    const before = await counted();
    const file = join(cases, 'csv', name);
    if ('code' in wanted) {
      const ran = await world.invsync('stock', 'import', file, '--yes');
      for (const words of wanted.says) expect(ran.err).toContain(words);
      const { error } = await world.json(EXIT.usage, 'stock', 'import', file, '--yes');
      expect(error.code).toBe(wanted.code);
      expect(await counted()).toEqual(before);
      return;
    }
    const preview = await world.json(EXIT.ok, 'stock', 'import', file, '--dry-run');
    const moves = preview.counts.map((row: { sku: string; before: number; after: number }) => [
      row.sku,
      row.before,
      row.after,
    ]);
    expect(moves).toEqual(Object.entries(wanted.counts).map(([sku, count]) => [sku, before[sku], count]));
    await world.json(EXIT.ok, 'stock', 'import', file, '--yes');
    expect(await counted()).toEqual({ ...before, ...wanted.counts });
  });
});

describe.skipIf(shared === undefined)(`configurations from the field (${absent})`, () => {
  test('are all judged here', () => {
    expect(readdirSync(join(cases, 'config'))).toEqual(['schedule-with-seconds.yaml']);
  });

  test('a schedule with seconds runs on Sunday at three by the clocks of Berlin', async () => {
    const text = readFileSync(join(cases, 'config/schedule-with-seconds.yaml'), 'utf8');
    const from = { file: '/srv/invsync/config.yaml', env: {}, definitions: [] };
    const { schedule, timezone } = parseConfig(text, from).config.reconcile;
    const at = await nextRun({ expression: schedule, timezone }, Date.parse('2026-12-05T12:00:00Z'));
    expect(new Date(at).toISOString()).toBe('2026-12-06T02:00:00.000Z');
  });
});
