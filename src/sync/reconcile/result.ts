import { countText, EXIT, type ExitCode } from '../../errors.ts';
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

/** What a run found and did, as one sentence. */
export function sentenceOf({ passed, failed, braked, report }: ReconcileOutcome): string {
  const { listings = 0, lower = 0, raise = 0, wait = 0, refused = 0 } = report.counts;
  const found = [
    [lower, 'too high, lowered'],
    [raise, 'too low, raised'],
    [wait, 'low without proof yet'],
    [refused, 'refused'],
  ] as const;
  const words = found.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
  const what = words.length === 0 ? 'all as it should be' : words.join(', ');
  const looked = `reconciled ${countText(passed.length, 'channel')}, ${countText(listings, 'listing')}: ${what}`;
  const held = braked.length === 0 ? '' : `; a brake holds writes to ${braked.join(', ')}`;
  const left = failed.map(({ channel, reason }) => `; not ${channel}: ${reason}`);
  return `${looked}${held}${left.join('')}`;
}

/** Is something to be written for this line? */
export function isCorrection(line: Pick<PlanLine, 'action'>): boolean {
  return line.action === 'lower' || line.action === 'raise';
}
