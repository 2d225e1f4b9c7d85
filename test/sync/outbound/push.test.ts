import { describe, expect, test } from 'vitest';
import type { MemoryOrder } from '../../../src/channels/memory/state.ts';
import { makeOutbound, makeSelling, type Outbound } from '../outbound-world.ts';

let world: Outbound;

function sold(order: MemoryOrder | null): MemoryOrder {
  if (order === null) throw new Error('the shop did not sell');
  return order;
}

const one = (sku: string, quantity = 1) => ({ lines: [{ ref: sku, quantity }] });
const pushes = (channel: string) =>
  world
    .platform(channel)
    .writes()
    .filter((write) => write.key !== 'hand');

/** A world of one SKU that has been taken over, a minute ago, with fresh feeds. */
async function ready(channels: Parameters<typeof makeOutbound>[0], quantity = 5): Promise<void> {
  world = await makeSelling(channels, { A: quantity });
  await world.pullAfter(60_000);
}

describe('what leaves', () => {
  test('a sale on one channel lowers every other one', async () => {
    await ready({ shop: {}, amazon: {}, ebay: {} });
    await world.hear('shop', sold(world.platform('shop').sell(one('A', 2))));
    await world.push();
    for (const name of ['shop', 'amazon', 'ebay']) expect(world.platform(name).shown('A')).toBe(3);
    expect(pushes('shop')).toEqual([]);
  });

  test('a batch holds many counters and one bad row never blocks its neighbours', async () => {
    await ready({ shop: { capabilities: { batchSize: 10 } } });
    for (const sku of ['B', 'C', 'D']) await world.stock(sku, 4);
    await world.reconcile();
    world.clock.jump(1_000);
    world.platform('shop').faults.arm('rejected', { on: 'write', count: 1 });
    for (const sku of ['B', 'C', 'D']) await world.change(sku, 'receive', 3);
    await world.pullAll();
    await world.push();
    const shown = ['B', 'C', 'D'].map((sku) => world.platform('shop').shown(sku));
    expect(shown.filter((number) => number === 7)).toHaveLength(2);
    const dead = await world.store.outbox.list({ status: 'dead', limit: 10 }, world.clock.now());
    expect(dead).toHaveLength(1);
  });

  test('zeros leave before everything else', async () => {
    await ready({ shop: { capabilities: { batchSize: 1, writeConcurrency: 1 } } });
    for (const sku of ['B', 'C', 'D']) await world.stock(sku, 4);
    await world.reconcile();
    world.clock.jump(1_000);
    await world.change('B', 'adjust', -1);
    await world.change('C', 'adjust', -4);
    await world.change('D', 'adjust', -2);
    await world.push();
    expect(pushes('shop').map((write) => write.to)).toEqual([0, 2, 3]);
  });

  test('a number that changes while its push is decided is pushed once, as it is when it leaves', async () => {
    await ready({ shop: {} });
    await world.change('A', 'adjust', -1);
    await world.change('A', 'adjust', -1);
    await world.change('A', 'adjust', -1);
    await world.push();
    expect(pushes('shop').map((write) => write.to)).toEqual([2]);
  });
});

describe('what does not leave', () => {
  test('nothing is pushed to a channel before its reconcile plan', async () => {
    world = await makeOutbound({ shop: {} });
    await world.stock('A', 5, 9);
    expect(await world.shownAfterPush('shop', 'A')).toBe(9);
    await world.reconcile();
    expect(world.platform('shop').shown('A')).toBe(5);
  });

  test('observe and pause push nothing, and a shadow closes with what it would have sent', async () => {
    world = await makeOutbound({ looks: { mode: 'observe' }, ghost: { mode: 'shadow' }, rests: {} });
    await world.stock('A', 5, 9);
    await world.store.channels.pause('rests', true, { by: 'test', reason: null }, world.clock.now());
    const run = await world.reconcile();
    await world.push();
    for (const name of ['looks', 'ghost', 'rests']) expect(world.platform(name).shown('A')).toBe(9);
    expect(run.report.lines.every((line) => line.action === 'lower' && !line.done)).toBe(true);
    const log = await world.store.reports.pushLog('A', 'ghost', 5);
    expect(log[0]?.outcome).toContain('shadow: would send 5');
    expect((await world.counter('ghost', 'A')).version).toBe((await world.counter('ghost', 'A')).doneVersion);
  });

  test('a listing whose mode is off keeps its number', async () => {
    await ready({ shop: {} });
    const row = await world.store.listings.find('shop', 'A');
    if (row === null || row === 'ambiguous') throw new Error('no listing');
    await world.store.listings.set(row.id, { mode: 'off' }, { by: 'test', reason: null }, world.clock.now());
    await world.change('A', 'adjust', -3);
    await world.push();
    const run = await world.reconcile();
    expect(world.platform('shop').shown('A')).toBe(5);
    expect(run.report.lines).toEqual([]);
  });
});

