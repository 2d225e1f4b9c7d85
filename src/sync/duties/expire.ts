import { iso } from '../../clock.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import type { Duty, Engine } from '../engine.ts';
import { createLoop } from '../loop.ts';
import { correctClock, forgetStep, stepMs } from './clock.ts';

const everyMs = 1_000;
/** A step of the clock beyond this is a jump (or the machine slept): nobody could have committed meanwhile. */
const jumpMs = 60_000;
const forgetEverySteps = 3_600;

/** A committed reservation whose order has not taken its units after so long is told. */
const oldMs = 48 * 3_600_000;
const tellEveryMs = 60_000;
const mostTold = 100;

/**
 * Ends holds whose time is over, and watches the clock. One that jumps ahead moves the ends along instead of ending
 * them all at once. One that goes back was wrong: what it left in the books is corrected, and `onStep` is told, since
 * the times that duties keep in memory are wrong as well.
 */
export function createExpiry(engine: Engine, onStep: () => void = () => undefined): Duty {
  let lastAt: number | null = null;
  let steps = 0;
  let tellAt = 0;
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
    if (now >= tellAt || tellAt - now > tellEveryMs) {
      await tellOld(engine);
      tellAt = now + tellEveryMs;
    }
    return everyMs;
  });
}

/** Units that are kept for an order which may never come are sold to nobody: a person decides. */
async function tellOld(engine: Engine): Promise<void> {
  const { duties, reservations } = engine.store;
  const old = await reservations.list({ committedBefore: engine.clock.now() - oldMs, limit: mostTold });
  const standing = await duties.alerts(true, 1_000, { kind: 'reservation_old' });
  const known = new Set(standing.map((alert) => alert.subject));
  for (const row of old) {
    if (known.has(row.id)) continue;
    const units = row.lines.map((line) => `${line.keeps} of ${line.sku}`).join(', ');
    const order = `order ${row.orderRef} of ${row.channel}`;
    const message = `reservation ${row.id} keeps ${units} for ${order}, committed ${iso(row.committedAt)}, and that order has not taken them; if it never will: invsync reservations release ${row.id}`;
    await openAlert(engine, { channelId: null, kind: 'reservation_old', subject: row.id, message });
  }
  const still = new Set(old.map((row) => row.id));
  for (const id of known) if (!still.has(id)) await closeAlert(engine, 'reservation_old', id);
}
