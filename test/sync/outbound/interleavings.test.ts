import { describe, expect, test } from 'vitest';
import type { MemoryOrder } from '../../../src/channels/memory/state.ts';
import { planFromJson } from '../../../src/sync/plan.ts';
import { makeOutbound, makeSelling, type Outbound } from '../outbound-world.ts';

let world: Outbound;

function sold(order: MemoryOrder | null): MemoryOrder {
  if (order === null) throw new Error('the shop did not sell');
  return order;
}

const one = (sku: string, quantity = 1) => ({ lines: [{ ref: sku, quantity }] });
/** What the engine wrote; hand edits are not among it. */
const pushes = (channel: string) =>
  world
    .platform(channel)
    .writes()
    .filter((write) => write.key !== 'hand');
const unbound = { compareAndSet: 'none' as const };

describe('interleaving 1: a SKU that was never counted', () => {
  test('interleaving 1: new product without a count is left at the number the merchant gave it', async () => {
    world = await makeOutbound({ shop: {} });
    await world.stock('TEE-XL', null, 50);
    const run = await world.reconcile();
    expect(await world.shownAfterPush('shop', 'TEE-XL')).toBe(50);
    expect(world.platform('shop').writes()).toEqual([]);
    expect(run.report.lines).toMatchObject([{ cause: 'uncounted', action: 'none', shown: 50, target: null }]);
  });

  test('interleaving 1: its sales before the count change nothing there either, and the first count is pushed', async () => {
    world = await makeOutbound({ shop: {} });
    await world.stock('TEE-XL', null, 50);
    await world.reconcile();
    await world.hear('shop', sold(world.platform('shop').sell(one('TEE-XL'))));
    await world.push();
    expect(world.platform('shop').writes()).toEqual([]);
    world.clock.jump(1_000);
    await world.change('TEE-XL', 'count', 12);
    expect(await world.shownAfterPush('shop', 'TEE-XL')).toBe(12);
  });
});

describe('interleaving 4: the origin skip hides a sale that raced a push', () => {
  for (const clockMarginMs of [0, 2_000]) {
    test(`interleaving 4: own sale 1 s before a foreign push's answer is pushed (margin ${clockMarginMs} ms)`, async () => {
      world = await makeSelling(
        { ebay: { capabilities: { ...unbound, clockMarginMs } }, amazon: {} },
        { A: 2 },
      );
      await world.pullAfter(60_000);
      const raced = sold(world.platform('ebay').sell(one('A')));
      world.clock.jump(1_000);
      await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
      expect(await world.shownAfterPush('ebay', 'A')).toBe(1);
      world.clock.jump(1_000);
      await world.hear('ebay', raced);
      await world.push();
      expect(await world.available('A')).toBe(0);
      expect(world.platform('ebay').shown('A')).toBe(0);
    });
  }

  test('interleaving 4: a sale surely after the anchor closes without a call, and the reason is on record', async () => {
    world = await makeSelling({ ebay: {}, amazon: {} }, { A: 5 });
    await world.pullAfter(60_000);
    const before = world.platform('ebay').writes().length;
    await world.hear('ebay', sold(world.platform('ebay').sell(one('A'))));
    await world.push();
    expect(world.platform('ebay').writes()).toHaveLength(before);
    expect(world.platform('ebay').shown('A')).toBe(4);
    expect(world.platform('amazon').shown('A')).toBe(4);
    const log = await world.store.reports.pushLog('A', 'ebay', 5);
    expect(log.some((row) => row.outcome.includes('its own sale'))).toBe(true);
  });
});

