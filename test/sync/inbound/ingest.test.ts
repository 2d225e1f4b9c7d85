import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import type { MemoryHook } from '../../../src/channels/memory/state.ts';
import { signMemory } from '../../../src/channels/memory/wire.ts';
import { AppError } from '../../../src/errors.ts';
import { createIngest } from '../../../src/sync/inbound/ingest.ts';
import { makeWorld, settle, type World } from '../world.ts';

let world: World;

/** A world with so many TEE on sale. `hear`: a delivery to the shop arrives and is worked on. */
async function selling(quantity: number, channels?: Parameters<typeof makeWorld>[0]) {
  world = await makeWorld(channels);
  await world.stock('TEE', quantity);
  const ingest = createIngest(world.engine);
  const hear = async (hook: MemoryHook) => {
    await world.deliver('shop', hook);
    await ingest.runUntilIdle();
  };
  return {
    ingest,
    hear,
    get shop() {
      return world.platform('shop');
    },
  };
}

async function statuses(): Promise<string[]> {
  const rows = await world.store.inbox.list({ limit: 1_000 });
  return rows.map((row) => row.status).reverse();
}

/** A signed delivery whose body is whatever the test wants. */
function rawHook(text: string | Buffer, key: string, topic = 'order') {
  const body = Buffer.isBuffer(text) ? text : Buffer.from(text);
  return {
    headers: {
      'x-memory-id': key,
      'x-memory-topic': topic,
      'x-memory-signature': signMemory(body, 'a shared secret'),
    },
    body,
  };
}

function orderBody(changes: Record<string, unknown> = {}, line: Record<string, unknown> = {}): string {
  const at = world.clock.now();
  return JSON.stringify({
    id: 'x1',
    number: '#x1',
    version: at,
    status: 'open',
    placed_at: at,
    changed_at: at,
    lines: [
      { key: 'x1-1', listing: 'TEE', sku: 'TEE', taken: 1, gone: 0, taken_at: at, gone_at: null, ...line },
    ],
    complete: true,
    ...changes,
  });
}

