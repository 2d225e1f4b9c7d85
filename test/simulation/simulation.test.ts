import { describe, expect, it } from 'vitest';
import { report, simulate } from './run.ts';

const asked = process.env['INVSYNC_SIM_SEED'];
const seeds = asked === undefined ? Array.from({ length: 30 }, (_, index) => index + 1) : [Number(asked)];

describe('the simulation: a day of shops, people, weather and crashes', () => {
  for (const seed of seeds) {
    it(`seed ${seed} ends with closed books and every listing at its target`, async () => {
      const outcome = await simulate(seed);
      expect(outcome.failures.length === 0 ? '' : report(outcome)).toBe('');
    });
  }

  it('the same seed tells the same story', async () => {
    const [seed = 1] = seeds;
    const first = await simulate(seed);
    const second = await simulate(seed);
    expect(second.trace).toEqual(first.trace);
    expect(second.hash).toBe(first.hash);
  });
});
