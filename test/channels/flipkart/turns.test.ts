import { describe, expect, test } from 'vitest';
import { createTurns } from '../../../src/channels/kit/was/turns.ts';
import { calm, failure } from '../../kit/stage.ts';

function table(intervalMs = 100) {
  let now = 0;
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  return { turns: createTurns(clock, { intervalMs }), now: () => now };
}

describe('turns', () => {
  test('let one through at a time, pushes before reads, in the order of asking', async () => {
    const { turns, now } = table();
    const seen: string[] = [];
    let inside = 0;
    const work = (name: string) => async () => {
      inside += 1;
      expect(inside).toBe(1);
      await Promise.resolve();
      seen.push(`${name}@${now()}`);
      inside -= 1;
    };
    await Promise.all([
      turns.run('read', calm, work('r1')),
      turns.run('read', calm, work('r2')),
      turns.run('push', calm, work('p1')),
      turns.run('push', calm, work('p2')),
    ]);
    expect(seen).toEqual(['r1@0', 'p1@100', 'p2@200', 'r2@300']);
  });

  test('go on after a failure, which is its caller’s alone, and after a pause', async () => {
    const { turns, now } = table();
    const failed = turns.run('read', calm, async () => {
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    turns.pause(5_000);
    expect(await turns.run('read', calm, async () => now())).toBe(5_000);
  });

  test('are given up by who is stopped while waiting, and the next one has his', async () => {
    const { turns } = table();
    const open: (() => void)[] = [];
    const first = turns.run('read', calm, () => new Promise<void>((resolve) => open.push(resolve)));
    const stop = new AbortController();
    const second = turns.run('push', stop.signal, async () => 'never');
    const third = turns.run('read', calm, async () => 'third');
    stop.abort();
    expect((await failure(second)).kind).toBe('retry');
    await Promise.resolve();
    open[0]?.();
    await first;
    expect(await third).toBe('third');
    expect((await failure(turns.run('read', AbortSignal.abort(), async () => 1))).kind).toBe('retry');
  });
});
