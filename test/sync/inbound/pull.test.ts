import { describe, expect, test } from 'vitest';
import type { FeedRow } from '../../../src/store/store.ts';
import { freshness } from '../../../src/sync/fresh.ts';
import { createIngest } from '../../../src/sync/inbound/ingest.ts';
import { createPoll } from '../../../src/sync/inbound/poll.ts';
import { pullOrders } from '../../../src/sync/inbound/pull.ts';
import { sweepOrders } from '../../../src/sync/inbound/sweep.ts';
import { makeWorld, type World } from '../world.ts';

let world: World;

const quiet = new AbortController().signal;
const day = 86_400_000;

async function feed(): Promise<FeedRow> {
  const [row] = await world.store.channels.feeds();
  if (row === undefined) throw new Error('no feed');
  return row;
}

function pull(kind: 'changes' | 'sweep' | 'open' = 'changes', into: 'store' | 'memory' = 'store') {
  return pullOrders(world.engine, world.live('shop'), { kind, into }, quiet);
}

/** All pieces on the shelf were counted at that time. */
async function count(sku: string, quantity: number, asOf: number): Promise<void> {
  const one = { sku, kind: 'count' as const, quantity, basis: 'shelf' as const, asOf };
  const change = { ...one, create: true, ref: null, presumeGoneMs: {} };
  await world.store.stock.change([change], { by: 'test', reason: null }, world.clock.now());
}

describe('a gap', () => {
  test('makes a feed stale until a pull that began after it is complete', async () => {
    world = await makeWorld();
    const stale = async () => (await freshness(world.engine)).map((each) => each.stale);
    expect(await stale()).toEqual(['never pulled']);
    await pull();
    expect(await stale()).toEqual([null]);
    await world.clock.advance(1_000);
    await world.store.channels.markFeed(world.live('shop').id, { gapAt: world.clock.now() });
    expect(await stale()).toEqual(['gap']);
    await world.clock.advance(1_000);
    world.platform('shop').faults.arm('error', { on: 'orders' });
    await pull();
    expect(await stale()).toEqual(['gap']);
    await pull();
    expect(await stale()).toEqual([null]);
  });

  test('that opens while a pull runs is not mended by it', async () => {
    world = await makeWorld();
    await pull();
    await world.clock.advance(1_000);
    const { channel } = world.live('shop');
    const { ordersSince } = channel;
    channel.ordersSince = async function* (...args) {
      await world.clock.advance(1_000);
      await world.store.channels.markFeed(world.live('shop').id, { gapAt: world.clock.now() });
      yield* ordersSince.apply(channel, args);
    };
    await pull();
    expect((await freshness(world.engine)).map((each) => each.stale)).toEqual(['gap']);
  });
});