describe('a delivery becomes an order state', () => {
  test('what a person should hear about an order is told with the order as its subject', async () => {
    const { hear } = await selling(5);
    const order = world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    if (order === null) throw new Error('the shop did not sell');
    order.warnings = ['line 1: 1.5 units, counted as 2'];
    await hear(world.platform('shop').hookForOrder(order.id));
    const [alert] = await world.store.duties.alerts(true, 5);
    expect(alert).toMatchObject({ kind: 'order_warning', subject: `shop ${order.id}` });
    expect(alert?.message).toContain('line 1: 1.5 units, counted as 2');
  });

  test('an order that was deleted before it could be looked at counts as the delivery showed it', async () => {
    const { hear, ingest, shop } = await selling(5);
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    shop.unsettle(order?.id ?? '', 10_000);
    await hear(shop.hookForOrder(order?.id ?? ''));
    expect(await world.available('TEE')).toBe(5);
    shop.state.orders.delete(order?.id ?? '');
    world.clock.jump(20_000);
    await ingest.runUntilIdle();
    expect(await world.available('TEE')).toBe(3);
    expect(await world.store.inbox.list({ limit: 1 })).toMatchObject([
      { status: 'applied', outcome: expect.stringContaining('gone at the channel') },
    ]);
  });

  test('what a seller cancelled because it was not found stays off sale on every channel, and one line says so', async () => {
    world = await makeWorld({ shop: {}, other: {} });
    const lines: unknown[] = [];
    world.engine.log = { ...world.engine.log, error: (...words: unknown[]) => lines.push(words[1]) };
    await world.stock('TEE', 5);
    const ingest = createIngest(world.engine);
    const shop = world.platform('shop');
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    await world.deliver('shop', shop.hookForOrder(order?.id ?? ''));
    await ingest.runUntilIdle();
    world.clock.jump(1_000);
    shop.cancel(order?.id ?? '', { lacking: true });
    await world.deliver('shop', shop.hookForOrder(order?.id ?? ''));
    await ingest.runUntilIdle();
    expect(await world.available('TEE')).toBe(3);
    const [alert] = await world.store.duties.alerts(true, 5);
    expect(alert).toMatchObject({ kind: 'stock_doubted', subject: 'TEE', channel: 'shop' });
    expect(lines).toEqual([alert?.message]);
  });

  test('a sale takes its units, and the same delivery a hundred times takes nothing more', async () => {
    const { ingest } = await selling(5);
    const order = world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    const hook = world.platform('shop').hookForOrder(order?.id ?? '');
    const first = await world.deliver('shop', hook);
    expect(JSON.parse(first.body)).toEqual({ status: 'accepted' });
    expect(await ingest.runUntilIdle()).toBe(1);
    for (let i = 0; i < 100; i += 1) {
      const again = await world.deliver('shop', hook);
      expect(JSON.parse(again.body)).toMatchObject({ status: 'duplicate', first: 'applied' });
    }
    expect(await ingest.runUntilIdle()).toBe(0);
    expect(await world.available('TEE')).toBe(3);
  });

  test('states that arrive in the wrong order end at the newest', async () => {
    const { hear, shop } = await selling(5);
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 3 }] });
    const sold = shop.hookForOrder(order?.id ?? '');
    await world.clock.advance(1_000);
    shop.edit(order?.id ?? '', { line: order?.lines[0]?.key ?? '', quantity: 1 });
    const edited = shop.hookForOrder(order?.id ?? '');
    await hear(edited);
    await hear(sold);
    expect(await world.available('TEE')).toBe(4);
  });

  test('a line whose listing is named by an alias takes the units of the listing', async () => {
    const { hear } = await selling(5);
    await hear(rawHook(orderBody({}, { listing: 'alias-of-TEE' }), 'k1'));
    expect(await world.available('TEE')).toBe(4);
  });

  test('equal versions with different content are settled by a look at the order itself', async () => {
    const { ingest, shop } = await selling(9, { shop: { versionStepMs: 60_000 } });
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 3 }] });
    const id = order?.id ?? '';
    const three = shop.hookForOrder(id);
    await world.clock.advance(5);
    shop.edit(id, { line: `${id}-1`, quantity: 5 });
    const five = shop.hookForOrder(id);
    for (const hook of [five, three]) {
      await world.deliver('shop', hook);
      await world.clock.advance(5);
      await ingest.runUntilIdle();
    }
    expect(await world.available('TEE')).toBe(4);
    expect(await statuses()).toEqual(['applied', 'applied']);
  });

  test('a delivery that only names orders is applied from a look by id, and a deleted order is flagged', async () => {
    const { hear, shop } = await selling(5);
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    await hear(shop.hook('order-ids', { ids: [order?.id ?? ''] }));
    expect(await world.available('TEE')).toBe(3);
    shop.forget(order?.id ?? '');
    await hear(shop.hook('order-ids', { ids: [order?.id ?? ''] }));
    expect(await world.available('TEE')).toBe(3);
    const [stored] = await world.store.orders.list({ limit: 1 });
    expect(stored?.missing).toBe(true);
  });

  test('an unsettled order is not applied but looked at again, until it is settled', async () => {
    const { hear, ingest, shop } = await selling(5);
    const order = shop.sell({ lines: [{ ref: 'TEE', quantity: 2 }] });
    shop.unsettle(order?.id ?? '', 3_000);
    await hear(shop.hookForOrder(order?.id ?? ''));
    expect(await world.available('TEE')).toBe(5);
    expect(await statuses()).toEqual(['new']);
    await world.clock.advance(3_000);
    await ingest.runUntilIdle();
    expect(await world.available('TEE')).toBe(3);
    expect(await statuses()).toEqual(['applied']);
  });

  test('an order that cannot be filled is recorded, alerted and never negative', async () => {
    const { hear } = await selling(1);
    const order = world.platform('shop').sell({ lines: [{ ref: 'TEE', quantity: 3 }], force: true });
    await hear(world.platform('shop').hookForOrder(order?.id ?? ''));
    expect(await world.available('TEE')).toBe(0);
    const oversells = await world.store.reports.oversells({ limit: 10 });
    expect(oversells.map((each) => each.shortfall)).toEqual([2]);
    const alerts = await world.store.duties.alerts(true, 10);
    expect(alerts.map((each) => each.kind)).toContain('oversell');
  });

  test('a hint about a listing makes its counter due and books nothing', async () => {
    const { hear } = await selling(5);
    const pushed: (number | null)[] = [];
    world.engine.wakes.onPush((id) => pushed.push(id));
    await hear(world.platform('shop').hook('listing', { ids: ['alias-of-TEE'] }));
    expect(pushed.length).toBeGreaterThan(0);
    expect(await world.available('TEE')).toBe(5);
  });
});

