import { describe, expect, test } from 'vitest';
import { report, simulate } from './run.ts';
import type { Telling } from './world.ts';

const asked = process.env['INVSYNC_SIM_SEED'];
const span = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index);
/** Seeds with the way they are told; one alone where somebody asks for it. */
const tales: [number, Telling][] =
  asked === undefined
    ? [
        ...span(1, 15).map((seed): [number, Telling] => [seed, { steps: 'first', busy: 0 }]),
        ...span(1, 15).map((seed): [number, Telling] => [seed, { steps: 'all', busy: 0 }]),
      ]
    : [[Number(asked), told()]];

function told(): Telling {
  return {
    steps: process.env['INVSYNC_SIM_STEPS'] === 'first' ? 'first' : 'all',
    busy: Number(process.env['INVSYNC_SIM_BUSY'] ?? 0),
  };
}

describe('the simulation: a day of shops, people, weather and crashes', () => {
  for (const [seed, telling] of tales) {
    const how = telling.steps === 'first' ? 'without upkeep' : 'with upkeep';
    test(`seed ${seed} ${how} ends with closed books and every listing at its target`, async () => {
      const outcome = await simulate(seed, telling);
      expect(outcome.failures.length === 0 ? '' : report(outcome)).toBe('');
    });
  }

  test('the same seed tells the same story', async () => {
    const [[seed, telling] = [1, told()]] = tales;
    const first = await simulate(seed, telling);
    const second = await simulate(seed, telling);
    expect(second.trace).toEqual(first.trace);
    expect(second.hash).toBe(first.hash);
  });
});
