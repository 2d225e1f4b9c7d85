import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import { createCost } from '../../../src/channels/kit/cost.ts';
import { createPace, type Pace, type Policy } from '../../../src/channels/kit/pace.ts';
import { createRate, type RateLimits } from '../../../src/channels/kit/rate.ts';
import { systemClock } from '../../../src/clock.ts';

const calm = new AbortController().signal;
const nothing = async (): Promise<void> => undefined;

/** A clock whose time moves by sleeping; `slept` in ms. */
function sleeper() {
  let now = 1_000_000;
  const slept: number[] = [];
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms;
    },
  };
  return { clock, slept, at: () => now - 1_000_000, pass: (ms: number) => (now += ms) };
}

const free: Policy = createRate({ perSecond: 1_000_000, burst: 1_000_000 });

describe('the queue of a channel’s requests', () => {
  test('lets one through at a time where that is asked, pushes before reads, in the order of asking', async () => {
    const { clock, at } = sleeper();
    const pace = createPace(clock, createRate({ perSecond: 10 }), { inFlight: 1 });
    const seen: string[] = [];
    let inside = 0;
    const work = (name: string) => async () => {
      inside += 1;
      expect(inside).toBe(1);
      await Promise.resolve();
      seen.push(`${name}@${at()}`);
      inside -= 1;
    };
    await Promise.all([
      pace.run({ signal: calm }, work('r1')),
      pace.run({ signal: calm }, work('r2')),
      pace.run({ priority: 'push', signal: calm }, work('p1')),
      pace.run({ priority: 'push', signal: calm }, work('p2')),
    ]);
    expect(seen).toEqual(['r1@0', 'p1@100', 'p2@200', 'r2@300']);
  });

  test('without a rate, pushes go before reads that wait longer', async () => {
    const pace = createPace(systemClock, free, { inFlight: 1 });
    const done: string[] = [];
    let running = 0;
    const work = (name: string) => async () => {
      running += 1;
      expect(running).toBe(1);
      await Promise.resolve();
      running -= 1;
      done.push(name);
    };
    await Promise.all([
      pace.run({ signal: calm }, work('read 1')),
      pace.run({ signal: calm }, work('read 2')),
      pace.run({ priority: 'push', signal: calm }, work('push')),
      pace.run({ signal: calm }, work('read 3')),
    ]);
    expect(done).toEqual(['read 1', 'push', 'read 2', 'read 3']);
  });

  test('a push wakes a queue that rests for a read', async () => {
    const cost = createCost();
    const pace = createPace(systemClock, cost);
    cost.answered(0, { maximumAvailable: 100, currentlyAvailable: 15, restoreRate: 0.001 }, Date.now());
    const stop = new AbortController();
    const read = pace.run({ signal: stop.signal }, nothing);
    await pace.run({ priority: 'push', signal: calm }, nothing);
    stop.abort();
    await expect(read).rejects.toMatchObject({ kind: 'retry' });
  });

  test('goes on after a failure, which is its caller’s alone, and after a rest', async () => {
    const { clock, at } = sleeper();
    const pace = createPace(clock, free, { inFlight: 1 });
    const failed = pace.run({ signal: calm }, async () => {
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    pace.refused(5_000);
    expect(await pace.run({ signal: calm }, async () => at())).toBe(5_000);
  });

  test('is left by who is stopped while waiting, and the next one has his turn', async () => {
    const pace = createPace(systemClock, free, { inFlight: 1 });
    const stop = new AbortController();
    const results = Promise.allSettled([
      pace.run({ signal: calm }, () => Promise.reject(new Error('broken'))),
      pace.run({ signal: stop.signal }, () => Promise.resolve('never')),
      pace.run({ signal: calm }, () => Promise.resolve('after')),
    ]);
    stop.abort();
    expect(await results).toMatchObject([
      { status: 'rejected', reason: { message: 'broken' } },
      { status: 'rejected', reason: { kind: 'retry' } },
      { status: 'fulfilled', value: 'after' },
    ]);
    const late = pace.run({ priority: 'push', signal: stop.signal }, () => Promise.resolve(1));
    await expect(late).rejects.toMatchObject({ kind: 'retry' });
  });

  test('who would wait longer than he has patience for is told when to come back, and takes no place', async () => {
    const { clock } = sleeper();
    const pace = createPace(clock, createRate({ perSecond: 0.01 }), { patienceMs: 30_000 });
    await pace.run({ signal: calm }, nothing);
    const impatient = pace.run({ signal: calm }, nothing);
    await expect(impatient).rejects.toMatchObject({ kind: 'throttled', afterMs: 100_000 });
    await pace.run({ signal: calm, patienceMs: Number.POSITIVE_INFINITY }, nothing);
  });

  test('a clock that is set back while a request waits holds up nobody', async () => {
    let now = 1_000_000;
    const sleep = async () => {
      now -= 3_600_000;
    };
    const clock = { now: () => now, sleep };
    const pace = createPace(clock, createRate({ perSecond: 10 }));
    for (let n = 0; n < 3; n += 1) await pace.run({ signal: calm }, nothing);
  });

  test('rests begin and end where the platform’s limits ask for it, and begin anew after a good answer', () => {
    const pace = createPace(sleeper().clock, free, { firstRestMs: 5_000, mostRestMs: 900_000 });
    const rests = Array.from({ length: 10 }, () => pace.refused(null));
    expect(rests.slice(0, 3)).toEqual([5_000, 10_000, 20_000]);
    expect(rests.at(-1)).toBe(900_000);
    pace.succeeded();
    expect(pace.refused(null)).toBe(5_000);
  });

  test('a time that the platform tells counts, however long our own rest has grown; none, or zero, is not told', () => {
    const pace = createPace(sleeper().clock, free, { firstRestMs: 5_000, mostRestMs: 900_000 });
    for (let n = 0; n < 10; n += 1) pace.refused(null);
    expect(pace.refused(7_000)).toBe(7_000);
    expect(pace.refused(0)).toBe(900_000);
    expect(pace.refused(null)).toBe(900_000);
  });

  test('chance takes its share off a rest that nobody told', () => {
    const pace = createPace(sleeper().clock, free, { jitter: () => 0.5 });
    expect([pace.refused(null), pace.refused(null)]).toEqual([500, 1_000]);
  });
});

describe('the pace of a platform that tells no limit', () => {
  const limits: RateLimits = { perSecond: 2, mostPerSecond: 4, leastPerSecond: 0.2, burst: 3 };
  const searching = (given: RateLimits = limits) => {
    const stage = sleeper();
    const rate = createRate(given);
    return { ...stage, rate, pace: createPace(stage.clock, rate) };
  };

  test('lets a burst go at once and then keeps the rate', async () => {
    const { pace, at } = searching();
    const starts: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      await pace.run({ signal: calm }, nothing);
      starts.push(at());
    }
    expect(starts).toEqual([0, 0, 0, 500, 1_000, 1_500]);
  });

  test('grows with each success up to its ceiling, halves with a refusal, and then wins back a tenth a minute', () => {
    const { pace, rate, pass } = searching();
    for (let n = 0; n < 3; n += 1) pace.succeeded();
    expect(rate.perSecond()).toBe(3.5);
    for (let n = 0; n < 9; n += 1) pace.succeeded();
    expect(rate.perSecond()).toBe(4);
    pace.refused(null);
    expect(rate.perSecond()).toBe(2);
    pass(60_000);
    pace.succeeded();
    expect(rate.perSecond()).toBeCloseTo(2.2);
    pace.succeeded();
    expect(rate.perSecond()).toBeCloseTo(2.2);
    for (let n = 0; n < 20; n += 1) pace.refused(null);
    expect(rate.perSecond()).toBeGreaterThan(0.1);
  });

  test('whose rate is known keeps it through refusals, and rests after them all the same', async () => {
    const { pace, rate, at } = searching({ perSecond: 2, burst: 3 });
    for (let n = 0; n < 3; n += 1) pace.refused(null);
    pace.succeeded();
    expect(rate.perSecond()).toBe(2);
    await pace.run({ signal: calm }, nothing);
    expect(at()).toBe(4_000);
  });

  test('tells a longer rest with each refusal in a row, never less than the platform, and stops everybody for a while', async () => {
    const { pace, at } = searching();
    expect([pace.refused(null), pace.refused(null), pace.refused(null)]).toEqual([1_000, 2_000, 4_000]);
    expect(pace.refused(3_600_000)).toBe(3_600_000);
    await pace.run({ priority: 'push', signal: calm }, nothing);
    expect(at()).toBe(5_000);
    pace.succeeded();
    expect(pace.refused(500)).toBe(1_000);
    for (let n = 0; n < 20; n += 1) pace.refused(null);
    expect(pace.refused(null)).toBe(60_000);
  });

  test('lets pushes go before reads that waited longer', async () => {
    const { pace } = searching();
    const order: string[] = [];
    const run = (name: string, priority: 'push' | 'read') =>
      pace.run({ priority, signal: calm }, async () => void order.push(name));
    await Promise.all([run('first', 'read'), run('read', 'read'), run('push', 'push')]);
    expect(order).toEqual(['first', 'push', 'read']);
  });

  test('forgets who is aborted while waiting, and serves the next', async () => {
    const { pace } = searching();
    const gone = new AbortController();
    const first = pace.run({ signal: calm }, nothing);
    const waiting = pace.run({ signal: gone.signal }, nothing);
    const last = pace.run({ signal: calm }, nothing);
    gone.abort();
    await expect(waiting).rejects.toBeInstanceOf(ChannelError);
    await expect(pace.run({ signal: AbortSignal.abort() }, nothing)).rejects.toBeInstanceOf(ChannelError);
    await Promise.all([first, last]);
  });

  test('a memory brings back level and rate over a restart', async () => {
    const { clock, at } = sleeper();
    let kept: { level: number; at: number; perSecond: number } | null = null;
    const save = async (state: typeof kept) => {
      kept = state;
    };
    const memory = { load: async () => kept, save };
    const open = (): Pace => createPace(clock, createRate({ perSecond: 1, burst: 2 }, memory));
    const before = open();
    await before.run({ signal: calm }, nothing);
    await before.run({ signal: calm }, nothing);
    await open().run({ signal: calm }, nothing);
    expect(at()).toBe(1_000);
  });
});

describe('a bucket of points', () => {
  const full = { maximumAvailable: 2000, currentlyAvailable: 2000, restoreRate: 100 };
  /** A pace whose bucket has heard `currentlyAvailable` once. */
  const heard = (currentlyAvailable: number) => {
    const { clock, slept } = sleeper();
    const policy = createCost();
    policy.answered(0, { ...full, currentlyAvailable }, clock.now());
    const pace = createPace(clock, policy);
    const run = (cost: number, priority: 'push' | 'read' = 'push', signal = calm) =>
      pace.run({ cost, priority, signal }, nothing);
    return { policy, pace, clock, slept, run };
  };

  test('nobody waits before the platform has told its limits', async () => {
    const { clock, slept } = sleeper();
    await createPace(clock, createCost()).run({ cost: 900, signal: calm }, nothing);
    expect(slept).toEqual([]);
  });

  test('a push waits until the requested cost has been restored', async () => {
    const { run, slept } = heard(10);
    await run(110);
    expect(slept).toEqual([1000]);
  });

  test('a fifth of the bucket is kept for pushes', async () => {
    const { run, slept } = heard(410);
    await run(20, 'read');
    expect(slept).toEqual([100]);
    const push = heard(410);
    await push.run(20);
    expect(push.slept).toEqual([]);
  });

  test('requests under way are taken off what an answer tells', async () => {
    const { run, policy, clock, slept } = heard(2000);
    await run(500);
    await run(500);
    policy.answered(500, { ...full, currentlyAvailable: 700 }, clock.now());
    await run(300);
    expect(slept).toEqual([1000]);
  });

  test('an answer without a cost leaves its points to time', async () => {
    const { run, policy, clock, slept } = heard(500);
    await run(500);
    policy.answered(500, null, clock.now());
    await run(100);
    expect(slept).toEqual([1000]);
  });

  test('a rest stops everybody, pushes too', async () => {
    const { run, pace, slept } = heard(2000);
    pace.refused(3000);
    await run(1);
    expect(slept).toEqual([3000]);
  });

  test('a request that is larger than what reads may use is sent from a full bucket', async () => {
    const { run, slept } = heard(1900);
    await run(1900, 'read');
    expect(slept).toEqual([1000]);
  });

  test('whoever is stopped while waiting never sends', async () => {
    await expect(heard(0).run(10, 'read', AbortSignal.abort())).rejects.toMatchObject({ kind: 'retry' });
  });
});