describe('interleaving 5: a second read agrees with the first', () => {
  const amazon = { listLagMs: 120_000, capabilities: { orderLagMs: 120_000 } };

  test('interleaving 5: read 4, 4, order visible in between: never raised over the unseen sale', async () => {
    world = await makeSelling({ amazon }, { A: 5 });
    world.clock.jump(600_000);
    world.platform('amazon').sell(one('A'));
    world.clock.jump(30_000);
    const first = await world.reconcile();
    expect(first.report.lines).toMatchObject([
      { cause: 'unexplained low', action: 'wait', shown: 4, expected: [5, 5], target: 5 },
    ]);
    world.clock.jump(60_000);
    const second = await world.reconcile();
    expect(second.report.lines).toMatchObject([{ cause: 'unexplained low', action: 'wait', shown: 4 }]);
    world.clock.jump(90_000);
    const third = await world.reconcile();
    expect(third.report.lines).toMatchObject([{ cause: 'missed sale', action: 'none', shown: 4, target: 4 }]);
    expect(await world.available('A')).toBe(4);
    expect(world.platform('amazon').writes()).toEqual([]);
  });

  test('interleaving 5: without any order it is raised once a pull begun after the order lag brought nothing', async () => {
    world = await makeSelling({ amazon }, { A: 5 });
    world.clock.jump(600_000);
    world.platform('amazon').set('A', 4);
    const first = await world.reconcile();
    const [line] = first.report.lines;
    expect(line).toMatchObject({ action: 'wait', cause: 'unexplained low' });
    world.clock.jump(120_002);
    const second = await world.reconcile();
    expect(second.report.lines).toMatchObject([{ action: 'raise', done: true }]);
    expect(world.platform('amazon').shown('A')).toBe(5);
  });

  test('interleaving 5: the daemon finishes the raise by itself when its proof comes due', async () => {
    world = await makeSelling({ amazon }, { A: 5 });
    world.clock.jump(600_000);
    world.platform('amazon').set('A', 4);
    await world.reconcile();
    world.proofs.start();
    await world.clock.advance(60_000);
    expect(world.platform('amazon').shown('A')).toBe(4);
    await world.clock.advance(61_000);
    expect(world.platform('amazon').shown('A')).toBe(5);
    await world.proofs.stop();
  });

  test('interleaving 5: a proof whose orders cannot be read is asked for with growing rests', async () => {
    world = await makeSelling({ amazon }, { A: 5 });
    world.clock.jump(600_000);
    world.platform('amazon').set('A', 4);
    await world.reconcile();
    let pulls = 0;
    const { channel } = world.live('amazon');
    const { ordersSince } = channel;
    channel.ordersSince = (...args) => {
      pulls += 1;
      return ordersSince.apply(channel, args);
    };
    world.platform('amazon').faults.arm('error', { on: 'orders', count: null });
    world.proofs.start();
    await world.clock.advance(600_000);
    expect(pulls).toBeGreaterThan(5);
    expect(pulls).toBeLessThan(20);
    expect(world.platform('amazon').shown('A')).toBe(4);
    world.platform('amazon').faults.clear();
    await world.clock.advance(61_000);
    expect(world.platform('amazon').shown('A')).toBe(5);
    await world.proofs.stop();
  });

  test('interleaving 5: a reconcile run that pulled no orders proves nothing, and says so', async () => {
    world = await makeSelling({ amazon }, { A: 5 });
    world.clock.jump(600_000);
    const { channel } = world.live('amazon');
    let pulls = 0;
    const { ordersSince } = channel;
    channel.ordersSince = (...args) => {
      pulls += 1;
      return ordersSince.apply(channel, args);
    };
    sold(world.platform('amazon').sell(one('A')));
    const outcome = await world.reconcile();
    expect(pulls, 'orders come first in every run').toBe(1);
    expect(outcome.passed).toEqual(['amazon']);
    world.platform('amazon').faults.arm('error', { on: 'orders', count: null });
    const blind = await world.reconcile();
    expect(blind.passed).toEqual([]);
    expect(blind.failed).toMatchObject([{ channel: 'amazon', kind: 'temporary' }]);
  });

  test('interleaving 5: a dead letter of the channel keeps the raise waiting whatever the time', async () => {
    world = await makeSelling({ amazon }, { A: 5 });
    world.clock.jump(600_000);
    world.platform('amazon').set('A', 4);
    const [taken] = await world.store.inbox.takeIn([
      {
        channelId: world.live('amazon').id,
        key: 'odd',
        kind: 'order',
        meta: null,
        body: Buffer.from('{}'),
        bodyHash: '0'.repeat(64),
        receivedAt: world.clock.now(),
      },
    ]);
    await world.store.inbox.claim(10, world.clock.now());
    await world.store.inbox.fail(taken?.id ?? 0, 'unreadable', null, world.clock.now());
    await world.reconcile();
    world.clock.jump(600_000);
    const run = await world.reconcile();
    expect(run.report.lines).toMatchObject([{ action: 'wait', cause: 'unexplained low' }]);
    expect(pushes('amazon')).toEqual([]);
  });
});

