import { describe, expect, test } from 'vitest';
import { correctAtStart } from '../../../src/sync/duties/clock.ts';
import { createExpiry } from '../../../src/sync/duties/expire.ts';
import { createTakeover } from '../../../src/sync/duties/takeover.ts';
import { makeOutbound, type Outbound } from '../outbound-world.ts';

let world: Outbound;

const dayMs = 86_400_000;
const by = { by: 'test', reason: null };
const clockAlerts = async () =>
  (await world.store.duties.alerts(true, 10)).filter((alert) => alert.kind === 'clock_moved');

async function resume(): Promise<void> {
  await world.store.channels.pause('shop', true, by, world.clock.now());
  await world.store.channels.pause('shop', false, by, world.clock.now());
}

describe('a clock that was a day ahead and is put right', () => {
  test('is noticed while the daemon runs: the books are corrected, and duties begin anew', async () => {
    world = await makeOutbound({ shop: {} });
    let aheadMs = dayMs;
    // Timers do not follow the wall clock when it is set.
    const clock = { now: () => world.clock.now() + aheadMs, sleep: world.clock.sleep };
    let steps = 0;
    const watch = createExpiry({ ...world.engine, clock }, () => {
      steps += 1;
    });
    const change = { sku: 'A', kind: 'count', quantity: 5, basis: 'free', create: true, ref: null } as const;
    await world.store.stock.change([{ ...change, asOf: clock.now(), presumeGoneMs: {} }], by, clock.now());
    const countedAt = world.clock.now();
    watch.start();
    await world.clock.advance(1_500);
    aheadMs = 0;
    await world.clock.advance(2_000);
    expect(steps).toBe(1);
    expect(await world.store.stock.get('A')).toMatchObject({ asOf: countedAt, available: 5 });
    expect(await clockAlerts()).toHaveLength(1);
    await watch.stop();
  });

  test('is noticed at the next start, and told with what was counted by the wrong time', async () => {
    world = await makeOutbound({ shop: {} });
    world.clock.jump(dayMs);
    await world.stock('A', 5);
    await resume();
    await world.reconcile();
    world.clock.jump(-dayMs);
    await correctAtStart(world.engine);
    const takeover = createTakeover(world.engine, { pusher: world.pusher, owed: 'none' });
    takeover.start();
    await world.change('A', 'adjust', -5);
    await world.clock.advance(5_000);
    expect(await world.shownAfterPush('shop', 'A')).toBe(0);
    const [alert] = await clockAlerts();
    expect(alert?.message).toMatch(/ahead by 1440 min/);
    expect(alert?.message).toMatch(/invsync explain A$/);
    await takeover.stop();
    await correctAtStart(world.engine);
    expect(await clockAlerts()).toMatchObject([{ count: 1 }]);
  });

  test('a resume just after the step is planned at once', async () => {
    world = await makeOutbound({ shop: {} });
    await world.stock('A', 5);
    world.clock.jump(dayMs);
    await resume();
    world.clock.jump(-dayMs);
    await correctAtStart(world.engine);
    await world.reconcile();
    await world.change('A', 'adjust', -5);
    expect(await world.shownAfterPush('shop', 'A')).toBe(0);
  });
});

test('is told for a day, and steps of a few seconds are no news', async () => {
  world = await makeOutbound({ shop: {} });
  const watch = createExpiry(world.engine);
  watch.start();
  await world.clock.advance(1_500);
  world.clock.jump(-3_000);
  await world.clock.advance(10_000);
  expect(await clockAlerts()).toEqual([]);
  await watch.stop();
  const alert = { channelId: null, kind: 'clock_moved', subject: 'clock', message: 'm' } as const;
  await world.store.duties.raiseAlert(alert, world.clock.now());
  for (const [afterMs, open] of [
    [dayMs - 60_000, 1],
    [120_000, 0],
  ] as const) {
    world.clock.jump(afterMs);
    const next = createExpiry(world.engine);
    next.start();
    await world.clock.advance(1_000);
    await next.stop();
    expect(await clockAlerts()).toHaveLength(open);
  }
});
