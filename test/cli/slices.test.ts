import { afterEach, expect, test, vi } from 'vitest';
import { inSlices } from '../../src/cli/slices.ts';

afterEach(() => vi.restoreAllMocks());

/** Carries `count` items out that take `each` ms; answers the slices. */
async function slicesOf(count: number, each: number): Promise<number[][]> {
  let at = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => at);
  const slices: number[][] = [];
  await inSlices(
    Array.from({ length: count }, (_, n) => n),
    async (slice) => {
      slices.push(slice);
      at += slice.length * each;
    },
  );
  return slices;
}

test('carries everything out once and in order, in slices that grow while they are quick', async () => {
  const slices = await slicesOf(1_000, 0.05);
  expect(slices.flat()).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  expect(slices.map((slice) => slice.length)).toEqual([4, 8, 16, 32, 64, 128, 256, 492]);
});

test('takes heavy items one by one, so that nobody waits for more than one of them', async () => {
  const slices = await slicesOf(9, 60);
  expect(slices.map((slice) => slice.length)).toEqual([4, 2, 1, 1, 1]);
});