describe('bad input', () => {
  const cases: [string, (at: number) => string | Buffer, string][] = [
    ['a truncated body', () => orderBody().slice(0, 60), 'dead'],
    ['an empty body', () => '', 'dead'],
    ['a body that is not UTF-8', () => Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'dead'],
    ['JSON nested ten thousand deep', () => '['.repeat(10_000) + ']'.repeat(10_000), 'dead'],
    ['a negative quantity', () => orderBody({}, { taken: -1 }), 'dead'],
    ['a fractional quantity', () => orderBody({}, { taken: 1.5 }), 'dead'],
    ['an absurd quantity', () => orderBody({}, { taken: 1e15 }), 'dead'],
    ['an order that is a list', () => '[1,2,3]', 'dead'],
  ];
  test.each(cases)('%s is stored, answered 2xx and becomes a dead letter', async (_name, body, status) => {
    const { ingest } = await selling(5);
    const good = rawHook(orderBody({ id: 'good', lines: [] }), 'good');
    expect((await world.deliver('shop', rawHook(body(0), 'bad'))).status).toBe(200);
    expect((await world.deliver('shop', good)).status).toBe(200);
    await ingest.runUntilIdle();
    expect(await statuses()).toEqual([status, 'applied']);
    expect(await world.available('TEE')).toBe(5);
    const alerts = await world.store.duties.alerts(true, 10);
    expect(alerts.map((each) => each.kind)).toContain('dead_delivery');
  });

  test('ids above 2^53 stay exact, and of a repeated key the last one counts', async () => {
    const { hear } = await selling(9);
    const long = orderBody().replace('"id":"x1"', '"id":9007199254740993');
    await world.deliver('shop', rawHook(long, 'long'));
    const twice = orderBody({ id: 'twice' }, { key: 'twice-1' }).replace('"taken":1', '"taken":7,"taken":2');
    await hear(rawHook(twice, 'twice'));
    const orders = await world.store.orders.list({ limit: 10 });
    expect(orders.map((each) => each.orderId).sort()).toEqual(['9007199254740993', 'twice']);
    expect(await world.available('TEE')).toBe(6);
  });

  test('an order with 500 lines is applied whole, and a line without a SKU is kept as unmapped', async () => {
    const { ingest } = await selling(600);
    const lines = Array.from({ length: 500 }, (_, i) => ({
      key: `l${i}`,
      listing: 'TEE',
      sku: 'TEE',
      taken: 1,
      gone: 0,
    }));
    await world.deliver('shop', rawHook(orderBody({ id: 'big', lines }), 'big'));
    await world.deliver(
      'shop',
      rawHook(orderBody({ id: 'bare' }, { key: 'b', listing: null, sku: null }), 'bare'),
    );
    await ingest.runUntilIdle();
    expect(await world.available('TEE')).toBe(100);
    expect(await statuses()).toEqual(['applied', 'unmapped']);
  });

  test('an unknown topic is ignored with its reason', async () => {
    world = await makeWorld();
    const ingest = createIngest(world.engine);
    await world.deliver('shop', rawHook('{}', 'k', 'carts.updated'));
    await ingest.runUntilIdle();
    const [row] = await world.store.inbox.list({ limit: 1 });
    expect(row).toMatchObject({ status: 'ignored', outcome: 'unknown topic "carts.updated"' });
  });

  test.each([
    ['missing', { 'x-memory-signature': undefined }],
    ['wrong', { 'x-memory-signature': 'f'.repeat(64) }],
    ['doubled', { 'x-memory-signature': `${'f'.repeat(64)}, ${'f'.repeat(64)}` }],
    ['stale', { 'x-memory-time': '1000' }],
  ])('a %s signature never touches the store', async (_name, changes) => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    const answer = await world.deliver('shop', rawHook(orderBody(), 'k'), changes);
    expect(answer.status).toBe(401);
    expect(await statuses()).toEqual([]);
    expect(world.receiver.counts().refused).toMatchObject([{ count: 1 }]);
  });

  test('a known key with another body is a new delivery, and reported', async () => {
    const { ingest } = await selling(5);
    await world.deliver('shop', rawHook(orderBody(), 'same'));
    const other = orderBody({ id: 'other' }, { key: 'other-1' });
    const answer = await world.deliver('shop', rawHook(other, 'same'));
    expect(JSON.parse(answer.body)).toEqual({ status: 'accepted' });
    await ingest.runUntilIdle();
    expect(await world.available('TEE')).toBe(3);
    const alerts = await world.store.duties.alerts(true, 10);
    expect(alerts.map((each) => each.kind)).toContain('key_reused');
  });
});

