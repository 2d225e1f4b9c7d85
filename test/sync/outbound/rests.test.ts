import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import { importAll } from '../../../src/sync/account/catalogue.ts';
import { createTakeover } from '../../../src/sync/duties/takeover.ts';
import { refuse } from '../busy-store.ts';
import { makeOutbound, makeSelling, type Outbound } from '../outbound-world.ts';
import { settle } from '../world.ts';

let world: Outbound;

const by = { by: 'test', reason: null };
const calm = new AbortController().signal;

/** One SKU of five pieces, in sync everywhere; then a minute passes. */
async function inSync(channels: Parameters<typeof makeOutbound>[0] = { shop: {} }): Promise<void> {
  world = await makeSelling(channels, { A: 5 });
  world.clock.jump(60_000);
}

/** Its number is not known any more, so that the next push reads it first. */
async function forgetNumber(name: string): Promise<void> {
  await world.store.channels.pause(name, true, by, world.clock.now());
  await world.store.channels.pause(name, false, by, world.clock.now());
  await world.store.channels.mark(world.live(name).id, { plannedAt: world.clock.now() });
}

describe('a push that nobody settles', () => {
  test('is unknown at its deadline without a restart, and its counter is put right', async () => {
    await inSync();
    await world.change('A', 'adjust', -5);
    const { counterId, version } = await world.counter('shop', 'A');
    const sentAt = world.clock.now();
    const deadline = sentAt + 40_000;
    const plan = {
      kind: 'send',
      counterId,
      version,
      quantity: 0,
      base: 5,
      key: 'k',
      sentAt,
      deadline,
    } as const;
    await world.store.outbox.begin([plan], sentAt);
    await world.push();
    expect(await world.counter('shop', 'A')).toMatchObject({ state: 'in_flight' });
    expect(await world.store.outbox.nextDueAt(world.live('shop').id)).toBe(deadline);
    world.clock.jump(40_000);
    expect(await world.shownAfterPush('shop', 'A')).toBe(0);
    expect(await world.counter('shop', 'A')).toMatchObject({ state: 'idle' });
  });

  test('does not come of an alert that could not be written', async () => {
    await inSync();
    await world.stock('B', 5);
    await world.reconcile();
    world.clock.jump(60_000);
    const [row] = await world.store.listings.list({ channel: 'shop', limit: 1 });
    const listing = {
      listingId: row?.listingId ?? '',
      counterKey: 'A',
      channelSku: 'A',
      title: 'A',
      aliases: [],
      unwritable: 'a promotion runs',
      ambiguous: false,
      shown: null,
      facts: null,
    };
    await world.store.listings.upsert(world.live('shop').id, [listing], world.clock.now());
    await world.change('A', 'adjust', -5);
    await world.change('B', 'adjust', -5);
    let locked = true;
    refuse(world.store, ['duties.raiseAlert'], () => locked);
    expect(await world.shownAfterPush('shop', 'B')).toBe(0);
    expect(await world.counter('shop', 'B')).toMatchObject({ state: 'idle' });
    locked = false;
    await world.clock.advance(1_000);
    expect(await world.store.duties.alerts(true, 10)).toMatchObject([{ kind: 'exposed' }]);
  });

  test('what a failed compare has found out is on record before anything else may be decided', async () => {
    await inSync();
    world.platform('shop').sell({ lines: [{ ref: 'A', quantity: 1 }] });
    let refusals = 3;
    refuse(world.store, ['channels.markFeed', 'outbox.settle'], () => {
      refusals -= 1;
      return refusals >= 0;
    });
    await world.change('A', 'adjust', -1);
    const pushing = world.push();
    await settle();
    await world.clock.advance(5_000);
    await pushing;
    const [feed] = await world.store.channels.feeds();
    expect(feed?.gapAt).not.toBeNull();
    expect(await world.counter('shop', 'A')).toMatchObject({ lowNumber: 4, state: 'idle' });
  });
});

