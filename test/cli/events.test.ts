import { beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from '../../src/errors.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = makeWorld();
  world.one.list({ sku: 'MUG', shown: 10 });
  await world.ok('stock set MUG 10');
  await world.ok('listings import one');
});

const sell = async (quantity = 1) => {
  const order = world.one.sell({ lines: [{ ref: 'MUG', quantity }] });
  await world.deliver(world.one.hookForOrder(order?.id ?? ''));
  return order?.id ?? '';
};
const available = async () => (await world.ok('stock show MUG')).available;

describe('events list and show', () => {
  test('lists newest first, by status, channel and time', async () => {
    await sell();
    await sell();
    const { events } = await world.ok('events list');
    expect(events).toEqual([
      expect.objectContaining({
        id: 2,
        channel: 'one',
        kind: 'order',
        status: 'new',
        attempts: 0,
        error: null,
      }),
      expect.objectContaining({ id: 1 }),
    ]);
    expect((await world.ok('events list --before 2')).events).toHaveLength(1);
    expect((await world.ok('events list --status dead')).events).toEqual([]);
    expect((await world.ok('events list --channel two')).events).toEqual([]);
    expect((await world.ok('events list --since 1h')).events).toHaveLength(2);
    expect((await world.ok('events list --until 1h')).events).toEqual([]);
  });

  test('show prints the fields that are kept', async () => {
    const orderId = await sell();
    expect(await world.ok('events show 1')).toMatchObject({ body_kept: true, fields: null });
    await world.ok('events replay 1');
    expect(await world.ok('events show 1')).toMatchObject({
      status: 'applied',
      orders: [orderId],
      body_kept: false,
      fields: { order: { id: orderId } },
    });
    expect((await world.json(EXIT.failed, 'events', 'show', '99')).error.code).toBe('unknown_event');
  });
});

describe('events replay', () => {
  test('--dry-run shows the effect and changes nothing', async () => {
    const orderId = await sell(3);
    const effect = await world.ok('events replay 1 --dry-run');
    expect(effect.events).toEqual([
      {
        id: 1,
        channel: 'one',
        orders: [
          {
            order_id: orderId,
            verdict: 'applied',
            taken_up: 3,
            taken_down: 0,
            given: 3,
            short: 0,
            unmapped_lines: 0,
          },
        ],
        fetch: [],
        ignored: null,
        error: null,
      },
    ]);
    expect(effect.listings).toEqual([
      { channel: 'one', listing_id: 'MUG', channel_sku: 'MUG', before: 10, after: 7 },
    ]);
    expect(await available()).toBe(10);
    expect((await world.ok('events show 1')).status).toBe('new');
  });

  test('applies it, and a second time finds nothing new', async () => {
    await sell(3);
    const done = await world.ok('events replay 1');
    expect(done).toMatchObject({ replayed: 1, events: [{ id: 1, status: 'applied' }] });
    expect(await available()).toBe(7);
    const effect = await world.ok('events replay 1 --dry-run');
    expect(effect).toMatchObject({ events: [{ orders: [{ verdict: 'same' }] }], listings: [] });
    await world.ok('events replay 1');
    expect(await available()).toBe(7);
  });

  test('asks before more than one, with the effect as the plan', async () => {
    await sell();
    await sell();
    const { error } = await world.json(EXIT.usage, 'events', 'replay', '--status', 'new');
    expect(error).toMatchObject({
      code: 'needs_yes',
      plan: { events: { length: 2 }, listings: [{ after: 8 }] },
    });
    expect(await world.ok('events replay --channel one --yes')).toMatchObject({
      replayed: 2,
    });
    expect(await available()).toBe(8);
  });

  test('names what cannot be read and exits 3 when it stays so', async () => {
    const { body, ...hook } = world.one.hook('order', { id: 'o-9' });
    await world.deliver({ ...hook, body: Buffer.from('{"id":') });
    void body;
    const effect = await world.ok('events replay 1 --dry-run');
    expect(effect.events[0].error).toMatch(/.+/);
    const done = await world.json(EXIT.partial, 'events', 'replay', '1');
    expect(done.events[0]).toMatchObject({ id: 1, error: expect.any(String) });
  });

  test.each([
    [['replay'], EXIT.usage, 'which events?'],
    [['replay', 'x'], EXIT.usage, 'the id of an event "x" is not a whole number'],
    [['replay', '77'], EXIT.failed, 'there is no event 77'],
    [['replay', '--status', 'broken'], EXIT.usage, '--status "broken" is none of'],
    [['replay', '--since', '1h', '--until', '2h'], EXIT.usage, '--since is later than --until'],
    [['replay', '--channel', 'three'], EXIT.usage, 'no channel is called "three"'],
    [['show', '-1'], EXIT.usage, 'the id of an event "-1" is not a whole number'],
    [['list', '--before', '0'], EXIT.usage, '--before 0 is out of range'],
  ])('refuses events %s', async (line, code, message) => {
    expect((await world.json(code, 'events', ...line)).error.message).toContain(message);
  });
});