describe('a pull', () => {
  test('finds the sale whose webhook never came, and counts it as learned once', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    await pull();
    await world.clock.advance(60_000);
    world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    await world.clock.advance(1_000);
    const first = await pull();
    expect(first).toMatchObject({ complete: true, orders: 1, learned: ['o1'] });
    expect(await world.available('TEE')).toBe(3);
    const second = await pull();
    expect(second).toMatchObject({ complete: true, orders: 1, learned: [] });
    expect(await world.available('TEE')).toBe(3);
  });

  test('the first one also takes what left the shelf since a count of before it, however old the order', async () => {
    world = await makeWorld();
    const shop = world.platform('shop');
    await world.stock('TEE', 10);
    const older = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await world.clock.advance(20 * day);
    await count('TEE', 10, world.clock.now());
    await world.clock.advance(day);
    const newer = shop.sell({ lines: [{ ref: 'TEE', quantity: 4 }] });
    for (const order of [older, newer]) shop.ship(order?.id ?? '');
    await world.clock.advance(10 * day);
    expect(await pull('open')).toMatchObject({ complete: true });
    expect(await world.available('TEE')).toBe(5);
    const again = await pull();
    expect(again.orders).toBe(0);
  });

  test('after a count of a time before the first contact takes what left the shelf in between', async () => {
    world = await makeWorld();
    const shop = world.platform('shop');
    await world.stock('TEE', 10);
    const countedAt = world.clock.now();
    await world.clock.advance(day);
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 4 }] });
    shop.ship(order?.id ?? '');
    await world.clock.advance(10 * day);
    await count('TEE', 10, world.clock.now());
    await pull('open');
    expect(await world.available('TEE')).toBe(10);
    await count('TEE', 10, countedAt);
    await pull();
    expect(await world.available('TEE')).toBe(6);
  });

  test('the first one takes the open orders, whatever their age, and none that are done', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    const shop = world.platform('shop');
    shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    const done = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    shop.ship(done?.id ?? '');
    await world.clock.advance(400 * day);
    expect(await pull()).toMatchObject({ orders: 1, learned: ['o1'] });
  });

  test('moves the watermark to the channel clock at its begin, less the index lag', async () => {
    world = await makeWorld({ shop: { capabilities: { indexLagMs: 90_000 }, aheadMs: 5_000 } });
    await pull();
    expect(await feed()).toMatchObject({
      watermark: world.clock.now() + 5_000 - 90_000,
      pulledFrom: world.clock.now(),
      pulledAt: world.clock.now(),
      error: null,
    });
  });

  test('an order that the list shows late is found, because the watermark trails the declared lag', async () => {
    const lag = 20 * 60_000;
    world = await makeWorld({ shop: { capabilities: { indexLagMs: lag }, listLagMs: lag } });
    await world.stock('TEE', 5);
    await pull();
    await world.clock.advance(60_000);
    world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    for (let minute = 0; minute < 21; minute += 3) {
      await world.clock.advance(3 * 60_000);
      await pull();
    }
    expect(await world.available('TEE')).toBe(4);
  });

  test('that breaks off moves no watermark and says why; the next one takes up there', async () => {
    world = await makeWorld({ shop: { pageSize: 1 } });
    await world.stock('TEE', 9);
    await pull();
    const before = await feed();
    await world.clock.advance(10 * 60_000);
    for (let i = 0; i < 3; i += 1) world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await world.clock.advance(1_000);
    world.platform('shop').faults.arm('error', { on: 'orders' });
    const broken = await pull();
    expect(broken).toMatchObject({ complete: false });
    expect(broken.error?.kind).toBe('retry');
    expect(await feed()).toMatchObject({ watermark: before.watermark, pulledAt: before.pulledAt });
    expect((await feed()).error).toMatch(/internal error/);
    expect((await pull()).learned).toHaveLength(3);
    expect(await feed()).toMatchObject({ error: null });
    expect(await world.available('TEE')).toBe(6);
  });

  test('a gap is mended only by a pull that began after it', async () => {
    world = await makeWorld();
    await pull();
    const id = world.live('shop').id;
    await world.store.channels.markFeed(id, { gapAt: world.clock.now() + 1_000 });
    await pull();
    expect((await feed()).gapAt).not.toBeNull();
    await world.clock.advance(2_000);
    await pull();
    expect((await feed()).gapAt).toBeNull();
  });

  test('after a gap it reaches back further', async () => {
    world = await makeWorld();
    const seen: number[] = [];
    const live = world.live('shop');
    const channel = {
      ...live.channel,
      ordersSince: (since: number, signal: AbortSignal) => {
        seen.push(since);
        return live.channel.ordersSince(since, signal);
      },
    };
    await pull();
    const { watermark } = await feed();
    const again = () => pullOrders(world.engine, { ...live, channel }, { kind: 'changes' }, quiet);
    await again();
    await world.store.channels.markFeed(live.id, { gapAt: world.clock.now() });
    await again();
    expect(seen).toEqual([(watermark ?? 0) - 2 * 60_000, (watermark ?? 0) - 15 * 60_000]);
  });

  test('in memory it writes nothing and hands back what it would apply', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    await pull();
    const before = await feed();
    world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await world.clock.advance(1_000);
    const dry = await pull('changes', 'memory');
    expect(dry).toMatchObject({ complete: true, orders: 1, learned: [], applied: [] });
    expect(dry.requests.map((each) => each.orders[0]?.orderId)).toEqual(['o1']);
    expect(await feed()).toEqual(before);
    expect(await world.available('TEE')).toBe(5);
  });

  test('an order whose versions decide nothing is read by id and right at the end', async () => {
    world = await makeWorld({ shop: { versionStepMs: 600_000 } });
    await world.stock('TEE', 9);
    const shop = world.platform('shop');
    await pull();
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 3 }] });
    await world.clock.advance(10);
    await pull();
    shop.edit(order?.id ?? '', { line: `${order?.id}-1`, quantity: 5 });
    await world.clock.advance(10);
    await pull();
    expect(await world.available('TEE')).toBe(4);
  });

  test('an unsettled order goes to the inbox before the watermark moves, and ends right', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    const live = world.live('shop');
    let looks = 0;
    const channel = {
      ...live.channel,
      fetchOrders: (ids: string[], signal: AbortSignal) => {
        looks += 1;
        return live.channel.fetchOrders(ids, signal);
      },
    };
    const ingest = createIngest({ ...world.engine, channels: new Map([[live.id, { ...live, channel }]]) });
    const order = world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    world.platform('shop').unsettle(order?.id ?? '', 2_000);
    expect(await pull()).toMatchObject({ complete: true, learned: [] });
    expect(await world.available('TEE')).toBe(5);
    await ingest.runUntilIdle();
    expect(looks).toBe(0);
    await world.clock.advance(2_001);
    await ingest.runUntilIdle();
    expect(looks).toBe(1);
    expect(await world.available('TEE')).toBe(3);
  });

  test('an item that cannot be read becomes one dead letter, and its neighbours are applied', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    const live = world.live('shop');
    world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    const channel = {
      ...live.channel,
      async *openOrders(signal: AbortSignal) {
        const at = world.clock.now();
        yield { items: [{ topic: 'nonsense' }], askedAt: at, answeredAt: at, end: null };
        yield* live.channel.ordersCreatedSince(0, signal);
      },
    };
    const odd = { ...live, channel };
    for (let i = 0; i < 2; i += 1) {
      expect((await pullOrders(world.engine, odd, { kind: 'open' }, quiet)).complete).toBe(true);
    }
    await createIngest(world.engine).runUntilIdle();
    const rows = await world.store.inbox.list({ limit: 10 });
    expect(rows.map((row) => [row.kind, row.status])).toEqual([['invsync.item', 'dead']]);
    expect(await world.available('TEE')).toBe(4);
  });

  test('refused credentials park the channel; the next complete pull ends that', async () => {
    world = await makeWorld();
    world.platform('shop').faults.arm('auth', { on: 'orders' });
    await pull();
    expect((await world.store.channels.list())[0]?.parkedReason).toMatch(/refuses/);
    await pull();
    expect((await world.store.channels.list())[0]?.parkedReason).toBeNull();
  });
});

