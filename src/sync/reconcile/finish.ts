import type { Engine } from '../engine.ts';
import type { Pusher } from '../outbound/push.ts';
import type { PlanLine, SavedPlan } from '../plan.ts';
import { isCorrection, type ReconcileOutcome } from './result.ts';
import type { Survey } from './survey.ts';

const lookEveryMs = 200;

/**
 * Takes out of a survey what is no longer what the plan saw: another target, another number shown, an order that the
 * plan did not know. Answers how many; each line carries its reason.
 */
export function skipChanged(found: Survey, plan: SavedPlan): number {
  const planned = new Map(plan.lines.map((line) => [line.counter_id, line]));
  let skipped = 0;
  for (const { line, verdict } of found.lines) {
    const before = planned.get(line.counter_id);
    const reason = before === undefined ? null : changeSince(before, line);
    if (reason === null) continue;
    line.action = 'none';
    line.note = `skipped: ${reason}`;
    verdict.lacks = null;
    skipped += 1;
  }
  return skipped;
}

function changeSince(before: PlanLine, line: PlanLine): string | null {
  const news = line.orders.filter((order) => !before.orders.includes(order));
  if (news.length > 0) return `order ${news.join(', ')} came since the plan`;
  if (line.target !== before.target)
    return `its target is ${line.target} now, in the plan it was ${before.target}`;
  if (line.shown !== before.shown) return `it shows ${line.shown} now, in the plan it showed ${before.shown}`;
  return null;
}

/** What waiting for the first answers needs to know of a run. */
export interface Finishing {
  touched: Map<number, number[]>;
  outcome: ReconcileOutcome;
  pusher: Pick<Pusher, 'runUntilIdle'>;
  waitMs: number;
}

/** Has the pushes made, waits for their first answers, and marks the lines whose channel answered. */
export async function markDone(engine: Engine, run: Finishing, signal: AbortSignal): Promise<void> {
  const open = new Map<number, PlanLine>();
  const touched = new Set([...run.touched.values()].flat());
  for (const line of run.outcome.report.lines)
    if (isCorrection(line) && touched.has(line.counter_id)) open.set(line.counter_id, line);
  if (open.size === 0) return;
  const endAt = engine.clock.now() + run.waitMs;
  const timer = new AbortController();
  const over = engine.clock.sleep(run.waitMs, AbortSignal.any([timer.signal, signal]));
  for (;;) {
    const pushing = Promise.all([...run.touched.keys()].map((id) => run.pusher.runUntilIdle(id)));
    if (run.waitMs > 0) await Promise.race([pushing, over]);
    else await pushing;
    await noteAnswers(engine, open);
    if (open.size === 0 || signal.aborted || engine.clock.now() >= endAt) break;
    await engine.clock.sleep(lookEveryMs, signal);
  }
  timer.abort();
}

async function noteAnswers(engine: Engine, open: Map<number, PlanLine>): Promise<void> {
  const ids = [...open.keys()];
  for (let at = 0; at < ids.length; at += 500) {
    for (const view of await engine.store.outbox.view(ids.slice(at, at + 500))) {
      const line = open.get(view.counterId);
      if (line === undefined) continue;
      const readAt = line.read_at === null ? 0 : Date.parse(line.read_at);
      const target = view.target.kind === 'number' ? view.target.quantity : null;
      const applied = view.anchor !== null && view.anchor.from >= readAt && view.anchor.number === target;
      if (view.state === 'accepted' || (applied && view.version === view.doneVersion)) {
        line.done = true;
        open.delete(view.counterId);
      } else if (view.dead || view.exposed) {
        line.action = 'refused';
        line.note = view.error;
        open.delete(view.counterId);
      } else line.note = view.error ?? line.note;
    }
  }
}
