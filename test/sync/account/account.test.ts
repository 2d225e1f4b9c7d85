import { beforeEach, describe, expect, test } from 'vitest';
import type { MemoryOrder } from '../../../src/channels/memory/state.ts';
import { admit, createIdentification, isOurs } from '../../../src/sync/account/account.ts';
import { importCatalogue } from '../../../src/sync/account/catalogue.ts';
import { registerWebhooks } from '../../../src/sync/account/webhooks.ts';
import type { LiveChannel } from '../../../src/sync/engine.ts';
import { feedsOf, freshness } from '../../../src/sync/fresh.ts';
import { createIngest } from '../../../src/sync/inbound/ingest.ts';
import { createListening } from '../../../src/sync/inbound/listen.ts';
import { type Pulled, pullOrders } from '../../../src/sync/inbound/pull.ts';
import { createPusher } from '../../../src/sync/outbound/push.ts';
import { reconcile } from '../../../src/sync/reconcile/reconcile.ts';
import { makeWorld, type World } from '../world.ts';

const { signal } = new AbortController();
const by = { by: 'test', reason: null };
let world: World;
beforeEach(async () => {
  world = await makeWorld({ shop: {}, twin: {} });
});

/** The channel goes on with the credentials of another platform, as after a restart. */
function leadTo(name: string, platform: string): LiveChannel {
  const live = { ...world.live(name), channel: world.live(platform).channel };
  (world.engine.channels as Map<number, LiveChannel>).set(live.id, live);
  return live;
}

const pull = (name: string): Promise<Pulled> =>
  pullOrders(world.engine, world.live(name), { kind: 'changes' }, signal);

function sell(platform: string, quantity: number): MemoryOrder {
  const order = world.platform(platform).sell({ lines: [{ ref: 'MUG', quantity }] });
  if (order === null) throw new Error('not sold');
  return order;
}

const alertsOf = async (kind: string): Promise<string[]> =>
  (await world.store.duties.alerts(true, 9)).filter((row) => row.kind === kind).map((row) => row.message);

