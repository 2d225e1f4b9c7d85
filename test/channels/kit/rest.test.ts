import { expect, test } from 'vitest';
import { z } from 'zod';
import type { HttpAnswer, HttpClient } from '../../../src/channels/kit/http.ts';
import { createPace } from '../../../src/channels/kit/pace.ts';
import { createRate } from '../../../src/channels/kit/rate.ts';
import { statusFailure } from '../../../src/channels/kit/refusal.ts';
import { createRest } from '../../../src/channels/kit/rest.ts';
import { calm, testClock } from '../../kit/stage.ts';

test('a request that waits behind one that is refused for the rate hears of it, and leaves after the told time', async () => {
  const clock = testClock();
  const began = clock.now();
  const left: number[] = [];
  const answerOf = (status: number, headers: Record<string, string>): HttpAnswer => {
    const now = clock.now();
    return { status, headers, body: Buffer.from('{}'), askedAt: now, answeredAt: now };
  };
  const send = async (): Promise<HttpAnswer> => {
    left.push(clock.now() - began);
    return left.length === 1 ? answerOf(429, { 'retry-after': '3' }) : answerOf(200, {});
  };
  const rate = createRate({ perSecond: 1_000, burst: 10 });
  const pace = createPace(clock, rate, { inFlight: 1 });
  const rest = createRest({
    http: Object.assign(send, { close: () => Promise.resolve() }) as HttpClient,
    pace: () => pace,
    request: ({ method, path }) => ({ method, url: path }),
    failure: (answer, { effect, what }) => statusFailure(answer, { told: what, effect }),
  });
  const call = { method: 'GET', path: '/x', data: z.unknown() } as const;
  const [first, second] = await Promise.allSettled([rest.call(call, calm), rest.call(call, calm)]);
  expect(first).toMatchObject({ status: 'rejected', reason: { kind: 'throttled', afterMs: 3_000 } });
  expect(second.status).toBe('fulfilled');
  expect(left).toEqual([0, 3_000]);
});
