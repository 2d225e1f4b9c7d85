import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import { openAlert } from '../../../src/sync/alerts.ts';
import { createRequests } from '../../../src/sync/duties/requests.ts';
import { freshness } from '../../../src/sync/fresh.ts';
import { createIngest } from '../../../src/sync/inbound/ingest.ts';
import { refuse } from '../busy-store.ts';
import { makeWorld, settle, type World } from '../world.ts';

let world: World;

/** So many deliveries that only name the order, of which one unit was sold. */
async function thinDeliveries(channel: string, count: number): Promise<void> {
  const platform = world.platform(channel);
  const order = platform.sell({ lines: [{ ref: 'TEE', quantity: 1 }] });
  const ids = [order?.id ?? ''];
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      world.deliver(channel, platform.hook('order-ids', { ids }, `key-${index}`)),
    ),
  );
}

describe('a store that is busy for a moment', () => {
  for (const kind of ['auth', 'retry', 'throttled'] as const) {
    test(`a look that fails (${kind}) while nothing can be written is tried again without a restart`, async () => {
      world = await makeWorld();
      await world.stock('TEE', 5);
      await thinDeliveries('shop', 1);
      let failures = 1;
      const { channel } = world.live('shop');
      const fetchOrders = channel.fetchOrders.bind(channel);
      channel.fetchOrders = (ids, signal) => {
        failures -= 1;
        return failures >= 0 ? Promise.reject(new ChannelError(kind, 'no')) : fetchOrders(ids, signal);
      };
      let locked = true;
      const writes = ['channels.mark', 'inbox.fail', 'inbox.defer', 'duties.raiseAlert', 'orders.apply'];
      refuse(world.store, writes, () => locked);
      const ingest = createIngest(world.engine);
      ingest.start();
      await world.clock.advance(7_000);
      locked = false;
      await world.clock.advance(150_000);
      expect(await world.available('TEE')).toBe(4);
      expect((await freshness(world.engine)).map((feed) => feed.stale)).not.toContain('pending');
      expect(await world.store.inbox.list({ limit: 1 })).toMatchObject([{ status: 'applied' }]);
      const stop = ingest.stop();
      await world.clock.advance(60_000);
      await stop;
    });
  }

  test('an alert that cannot be written stops no work, and stands as soon as it can', async () => {
    world = await makeWorld();
    let locked = true;
    refuse(world.store, ['duties.raiseAlert'], () => locked);
    const alert = { channelId: null, kind: 'disk', subject: 'data', message: 'first' } as const;
    await openAlert(world.engine, alert);
    await openAlert(world.engine, { ...alert, message: 'last' });
    expect(await world.store.duties.alerts(true, 10)).toEqual([]);
    locked = false;
    await world.clock.advance(1_000);
    expect(await world.store.duties.alerts(true, 10)).toMatchObject([{ message: 'last', count: 1 }]);
  });

  test('the result of a request reaches whoever asked', async () => {
    world = await makeWorld();
    let locked = false;
    refuse(world.store, ['duties.updateRequest'], () => locked);
    const requests = createRequests(world.engine, {
      check: async () => {
        locked = true;
        return { done: true };
      },
    });
    const id = await world.store.duties.ask('check', {}, world.clock.now());
    requests.start();
    await world.clock.advance(5_000);
    locked = false;
    await world.clock.advance(1_000);
    expect(await world.store.duties.request(id)).toMatchObject({ state: 'done', result: { done: true } });
    await requests.stop();
  });
});

describe('a channel that is slow, parked or flooded', () => {
  test('waiting in a full lane spends no attempt, and a single error afterwards kills no delivery', async () => {
    world = await makeWorld();
    await world.stock('TEE', 5);
    await thinDeliveries('shop', 1_100);
    const { channel } = world.live('shop');
    const fetchOrders = channel.fetchOrders.bind(channel);
    channel.fetchOrders = async (ids, signal) => {
      await world.clock.sleep(60_000, signal);
      return fetchOrders(ids, signal);
    };
    const ingest = createIngest(world.engine);
    ingest.start();
    await settle(100);
    await world.clock.advance(45_000);
    const waiting = (await world.store.inbox.list({ limit: 2_000 })).filter((row) => row.status === 'new');
    expect(waiting.length).toBeGreaterThan(500);
    expect(Math.max(...waiting.map((row) => row.attempts))).toBe(0);
    const stop = ingest.stop();
    await world.clock.advance(120_000);
    await stop;
    channel.fetchOrders = () => Promise.reject(new ChannelError('retry', '503'));
    await createIngest(world.engine).runUntilIdle();
    expect(await world.store.inbox.list({ status: 'dead', limit: 1 })).toEqual([]);
  });

  test('thousands of deliveries of a parked channel stand before nobody else, and are put off by few writes', async () => {
    world = await makeWorld({ amazon: {}, shop: {} });
    await world.stock('TEE', 100);
    await thinDeliveries('amazon', 3_000);
    const expired = new ChannelError('auth', 'the token has expired');
    world.live('amazon').channel.fetchOrders = () => Promise.reject(expired);
    const shop = world.platform('shop');
    const sale = shop.sell({ lines: [{ ref: 'TEE', quantity: 5 }] });
    await world.deliver('shop', shop.hookForOrder(sale?.id ?? ''));
    const claims: number[][] = [];
    let writes = 0;
    const { inbox } = world.store;
    const { claim, defer, fail } = inbox;
    inbox.claim = async (...args) => {
      const claimed = await claim(...args);
      claims.push(claimed.map((delivery) => delivery.channelId));
      return claimed;
    };
    inbox.defer = (...args) => {
      writes += 1;
      return defer(...args);
    };
    inbox.fail = (...args) => {
      writes += 1;
      return fail(...args);
    };
    const ingest = createIngest(world.engine);
    ingest.start();
    await settle(200);
    expect(await world.available('TEE')).toBe(95);
    expect(claims[0]).toContain(world.live('shop').id);
    expect(writes).toBeLessThan(10);
    const stop = ingest.stop();
    await world.clock.advance(60_000);
    await stop;
  });
});