describe('trouble at the channel', () => {
  test('a channel that does not answer holds up its own looks only', async () => {
    const { ingest } = await selling(5, { slow: {}, quick: {} });
    const slow = world.platform('slow');
    const stuck = slow.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    slow.faults.arm('unanswered', { on: 'orders' });
    await world.deliver('slow', slow.hook('order-ids', { ids: [stuck?.id ?? ''] }));
    const quick = world.platform('quick');
    const sold = quick.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    ingest.start();
    await settle();
    await world.deliver('quick', quick.hookForOrder(sold?.id ?? ''));
    await settle();
    expect(await world.available('TEE')).toBe(4);
    await ingest.stop();
    const restarted = createIngest(world.engine);
    await restarted.runUntilIdle();
    expect(await world.available('TEE')).toBe(3);
  });

  test('refused credentials park the channel and spend no attempt; the next answer ends it', async () => {
    const { hear, ingest, shop } = await selling(5);
    const sold = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    shop.faults.arm('auth', { on: 'orders', count: 3 });
    await hear(shop.hook('order-ids', { ids: [sold?.id ?? ''] }));
    expect((await world.store.channels.list())[0]?.parkedSince).toBe(world.clock.now());
    await world.clock.advance(4 * 60_000);
    await ingest.runUntilIdle();
    const [row] = await world.store.inbox.list({ limit: 1 });
    expect(row).toMatchObject({ status: 'applied', attempts: 0 });
    expect((await world.store.channels.list())[0]?.parkedSince).toBeNull();
    expect(await world.available('TEE')).toBe(4);
    expect((await world.store.duties.alerts(true, 10)).map((each) => each.kind)).not.toContain(
      'channel_parked',
    );
  });

  test('a channel that throttles is asked again after its pause', async () => {
    const { hear, ingest, shop } = await selling(5);
    const sold = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    shop.faults.arm('throttle', { on: 'orders', ms: 7_000 });
    await hear(shop.hook('order-ids', { ids: [sold?.id ?? ''] }));
    expect(await world.available('TEE')).toBe(5);
    await world.clock.advance(7_000);
    await ingest.runUntilIdle();
    const [row] = await world.store.inbox.list({ limit: 1 });
    expect(row).toMatchObject({ status: 'applied', attempts: 0 });
  });

  test('a look that fails is tried again by the ladder and does not lose the order', async () => {
    const { hear, ingest, shop } = await selling(5);
    const sold = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    shop.faults.arm('error', { on: 'orders', count: 2 });
    await hear(shop.hook('order-ids', { ids: [sold?.id ?? ''] }));
    await world.clock.advance(6_000);
    await ingest.runUntilIdle();
    expect(await world.available('TEE')).toBe(5);
    await world.clock.advance(31_000);
    await ingest.runUntilIdle();
    const [row] = await world.store.inbox.list({ limit: 1 });
    expect(row).toMatchObject({ status: 'applied', attempts: 2 });
    expect(await world.available('TEE')).toBe(4);
  });

  test('one order that the channel refuses to tell does not fail its neighbours', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    const live = world.live('shop');
    const asked: string[][] = [];
    const channel = {
      ...live.channel,
      fetchOrders: async (ids: string[], signal: AbortSignal) => {
        asked.push(ids);
        if (ids.includes('bad')) throw new ChannelError('rejected', 'no such thing');
        return await live.channel.fetchOrders(ids, signal);
      },
    };
    const ingest = createIngest({ ...world.engine, channels: new Map([[live.id, { ...live, channel }]]) });
    const shop = world.platform('shop');
    const sold = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    await world.deliver('shop', shop.hook('order-ids', { ids: ['bad'] }));
    await world.deliver('shop', shop.hook('order-ids', { ids: [sold?.id ?? ''] }));
    await ingest.runUntilIdle();
    expect(asked).toEqual([['bad', sold?.id], ['bad'], [sold?.id]]);
    const rows = await world.store.inbox.list({ limit: 10 });
    expect(rows.map((row) => [row.status, row.attempts])).toEqual([
      ['applied', 0],
      ['new', 1],
    ]);
    expect(await world.available('TEE')).toBe(4);
  });

  test('a delivery that fails for more than a day becomes a dead letter, and a replay revives it', async () => {
    const { ingest, shop } = await selling(5);
    const sold = shop.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
    shop.faults.arm('error', { on: 'orders', count: null });
    await world.deliver('shop', shop.hook('order-ids', { ids: [sold?.id ?? ''] }));
    for (let tries = 0; tries < 10; tries += 1) {
      await ingest.runUntilIdle();
      await world.clock.advance(13 * 3_600_000);
    }
    expect((await world.store.inbox.list({ limit: 1 }))[0]).toMatchObject({ status: 'dead', attempts: 10 });
    shop.faults.clear();
    expect(await world.store.inbox.replay({ status: 'dead', limit: 10 }, world.clock.now())).toBe(1);
    await ingest.runUntilIdle();
    expect(await statuses()).toEqual(['applied']);
    expect(await world.available('TEE')).toBe(4);
  });
});