describe('answers', () => {
  test('throttled: waits as long as the channel says and spends no attempt', async () => {
    await ready({ shop: {} });
    world.platform('shop').faults.arm('throttle', { on: 'write', ms: 5_000 });
    await world.change('A', 'adjust', -1);
    await world.push();
    expect(await world.counter('shop', 'A')).toMatchObject({ attempts: 0, state: 'idle' });
    world.clock.jump(4_000);
    expect(await world.shownAfterPush('shop', 'A')).toBe(5);
    world.clock.jump(1_001);
    expect(await world.shownAfterPush('shop', 'A')).toBe(4);
  });

  test('auth: parks the channel with an alert, spends nothing, and goes on once an answer has come', async () => {
    await ready({ shop: {} });
    world.platform('shop').faults.arm('auth', { on: 'write' });
    await world.change('A', 'adjust', -1);
    await world.push();
    const [row] = await world.store.channels.list();
    expect(row?.parkedSince).not.toBeNull();
    expect(await world.store.duties.alerts(true, 10)).toMatchObject([{ kind: 'channel_parked' }]);
    expect((await world.counter('shop', 'A')).attempts).toBe(0);
    await world.pull('shop');
    expect(await world.shownAfterPush('shop', 'A')).toBe(4);
  });

  test('an error is retried with a growing wait', async () => {
    await ready({ shop: {} });
    world.platform('shop').faults.arm('error', { on: 'write', count: 2 });
    await world.change('A', 'adjust', -1);
    await world.push();
    expect((await world.counter('shop', 'A')).attempts).toBe(1);
    world.clock.jump(10_000);
    await world.push();
    expect((await world.counter('shop', 'A')).attempts).toBe(2);
    world.clock.jump(10_000);
    expect(await world.shownAfterPush('shop', 'A')).toBe(4);
  });

  test('a rejected lowering is exposed, alerted and retried hourly; a rejected raise is dead with its hint', async () => {
    await ready({ shop: {} });
    world.platform('shop').faults.arm('rejected', { on: 'write', count: 1 });
    await world.change('A', 'adjust', -2);
    await world.push();
    expect(await world.counter('shop', 'A')).toMatchObject({ exposed: true, dead: false });
    expect(await world.store.duties.alerts(true, 10)).toMatchObject([{ kind: 'exposed' }]);
    world.clock.jump(3_600_001);
    expect(await world.shownAfterPush('shop', 'A')).toBe(3);
    expect((await world.store.duties.alerts(true, 10)).filter((alert) => alert.kind === 'exposed')).toEqual(
      [],
    );

    await world.pullAll();
    world.platform('shop').faults.arm('rejected', { on: 'write', count: 1 });
    await world.change('A', 'receive', 4);
    await world.push();
    const view = await world.counter('shop', 'A');
    expect(view).toMatchObject({ dead: true, exposed: false });
    expect(view.error).toContain('listings import');
  });

  test('no answer although it was applied: a lower target goes at once, the end is what the master says', async () => {
    await ready({ shop: {}, amazon: {} });
    world.platform('shop').faults.arm('apply_then_timeout', { on: 'write' });
    await world.change('A', 'adjust', -2);
    await world.push();
    expect((await world.counter('shop', 'A')).state).toBe('unknown');
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    expect(await world.shownAfterPush('shop', 'A')).toBe(2);
    await world.pullAfter(60_000);
    await world.change('A', 'receive', 6);
    expect(await world.shownAfterPush('shop', 'A')).toBe(8);
    expect((await world.counter('shop', 'A')).unread).toEqual([]);
  });

  test('accepted: a lower target does not wait for the read-back, a higher one does', async () => {
    const settleMs = 900_000;
    const capabilities = { compareAndSet: 'none' as const, settleMs };
    await ready({ amazon: { answers: 'accepted', capabilities } });
    await world.change('A', 'adjust', -2);
    await world.push();
    expect((await world.counter('amazon', 'A')).state).toBe('accepted');
    await world.change('A', 'adjust', -3);
    await world.push();
    expect(pushes('amazon').map((write) => write.to)).toEqual([3, 0]);
    await world.change('A', 'receive', 7);
    await world.push();
    expect(pushes('amazon')).toHaveLength(2);
    await world.pullAfter(settleMs + 60_000);
    await world.push();
    expect(pushes('amazon').map((write) => write.to)).toEqual([3, 0, 7]);
    await world.pullAfter(settleMs + 60_000);
    await world.push();
    expect(await world.counter('amazon', 'A')).toMatchObject({
      state: 'idle',
      unread: [],
      anchor: { number: 7 },
    });
  });
});