describe('interleaving 6: after a gap pushes leave before the orders are in', () => {
  test('interleaving 6: start with a dirty raise and a full queue elsewhere pushes nothing up before the pull', async () => {
    world = await makeSelling({ ebay: {}, amazon: {} }, { A: 0 });
    world.clock.jump(1_000);
    world.platform('ebay').faults.arm('error', { on: 'write', count: null });
    await world.change('A', 'receive', 5);
    expect(await world.shownAfterPush('amazon', 'A')).toBe(5);
    expect(world.platform('ebay').shown('A')).toBe(0);
    world.platform('ebay').faults.clear();

    world.platform('amazon').sell(one('A', 5));
    world.clock.jump(4 * 3_600_000);
    await world.reboot();
    for (const name of ['ebay', 'amazon'])
      await world.store.channels.markFeed(world.live(name).id, { gapAt: world.clock.now() });
    const woken: (number | null)[] = [];
    world.engine.wakes.onPull((channelId) => woken.push(channelId));
    await world.push();
    world.clock.jump(5_000);
    expect(await world.shownAfterPush('ebay', 'A')).toBe(0);
    expect(woken).toContain(world.live('amazon').id);

    await world.pullAll();
    world.clock.jump(60_000);
    await world.push();
    expect(await world.available('A')).toBe(0);
    expect(world.platform('ebay').shown('A')).toBe(0);
    expect(
      world
        .platform('ebay')
        .writes()
        .filter((write) => write.to > 0),
    ).toEqual([]);
  });

  test('interleaving 6: a lowering leaves while feeds are stale', async () => {
    world = await makeSelling({ ebay: {}, amazon: {} }, { A: 5 });
    world.clock.jump(1_000);
    await world.store.channels.markFeed(world.live('amazon').id, { gapAt: world.clock.now() });
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A', 2))));
    expect(await world.shownAfterPush('ebay', 'A')).toBe(3);
  });
});

describe('interleaving 7: cancelling an oversold order moves no level', () => {
  test("interleaving 7: oversold order cancelled with restock pushes the channel's own number down again", async () => {
    world = await makeSelling({ shop: {}, amazon: {} }, { A: 1 });
    await world.pullAfter(60_000);
    const late = sold(world.platform('shop').sell(one('A')));
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    world.clock.jump(1_000);
    await world.hear('shop', late);
    expect(await world.shownAfterPush('shop', 'A')).toBe(0);
    world.clock.jump(60_000);
    world.platform('shop').cancel(late.id);
    expect(world.platform('shop').shown('A')).toBe(1);
    await world.hear('shop', late);
    await world.push();
    expect(await world.available('A')).toBe(0);
    expect(world.platform('shop').shown('A')).toBe(0);
  });
});