describe('trouble at home', () => {
  test('a store that refuses a batch gets it again, whole, when it is back', async () => {
    world = await makeWorld();
    await world.stock('TEE', 900);
    let busy = true;
    const orders = {
      ...world.store.orders,
      apply: (...args: Parameters<typeof world.store.orders.apply>) =>
        busy ? Promise.reject(new AppError('store_busy', 'locked')) : world.store.orders.apply(...args),
    };
    const ingest = createIngest({ ...world.engine, store: { ...world.store, orders } });
    for (let i = 0; i < 450; i += 1) {
      const body = orderBody({ id: `n${i}` }, { key: `n${i}-1` });
      await world.deliver('shop', rawHook(body, `n${i}`));
    }
    await expect(ingest.runUntilIdle()).rejects.toThrow('locked');
    await expect(ingest.runUntilIdle()).rejects.toThrow('locked');
    busy = false;
    await ingest.runUntilIdle();
    expect(await world.available('TEE')).toBe(450);
    expect(new Set(await statuses())).toEqual(new Set(['applied']));
  });

  test('deliveries of a channel that left the file wait for it', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    await world.deliver('shop', rawHook(orderBody(), 'k'));
    await createIngest({ ...world.engine, channels: new Map() }).runUntilIdle();
    expect(await statuses()).toEqual(['new']);
    await world.clock.advance(3_600_000);
    await createIngest(world.engine).runUntilIdle();
    expect(await statuses()).toEqual(['applied']);
  });
});
