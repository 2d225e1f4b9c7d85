import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
let orderId = '';
beforeEach(async () => {
  world = makeWorld();
  world.one.list({ sku: 'MUG', shown: 10 });
  await world.ok('stock set MUG 2');
  await world.ok('listings import one');
  orderId = world.one.sell({ lines: [{ ref: 'MUG', quantity: 5 }] })?.id ?? '';
  await world.deliver(world.one.hookForOrder(orderId));
  await world.ok('events replay 1');
});

describe('orders', () => {
  test('list and show print what was taken, given and is short', async () => {
    const { orders } = await world.ok('orders list');
    expect(orders).toEqual([
      expect.objectContaining({
        channel: 'one',
        order_id: orderId,
        status: 'open',
        lines: [
          expect.objectContaining({
            line_id: `${orderId}-1`,
            sku: 'MUG',
            taken: 5,
            given: 2,
            gone: 0,
            shortfall: 3,
          }),
        ],
      }),
    ]);
    expect(await world.json(EXIT.ok, 'orders', 'show', orderId)).toMatchObject({
      order_id: orderId,
      missing: false,
    });
    const byNumber = await world.json(EXIT.ok, 'orders', 'show', orderId.slice(1));
    expect(byNumber.order_id).toBe(orderId);
    expect((await world.invsync('orders', 'show', orderId)).out).toContain(orderId);
    expect((await world.ok('orders list --channel two')).orders).toEqual([]);
    expect((await world.json(EXIT.failed, 'orders', 'show', 'nope')).error.code).toBe('unknown_order');
  });
});

describe('reservations', () => {
  test('lists what keeps units and releases what will never be sold', async () => {
    await world.ok('stock set MUG 3');
    const id = await world.withStore(async (store) => {
      const lines = [{ sku: 'MUG', quantity: 2 }];
      const tie = { channel: 'one', orderRef: '#42', reference: null };
      const now = Date.now();
      const held = await store.reservations.hold(
        { key: 'k', bodyHash: 'h', lines, ttlMs: 60_000, ...tie },
        now,
      );
      if (held.kind !== 'held') throw new Error(held.kind);
      await store.reservations.commit(held.reservation.id, now);
      return held.reservation.id;
    });
    const { reservations } = await world.ok('reservations list');
    expect(reservations).toMatchObject([
      {
        id,
        status: 'committed',
        channel: 'one',
        order_ref: '#42',
        lines: [{ sku: 'MUG', quantity: 2, keeps: 2 }],
      },
    ]);
    expect(await world.ok('stock show MUG')).toMatchObject({ available: 1 });
    expect(await world.json(EXIT.ok, 'reservations', 'release', id)).toMatchObject({ released: true });
    expect(await world.json(EXIT.ok, 'reservations', 'release', id)).toMatchObject({ released: false });
    expect(await world.ok('stock show MUG')).toMatchObject({ available: 3 });
    expect((await world.ok('reservations list')).reservations).toEqual([]);
    const { error } = await world.json(EXIT.failed, 'reservations', 'release', 'rsv_0');
    expect(error.code).toBe('unknown_reservation');
  });
});

describe('oversells', () => {
  test('list the docket, resolve ends one, and only once', async () => {
    const { oversells } = await world.ok('oversells list --status open');
    expect(oversells).toEqual([
      expect.objectContaining({
        channel: 'one',
        order_id: orderId,
        sku: 'MUG',
        shortfall: 3,
        status: 'open',
        policy: 'alert',
      }),
    ]);
    const id = String(oversells[0].id);
    expect(await world.json(EXIT.ok, 'oversells', 'resolve', id, '--as', 'cancelled')).toMatchObject({
      status: 'cancelled',
    });
    expect(await world.json(EXIT.ok, 'oversells', 'resolve', id, '--as', 'cancelled')).toMatchObject({
      status: 'cancelled',
    });
    const { error } = await world.json(EXIT.failed, 'oversells', 'resolve', id, '--as', 'filled');
    expect(error).toMatchObject({ code: 'oversell_closed' });
    expect((await world.ok('oversells list --status open')).oversells).toEqual([]);
    await world.ok('stock receive MUG 5');
    expect(await world.ok('stock show MUG')).toMatchObject({ available: 5 });
  });

  test.each([
    [['resolve', '99', '--as', 'filled'], EXIT.failed, 'there is no oversell 99'],
    [['resolve', '1', '--as', 'gone'], EXIT.usage, '--as "gone" is none of filled, cancelled, written-off'],
    [['resolve', '1'], EXIT.usage, "required option '--as <end>' not specified"],
    [['resolve', 'x', '--as', 'filled'], EXIT.usage, 'the id "x" is not a whole number'],
    [['list', '--status', 'lost'], EXIT.usage, '--status "lost" is none of'],
  ])('refuses oversells %s', async (line, code, message) => {
    expect((await world.json(code, 'oversells', ...line)).error.message).toContain(message);
  });
});

