import { systemClock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { messageOf } from '../errors.ts';
import type { Duty, Engine } from '../sync/engine.ts';
import { createGroup } from '../sync/loop.ts';
import { createDiskWatch } from './disk.ts';
import { createSender, type Sender } from './send.ts';
import { createTelling } from './tell.ts';

/** What the alerts need in a running daemon. */
export interface Telling {
  duty: Duty;
  sender: Sender;
}

/** The duties that tell people, and what they send by. It ends with them. */
export function createAlertDuties(engine: Engine, config: Config, version: string): Telling {
  const sender = createSender(systemClock, version);
  const group = createGroup('alerts', [
    createTelling(engine, config.alerts, sender),
    createDiskWatch(engine, config.data_dir),
  ]);
  const stop = async () => {
    await group.stop();
    await sender.close();
  };
  return { duty: { name: group.name, start: group.start, stop }, sender };
}

/**
 * A run that a dead-man's switch watches: told at its start and its end (`/start`, nothing, `/fail`, as healthchecks.io
 * takes them), with a line of what it found. What the switch answers never disturbs the run.
 */
export async function watched(
  { engine, sender, url }: { engine: Engine; sender: Sender; url: string | null },
  signal: AbortSignal,
  run: () => Promise<{ sentence: string; failed: boolean }>,
): Promise<string> {
  const ask = async (end: '/start' | '/fail' | '', body: string) => {
    if (url === null || signal.aborted) return;
    await sender.ask(`${url}${end}`, body, signal).catch((error: unknown) => {
      if (!signal.aborted)
        engine.log.warn({ error: messageOf(error) }, 'the dead-man switch does not answer: alerts.dead_man');
    });
  };
  await ask('/start', '');
  try {
    const { sentence, failed } = await run();
    await ask(failed ? '/fail' : '', sentence);
    return sentence;
  } catch (error) {
    await ask('/fail', messageOf(error));
    throw error;
  }
}
