import { reviewAlerts } from '../alerts.ts';
import type { Engine } from '../engine.ts';
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
