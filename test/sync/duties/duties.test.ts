import { beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { createExpiry } from '../../../src/sync/duties/expire.ts';
import { pruneAll } from '../../../src/sync/duties/prune.ts';
import { createRequests } from '../../../src/sync/duties/requests.ts';
import { createSchedule, nextRun } from '../../../src/sync/duties/schedule.ts';
import { createWatch } from '../../../src/sync/duties/watch.ts';
import { createIngest } from '../../../src/sync/inbound/ingest.ts';
import { createLoop } from '../../../src/sync/loop.ts';
import { makeWorld, settle, type World } from '../world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});

describe('a loop', () => {
  test('rests as long as its step says, is woken early, and a wake during a step is not lost', async () => {
    const at: number[] = [];
    const began = world.clock.now();
    const loop = createLoop(world.engine, 'test', async () => {
      at.push(world.clock.now() - began);
      if (at.length === 3) loop.wake();
      return 1_000;
    });
    loop.start();
    loop.start();
    await world.clock.advance(1_500);
    expect(at).toEqual([0, 1_000]);
    loop.wake();
    await settle();
    expect(at).toEqual([0, 1_000, 1_500, 1_500]);
    await loop.stop();
    await loop.stop();
    expect(world.clock.sleepers()).toBe(0);
  });

  test('goes on after a step that throws, more slowly each time', async () => {
    const at: number[] = [];
    const began = world.clock.now();
    const loop = createLoop(world.engine, 'test', async () => {
      at.push(world.clock.now() - began);
      throw new Error('no');
    });
    loop.start();
    await world.clock.advance(7_500);
    expect(at).toEqual([0, 1_000, 3_000, 7_000]);
    await loop.stop();
  });

  test('stop waits for what goes on beside the steps, and no longer than for a step', async () => {
    let end: () => void = () => undefined;
    const ended: string[] = [];
    const beside = (name: string) =>
      createLoop(world.engine, name, async (_, alongside) => {
        alongside(
          new Promise<void>((resolve) => {
            end = resolve;
          }).then(() => void ended.push(name)),
        );
        return 60_000;
      });
    const first = beside('first');
    first.start();
    await world.clock.advance(1);
    const stopped = first.stop().then(() => [...ended]);
    await world.clock.advance(1);
    end();
    expect(await stopped).toEqual(['first']);
    const second = beside('second');
    second.start();
    await world.clock.advance(1);
    const late = second.stop().then(() => [...ended]);
    await world.clock.advance(20_000);
    expect(await late).toEqual(['first']);
  });
});

describe('scheduled work', () => {
  const hourly = { name: 'reconcile', expression: '0 * * * *', timezone: 'UTC' };

  test('the next run is found on any clock and in any zone', async () => {
    const at = Date.UTC(2026, 0, 1, 10, 20);
    expect(await nextRun(hourly, at)).toBe(Date.UTC(2026, 0, 1, 11));
    expect(await nextRun(hourly, Date.UTC(2026, 0, 1, 11))).toBe(Date.UTC(2026, 0, 1, 12));
    const berlin = { expression: '30 3 * * *', timezone: 'Europe/Berlin' };
    expect(await nextRun(berlin, at)).toBe(Date.UTC(2026, 0, 2, 2, 30));
  });

  test.each([
    ['0 3 * * 0', Date.UTC(2026, 0, 4, 3)],
    ['0 0 3 * * 0', Date.UTC(2026, 0, 4, 3)],
    ['0 3 29 2 *', Date.UTC(2028, 1, 29, 3)],
  ])('the next run of "%s" is found, however far it is', (expression, expected) => {
    expect(nextRun({ expression, timezone: 'UTC' }, Date.UTC(2026, 0, 1, 10, 20))).toBe(expected);
  });

  test('a schedule that never comes is refused in words', () => {
    const never = { expression: '0 3 31 2 *', timezone: 'UTC' };
    expect(() => nextRun(never, 0)).toThrow('the schedule "0 3 31 2 *" names no time that ever comes');
  });

  test('runs when its hour comes, and a run missed while nothing ran is caught up once', async () => {
    const runs: number[] = [];
    const work = { ...hourly, run: async () => void runs.push(world.clock.now()) };
    const first = createSchedule(world.engine, work);
    first.start();
    await world.clock.advance(2 * 3_600_000);
    expect(runs).toHaveLength(2);
    await first.stop();
    world.clock.jump(5 * 3_600_000);
    const second = createSchedule(world.engine, work);
    second.start();
    await world.clock.advance(60_000);
    expect(runs).toHaveLength(3);
    await second.stop();
    expect((await world.store.duties.schedule('reconcile')).dueAt).toBeGreaterThan(world.clock.now());
  });

  test('a run that fails is alerted and tried at its next time; the next success takes the alert back', async () => {
    let fail = true;
    const duty = createSchedule(world.engine, {
      ...hourly,
      run: async () => {
        if (fail) throw new Error('no');
      },
    });
    const kinds = async () => (await world.store.duties.alerts(true, 10)).map((each) => each.kind);
    duty.start();
    await world.clock.advance(3_600_000);
    expect(await kinds()).toEqual(['schedule_failed']);
    fail = false;
    await world.clock.advance(3_600_000);
    expect(await kinds()).toEqual([]);
    await duty.stop();
  });
});

describe('holds', () => {
  const hold = (ttlMs: number) =>
    world.store.reservations.hold(
      {
        key: `k${ttlMs}`,
        bodyHash: 'h',
        lines: [{ sku: 'TEE', quantity: 2 }],
        ttlMs,
        reference: null,
        channel: null,
        orderRef: null,
      },
      world.clock.now(),
    );

  test('end by themselves, and pushes are woken', async () => {
    await world.stock('TEE', 5);
    let woken = 0;
    world.engine.wakes.onPush(() => {
      woken += 1;
    });
    const duty = createExpiry(world.engine);
    duty.start();
    await hold(10_000);
    await world.clock.advance(9_000);
    expect(await world.available('TEE')).toBe(3);
    await world.clock.advance(3_000);
    expect(await world.available('TEE')).toBe(5);
    expect(woken).toBeGreaterThan(0);
    await duty.stop();
  });

  test('are extended, not ended, when the clock jumps by an hour', async () => {
    await world.stock('TEE', 5);
    const duty = createExpiry(world.engine);
    duty.start();
    await hold(600_000);
    await world.clock.advance(1_500);
    world.clock.jump(3_600_000);
    await world.clock.advance(5_000);
    expect(await world.available('TEE')).toBe(3);
    await world.clock.advance(600_000);
    expect(await world.available('TEE')).toBe(5);
    await duty.stop();
  });
});

describe('a committed reservation whose order has not taken its units', () => {
  test('is told after 48 hours, once, and no longer when a person released it', async () => {
    await world.stock('MUG', 3);
    const { reservations, duties } = world.store;
    const lines = [{ sku: 'MUG', quantity: 2 }];
    const tie = { channel: 'shop', orderRef: '#42', reference: null };
    const held = await reservations.hold(
      { key: 'k', bodyHash: 'h', lines, ttlMs: 60_000, ...tie },
      world.clock.now(),
    );
    if (held.kind !== 'held') throw new Error(held.kind);
    const { id } = held.reservation;
    await reservations.commit(id, world.clock.now());
    world.clock.jump(47 * 3_600_000);
    const duty = createExpiry(world.engine);
    duty.start();
    await world.clock.advance(5_000);
    expect(await duties.alerts(true, 9)).toEqual([]);
    await duty.stop();
    world.clock.jump(3_600_000);
    const later = createExpiry(world.engine);
    later.start();
    await world.clock.advance(130_000);
    const message = expect.stringMatching(
      new RegExp(`keeps 2 of MUG for order #42 of shop.*invsync reservations release ${id}$`),
    );
    expect(await duties.alerts(true, 9)).toMatchObject([{ kind: 'reservation_old', count: 1, message }]);
    await reservations.giveUp(id, { by: 'test', reason: null }, world.clock.now());
    await world.clock.advance(61_000);
    await later.stop();
    expect(await duties.alerts(true, 9)).toEqual([]);
    expect(await world.available('MUG')).toBe(3);
  });
});

describe('requests of commands', () => {
  test('are carried out, noted on the way and answered', async () => {
    const id = await world.store.duties.ask('add', { a: 2, b: 3 }, world.clock.now());
    const duty = createRequests(world.engine, {
      add: async (args, progress) => {
        progress('adding');
        const { a, b } = args as { a: number; b: number };
        return { sum: a + b };
      },
    });
    duty.start();
    await settle();
    expect(await world.store.duties.request(id)).toMatchObject({ state: 'done', result: { sum: 5 } });
    await duty.stop();
  });

  test('fail with code and hint, also when nobody knows their kind', async () => {
    const now = world.clock.now();
    const known = await world.store.duties.ask('refuse', null, now);
    const unknown = await world.store.duties.ask('toString', null, now);
    const duty = createRequests(world.engine, {
      refuse: async () => {
        throw new AppError('brake', 'too much', { hint: 'look first', exitCode: 4 });
      },
    });
    duty.start();
    await settle();
    expect(await world.store.duties.request(known)).toMatchObject({
      state: 'failed',
      result: { error: { code: 'brake', message: 'too much', hint: 'look first', exit_code: 4 } },
    });
    expect(await world.store.duties.request(unknown)).toMatchObject({
      state: 'failed',
      result: { error: { code: 'unknown_request' } },
    });
    await duty.stop();
  });

  test('a long one does not hold up a short one, and a stop ends it', async () => {
    const now = world.clock.now();
    const long = await world.store.duties.ask('long', null, now);
    const short = await world.store.duties.ask('short', null, now);
    const duty = createRequests(world.engine, {
      long: (_args, _progress, signal) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true }),
        ),
      short: async () => 'done',
    });
    duty.start();
    await settle();
    expect((await world.store.duties.request(short))?.state).toBe('done');
    expect((await world.store.duties.request(long))?.state).toBe('running');
    await duty.stop();
    expect((await world.store.duties.request(long))?.state).toBe('failed');
  });
});

