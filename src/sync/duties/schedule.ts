import { Cron } from 'croner';
import { AppError, messageOf } from '../../errors.ts';
import type { AlertKind } from '../../store/store.ts';
import { closeAlert, openAlert } from '../alerts.ts';
import type { Duty, Engine } from '../engine.ts';
import { createLoop } from '../loop.ts';

/** Work that runs by a cron expression. */
export interface ScheduledWork {
  /** Its name in the store. */
  name: string;
  expression: string;
  /** IANA zone. */
  timezone: string;
  /** A run that was missed while nothing ran is caught up once, unless something else makes up for it. */
  missed?: 'catch up' | 'skip';
  /** What is told when a run fails, until one succeeds; `schedule_failed` unless told, with what to do. */
  failure?: { kind: AlertKind; remedy: string };
  run(signal: AbortSignal): Promise<void>;
}

/** The clock may jump and the machine may sleep: no rest is longer than this. */
const longestRestMs = 30_000;

/**
 * Runs the work when its stored due time has come. The store decides, not a timer: a run that was missed while
 * nothing ran is caught up once, and a changed expression counts at once.
 */
export function createSchedule(engine: Engine, work: ScheduledWork): Duty {
  const { duties } = engine.store;
  const { kind, remedy } = work.failure ?? { kind: 'schedule_failed', remedy: '' };
  let first = true;
  return createLoop(engine, `schedule ${work.name}`, async (signal) => {
    const now = engine.clock.now();
    const stored = await duties.schedule(work.name);
    const regular = nextRun(work, now);
    const dueAt = first && work.missed === 'skip' ? regular : Math.min(stored.dueAt ?? regular, regular);
    first = false;
    if (dueAt > now) {
      if (dueAt !== stored.dueAt) await duties.setSchedule(work.name, dueAt, stored.lastOkAt);
      return Math.min(dueAt - now, longestRestMs);
    }
    let okAt = stored.lastOkAt;
    try {
      await work.run(signal);
      okAt = now;
      await closeAlert(engine, kind, work.name);
    } catch (error) {
      if (signal.aborted) return longestRestMs;
      engine.log.debug({ work: work.name, error: messageOf(error) }, 'scheduled work failed');
      const message = `scheduled ${work.name} failed: ${messageOf(error)}${remedy === '' ? '' : `; ${remedy}`}`;
      await openAlert(engine, { channelId: null, kind, subject: work.name, message });
    }
    // Stopped half way: the due time stays, so that the next start owes the run.
    if (signal.aborted) return longestRestMs;
    await duties.setSchedule(work.name, nextRun(work, engine.clock.now()), okAt);
    return 1;
  });
}

/** The first time after `after` that the expression names. Throws AppError `schedule_never` when none ever comes. */
export function nextRun(work: Pick<ScheduledWork, 'expression' | 'timezone'>, after: number): number {
  const { expression, timezone } = work;
  const next = new Cron(expression, { timezone, paused: true }).nextRun(new Date(after));
  if (next !== null) return next.getTime();
  throw new AppError('schedule_never', `the schedule "${expression}" names no time that ever comes`, {
    hint: 'mend it in the configuration file',
  });
}
