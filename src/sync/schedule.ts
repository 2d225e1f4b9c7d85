import { createTask } from 'node-cron';
import { AppError, messageOf } from '../errors.ts';
import { closeAlert, openAlert } from './alerts.ts';
import type { Duty, Engine } from './engine.ts';
import { createLoop } from './loop.ts';

/** Work that runs by a cron expression. */
export interface ScheduledWork {
  /** Its name in the store. */
  name: string;
  expression: string;
  /** IANA zone. */
  timezone: string;
  run(signal: AbortSignal): Promise<void>;
}

const minuteMs = 60_000;
/** Expressions are asked minute by minute; after so many in one go other work gets its turn. */
const stepsPerTurn = 2_000;
const furthestMs = 400 * 86_400_000;

/** The clock may jump and the machine may sleep: no rest is longer than this. */
const longestRestMs = 30_000;

/**
 * Runs the work when its stored due time has come. The store decides, not a timer: a run that was missed while
 * nothing ran is caught up once, and a changed expression counts at once.
 */
export function createSchedule(engine: Engine, work: ScheduledWork): Duty {
  const { duties } = engine.store;
  return createLoop(engine, `schedule ${work.name}`, async (signal) => {
    const now = engine.clock.now();
    const stored = await duties.schedule(work.name);
    const regular = await nextRun(work, now);
    const dueAt = Math.min(stored.dueAt ?? regular, regular);
    if (dueAt > now) {
      if (dueAt !== stored.dueAt) await duties.setSchedule(work.name, dueAt, stored.lastOkAt);
      return Math.min(dueAt - now, longestRestMs);
    }
    let okAt = stored.lastOkAt;
    try {
      await work.run(signal);
      okAt = now;
      await closeAlert(engine, 'schedule_failed', work.name);
    } catch (error) {
      if (signal.aborted) return longestRestMs;
      engine.log.error({ work: work.name, error: messageOf(error) }, 'scheduled work failed');
      const message = `scheduled ${work.name} failed: ${messageOf(error)}`;
      await openAlert(engine, { channelId: null, kind: 'schedule_failed', subject: work.name, message });
    }
    // Stopped half way: the due time stays, so that the next start owes the run.
    if (signal.aborted) return longestRestMs;
    await duties.setSchedule(work.name, await nextRun(work, engine.clock.now()), okAt);
    return 1;
  });
}

/**
 * The first time after `after` that the expression names, on any clock (node-cron's own answer knows only the wall
 * clock). Throws AppError `schedule_never` when none comes within 400 days.
 */
export async function nextRun(
  work: Pick<ScheduledWork, 'expression' | 'timezone'>,
  after: number,
): Promise<number> {
  const task = createTask(work.expression, () => undefined, { timezone: work.timezone });
  try {
    const stepMs = work.expression.trim().split(/\s+/).length === 6 ? 1_000 : minuteMs;
    let at = Math.floor(after / stepMs) * stepMs;
    for (let steps = 1; at - after < furthestMs; steps += 1) {
      at += stepMs;
      if (task.match(new Date(at))) return at;
      if (steps % stepsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    await task.destroy();
  }
  throw new AppError('schedule_never', `the schedule "${work.expression}" names no time within 400 days`, {
    hint: 'mend reconcile.schedule in the configuration file',
  });
}
