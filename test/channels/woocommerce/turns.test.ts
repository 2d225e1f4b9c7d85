import { describe, expect, test } from 'vitest';
import { createTurns } from '../../../src/channels/kit/was/turns.ts';
import { systemClock } from '../../../src/clock.ts';
import { signal } from './scripted-shop.ts';

describe('the lane to one shop', () => {
  test('requests go one at a time, pushes before reads that wait longer', async () => {
    const lane = createTurns(systemClock, { intervalMs: 0 });
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
      lane.run('read', signal, work('read 1')),
      lane.run('read', signal, work('read 2')),
      lane.run('push', signal, work('push')),
      lane.run('read', signal, work('read 3')),
    ]);
    expect(done).toEqual(['read 1', 'push', 'read 2', 'read 3']);
  });

  test('a failure frees the lane, and an abort leaves the queue', async () => {
    const lane = createTurns(systemClock, { intervalMs: 0 });
    const stop = new AbortController();
    const results = Promise.allSettled([
      lane.run('read', signal, () => Promise.reject(new Error('broken'))),
      lane.run('read', stop.signal, () => Promise.resolve('never')),
      lane.run('read', signal, () => Promise.resolve('after')),
    ]);
    stop.abort();
    expect(await results).toMatchObject([
      { status: 'rejected', reason: { message: 'broken' } },
      { status: 'rejected', reason: { kind: 'retry' } },
      { status: 'fulfilled', value: 'after' },
    ]);
    await expect(lane.run('push', stop.signal, () => Promise.resolve(1))).rejects.toMatchObject({
      kind: 'retry',
    });
  });
});
