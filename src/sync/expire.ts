import { correctClock, forgetStep, stepMs } from './clock.ts';
import type { Duty, Engine } from './engine.ts';
import { createLoop } from './loop.ts';

const everyMs = 1_000;
/** A step of the clock beyond this is a jump (or the machine slept): nobody could have committed meanwhile. */
const jumpMs = 60_000;
const forgetEverySteps = 3_600;

/**
 * Ends holds whose time is over, and watches the clock. One that jumps ahead moves the ends along instead of ending
 * them all at once. One that goes back was wrong: what it left in the books is corrected, and `onStep` is told, since
 * the times that duties keep in memory are wrong as well.
 */
export function createExpiry(engine: Engine, onStep: () => void = () => undefined): Duty {
  let lastAt: number | null = null;
  let steps = 0;
  return createLoop(engine, 'expire', async () => {
    const now = engine.clock.now();
    const jumpedMs = lastAt === null ? 0 : now - lastAt - everyMs;
    if (jumpedMs > jumpMs) {
      engine.log.warn({ jumpedMs }, 'the clock jumped: holds are extended');
      await engine.store.reservations.extend(jumpedMs);
    }
    if (jumpedMs < -stepMs) await correctClock(engine, -jumpedMs);
    // Only now: had the store refused, the next step would see the jump again.
    lastAt = now;
    if (jumpedMs < -stepMs) onStep();
    const ended = await engine.store.reservations.expire(now);
    if (ended > 0) engine.wakes.push(null);
    if (steps % forgetEverySteps === 0) await forgetStep(engine);
    steps += 1;
    return everyMs;
  });
}
