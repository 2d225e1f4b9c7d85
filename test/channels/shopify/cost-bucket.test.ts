import { describe, expect, test } from 'vitest';
import { createCostBucket } from '../../../src/channels/kit/was/cost-bucket.ts';
import { calm, testClock } from './scripted-shop.ts';

const full = { maximumAvailable: 2000, currentlyAvailable: 2000, restoreRate: 100 };

/** A bucket that has heard `currentlyAvailable` once. */
function bucketAt(currentlyAvailable: number) {
  const clock = testClock();
  const bucket = createCostBucket(clock);
  bucket.answered(0, { ...full, currentlyAvailable });
  return { bucket, clock };
}

describe('the cost bucket', () => {
  test('nobody waits before the platform has told its limits', async () => {
    const clock = testClock();
    await createCostBucket(clock).acquire(900, 'read', calm);
    expect(clock.slept).toEqual([]);
  });

  test('a push waits until the requested cost has been restored', async () => {
    const { bucket, clock } = bucketAt(10);
    await bucket.acquire(110, 'push', calm);
    expect(clock.slept).toEqual([1000]);
  });

  test('a fifth of the bucket is kept for pushes', async () => {
    const { bucket, clock } = bucketAt(410);
    await bucket.acquire(20, 'read', calm);
    expect(clock.slept).toEqual([100]);
    const push = bucketAt(410);
    await push.bucket.acquire(20, 'push', calm);
    expect(push.clock.slept).toEqual([]);
  });

  test('requests under way are taken off what an answer tells', async () => {
    const { bucket, clock } = bucketAt(2000);
    await bucket.acquire(500, 'push', calm);
    await bucket.acquire(500, 'push', calm);
    bucket.answered(500, { ...full, currentlyAvailable: 700 });
    await bucket.acquire(300, 'push', calm);
    expect(clock.slept).toEqual([1000]);
  });

  test('an answer without a cost leaves its points to time', async () => {
    const { bucket, clock } = bucketAt(500);
    await bucket.acquire(500, 'push', calm);
    bucket.answered(500, null);
    await bucket.acquire(100, 'push', calm);
    expect(clock.slept).toEqual([1000]);
  });

  test('a pause stops everybody, pushes too', async () => {
    const { bucket, clock } = bucketAt(2000);
    bucket.pause(3000);
    await bucket.acquire(1, 'push', calm);
    expect(clock.slept).toEqual([3000]);
  });

  test('a request that is larger than what reads may use is sent from a full bucket', async () => {
    const { bucket, clock } = bucketAt(1900);
    await bucket.acquire(1900, 'read', calm);
    expect(clock.slept).toEqual([1000]);
  });

  test('whoever is stopped while waiting never sends', async () => {
    const { bucket } = bucketAt(0);
    await expect(bucket.acquire(10, 'read', AbortSignal.abort())).rejects.toMatchObject({ kind: 'retry' });
  });
});