describe('upkeep', () => {
  test('what another process commits wakes inbox and pushes within half a second, and wakes no pull', async () => {
    const woken: string[] = [];
    world.engine.wakes.onInbox(() => woken.push('inbox'));
    world.engine.wakes.onPush(() => woken.push('push'));
    world.engine.wakes.onPull(() => woken.push('pull'));
    let changed = false;
    const store = { ...world.store, changedSince: () => changed };
    const duty = createWatch({ ...world.engine, store } as typeof world.engine, () => woken.push('requests'));
    duty.start();
    await world.clock.advance(500);
    expect(woken).toEqual([]);
    changed = true;
    await world.clock.advance(250);
    expect(woken).toEqual(['inbox', 'push', 'requests']);
    await duty.stop();
  });

  test('pruning removes old settled keys in small steps and keeps what is pending', async () => {
    for (let i = 0; i < 450; i += 1) {
      await world.deliver('shop', world.platform('shop').hook('tick', { ids: [] }, `d${i}`));
    }
    await createIngest(world.engine).runUntilIdle();
    world.clock.jump(31 * 86_400_000);
    await world.deliver('shop', world.platform('shop').hook('tick', { ids: [] }, 'fresh'));
    const pruning = pruneAll(world.engine, new AbortController().signal);
    await world.clock.advance(1_000);
    expect(await pruning).toBeGreaterThanOrEqual(450);
    const left = await world.store.inbox.list({ limit: 1_000 });
    expect(left.map((row) => row.key)).toEqual(['fresh']);
  });
});
