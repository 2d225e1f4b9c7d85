import type { Duty, Engine } from '../engine.ts';
import { createLoop } from '../loop.ts';

const everyMs = 3_600_000;
/** Rows of each kind per transaction, and the pause after it: ingest goes first. */
const stepRows = 200;
const pauseMs = 20;
const maxSteps = 5_000;
const keepPushesMs = 30 * 86_400_000;

/** Removes what retention allows, hourly and in small steps, then truncates the write-ahead log. */
export function createPrune(engine: Engine): Duty {
  return createLoop(engine, 'prune', async (signal) => {
    await pruneAll(engine, signal);
    if (!signal.aborted) await engine.store.duties.tidy();
    return everyMs;
  });
}

/** Prunes until nothing is left to remove; answers how many rows went. */
export async function pruneAll(engine: Engine, signal: AbortSignal): Promise<number> {
  const { keepKeysMs, keepPayloadsMs } = engine.settings;
  let gone = 0;
  for (let steps = 0; steps < maxSteps && !signal.aborted; steps += 1) {
    const now = engine.clock.now();
    const keepSince = { keys: now - keepKeysMs, payloads: now - keepPayloadsMs, pushes: now - keepPushesMs };
    const { removed, more } = await engine.store.duties.prune(keepSince, stepRows, now);
    gone += removed;
    if (!more) break;
    await engine.clock.sleep(pauseMs, signal);
  }
  return gone;
}