describe('interleaving 17: a request still on the wire lands last', () => {
  for (const end of ['a time-out', 'kill -9'] as const) {
    test(`interleaving 17: late request after ${end} is found after its deadline and corrected`, async () => {
      world = await makeSelling(
        {
          woo: { capabilities: { ...unbound, maxExecutionMs: 60_000 } },
          amazon: {},
        },
        { A: 5 },
      );
      await world.pullAfter(60_000);
      world.platform('woo').faults.arm('late_apply', { on: 'write', ms: 30_000 });
      await world.change('A', 'adjust', -3);
      await world.push();
      if (end === 'kill -9') await world.reboot();
      world.clock.jump(1_000);
      await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
      expect(await world.shownAfterPush('woo', 'A')).toBe(1);
      world.clock.jump(35_000);
      await world
        .live('woo')
        .channel.readStock(
          [{ listingId: 'A', counterKey: 'A', channelSku: 'A', facts: null }],
          new AbortController().signal,
        );
      expect(world.platform('woo').shown('A')).toBe(2);
      await world.pullAfter(40_000);
      expect(await world.shownAfterPush('woo', 'A')).toBe(1);
    });
  }

  test('interleaving 17: a push that a dead boot left in flight holds a raise back until its deadline', async () => {
    world = await makeSelling({ woo: { capabilities: { ...unbound, maxExecutionMs: 60_000 } } }, { A: 5 });
    world.clock.jump(1_000);
    await world.change('A', 'adjust', -3);
    const view = await world.counter('woo', 'A');
    const now = world.clock.now();
    const plan = {
      kind: 'send',
      counterId: view.counterId,
      version: view.version,
      quantity: 2,
      base: 5,
    } as const;
    await world.store.outbox.begin([{ ...plan, key: 'k', sentAt: now, deadline: now + 70_000 }], now);
    await world.reboot();
    await world.change('A', 'receive', 8);
    await world.pullAll();
    expect(await world.shownAfterPush('woo', 'A')).toBe(5);
    await world.pullAfter(70_001);
    expect(await world.shownAfterPush('woo', 'A')).toBe(10);
  });
});

describe('interleaving 18: a failed compare, a foreign edit, a pull that lags', () => {
  test('interleaving 18: sale learned after a stale compare and a lagging pull is pushed by the origin rule', async () => {
    world = await makeSelling({ shop: { listLagMs: 60_000 }, amazon: {} }, { A: 4 });
    await world.pullAfter(120_000);
    const unseen = sold(world.platform('shop').sell(one('A')));
    world.clock.jump(1_000);
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    await world.push();
    await world.pull('shop');
    expect(await world.shownAfterPush('shop', 'A')).toBe(3);
    world.clock.jump(1_000);
    await world.hear('shop', unseen);
    await world.push();
    expect(await world.available('A')).toBe(2);
    expect(world.platform('shop').shown('A')).toBe(2);
    expect(
      world
        .platform('shop')
        .writes()
        .filter((write) => write.to > 2),
    ).toEqual([]);
  });

  test('interleaving 18: an edit by hand above the target is set from the number read, at once', async () => {
    world = await makeSelling({ shop: {}, amazon: {} }, { A: 10 });
    await world.pullAfter(60_000);
    world.platform('shop').set('A', 12);
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    expect(await world.shownAfterPush('shop', 'A')).toBe(9);
  });

  test('interleaving 18: a compare that finds less than the target sends nothing and wakes an order pull', async () => {
    world = await makeSelling({ shop: { capabilities: { orderLagMs: 60_000 } }, amazon: {} }, { A: 10 });
    await world.pullAfter(60_000);
    world.platform('shop').set('A', 3);
    const woken: (number | null)[] = [];
    world.engine.wakes.onPull((channelId) => woken.push(channelId));
    await world.hear('amazon', sold(world.platform('amazon').sell(one('A'))));
    await world.push();
    await world.store.outbox.touch(
      [(await world.counter('shop', 'A')).counterId],
      world.clock.now(),
      world.clock.now(),
    );
    expect(await world.shownAfterPush('shop', 'A')).toBe(3);
    expect(woken).toContain(world.live('shop').id);
    world.clock.jump(61_000);
    const run = await world.reconcile();
    expect(run.report.lines.find((line) => line.channel === 'shop')).toMatchObject({
      action: 'raise',
      done: true,
    });
    expect(world.platform('shop').shown('A')).toBe(9);
  });

  test('interleaving 18: a sale between every look and write ends after three rounds', async () => {
    world = await makeSelling({ shop: {} }, { A: 20 });
    await world.pullAfter(60_000);
    world.platform('shop').faults.arm('sale_before_write', { on: 'write', count: null });
    await world.change('A', 'adjust', -15);
    await world.push();
    world.platform('shop').faults.clear();
    const calls = (await world.store.reports.pushLog('A', 'shop', 50)).filter(
      (row) => row.outcome === 'conflict',
    );
    expect(calls).toHaveLength(3);
    await world.reconcile();
    expect(world.platform('shop').shown('A')).toBe(await world.available('A'));
  });
});

