import { expect, test } from 'vitest';
import { createLimitRest } from '../../../src/channels/ebay/limit-rest.ts';
import { ChannelError } from '../../../src/channels/errors.ts';

test('rests after refused calls double up to a quarter of an hour, start anew after a good call, and yield to a told time', () => {
  const rest = createLimitRest();
  const refused = new ChannelError('throttled', 'too many', { hint: 'wait' });
  const waits = Array.from({ length: 10 }, () => rest.timed(refused).afterMs);
  expect(waits.slice(0, 3)).toEqual([5_000, 10_000, 20_000]);
  expect(waits.at(-1)).toBe(900_000);
  expect(rest.timed(new ChannelError('throttled', 'x', { afterMs: 7_000 })).afterMs).toBe(7_000);
  rest.ended();
  expect(rest.timed(refused)).toMatchObject({ kind: 'throttled', afterMs: 5_000, hint: 'wait' });
});