describe('the duty', () => {
  test('pushes when woken and when its time comes, and drains on stop', async () => {
    await ready({ shop: {}, amazon: {} });
    world.pusher.start();
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    world.engine.wakes.push(null);
    await world.clock.advance(0);
    expect(world.platform('shop').shown('A')).toBe(4);
    world.platform('shop').faults.arm('throttle', { on: 'write', ms: 5_000 });
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    world.engine.wakes.push(null);
    await world.clock.advance(4_000);
    expect(world.platform('shop').shown('A')).toBe(4);
    await world.clock.advance(1_500);
    expect(world.platform('shop').shown('A')).toBe(3);
    await world.pusher.stop();
    await world.pusher.stop();
    await world.change('A', 'adjust', -1);
    world.engine.wakes.push(null);
    await world.clock.advance(60_000);
    expect(world.platform('shop').shown('A')).toBe(3);
  });

  test('a call that never ends is given up at its time-out and stays unknown', async () => {
    await ready({ shop: {} });
    world.pusher.start();
    world.platform('shop').faults.arm('unanswered', { on: 'write', count: 1 });
    await world.change('A', 'adjust', -1);
    world.engine.wakes.push(null);
    await world.clock.advance(9_000);
    expect((await world.counter('shop', 'A')).state).toBe('in_flight');
    await world.clock.advance(2_000);
    expect((await world.counter('shop', 'A')).state).toBe('unknown');
    await world.clock.advance(30_000);
    expect(world.platform('shop').shown('A')).toBe(4);
    await world.pusher.stop();
  });
});

describe('oversold orders', () => {
  async function short(oversell: 'hold' | 'cancel', capabilities = {}): Promise<MemoryOrder> {
    await ready({ shop: { oversell, capabilities }, amazon: {} }, 1);
    const late = sold(world.platform('shop').sell(one('A')));
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    await world.hear('shop', late);
    return late;
  }

  test('are cancelled at the channel where the policy says so, and the number is pushed again afterwards', async () => {
    const late = await short('cancel');
    await world.actions.runUntilIdle();
    expect(world.platform('shop').order(late.id)?.status).toBe('cancelled');
    world.clock.jump(1_000);
    await world.pull('shop');
    expect(await world.shownAfterPush('shop', 'A')).toBe(0);
    expect(await world.available('A')).toBe(0);
  });

  test('fall back to an alert where the channel refuses', async () => {
    const late = await short('hold', { hold: false });
    await world.actions.runUntilIdle();
    expect(world.platform('shop').order(late.id)?.status).toBe('open');
    expect(await world.store.duties.alerts(true, 10)).toContainEqual(
      expect.objectContaining({ kind: 'action_refused' }),
    );
    await world.change('A', 'receive', 1);
    expect(await world.store.reports.oversells({ status: 'filled', limit: 5 })).toHaveLength(1);
  });

  test('are left alone when the shortfall is gone before the first try', async () => {
    const late = await short('cancel');
    world.platform('shop').cancel(late.id);
    await world.actions.runUntilIdle();
    const [order] = await world.store.orders.list({ channel: 'shop', limit: 1 });
    expect(order?.cancelled).toBe(true);
    expect(await world.store.outbox.actionsDue(world.live('shop').id, 5, world.clock.now())).toEqual([]);
  });
});