describe('a channel that answers badly is not asked in a hot loop', () => {
  test('when its answer to a read leaves a listing out', async () => {
    await inSync();
    let reads = 0;
    world.live('shop').channel.readStock = async () => {
      reads += 1;
      return [];
    };
    await forgetNumber('shop');
    await world.change('A', 'adjust', -1);
    for (let step = 0; step < 60; step += 1) {
      await world.push();
      world.clock.jump(1_000);
    }
    expect(reads).toBeGreaterThan(3);
    expect(reads).toBeLessThan(25);
  });

  for (const on of ['read', 'write'] as const) {
    test(`when it refuses every ${on} for its rate and says to come back in 0 s`, async () => {
      await inSync();
      const { channel } = world.live('shop');
      let calls = 0;
      const { readStock, setStock } = channel;
      channel.readStock = (...args) => {
        if (on === 'read') calls += 1;
        return readStock.apply(channel, args);
      };
      channel.setStock = (...args) => {
        if (on === 'write') calls += 1;
        return setStock.apply(channel, args);
      };
      world.platform('shop').faults.arm('throttle', { on, count: null, ms: 0 });
      if (on === 'read') await forgetNumber('shop');
      await world.change('A', 'adjust', -1);
      for (let step = 0; step < 20; step += 1) await world.push();
      expect(calls).toBe(1);
      expect(await world.counter('shop', 'A')).toMatchObject({ attempts: 0, dead: false });
    });
  }

  test('when it is down and says to come back in 0 s, which spends no attempts either', async () => {
    await inSync();
    const { channel } = world.live('shop');
    let calls = 0;
    channel.setStock = () => {
      calls += 1;
      return Promise.reject(new ChannelError('retry', '503', { afterMs: 0 }));
    };
    await world.change('A', 'adjust', -1);
    for (let step = 0; step < 20; step += 1) await world.push();
    expect(calls).toBe(1);
    expect(await world.counter('shop', 'A')).toMatchObject({ dead: false, exposed: false });
  });
});

describe('a take-over', () => {
  test('that fails is tried again with growing rests, and at once after the next occasion', async () => {
    world = await makeOutbound({ shop: {} });
    await world.stock('A', 5);
    const { channel } = world.live('shop');
    let reads = 0;
    channel.readStock = () => {
      reads += 1;
      return Promise.reject(new ChannelError('retry', 'the catalogue API is down'));
    };
    const takeover = createTakeover(world.engine, { pusher: world.pusher, owed: 'none' });
    takeover.start();
    await world.clock.advance(60_000);
    expect(reads).toBe(4);
    await world.clock.advance(3_600_000);
    expect(reads).toBeLessThan(20);
    const before = reads;
    await world.store.channels.pause('shop', true, by, world.clock.now());
    await world.store.channels.pause('shop', false, by, world.clock.now());
    await world.clock.advance(2_000);
    expect(reads).toBe(before + 1);
    await takeover.stop();
  });

  test('of one channel does not wait for another one that is still being read', async () => {
    world = await makeOutbound({ amazon: {}, shop: {} });
    await world.stock('A', 5, 3);
    await world.store.channels.pause('shop', true, by, world.clock.now());
    world.live('amazon').channel.readStock = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new ChannelError('retry', 'stopped')));
      });
    const takeover = createTakeover(world.engine, { pusher: world.pusher, owed: 'none' });
    takeover.start();
    await world.clock.advance(2_000);
    await world.store.channels.pause('shop', false, by, world.clock.now());
    await world.clock.advance(3_000);
    const rows = await world.store.channels.list();
    expect(rows.map((row) => [row.name, row.plannedAt !== null])).toEqual([
      ['amazon', false],
      ['shop', true],
    ]);
    await takeover.stop();
  });
});

describe('one channel in trouble', () => {
  test('does not keep the catalogues of the others from being read, and is told until it can be read again', async () => {
    world = await makeOutbound({ amazon: {}, shop: {} });
    for (const name of ['amazon', 'shop']) world.platform(name).list({ sku: 'NEW', shown: 1 });
    world.platform('amazon').faults.arm('error', { on: 'listings', count: null });
    await importAll(world.engine, calm);
    expect((await world.store.listings.list({ limit: 10 })).map((row) => row.channel)).toEqual(['shop']);
    const alerts = await world.store.duties.alerts(true, 10);
    expect(alerts).toMatchObject([{ kind: 'schedule_failed', channel: 'amazon' }]);
    expect(alerts[0]?.message).toMatch(/invsync listings import amazon$/);
    world.platform('amazon').faults.clear();
    await importAll(world.engine, calm);
    expect(await world.store.duties.alerts(true, 10)).toEqual([]);
    expect(await world.store.listings.list({ channel: 'amazon', limit: 10 })).toHaveLength(1);
  });

  test('by a defect of its adapter is a failure of its own in a reconcile run', async () => {
    world = await makeOutbound({ amazon: {}, shop: {} });
    await world.stock('A', 5, 7);
    world.live('amazon').channel.readStock = () => Promise.reject(new TypeError('undefined is no number'));
    const outcome = await world.reconcile();
    expect(outcome.passed).toEqual(['shop']);
    expect(outcome.failed).toMatchObject([{ channel: 'amazon', kind: 'failed' }]);
    expect(world.platform('shop').shown('A')).toBe(5);
  });

  test('whose orders cannot be taken in keeps nobody from being lowered', async () => {
    world = await makeOutbound({ amazon: {}, shop: {} });
    await world.stock('A', 5, 7);
    const broken = () => {
      throw new TypeError('undefined is no order');
    };
    Object.assign(world.live('amazon').channel, { ordersSince: broken, openOrders: broken });
    const outcome = await world.reconcile();
    expect(outcome.failed.map((each) => each.channel)).toEqual(['amazon']);
    expect(world.platform('shop').shown('A')).toBe(5);
  });
});
