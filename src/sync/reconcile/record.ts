import { iso } from '../../clock.ts';
import { reviewAlerts } from '../alerts.ts';
import type { Engine } from '../engine.ts';
import type { LastRun, PlanLine } from '../plan.ts';
import type { ReconcileOutcome } from './result.ts';

/** Puts on record how a run over whole channels ended for each: when it was last read to the end, or how often it failed. */
export async function recordRun(
  engine: Engine,
  outcome: Pick<ReconcileOutcome, 'passed' | 'failed'>,
): Promise<void> {
  const rows = new Map((await engine.store.channels.list()).map((row) => [row.name, row]));
  for (const name of outcome.passed) {
    const row = rows.get(name);
    if (row === undefined) continue;
    const ended = { reconciledAt: engine.clock.now(), reconcileFailures: 0, reconcileError: null };
    await engine.store.channels.mark(row.id, ended);
  }
  for (const { channel, reason } of outcome.failed) {
    const row = rows.get(channel);
    if (row === undefined) continue;
    await engine.store.channels.mark(row.id, {
      reconcileFailures: row.reconcileFailures + 1,
      reconcileError: reason,
    });
  }
  await reviewAlerts(engine);
}

/** So many lines of a run are kept; a person does not read more of them. */
const keptLines = 1_000;

const byRisk: readonly PlanLine['action'][] = ['lower', 'refused', 'raise', 'wait', 'none'];

/** Keeps what a run found until the next one, for those who look at it later. */
export async function keepRun(engine: Engine, { report, passed, failed }: ReconcileOutcome): Promise<void> {
  const amiss = report.lines
    .filter(({ action, done }) => action !== 'none' || done)
    .sort((a, b) => byRisk.indexOf(a.action) - byRisk.indexOf(b.action) || tooMuch(b) - tooMuch(a));
  const now = engine.clock.now();
  const body: LastRun = {
    plan_id: report.plan_id,
    created_at: iso(now),
    cause: 'run',
    lines: amiss.slice(0, keptLines),
    counts: report.counts,
    passed,
    failed: failed.map(({ channel, reason }) => ({ channel, reason })),
    omitted: Math.max(0, amiss.length - keptLines),
  };
  // A run whose plan a brake saved already keeps its own id.
  if ((await engine.store.duties.plan(report.plan_id)) !== null) body.plan_id = engine.randomHex(4);
  await engine.store.duties.savePlan({ id: body.plan_id, createdAt: now, cause: 'run', state: 'open', body });
}

/** Units that could be sold although they are not there. */
function tooMuch({ shown, target }: PlanLine): number {
  return (shown ?? 0) - (target ?? 0);
}
