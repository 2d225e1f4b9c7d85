import type { ChannelRow } from '../../store/store.ts';
import type { Engine } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';

const everyMs = 1_000;

/** What people do to a channel; what befalls it is told by alerts. */
function standingOf(row: ChannelRow): string {
  if (row.orphaned) return 'is gone from the configuration';
  return row.paused ? `paused by hand (mode ${row.mode})` : `mode ${row.mode}`;
}

/** Says in the log what became of a channel by a command: another mode, paused, resumed. One line for each change. */
export function createStandings(engine: Engine): Loop {
  const known = new Map<number, string>();
  return createLoop(engine, 'standings', async () => {
    for (const row of await engine.store.channels.list()) {
      const now = standingOf(row);
      const before = known.get(row.id);
      known.set(row.id, now);
      if (before !== undefined && before !== now) engine.log.info({ channel: row.name, before }, now);
    }
    return everyMs;
  });
}
