import { beforeEach, describe, expect, test } from 'vitest';
import type { Channel, Delivery } from '../../../src/channels/channel.ts';
import { ChannelError } from '../../../src/channels/errors.ts';
import { importCatalogue } from '../../../src/sync/account/catalogue.ts';
import { registerWebhooks } from '../../../src/sync/account/webhooks.ts';
import type { LiveChannel } from '../../../src/sync/engine.ts';
import { createListening } from '../../../src/sync/inbound/listen.ts';
import { makeWorld, settle, type World } from '../world.ts';

const calm = new AbortController().signal;

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

/** The channel of the world with other answers to some calls. */
function wrap(changes: Partial<Channel>): LiveChannel {
  const live = world.live('shop');
  const wrapped = { ...live, channel: Object.assign(Object.create(live.channel), changes) };
  (world.engine.channels as Map<number, LiveChannel>).set(live.id, wrapped);
  return wrapped;
}

function deliveryOf(ids: string[], key: string): Delivery {
  const { body } = world.platform('shop').hook('order-ids', { ids }, key);
  return { key, kind: 'order-ids', meta: null, body: Buffer.from(body) };
}

const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('a queue that is pulled', () => {
  test('a message is on disk before its source may forget it, and twice the same message is one event', async () => {
    const onDisk: number[] = [];
    wrap({
      async listen(take, signal) {
        await take([deliveryOf(['1'], 'a')]);
        onDisk.push((await world.store.inbox.list({ limit: 10 })).length);
        await take([deliveryOf(['1'], 'a'), deliveryOf(['2'], 'b')]);
        onDisk.push((await world.store.inbox.list({ limit: 10 })).length);
        await until(signal);
      },
    });
    const listening = createListening(world.engine);
    listening.start();
    await settle(200);
    expect(onDisk).toEqual([1, 2]);
    await listening.stop();
  });

  test('a batch that the store refuses stays at its source', async () => {
    let forgotten = false;
    wrap({
      async listen(take) {
        await take([deliveryOf(['1'], 'a')]);
        forgotten = true;
      },
    });
    const refusing = { ...world.store.inbox, takeIn: () => Promise.reject(new Error('the disk is full')) };
    const listening = createListening({ ...world.engine, store: { ...world.store, inbox: refusing } });
    listening.start();
    await settle();
    expect(forgotten).toBe(false);
    await listening.stop();
  });

  test('a queue that refuses us is told once to people, parks nobody, and its next answer ends the alert', async () => {
    let works = false;
    wrap({
      async listen(take, signal) {
        if (!works) throw new ChannelError('auth', 'the signature is not ours', { hint: 'look at the keys' });
        await take([]);
        await until(signal);
      },
    });
    const listening = createListening(world.engine);
    listening.start();
    await world.clock.advance(10_000);
    const [alert, ...others] = await world.store.duties.alerts(true, 10);
    expect(alert).toMatchObject({ kind: 'queue_refused', channel: 'shop' });
    expect(alert?.message).toContain('look at the keys');
    expect(others).toEqual([]);
    expect((await world.store.channels.list()).map((row) => row.parkedSince)).toEqual([null]);
    works = true;
    await world.clock.advance(300_000);
    await settle(100);
    expect(await world.store.duties.alerts(true, 10)).toEqual([]);
    await listening.stop();
  });

  test('a passing trouble of the queue is nobody’s alert', async () => {
    wrap({ listen: () => Promise.reject(new ChannelError('retry', 'no connection')) });
    const listening = createListening(world.engine);
    listening.start();
    await world.clock.advance(10_000);
    expect(await world.store.duties.alerts(true, 10)).toEqual([]);
    await listening.stop();
  });

  test('its subscription needs no public address, any other does', async () => {
    const ensured: string[] = [];
    const ensure = async (url: string) => {
      ensured.push(url);
      return { webhooks: [], changes: ['created'] };
    };
    const rest = { list: async () => [], remove: async () => [], ensure };
    const queue = wrap({ webhooks: { ...rest, needsUrl: false } });
    expect(await registerWebhooks(world.engine, queue, calm)).toMatchObject({ changes: ['created'] });
    expect(ensured).toEqual(['']);
    const address = wrap({ webhooks: rest });
    await expect(registerWebhooks(world.engine, address, calm)).rejects.toThrow('public_url');
  });
});

describe('a long read', () => {
  const slow = { forecast: (listings: number) => ({ requests: listings / 20, expectedMs: listings * 10 }) };
  const listing = (at: number) => ({
    listingId: `l-${at}`,
    counterKey: `l-${at}`,
    channelSku: `S-${at}`,
    title: '',
    aliases: [],
    unwritable: null,
    ambiguous: false,
    shown: 1,
    facts: null,
  });
  const pages = (total: number | null) =>
    async function* () {
      for (let page = 0; page < 5; page += 1)
        yield { total, listings: Array.from({ length: 1_000 }, (_, at) => listing(page * 1_000 + at)) };
    };

  test('of a catalogue tells what it will take, then how much is left', async () => {
    const told: string[] = [];
    const live = wrap({ ...slow, listListings: pages(5_000) });
    await importCatalogue(world.engine, live, (text) => told.push(text), calm);
    expect(told[0]).toBe('shop: 1000 of 5000 listings read, about 40 s left');
    expect(told.at(-1)).toBe('shop: 5000 of 5000 listings read');
  });

  test('that was made before tells what it will take before its first request', async () => {
    const live = wrap({ ...slow, listListings: pages(null) });
    await importCatalogue(world.engine, live, () => undefined, calm);
    const told: string[] = [];
    await importCatalogue(world.engine, live, (text) => told.push(text), calm);
    expect(told[0]).toBe(
      'shop: 5000 listings take 250 requests, about 50 s at the rate that the platform allows',
    );
  });
});
