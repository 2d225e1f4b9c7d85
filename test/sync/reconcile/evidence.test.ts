import { describe, expect, test } from 'vitest';
import { planFromJson } from '../../../src/sync/plan.ts';
import { reconcile } from '../../../src/sync/reconcile/reconcile.ts';
import { makeSelling, type Outbound } from '../outbound-world.ts';

let world: Outbound;

const calm = new AbortController().signal;
const hour = 3_600_000;
const by = { by: 'test', reason: null };

/** A shop whose sales lower its number long before their orders can be pulled. */
async function lateShop(): Promise<void> {
  world = await makeSelling({ shop: { capabilities: { orderLagMs: null } } }, { A: 5 });
  world.clock.jump(600_000);
  await world.pull('shop');
}

describe('an open unexplained low', () => {
  test.each(['a receipt', 'a later run'])(
    'is not ended by an answer that was asked for before it was seen, and %s raises nothing',
    async (step) => {
      await lateShop();
      const live = world.live('shop');
      const readStock = live.channel.readStock.bind(live.channel);
      let answer: () => void = () => undefined;
      const travelled = new Promise<void>((resolve) => {
        answer = resolve;
      });
      let reads = 0;
      live.channel.readStock = async (listings, signal) => {
        const found = await readStock(listings, signal);
        reads += 1;
        if (reads === 1) await travelled;
        return found;
      };
      const wish = { channels: null, skus: null, dryRun: false, waitMs: 0 };
      const run = reconcile(world.engine, { pusher: world.pusher }, wish, calm);
      while (reads === 0) await new Promise((resolve) => setImmediate(resolve));
      world.clock.jump(1_000);
      // Somebody has bought one; the order shows days later.
      world.platform('shop').set('A', 4);
      // A lowering meets the number that fell: its compare fails.
      await world.change('A', 'adjust', -1);
      await world.change('A', 'receive', 1);
      await world.change('A', 'adjust', -1);
      await world.push();
      expect(await world.counter('shop', 'A')).toMatchObject({ lowNumber: 4 });
      world.clock.jump(1_000);
      answer();
      await run;
      expect(await world.counter('shop', 'A')).toMatchObject({ lowNumber: 4 });
      world.clock.jump(120_000);
      await world.pull('shop');
      await world.change('A', 'receive', 1);
      await world.push();
      if (step === 'a later run') {
        world.clock.jump(hour);
        await world.reconcile();
      }
      expect(world.platform('shop').shown('A')).toBe(4);
    },
  );

  test('outlives a pause: becoming live again proves nothing', async () => {
    await lateShop();
    world.platform('shop').set('A', 4);
    await world.reconcile();
    const { lowSince } = await world.counter('shop', 'A');
    await world.store.channels.pause('shop', true, by, world.clock.now());
    world.clock.jump(60_000);
    await world.store.channels.pause('shop', false, by, world.clock.now());
    world.clock.jump(60_000);
    const run = await world.reconcile();
    expect(run.report.lines).toMatchObject([{ cause: 'unexplained low', action: 'wait' }]);
    expect(await world.counter('shop', 'A')).toMatchObject({ lowSince, lowNumber: 4 });
    expect(await world.shownAfterPush('shop', 'A')).toBe(4);
  });
});

describe('a plan applied by hand', () => {
  test('raises nothing over a low of seconds ago, and stands in for a lag that nobody knows a while later', async () => {
    await lateShop();
    world.platform('shop').set('A', 4);
    const dry = await world.reconcile({ dryRun: true });
    const created_at = new Date(world.clock.now()).toISOString();
    const { lines } = dry.report;
    const plan = planFromJson({ plan_id: 'p1', created_at, cause: 'dry-run', lines });
    world.clock.jump(5_000);
    await world.reconcile({ plan });
    expect(world.platform('shop').shown('A')).toBe(4);
    world.clock.jump(180_000);
    await world.reconcile({ plan });
    expect(world.platform('shop').shown('A')).toBe(5);
  });
});

describe('a failed compare', () => {
  test('has its low on the books before its answer is: nothing in between may raise', async () => {
    world = await makeSelling({ shop: {} }, { A: 5 });
    world.clock.jump(60_000);
    await world.pull('shop');
    const outbox = world.store.outbox as { settle: typeof world.store.outbox.settle };
    const settle = outbox.settle.bind(outbox);
    const lows: (number | null)[] = [];
    outbox.settle = async (...args) => {
      lows.push((await world.counter('shop', 'A')).lowNumber);
      return settle(...args);
    };
    world.platform('shop').set('A', 2);
    await world.change('A', 'adjust', -1);
    await world.push();
    expect(lows[0]).toBe(2);
  });

  test('is never tried a second time from the base that failed', async () => {
    world = await makeSelling({ shop: {} }, { A: 5 });
    world.clock.jump(60_000);
    await world.pull('shop');
    const live = world.live('shop');
    const bases: (number | null)[] = [];
    live.channel.setStock = async (lines) =>
      lines.map(({ base }) => {
        bases.push(base);
        const at = world.clock.now();
        return { kind: 'conflict' as const, shown: null, askedAt: at, answeredAt: at };
      });
    await world.change('A', 'adjust', -1);
    await world.push();
    expect(bases).toEqual([5]);
  });
});
