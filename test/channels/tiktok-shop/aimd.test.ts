import { describe, expect, test } from 'vitest';
import { ChannelError } from '../../../src/channels/errors.ts';
import { createAimdPace } from '../../../src/channels/kit/was/aimd.ts';

const limits = { startPerSecond: 2, mostPerSecond: 4, burst: 3 };
const calm = new AbortController().signal;

/** A clock whose time moves by sleeping. */
function sleeper() {
  let now = 1_000_000;
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      now += ms;
      return Promise.resolve();
    },
  };
  return { clock, at: () => now - 1_000_000 };
}

describe('the pace of a platform that tells no limit', () => {
  test('lets a burst go at once and then keeps the rate', async () => {
    const { clock, at } = sleeper();
    const pace = createAimdPace(clock, limits);
    const starts: number[] = [];
    for (let n = 0; n < 6; n += 1) {
      await pace.acquire(1, 'read', calm);
      starts.push(at());
    }
    expect(starts).toEqual([0, 0, 0, 500, 1_000, 1_500]);
  });

  test('grows with each success up to its ceiling, halves with a refusal, and then wins back a tenth a minute', () => {
    const { clock } = sleeper();
    const pace = createAimdPace(clock, limits);
    for (let n = 0; n < 3; n += 1) pace.succeeded();
    expect(pace.perSecond()).toBe(3.5);
    for (let n = 0; n < 9; n += 1) pace.succeeded();
    expect(pace.perSecond()).toBe(4);
    pace.throttled(null);
    expect(pace.perSecond()).toBe(2);
    void clock.sleep(60_000);
    pace.succeeded();
    expect(pace.perSecond()).toBeCloseTo(2.2);
    pace.succeeded();
    expect(pace.perSecond()).toBeCloseTo(2.2);
    for (let n = 0; n < 20; n += 1) pace.throttled(null);
    expect(pace.perSecond()).toBeGreaterThan(0.1);
  });

  test('whose rate is known keeps it through refusals, and rests after them all the same', async () => {
    const { clock, at } = sleeper();
    const pace = createAimdPace(clock, { startPerSecond: 2, mostPerSecond: 2, leastPerSecond: 2, burst: 3 });
    for (let n = 0; n < 3; n += 1) pace.throttled(null);
    pace.succeeded();
    expect(pace.perSecond()).toBe(2);
    await pace.acquire(1, 'read', calm);
    expect(at()).toBe(4_000);
  });

  test('tells a longer rest with each refusal in a row, never less than the platform, and stops everybody for a while', async () => {
    const { clock, at } = sleeper();
    const pace = createAimdPace(clock, limits);
    expect([pace.throttled(null), pace.throttled(null), pace.throttled(null)]).toEqual([1_000, 2_000, 4_000]);
    expect(pace.throttled(3_600_000)).toBe(3_600_000);
    await pace.acquire(1, 'push', calm);
    expect(at()).toBe(5_000);
    pace.succeeded();
    expect(pace.throttled(500)).toBe(1_000);
    for (let n = 0; n < 20; n += 1) pace.throttled(null);
    expect(pace.throttled(null)).toBe(60_000);
  });

  test('lets pushes go before reads that waited longer', async () => {
    const { clock } = sleeper();
    const pace = createAimdPace(clock, limits);
    const order: string[] = [];
    const run = (name: string, priority: 'push' | 'read') =>
      pace.acquire(1, priority, calm).then(() => order.push(name));
    await Promise.all([run('first', 'read'), run('read', 'read'), run('push', 'push')]);
    expect(order).toEqual(['first', 'push', 'read']);
  });

  test('forgets who is aborted while waiting, and serves the next', async () => {
    const { clock } = sleeper();
    const pace = createAimdPace(clock, limits);
    const gone = new AbortController();
    const first = pace.acquire(1, 'read', calm);
    const waiting = pace.acquire(1, 'read', gone.signal);
    const last = pace.acquire(1, 'read', calm);
    gone.abort();
    await expect(waiting).rejects.toBeInstanceOf(ChannelError);
    await expect(pace.acquire(1, 'read', AbortSignal.abort())).rejects.toBeInstanceOf(ChannelError);
    await Promise.all([first, last]);
  });
});
