import { describe, expect, it } from 'vitest';
import { report, simulate } from '../simulation/run.ts';

const from = Number(process.env['INVSYNC_SIM_FROM'] ?? 1_000);
const count = Number(process.env['INVSYNC_SIM_SEEDS'] ?? 2_000);
const perTest = 50;

describe('the simulation, many seeds', () => {
  for (let first = from; first < from + count; first += perTest) {
    const last = Math.min(first + perTest, from + count) - 1;
    it(`seeds ${first} to ${last} end with closed books and every listing at its target`, async () => {
      const failed: string[] = [];
      for (let seed = first; seed <= last; seed += 1) {
        const outcome = await simulate(seed);
        if (outcome.failures.length > 0) failed.push(report(outcome));
      }
      expect(failed.join('\n\n')).toBe('');
    });
  }
});
