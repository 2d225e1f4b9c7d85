import { spanText } from '../clock.ts';
import { readText } from '../config/books-config.ts';
import type { Config } from '../config/config.ts';
import { type MaskedText, maskClearSecrets } from '../config/mask.ts';
import type { Store } from '../store/store.ts';
import { closeAlert, openAlert } from '../sync/alerts.ts';
import { createSchedule, nextRun } from '../sync/duties/schedule.ts';
import type { Duty, Engine } from '../sync/engine.ts';
import { createGroup, createLoop, type Loop } from '../sync/loop.ts';
import { createBackupAside } from './aside.ts';

/** Its name in the store and in alerts. */
const work = 'backup';
const kind = 'backup_overdue';
const remedy = 'mend it, then: invsync backup create';

const yearMs = 365 * 86_400_000;
const lookEveryMs = 60_000;
/** A run that was missed while nothing ran is caught up first. */
const firstLookMs = 10 * 60_000;

/** A backup was made by hand: what was told of missing ones is over. */
export async function noteBackup(store: Store, now: number): Promise<void> {
  const { dueAt } = await store.duties.schedule(work);
  // The daemon, where one runs, says when the next one is due; none is due because of this one.
  await store.duties.setSchedule(work, dueAt ?? now + yearMs, now);
  await store.duties.resolveAlert(kind, work, now);
}

/** The configuration file as it may be given away; null where that cannot be told, or there is no file any more. */
function configurationOf(config: Config): MaskedText | null {
  try {
    const definitions = config.channels.map(({ definition }) => definition);
    return maskClearSecrets(readText(config.file), definitions);
  } catch {
    return null;
  }
}

/** Makes backups by the schedule, and tells people when one failed or none was made for two intervals. */
export function createBackups(engine: Engine, config: Config, version: string): Duty {
  const { schedule: expression, dir, keep } = config.backup;
  const { timezone } = config.reconcile;
  if (expression === null) return createOff(engine);
  const schedule = createSchedule(engine, {
    name: work,
    expression,
    timezone,
    failure: { kind, remedy },
    run: async (signal) => {
      const masked = configurationOf(config);
      if (masked === null)
        engine.log.warn({}, 'the backup is made without the configuration file: it is no sound YAML');
      const began = engine.clock.now();
      const job = { dataDir: config.data_dir, dir, keep, config: masked, version, now: began };
      const { file, size, removed } = await createBackupAside(job, signal);
      engine.log.info({ file, size, removed, ms: engine.clock.now() - began }, 'backup made and checked');
    },
  });
  return createGroup(work, [schedule, createWatch(engine, { expression, timezone })]);
}

/** Nobody waits for backups that are switched off. */
function createOff(engine: Engine): Loop {
  return createLoop(engine, work, async () => {
    await closeAlert(engine, kind, work);
    return 3_600_000;
  });
}

/** Tells of backups that are neither made nor fail: the run hangs, or waits for something. */
export function createWatch(engine: Engine, when: { expression: string; timezone: string }): Loop {
  let first = true;
  return createLoop(engine, `${work} watch`, async () => {
    if (first) {
      first = false;
      return firstLookMs;
    }
    const { dueAt, lastOkAt } = await engine.store.duties.schedule(work);
    const now = engine.clock.now();
    // One that was made by hand stands for the one that was due before it.
    const due = lastOkAt === null ? dueAt : Math.max(dueAt ?? 0, nextRun(when, lastOkAt));
    if (due === null || now <= nextRun(when, due)) return lookEveryMs;
    const last = lastOkAt === null ? 'there is none yet' : `the last one is ${spanText(now - lastOkAt)} old`;
    const message = `no backup was made for two intervals of backup.schedule, ${last}; ${remedy}`;
    await openAlert(engine, { channelId: null, kind, subject: work, message });
    return lookEveryMs;
  });
}
