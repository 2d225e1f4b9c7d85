import { describe, expect, test } from 'vitest';
import type { MemoryOrder } from '../../../src/channels/memory/state.ts';
import { makeSelling, type Outbound } from '../outbound-world.ts';

let world: Outbound;

/** Two sales of the last piece, of which the second is short. */
async function oversold(oversell: 'hold' | 'cancel'): Promise<MemoryOrder> {
  world = await makeSelling({ shop: { oversell } }, { A: 1 });
  world.clock.jump(60_000);
  let last: MemoryOrder | null = null;
  for (let sale = 0; sale < 2; sale += 1) {
    last = world.platform('shop').sell({ lines: [{ ref: 'A', quantity: 1 }], force: true });
    if (last !== null) await world.hear('shop', last);
  }
  if (last === null) throw new Error('nothing was sold');
  return last;
}

const statusOf = (order: MemoryOrder) => world.platform('shop').order(order.id)?.status;

describe('a hold or a cancel at the channel', () => {
  test.each([
    ['hold', 'on-hold'],
    ['cancel', 'cancelled'],
  ] as const)('a %s looks at the order of that id, not at one that is called so', async (oversell, ends) => {
    const second = await oversold(oversell);
    const third = world.platform('shop').sell({ lines: [{ ref: 'A', quantity: 0 }], force: true });
    if (third === null) throw new Error('nothing was sold');
    third.number = second.id;
    await world.hear('shop', third);
    await world.actions.runUntilIdle();
    expect(statusOf(second)).toBe(ends);
  });

  test('never cancels an order whose state cannot be read, and leaves it to a person in the end', async () => {
    const second = await oversold('cancel');
    const live = world.live('shop');
    const item = { topic: 'order', order: { nothing: 'known' } };
    live.channel.fetchOrders = async (ids) =>
      ids.map((orderId) => ({ orderId, item, askedAt: world.clock.now(), answeredAt: world.clock.now() }));
    for (let tries = 0; tries < 30; tries += 1) {
      await world.actions.runUntilIdle();
      world.clock.jump(3_600_000);
    }
    expect(statusOf(second)).toBe('open');
    const alerts = await world.store.duties.alerts(true, 10);
    expect(alerts.find((alert) => alert.kind === 'action_refused')?.message).toContain('cannot be read');
  });

  test('cancels an order that is not settled only once it is, and by what it shows then', async () => {
    const second = await oversold('cancel');
    world.platform('shop').unsettle(second.id, 20_000);
    await world.actions.runUntilIdle();
    expect(statusOf(second)).toBe('open');
    world.clock.jump(21_000);
    await world.actions.runUntilIdle();
    expect(statusOf(second)).toBe('cancelled');
  });

  test('does not cancel what is filled by then, and fills the order when it comes short again', async () => {
    const second = await oversold('cancel');
    const line = second.lines[0]?.key ?? '';
    world.platform('shop').edit(second.id, { line, quantity: 0 });
    await world.actions.runUntilIdle();
    expect(statusOf(second)).toBe('open');
    expect(await world.store.outbox.actionsDue(world.live('shop').id, 5, world.clock.now())).toEqual([]);
    await world.change('A', 'receive', 1);
    world.clock.jump(1_000);
    world.platform('shop').edit(second.id, { line, quantity: 1 });
    await world.hear('shop', second);
    expect(await world.available('A')).toBe(0);
    expect(await world.store.reports.oversells({ status: 'open', limit: 5 })).toEqual([]);
  });
});