describe('explain', () => {
  test('says what is in doubt about the SKU and about the orders that moved it', async () => {
    await world.withStore(async (store) => {
      const alert = { channelId: null, message: 'order 1: 1.5 units, counted as 2' };
      await store.duties.raiseAlert({ ...alert, kind: 'order_warning', subject: `one ${orderId}` }, 1);
      await store.duties.raiseAlert({ ...alert, kind: 'order_warning', subject: 'one another' }, 1);
      const doubt = { ...alert, message: 'MUG was not found' };
      await store.duties.raiseAlert({ ...doubt, kind: 'stock_doubted', subject: 'MUG' }, 1);
    });
    const { warnings } = await world.ok('explain MUG');
    expect(warnings.sort()).toEqual(['MUG was not found', 'order 1: 1.5 units, counted as 2']);
    const plain = await world.invsync('explain', 'MUG');
    expect(plain.out + plain.err).toContain('MUG was not found');
  });

  test('adds every entry up to the number, oldest first', async () => {
    await world.ok('stock receive MUG 9 --reason delivery --by ana');
    const found = await world.ok('explain MUG');
    expect(found).toMatchObject({
      sku: 'MUG',
      available: 6,
      opening: 0,
      sum: 6,
      adds_up: true,
      omitted: false,
      warnings: [],
    });
    expect(found.entries.map((entry: { kind: string; delta: number }) => [entry.kind, entry.delta])).toEqual([
      ['count', 2],
      ['sale', -2],
      ['receipt', 9],
      ['fill', -3],
    ]);
    expect(found.entries[1]).toMatchObject({ channel: 'one', order_id: orderId, after: 0 });
    expect(found.listings).toEqual([
      expect.objectContaining({ channel: 'one', listing_id: 'MUG', target: 6 }),
    ]);
    const plain = await world.invsync('explain', 'MUG');
    expect(plain.out).toContain('why is MUG 6?');
    expect(plain.out).toContain('adds up');
  });

  test('explains an earlier time, the newest entries only, and one channel', async () => {
    const { entries } = await world.ok('explain MUG');
    await new Promise((resolve) => setTimeout(resolve, 5));
    await world.ok('stock receive MUG 9');
    const then = await world.json(EXIT.ok, 'explain', 'MUG', '--at', entries.at(-1).recorded_at);
    expect(then).toMatchObject({
      at: entries.at(-1).recorded_at,
      available: 0,
      on_hand: null,
      adds_up: true,
      entries: { length: 2 },
    });
    const newest = await world.ok('explain MUG --limit 1 --channel two');
    expect(newest).toMatchObject({
      opening: 9,
      sum: 6,
      omitted: true,
      adds_up: true,
      entries: { length: 1 },
      listings: [],
    });
  });

  test('says which SKU was meant', async () => {
    expect((await world.json(EXIT.failed, 'explain', 'mug')).error).toMatchObject({
      code: 'unknown_sku',
      hint: 'did you mean MUG?',
    });
    expect((await world.json(EXIT.usage, 'explain', 'MUG', '--at', 'noon')).error.message).toContain(
      'is not a time',
    );
  });
});
