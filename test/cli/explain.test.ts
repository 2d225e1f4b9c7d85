import { beforeEach, expect, test } from 'vitest';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(() => {
  world = makeWorld({ mode: 'live' });
});

test('explain names the order that waits and how much, orders by their number, imports by their file', async () => {
  world.one.list({ sku: 'MUG', shown: 2 });
  world.write('count.csv', 'sku,on_hand\nMUG,2\n');
  await world.ok('stock import count.csv --yes');
  await world.ok('listings import one');
  const order = world.one.sell({ lines: [{ ref: 'MUG', quantity: 5 }], force: true });
  await world.deliver(world.one.hookForOrder(order?.id ?? ''));
  await world.ok('events replay --status new --yes');
  const found = await world.ok('explain MUG');
  expect(found.waiting).toEqual([
    {
      oversell_id: 1,
      channel: 'one',
      order_id: order?.id,
      order_number: '#1',
      shortfall: 3,
      placed_at: expect.any(String),
    },
  ]);
  expect(found.entries).toMatchObject([
    { kind: 'count', reason: 'import of count.csv' },
    { order_id: order?.id, order_number: '#1' },
  ]);
  const { out } = await world.invsync('explain', 'MUG');
  expect(out).toMatch(/order #1 on one \(.*\) waits for 3 more; .*invsync oversells resolve 1 --as filled/);
  expect(out).toContain('import of count.csv');
  await world.ok('stock receive MUG 3');
  expect((await world.ok('explain MUG')).waiting).toEqual([]);
});

test('stock show says in sync only beside equal numbers', async () => {
  world.one.list({ sku: 'MUG', shown: 9 });
  await world.ok('stock set MUG 9');
  await world.ok('listings import one');
  await world.ok('reconcile');
  await world.ok('pushes retry');
  const state = async () => (await world.ok('stock show MUG')).listings[0].state;
  expect(await state()).toBe('in sync');
  const order = world.one.sell({ lines: [{ ref: 'MUG', quantity: 1 }] });
  await world.deliver(world.one.hookForOrder(order?.id ?? ''));
  await world.ok('events replay --status new --yes');
  expect(await state()).toBe('due');
  await world.ok('pushes retry');
  const [listing] = (await world.ok('stock show MUG')).listings;
  expect(listing).toMatchObject({ target: 8, shown: 9, state: 'own sale lowered it, not read since' });
});
