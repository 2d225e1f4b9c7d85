import type { Duty, Engine } from './engine.ts';
import { createLoop } from './loop.ts';

const everyMs = 1_000;
/** A step of the clock beyond this is a jump (or the machine slept): nobody could have committed meanwhile. */
const jumpMs = 60_000;

/** Ends holds whose time is over. A clock that jumps moves their ends along instead of ending them all at once. */
export function createExpiry(engine: Engine): Duty {
  let lastAt: number | null = null;
  return createLoop(engine, 'expire', async () => {
    const now = engine.clock.now();
    const elapsedMs = lastAt === null ? everyMs : now - lastAt;
    const jumpedMs = elapsedMs - everyMs;
    if (Math.abs(jumpedMs) > jumpMs) {
      engine.log.warn({ jumpedMs }, 'the clock jumped: holds are extended');
      if (jumpedMs > 0) await engine.store.reservations.extend(jumpedMs);
    }
    // Only now: had the store refused, the next step would see the jump again.
    lastAt = now;
    const ended = await engine.store.reservations.expire(now);
    if (ended > 0) engine.wakes.push(null);
    return everyMs;
  });
}
