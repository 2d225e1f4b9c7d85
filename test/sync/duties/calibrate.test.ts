import { describe, expect, test } from 'vitest';
import { calibrate } from '../../../src/sync/duties/calibrate.ts';
import { makeWorld, type World } from '../world.ts';

const signal = new AbortController().signal;

let world: World;

async function open(basis: 'net' | 'gross'): Promise<void> {
  world = await makeWorld({ shop: { capabilities: { basis } } });
  await world.stock('MUG', 10);
  await world.stock('CUP', 10);
}

/** A look with the channel paused, as the command demands. */
async function look() {
  await world.store.channels.pause('shop', true, { by: 'test', reason: null }, world.clock.now());
  await world.clock.advance(1_000);
  return await calibrate(world.engine, world.live('shop'), () => undefined, signal);
}

function sell(): string {
  const order = world.platform('shop').sell({ lines: [{ ref: 'MUG', quantity: 2 }] });
  if (order === null) throw new Error('not sold');
  return order.id;
}

describe('calibrating what a channel’s numbers mean', () => {
  test.each(['net', 'gross'] as const)('a sale between two looks tells %s', async (basis) => {
    await open(basis);
    expect(await look()).toMatchObject({ state: 'noted', listings: 2, sights: [] });
    sell();
    const told = await look();
    expect(told).toMatchObject({ state: 'clear', basis, configured: basis });
    expect(told.sights).toMatchObject([{ sold: 2, shipped: 0, written: 10, verdict: basis }]);
    expect(await look()).toMatchObject({ state: 'noted' });
  });

  test.each(['net', 'gross'] as const)(
    'so does a shipment of what was sold before the first look, %s',
    async (basis) => {
      await open(basis);
      const orderId = sell();
      await look();
      world.platform('shop').ship(orderId);
      expect(await look()).toMatchObject({ state: 'clear', basis });
    },
  );

  test('without a sale it waits, with what to do', async () => {
    await open('net');
    await look();
    const told = await look();
    expect(told).toMatchObject({ state: 'waiting', basis: null });
    expect(told.hint).toContain('wait for one sale');
  });

  test('a number that somebody edited is no evidence, and the looks begin anew', async () => {
    await open('net');
    await look();
    sell();
    world.platform('shop').set('MUG', 5);
    expect(await look()).toMatchObject({ state: 'unclear', basis: null });
    sell();
    expect(await look()).toMatchObject({ state: 'clear', basis: 'net' });
  });

  test('a live channel is refused until it is paused: our own writes would blur the look', async () => {
    await open('net');
    const look = calibrate(world.engine, world.live('shop'), () => undefined, signal);
    await expect(look).rejects.toMatchObject({
      code: 'channel_is_live',
      hint: expect.stringContaining('pause shop'),
    });
  });
});