const rowOf = async (name: string) => {
  const row = (await world.store.channels.list()).find((each) => each.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
};

describe('a second channel on one account', () => {
  beforeEach(async () => {
    leadTo('twin', 'shop');
    await world.stock('MUG', 10);
    await pull('shop');
  });

  test('is not polled, its webhooks are kept aside, and the sale counts once', async () => {
    const order = sell('shop', 1);
    const hook = world.platform('shop').hookForOrder(order.id);
    expect((await world.deliver('twin', hook)).status).toBe(200);
    expect((await world.deliver('shop', hook)).status).toBe(200);
    const ingest = createIngest(world.engine);
    await ingest.runUntilIdle();
    expect(await pull('twin')).toMatchObject({ complete: false, orders: 0, error: { kind: 'rejected' } });
    await pull('shop');
    expect(await world.available('MUG')).toBe(9);
    expect(await world.store.inbox.list({ channel: 'twin', limit: 9 })).toMatchObject([
      { status: 'new', dueAt: null, attempts: 0, error: expect.stringContaining('kept aside') },
    ]);
    expect(await alertsOf('account')).toEqual([
      expect.stringMatching(/"shop" already .* invsync channels remove twin$/),
    ]);
  });

  test('has no catalogue, no webhooks and no pushes, and nobody reconciles it', async () => {
    await expect(
      importCatalogue(world.engine, world.live('twin'), () => undefined, signal),
    ).rejects.toMatchObject({
      code: 'account',
      exitCode: 4,
    });
    await expect(registerWebhooks(world.engine, world.live('twin'), signal)).rejects.toMatchObject({
      code: 'account',
    });
    const pusher = createPusher(world.engine);
    const wish = { channels: null, skus: null, dryRun: false, waitMs: 0 };
    const outcome = await reconcile(world.engine, { pusher }, wish, signal);
    expect(outcome.passed).toEqual(['shop']);
    expect(outcome.failed).toMatchObject([{ channel: 'twin', kind: 'held' }]);
    await pusher.runUntilIdle();
    expect(world.platform('twin').writes()).toEqual([]);
  });

  test('does not keep raises back: the orders of the account are read under its first name', async () => {
    await admit(world.engine, world.live('twin'), signal);
    expect(feedsOf(await freshness(world.engine))).toBe('fresh');
  });

  test('leaves the messages of a queue where they are', async () => {
    let listened = 0;
    const live = world.live('twin');
    live.channel = {
      ...live.channel,
      listen: async () => {
        listened += 1;
      },
    };
    const duty = createListening(world.engine);
    duty.start();
    await world.clock.advance(20_000);
    await duty.stop();
    expect(listened).toBe(0);
  });

  test('a dry run finds it out too, and binds nothing', async () => {
    const wish = { channels: ['twin'], skus: null, dryRun: true, waitMs: 0 };
    const outcome = await reconcile(world.engine, { pusher: createPusher(world.engine) }, wish, signal);
    expect(outcome.failed).toMatchObject([{ channel: 'twin', kind: 'held' }]);
    expect(await rowOf('twin')).toMatchObject({ accountId: null, accountSeen: null });
  });

  test('its account goes on with its orders under this name once the first channel is removed', async () => {
    const sold = sell('shop', 2);
    await pull('shop');
    const duty = createIdentification(world.engine);
    duty.start();
    await world.clock.advance(1_000);
    const { id } = await rowOf('shop');
    await world.store.channels.remove('shop', 'shipped', by, world.clock.now());
    await world.clock.advance(20_000);
    await duty.stop();
    expect(await rowOf('twin')).toMatchObject({ id, accountId: expect.any(String) });
    expect(await world.store.orders.list({ channel: 'twin', limit: 9 })).toMatchObject([
      { orderId: sold.id },
    ]);
  });
});

describe('a channel that was renamed in the file only', () => {
  test('takes nothing in under its new name; after the command what arrived meanwhile counts once', async () => {
    await world.stock('MUG', 10);
    sell('shop', 3);
    await pull('shop');
    expect(await world.available('MUG')).toBe(7);
    const { id, setup } = await rowOf('shop');
    const renamed = { ...setup, name: 'better' };
    const rows = await world.store.channels.configure([renamed], world.clock.now());
    const fresh = rows.find((row) => row.name === 'better')?.id ?? 0;
    const channels = world.engine.channels as Map<number, LiveChannel>;
    const old = world.live('shop');
    channels.clear();
    channels.set(fresh, { ...old, id: fresh, name: 'better' });
    const meanwhile = sell('shop', 2);
    const hook = world.platform('shop').hookForOrder(meanwhile.id);
    world.platform('shop').forget(meanwhile.id);
    expect((await world.deliver('better', hook)).status).toBe(200);
    const ingest = createIngest(world.engine);
    await ingest.runUntilIdle();
    expect((await pull('better')).complete).toBe(false);
    expect(await world.available('MUG')).toBe(7);
    expect(await alertsOf('account')).toEqual([
      expect.stringMatching(/invsync channels rename shop better$/),
    ]);
    // Nothing is raised anywhere while nobody reads the account.
    expect(feedsOf(await freshness(world.engine))).toBe('stale');

    await world.store.channels.rename('shop', 'better', world.clock.now());
    await world.store.channels.configure([renamed], world.clock.now());
    channels.clear();
    channels.set(id, { ...old, name: 'better' });
    await ingest.runUntilIdle();
    await ingest.stop();
    expect(await world.available('MUG')).toBe(5);
    expect((await pull('better')).complete).toBe(true);
    expect(await world.available('MUG')).toBe(5);
  });
});

describe('another account behind a known name', () => {
  test('its orders never become ours, nothing is written to it, and mended credentials take up what waited', async () => {
    await world.stock('MUG', 10);
    const mine = sell('shop', 4);
    await pull('shop');
    const shop = world.live('shop');
    const clone = leadTo('shop', 'twin');
    const theirs = sell('twin', 1);
    const { orders } = world.platform('twin').state;
    orders.delete(theirs.id);
    theirs.id = mine.id;
    orders.set(theirs.id, theirs);
    await world.deliver('shop', world.platform('twin').hookForOrder(theirs.id));
    const ingest = createIngest(world.engine);
    await ingest.runUntilIdle();
    expect(await pull('shop')).toMatchObject({ complete: false });
    const pusher = createPusher(world.engine);
    await pusher.runUntilIdle(clone.id);
    expect(await world.available('MUG')).toBe(6);
    expect(world.platform('twin').writes()).toEqual([]);
    expect(await alertsOf('account')).toEqual([
      expect.stringMatching(/mend its credentials .* invsync channels remove shop$/),
    ]);

    // A person says that the clone's delivery is none of ours, then the right credentials are back.
    const [aside] = await world.store.inbox.list({ channel: 'shop', limit: 1 });
    expect(await world.store.inbox.dismiss([aside?.id ?? 0], by, world.clock.now())).toBe(1);
    (world.engine.channels as Map<number, LiveChannel>).set(shop.id, { ...shop });
    expect((await pull('shop')).complete).toBe(true);
    expect(await alertsOf('account')).toEqual([]);
    await ingest.stop();
    expect(await world.available('MUG')).toBe(6);
  });
});

describe('an account that does not say who it is', () => {
  test('has nothing taken in before its first answer, and then all that waited', async () => {
    await world.stock('MUG', 10);
    const order = sell('shop', 2);
    await world.deliver('shop', world.platform('shop').hookForOrder(order.id));
    world.platform('shop').faults.arm('error', { on: 'read', count: 1 });
    const ingest = createIngest(world.engine);
    ingest.start();
    await world.clock.advance(5_000);
    expect(await world.available('MUG')).toBe(10);
    expect(await world.store.inbox.list({ limit: 9 })).toMatchObject([{ status: 'new', dueAt: null }]);
    const duty = createIdentification(world.engine);
    duty.start();
    await world.clock.advance(20_000);
    await duty.stop();
    await ingest.stop();
    expect(await world.available('MUG')).toBe(8);
  });

  test('was bound before: its webhooks count at once, its lists wait', async () => {
    await world.stock('MUG', 10);
    await pull('shop');
    world.platform('shop').faults.arm('error', { on: 'read', count: null });
    const live = { ...world.live('shop') };
    (world.engine.channels as Map<number, LiveChannel>).set(live.id, live);
    const order = sell('shop', 2);
    await world.deliver('shop', world.platform('shop').hookForOrder(order.id));
    const ingest = createIngest(world.engine);
    await ingest.runUntilIdle();
    await ingest.stop();
    expect(await world.available('MUG')).toBe(8);
    expect((await pull('shop')).complete).toBe(false);
    const standing = await admit(world.engine, live, signal);
    expect([standing.kind, isOurs(standing)]).toEqual(['unreachable', true]);
  });

  test('is asked once by all who want to know at the same time', async () => {
    const live = world.live('shop');
    let asked = 0;
    const { identity } = live.channel;
    live.channel = {
      ...live.channel,
      identity: (stop) => {
        asked += 1;
        return identity(stop);
      },
    };
    await Promise.all([pull('shop'), pull('shop'), admit(world.engine, live, signal)]);
    expect(asked).toBe(1);
  });
});

describe('a delivery that is claimed before anybody knows whose account it is', () => {
  beforeEach(async () => {
    await world.stock('MUG', 10);
  });

  async function worked(): Promise<number | null> {
    const ingest = createIngest(world.engine);
    ingest.start();
    await world.clock.advance(5_000);
    void ingest.stop();
    await world.clock.advance(60_000);
    return world.available('MUG');
  }

  test('counts although it is put aside just after the account was bound', async () => {
    await world.deliver('shop', world.platform('shop').hookForOrder(sell('shop', 1).id));
    const inbox = world.store.inbox as { setAside: typeof world.store.inbox.setAside };
    const { setAside } = inbox;
    inbox.setAside = async (ids, why) => {
      await admit(world.engine, world.live('shop'), signal);
      await setAside(ids, why);
    };
    expect(await worked()).toBe(9);
  });

  test('counts although the account that was bound before does not answer now', async () => {
    await pull('shop');
    leadTo('shop', 'shop');
    world.platform('shop').faults.arm('error', { on: 'read', count: null });
    await world.deliver('shop', world.platform('shop').hookForOrder(sell('shop', 1).id));
    expect(await worked()).toBe(9);
  });
});
