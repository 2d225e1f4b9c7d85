import { afterEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import type { InboxStore, NewDelivery, TakenIn } from '../../../src/store/store.ts';
import { createIntake } from '../../../src/sync/inbound/intake.ts';
import { createReceiver } from '../../../src/sync/inbound/receive.ts';
import { makeWorld, settle, type World } from '../world.ts';

let world: World | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

/** An inbox whose inserts end when the test says so. */
function heldInbox() {
  const batches: { keys: string[]; end(error?: Error): void }[] = [];
  const takeIn = (deliveries: NewDelivery[]) =>
    new Promise<TakenIn[]>((resolve, reject) => {
      batches.push({
        keys: deliveries.map((each) => each.key),
        end: (error) =>
          error === undefined
            ? resolve(deliveries.map((_, id) => ({ kind: 'accepted', id, reused: false })))
            : reject(error),
      });
    });
  return { batches, inbox: { takeIn } as unknown as InboxStore };
}

function delivery(key: string, bytes = 10): NewDelivery {
  return {
    channelId: 1,
    key,
    kind: 'order',
    meta: null,
    body: new Uint8Array(bytes),
    bodyHash: 'x',
    receivedAt: 0,
  };
}

describe('the queue in front of the inbox', () => {
  test('while one insert runs the next deliveries gather into one batch', async () => {
    const { batches, inbox } = heldInbox();
    const intake = createIntake(inbox);
    const answers = ['a', 'b', 'c', 'd'].map((key) => intake.takeIn([delivery(key)]));
    expect(batches.map((batch) => batch.keys)).toEqual([['a']]);
    batches[0]?.end();
    await settle(2);
    expect(batches.map((batch) => batch.keys)).toEqual([['a'], ['b', 'c', 'd']]);
    batches[1]?.end();
    expect((await Promise.all(answers)).map((taken) => taken?.length)).toEqual([1, 1, 1, 1]);
    expect(intake.pending()).toEqual({ deliveries: 0, bytes: 0 });
  });

  test('a row that the store cannot take refuses nobody but itself', async () => {
    const { batches, inbox } = heldInbox();
    const intake = createIntake(inbox);
    const results = ['a', 'bad', 'c'].map((key) => intake.takeIn([delivery(key)])?.catch(() => 'refused'));
    batches[0]?.end();
    await settle(2);
    batches[1]?.end(new Error('a bad row'));
    await settle(2);
    batches[2]?.end(new Error('a bad row'));
    await settle(2);
    batches[3]?.end();
    expect(await results[1]).toBe('refused');
    expect(await results[2]).toHaveLength(1);
  });

  test('beyond its limits in number or bytes it takes nothing more', async () => {
    const { inbox } = heldInbox();
    const byCount = createIntake(inbox, { deliveries: 2, bytes: 1_000, batch: 500 });
    expect(byCount.takeIn([delivery('a')])).not.toBeNull();
    expect(byCount.takeIn([delivery('b')])).not.toBeNull();
    expect(byCount.takeIn([delivery('c')])).toBeNull();
    const byBytes = createIntake(inbox, { deliveries: 10, bytes: 1_000, batch: 500 });
    expect(byBytes.takeIn([delivery('a', 900)])).not.toBeNull();
    expect(byBytes.takeIn([delivery('b', 200)])).toBeNull();
    expect(byBytes.pending()).toEqual({ deliveries: 1, bytes: 900 });
  });
});

describe('the way in', () => {
  test('an insert that fails is answered 503 with Retry-After, never 2xx', async () => {
    world = await makeWorld();
    const full = new AppError('store_full', 'the disk is full');
    const refusing = {
      ...world.store,
      inbox: { ...world.store.inbox, takeIn: async () => Promise.reject(full) },
    };
    const receiver = createReceiver({ ...world.engine, store: refusing });
    const hook = world.platform('shop').hook('order-ids', { ids: ['1'] });
    const answer = await receiver.receive('shop', request(hook.headers, hook.body));
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('5');
    expect(receiver.counts()).toMatchObject({ accepted: 0, unavailable: 1 });
  });

  test('a full queue is answered 503 at once', async () => {
    world = await makeWorld();
    const receiver = createReceiver(world.engine, { deliveries: 0, bytes: 0, batch: 1 });
    const hook = world.platform('shop').hook('order-ids', { ids: ['1'] });
    expect((await receiver.receive('shop', request(hook.headers, hook.body))).status).toBe(503);
    expect(await world.store.inbox.list({ limit: 1 })).toEqual([]);
  });

  test('nothing but the inbox is touched, and the inbox is woken', async () => {
    world = await makeWorld();
    const asked: string[] = [];
    const store = new Proxy(world.store, {
      get(target, name) {
        asked.push(String(name));
        return Reflect.get(target, name);
      },
    });
    let woken = 0;
    world.engine.wakes.onInbox(() => {
      woken += 1;
    });
    const receiver = createReceiver({ ...world.engine, store });
    const hook = world.platform('shop').hook('order-ids', { ids: ['1'] });
    expect((await receiver.receive('shop', request(hook.headers, hook.body))).status).toBe(200);
    expect(new Set(asked)).toEqual(new Set(['inbox']));
    expect(woken).toBe(1);
    expect(receiver.counts()).toMatchObject({ accepted: 1, ackCount: 1 });
  });

  test('unknown channels, handshakes and foreign methods are answered without the store', async () => {
    world = await makeWorld();
    const ask = (method: string, query = '') => ({ ...request({}, Buffer.alloc(0)), method, query });
    expect((await world.receiver.receive('nobody', ask('POST'))).status).toBe(404);
    expect(await world.receiver.receive('shop', ask('GET', 'challenge=abc'))).toMatchObject({
      status: 200,
      body: 'abc',
    });
    expect((await world.receiver.receive('shop', ask('GET'))).status).toBe(405);
    expect(await world.store.inbox.list({ limit: 1 })).toEqual([]);
  });

  test('an adapter that throws costs the platform a retry, not us a delivery', async () => {
    world = await makeWorld();
    const live = world.live('shop');
    const broken = {
      ...live,
      channel: {
        ...live.channel,
        receive: () => {
          throw new Error('a defect');
        },
      },
    };
    const receiver = createReceiver({ ...world.engine, channels: new Map([[live.id, broken]]) });
    expect((await receiver.receive('shop', request({}, Buffer.alloc(0)))).status).toBe(503);
  });
});

function request(headers: Record<string, string>, body: Buffer) {
  return { method: 'POST', path: '', query: '', headers, body, receivedAt: world?.clock.now() ?? 0 };
}
