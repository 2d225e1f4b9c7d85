import { describe, expect, test } from 'vitest';
import { report, simulate } from '../simulation/run.ts';
import type { Telling } from '../simulation/world.ts';

const from = Number(process.env['INVSYNC_SIM_FROM'] ?? 1_000);
const count = Number(process.env['INVSYNC_SIM_SEEDS'] ?? 2_000);
/** Share of writes that find the store busy. */
const busy = Number(process.env['INVSYNC_SIM_BUSY'] ?? 0);
const perTest = 50;
/** Stories that failed once: a free count and lines learned after it; a raise without proof. */
const failedOnce = [1_462, 50_112, 60_709];

async function failuresOf(seeds: readonly number[], telling: Telling): Promise<string> {
  const failed: string[] = [];
  for (const seed of seeds) {
    const outcome = await simulate(seed, telling);
    if (outcome.failures.length > 0) failed.push(report(outcome));
  }
  return failed.join('\n\n');
}

describe('the simulation, many seeds', () => {
  test.each(failedOnce)('seed %i, as it was told when it failed, ends with closed books', async (seed) => {
    expect(await failuresOf([seed], { steps: 'first', busy: 0 })).toBe('');
  });

  for (let first = from; first < from + count; first += perTest) {
    const last = Math.min(first + perTest, from + count) - 1;
    test(`seeds ${first} to ${last} end with closed books and every listing at its target`, async () => {
      const seeds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
      expect(await failuresOf(seeds, { steps: 'all', busy })).toBe('');
    });
  }
});
