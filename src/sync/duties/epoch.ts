import { iso } from '../../clock.ts';
import { openAlert } from '../alerts.ts';
import type { Duty, Engine } from '../engine.ts';
import { createLoop } from '../loop.ts';

const everyMs = 5_000;

/**
 * Recognises books that were restored or copied, before anything is sent: then every channel only observes, and people
 * are told how to go on. Called once by whoever talks to channels, when the channels are configured.
 */
export async function beginEpoch(engine: Engine): Promise<void> {
  const epoch = await engine.store.duties.beginEpoch(engine.clock.now());
  if (epoch === null) return;
  const rows = (await engine.store.channels.list()).filter((row) => !row.orphaned);
  const lost =
    epoch.lastEntryAt === null
      ? ''
      : `, and what was counted or received after ${iso(epoch.lastEntryAt)} is missing`;
  const commands = rows.map((row) => `invsync channels mode ${row.name} live`).join('; ');
  const message = `the database is not the one that invsync worked with last: ${epoch.why}; all channels only observe and their orders are read again${lost}. Enter what is missing, then look at each plan and confirm it (or leave a channel with observe): ${commands}`;
  await openAlert(engine, { channelId: null, kind: 'restored', subject: 'database', message });
}

/** Notes beside the database how far it is. */
export function createEpochMark(engine: Engine): Duty {
  return createLoop(engine, 'mark', async () => {
    await engine.store.duties.markEpoch();
    return everyMs;
  });
}