describe('what may have acted', () => {
  test('is read early: a number that took hold settles it, long before the deadline', async () => {
    await ready({ shop: {} }, 10);
    world.platform('shop').faults.arm('apply_then_timeout', { on: 'write', count: 1 });
    await world.change('A', 'adjust', -5);
    await world.push();
    const { state, unread } = await world.counter('shop', 'A');
    expect(state).toBe('unknown');
    world.clock.jump(2_000);
    await world.push();
    expect(await world.counter('shop', 'A')).toMatchObject({
      state: 'idle',
      unread: [],
      anchor: { number: 5 },
    });
    expect(world.clock.now()).toBeLessThan(unread[0]?.deadline ?? 0);
  });

  test('is sent again soon where it lowers and did not take hold', async () => {
    await ready({ shop: {} }, 10);
    world.platform('shop').faults.arm('timeout', { on: 'write', count: 2 });
    await world.change('A', 'adjust', -5);
    for (let second = 0; second < 5; second += 1) {
      await world.push();
      world.clock.jump(1_000);
    }
    expect(world.platform('shop').shown('A')).toBe(5);
  });

  test('is never sent again before its deadline where it raises, and is looked at a few times until then', async () => {
    await ready({ shop: { capabilities: { maxExecutionMs: 90_000 } } });
    world.platform('shop').faults.arm('timeout', { on: 'write', count: 1 });
    await world.change('A', 'receive', 5);
    let reads = 0;
    const live = world.live('shop');
    const readStock = live.channel.readStock.bind(live.channel);
    live.channel.readStock = async (listings, signal) => {
      reads += 1;
      return readStock(listings, signal);
    };
    const sentBefore = pushes('shop').length;
    for (let second = 0; second < 90; second += 1) {
      await world.push();
      await world.pullAfter(1_000);
    }
    expect(pushes('shop').length - sentBefore).toBe(0);
    expect(reads).toBeGreaterThan(3);
    expect(reads).toBeLessThan(12);
    for (let second = 0; second < 60; second += 1) {
      await world.push();
      await world.pullAfter(1_000);
    }
    expect(world.platform('shop').shown('A')).toBe(10);
  });
});

describe('a number that the channel refuses', () => {
  const open = async (kind: string) =>
    (await world.store.duties.alerts(true, 10)).filter((alert) => alert.kind === kind);

  test('has its alert until the number is right, however it became so', async () => {
    await ready({ shop: {} });
    world.platform('shop').faults.arm('rejected', { on: 'write', count: null });
    await world.change('A', 'adjust', -2);
    await world.push();
    const [alert] = await open('exposed');
    expect(alert?.message).toContain('invsync pushes retry --channel shop');
    world.platform('shop').set('A', 3);
    await world.reconcile();
    expect(await open('exposed')).toEqual([]);
  });

  test('has its alert no longer once the number was taken', async () => {
    await ready({ shop: {} });
    world.platform('shop').faults.arm('rejected', { on: 'write', count: 1 });
    await world.change('A', 'receive', 2);
    await world.push();
    expect(await open('refused_push')).toHaveLength(1);
    await world.store.outbox.retry({ channel: 'shop' }, world.clock.now());
    expect(await world.shownAfterPush('shop', 'A')).toBe(7);
    expect(await open('refused_push')).toEqual([]);
  });

  test('was not written: nothing waits for an answer, and it is tried again within seconds', async () => {
    await ready({ shop: {} });
    world.platform('shop').faults.arm('error', { on: 'write', count: 2 });
    await world.change('A', 'adjust', -2);
    await world.push();
    expect(await world.counter('shop', 'A')).toMatchObject({ state: 'idle', unread: [] });
    for (let second = 0; second < 5; second += 1) {
      world.clock.jump(1_000);
      await world.push();
    }
    expect(world.platform('shop').shown('A')).toBe(3);
  });
});
