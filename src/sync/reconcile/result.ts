import { EXIT, type ExitCode } from '../../errors.ts';
import type { PlanLine } from '../plan.ts';

/** A channel that could not be reconciled, and whether a later run may simply succeed. */
export interface FailedChannel {
  channel: string;
  reason: string;
  kind: 'temporary' | 'auth' | 'held' | 'failed';
}

/** What a reconcile run found and did; `report` is what `--json` prints. */
export interface ReconcileOutcome {
  report: {
    plan_id: string;
    lines: PlanLine[];
    counts: Record<string, number>;
    warnings: string[];
  };
  /** Channels that were looked at to the end. */
  passed: string[];
  failed: FailedChannel[];
  /** Channels whose brake holds something back. */
  braked: string[];
  /** Lines of a saved plan that were not what they were. */
  skipped: number;
}

/** Sums for people and for `counts`; `quiet` listings are in sync and not among the lines. */
export function countsOf(lines: readonly PlanLine[], quiet: number): Record<string, number> {
  const counts: Record<string, number> = { listings: lines.length + quiet };
  const add = (key: string) => {
    counts[key] = (counts[key] ?? 0) + 1;
  };
  for (const action of ['lower', 'raise', 'wait', 'none', 'refused', 'done']) counts[action] = 0;
  if (quiet > 0) {
    counts['none'] = quiet;
    counts['in_sync'] = quiet;
  }
  for (const line of lines) {
    add(line.action);
    add(line.cause.replaceAll(' ', '_'));
    if (line.done) add('done');
  }
  return counts;
}

/**
 * The exit code of a run. 4 when a brake or guard held something; 6 and 5 when every channel failed for that reason;
 * 3 when some of it failed; 8 only with `--exit-code`.
 */
export function exitCodeOf(
  outcome: ReconcileOutcome,
  wish: { exitCode: boolean; dryRun: boolean },
): ExitCode {
  const { failed, passed, braked, report } = outcome;
  if (braked.length > 0 || failed.some((each) => each.kind === 'held')) return EXIT.brake;
  if (failed.length > 0 && passed.length === 0) {
    if (failed.every((each) => each.kind === 'auth')) return EXIT.refused;
    return failed.every((each) => each.kind === 'temporary') ? EXIT.temporary : EXIT.failed;
  }
  const unfinished = wish.dryRun ? [] : report.lines.filter((line) => isCorrection(line) && !line.done);
  if (failed.length > 0 || outcome.skipped > 0 || unfinished.length > 0) return EXIT.partial;
  const drift = report.lines.some((line) => line.action !== 'wait' && line.action !== 'none');
  return wish.exitCode && drift ? EXIT.drift : EXIT.ok;
}

/** Is something to be written for this line? */
export function isCorrection(line: Pick<PlanLine, 'action'>): boolean {
  return line.action === 'lower' || line.action === 'raise';
}