describe('behind the watermark', () => {
  test('the sweep finds a change that moved no time stamp, and says that the feed missed it', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    await pull();
    const order = world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    if (order === null) throw new Error('not sold');
    await world.clock.advance(3_600_000);
    await pull();
    order.lines[0] = { ...order.lines[0], taken: 3 } as (typeof order.lines)[0];
    order.version += 1;
    await pull();
    expect(await world.available('TEE')).toBe(4);
    const swept = await sweepOrders(world.engine, world.live('shop'), quiet);
    expect(swept).toMatchObject({ complete: true, missedByFeed: ['o1'] });
    expect(await world.available('TEE')).toBe(2);
    expect((await feed()).sweptAt).toBe(world.clock.now());
    const alerts = await world.store.duties.alerts(true, 10);
    expect(alerts.map((each) => each.kind)).toContain('missed_by_feed');
  });

  test("what the sweep learns before the feed had its turn is nobody's miss", async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    await pull();
    await world.clock.advance(60_000);
    world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    const swept = await sweepOrders(world.engine, world.live('shop'), quiet);
    expect(swept).toMatchObject({ learned: ['o1'], missedByFeed: [] });
  });

  test('an open order that cannot be read is asked for once per sweep and seen as a dead letter', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await pull();
    await world.clock.advance(8 * day);
    const live = world.live('shop');
    let asked = 0;
    const channel = {
      ...live.channel,
      fetchOrders: async (ids: string[]) => {
        asked += 1;
        return ids.map((orderId) => ({ orderId, item: { topic: 'nonsense' }, askedAt: 0, answeredAt: 0 }));
      },
    };
    const odd = { ...live, channel };
    expect((await sweepOrders(world.engine, odd, quiet)).complete).toBe(true);
    expect(asked).toBe(1);
    await createIngest({ ...world.engine, channels: new Map([[live.id, odd]]) }).runUntilIdle();
    const [row] = await world.store.inbox.list({ limit: 1 });
    expect(row).toMatchObject({ kind: 'invsync.look-again', status: 'dead' });
    expect(await world.available('TEE')).toBe(4);
  });

  test('an open order that nobody read for days is read by id; one that is gone is flagged, not released', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    const shop = world.platform('shop');
    const kept = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    const lost = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await pull();
    await world.clock.advance(8 * day);
    shop.forget(lost?.id ?? '');
    expect((await sweepOrders(world.engine, world.live('shop'), quiet)).complete).toBe(true);
    const orders = await world.store.orders.list({ limit: 10 });
    expect(new Map(orders.map((each) => [each.orderId, each.missing]))).toEqual(
      new Map([
        [kept?.id ?? '', false],
        [lost?.id ?? '', true],
      ]),
    );
    expect(await world.available('TEE')).toBe(3);
  });
});

