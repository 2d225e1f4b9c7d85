import { setTimeout as sleep } from 'node:timers/promises';

/** A slice keeps the books locked about so long, and then leaves them alone so long: deliveries are stored meanwhile. */
const sliceMs = 25;
const pauseMs = 5;
const first = 4;
const most = 500;

/**
 * Carries all items out in slices, each one transaction of `run`. How many a slice holds follows from how long the one
 * before it took, so that a list of any length, and items of any weight, never lock the books for long.
 */
export async function inSlices<Item>(
  items: readonly Item[],
  run: (slice: Item[]) => Promise<void>,
): Promise<void> {
  let size = first;
  for (let at = 0; at < items.length; ) {
    const slice = items.slice(at, at + size);
    const began = performance.now();
    await run(slice);
    const took = performance.now() - began;
    at += slice.length;
    if (took > 2 * sliceMs) size = Math.max(1, size >> 1);
    else if (took < sliceMs) size = Math.min(most, size * 2);
    if (at < items.length) await sleep(pauseMs);
  }
}
