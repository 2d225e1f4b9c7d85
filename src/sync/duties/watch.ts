import type { Duty, Engine } from '../engine.ts';
import { createLoop } from '../loop.ts';

const everyMs = 250;

/**
 * Notices what other processes commit (the command line, above all) within half a second and wakes whoever may have
 * work because of it. Pulls are not woken: nothing that is committed here makes a channel's orders older.
 */
export function createWatch(engine: Engine, onChange: () => void = () => undefined): Duty {
  return createLoop(engine, 'watch', async () => {
    if (await engine.store.changedSince()) {
      engine.wakes.inbox();
      engine.wakes.push(null);
      onChange();
    }
    return everyMs;
  });
}