describe('interleaving 25: a plan that sees only our half', () => {
  const ebay = { capabilities: { orderLagMs: null } };

  async function planned() {
    world = await makeSelling({ ebay }, { A: 5 });
    world.clock.jump(600_000);
    world.platform('ebay').set('A', 4);
    const dry = await world.reconcile({ dryRun: true });
    expect(dry.report.lines).toMatchObject([
      { action: 'wait', cause: 'unexplained low', shown: 4, target: 5 },
    ]);
    return planFromJson({
      plan_id: dry.report.plan_id,
      created_at: new Date(world.clock.now()).toISOString(),
      cause: 'dry-run',
      lines: dry.report.lines,
    });
  }

  test('interleaving 25: plan applied after an unseen sale skips the line with the reason', async () => {
    const plan = await planned();
    world.clock.jump(1_200_000);
    const unseen = sold(world.platform('ebay').sell(one('A')));
    world.platform('ebay').forget(unseen.id);
    const run = await world.reconcile({ plan });
    expect(run.skipped).toBe(1);
    expect(run.report.lines).toMatchObject([
      { action: 'none', note: 'skipped: it shows 3 now, in the plan it showed 4', done: false },
    ]);
    expect(pushes('ebay')).toEqual([]);
  });

  test('interleaving 25: an order that came since is named', async () => {
    const plan = await planned();
    world.clock.jump(1_200_000);
    const order = sold(world.platform('ebay').sell(one('A')));
    const run = await world.reconcile({ plan });
    expect(run.report.lines).toMatchObject([
      { action: 'none', note: `skipped: order ${order.id} came since the plan` },
    ]);
  });

  test('interleaving 25: an unchanged line goes by a person where no lag is known', async () => {
    const plan = await planned();
    world.clock.jump(1_200_000);
    const run = await world.reconcile({ plan });
    expect(run.report.lines).toMatchObject([{ action: 'raise', done: true }]);
    expect(world.platform('ebay').shown('A')).toBe(5);
  });

  test('interleaving 25: a dry run writes nothing, the watermark included', async () => {
    world = await makeSelling({ ebay }, { A: 5 });
    world.clock.jump(600_000);
    const order = sold(world.platform('ebay').sell(one('A')));
    world.clock.jump(1_000);
    const feeds = await world.store.channels.feeds();
    const view = await world.counter('ebay', 'A');
    const dry = await world.reconcile({ dryRun: true });
    expect(dry.report.lines).toMatchObject([
      { cause: 'missed sale', orders: [order.id], shown: 4, expected: [4, 4], target: 4, action: 'none' },
    ]);
    expect(await world.store.channels.feeds()).toEqual(feeds);
    expect(await world.counter('ebay', 'A')).toEqual(view);
    expect(await world.store.orders.list({ limit: 10 })).toEqual([]);
    expect(await world.available('A')).toBe(5);
  });
});