describe('the poll', () => {
  /** Counts the walks of each kind. */
  function watched() {
    const live = world.live('shop');
    const calls: string[] = [];
    const channel = {
      ...live.channel,
      ordersSince: (since: number, signal: AbortSignal) => {
        calls.push('changes');
        return live.channel.ordersSince(since, signal);
      },
      ordersCreatedSince: (since: number, signal: AbortSignal) => {
        calls.push('sweep');
        return live.channel.ordersCreatedSince(since, signal);
      },
    };
    const engine = { ...world.engine, channels: new Map([[live.id, { ...live, channel }]]) };
    return { calls, engine };
  }

  test('pulls at its interval, sweeps once a day, and stops for good', async () => {
    world = await makeWorld();
    const { calls, engine } = watched();
    const poll = createPoll(engine);
    expect(await poll.pullAll()).toEqual([]);
    poll.start();
    await world.clock.advance(5 * 60_000 + 1);
    expect(calls.filter((each) => each === 'changes')).toHaveLength(5);
    expect(calls.filter((each) => each === 'sweep')).toHaveLength(1);
    await poll.stop();
    await poll.stop();
    await world.clock.advance(10 * 60_000);
    expect(calls.filter((each) => each === 'changes')).toHaveLength(5);
  });

  test('a wake pulls at once, a hundred wakes pull once more, and none comes through while it backs off', async () => {
    world = await makeWorld();
    const { calls, engine } = watched();
    const poll = createPoll(engine);
    await poll.pullAll();
    poll.start();
    await world.clock.advance(3_000);
    for (let i = 0; i < 100; i += 1) engine.wakes.pull(null);
    await world.clock.advance(2_500);
    expect(calls.filter((each) => each === 'changes')).toHaveLength(1);
    world.platform('shop').faults.arm('error', { on: 'orders', count: null });
    engine.wakes.pull(null);
    await world.clock.advance(2_000);
    const failed = calls.length;
    for (let i = 0; i < 20; i += 1) {
      engine.wakes.pull(null);
      await world.clock.advance(100);
    }
    expect(calls.length).toBe(failed);
    await poll.stop();
  });

  test('tells after an hour without a complete pull, and takes it back when one comes', async () => {
    world = await makeWorld();
    const { engine } = watched();
    const poll = createPoll(engine);
    await poll.pullAll();
    world.platform('shop').faults.arm('error', { on: 'orders', count: null });
    poll.start();
    const kinds = async () => (await world.store.duties.alerts(true, 10)).map((each) => each.kind);
    await world.clock.advance(3_500_000);
    expect(await kinds()).toEqual([]);
    await world.clock.advance(1_200_000);
    expect(await kinds()).toEqual(['feed_stale']);
    world.platform('shop').faults.clear();
    await world.clock.advance(1_200_000);
    expect(await kinds()).toEqual([]);
    await poll.stop();
  });
});
