import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from '../cli/world.ts';

const shared = process.env['INVSYNC_SHARED'] ?? join(import.meta.dirname, '../../../shared');
const folder = join(shared, 'cases');
const absent = existsSync(folder)
  ? ''
  : ' (needs the shared material beside the project, or $INVSYNC_SHARED)';

let world: World;
beforeEach(() => {
  world = makeWorld();
});
afterEach(() => world.close());

describe.skipIf(absent !== '')(`stock files as merchants send them${absent}`, () => {
  const known = { 'ABC-1': 10, 'XYZ-9': 7, '0017': 5, '90.750': 6 };
  beforeEach(async () => {
    for (const [sku, count] of Object.entries(known))
      await world.json(EXIT.ok, 'stock', 'set', sku, String(count));
  });
  const unchanged = async () => {
    const { stock } = await world.json(EXIT.ok, 'stock', 'list');
    const now = stock.map((row: { sku: string; available: number }) => [row.sku, row.available]);
    expect(Object.fromEntries(now)).toEqual(known);
  };

  it.each([
    ['leading-zeros-lost.csv', '17', '0017'],
    ['lower-case.csv', 'abc-1', 'ABC-1'],
    ['apostrophe-sku.csv', "'0017", '0017'],
  ])(
    '%s: the preview and the answer name %s and the known %s, and nothing is made',
    async (name, sku, resembles) => {
      const file = world.write(name, readFileSync(join(folder, 'csv', name)));
      const plan = await world.json(EXIT.ok, 'stock', 'import', file, '--dry-run');
      expect(plan.resembling).toEqual([{ line: 2, sku, resembles }]);
      const { error } = await world.json(EXIT.usage, 'stock', 'import', file, '--yes');
      expect(error).toMatchObject({ code: 'looks_alike', resembling: [{ line: 2, sku, resembles }] });
      await unchanged();
      await world.json(EXIT.ok, 'stock', 'import', file, '--yes', '--create', sku);
      expect(await world.json(EXIT.ok, 'stock', 'show', sku)).toMatchObject({ counted: true });
    },
  );
});
