import { median } from './median.ts';

/** One line of the table, as `--json` prints it. `limit` null: the goal is an absolute number. */
export interface Row {
  name: string;
  ours: number | null;
  limit: number | null;
  value: number | null;
  /** The 95 % interval of `value`, where slices were taken in turn. */
  low?: number;
  high?: number;
  goal: string;
  /** Null: not measured, `skipped` says why. */
  ok: boolean | null;
  /** The interval straddles the goal: the value says `ok`, the machine was too busy to be sure. */
  unsure?: boolean;
  skipped?: string;
}

/** How much is measured. */
export interface Effort {
  /** Runs of each side, taken in turn. */
  runs: number;
  /** Short smoke runs: they show that the benchmark works, not how fast the program is. */
  quick: boolean;
  /** Folder for databases; goes away at the end. */
  dir: string;
  say(text: string): void;
}

/** One measurement may fill several rows. */
export interface Measurement {
  rows: readonly string[];
  run(effort: Effort): Promise<Row[]>;
}

export type Goal = { atLeast: number } | { atMost: number } | { below: number };

/** A row with its verdict. The value is judged as measured, not as printed. */
export function rowOf(
  name: string,
  found: { ours: number; limit: number | null; value: number; low?: number; high?: number },
  goal: Goal,
): Row {
  const { value } = found;
  const rounded = {
    ours: round(found.ours),
    limit: found.limit === null ? null : round(found.limit),
    value: round(value),
    ...(found.low === undefined ? {} : { low: round(found.low) }),
    ...(found.high === undefined ? {} : { high: round(found.high) }),
  };
  return { name, ...rounded, goal: goalText(goal), ok: meets(value, goal) };
}

/** A row that could not be measured here. */
export function skippedRow(name: string, goal: Goal, skipped: string): Row {
  return { name, ours: null, limit: null, value: null, goal: goalText(goal), ok: null, skipped };
}

/**
 * A row with an absolute goal: the median of so many runs. `whyNot` tells what keeps it from being measured here, or null.
 */
export function medianOf(
  { name, goal, whyNot }: { name: string; goal: Goal; whyNot?: (effort: Effort) => string | null },
  once: (effort: Effort) => Promise<number>,
): Measurement {
  return {
    rows: [name],
    run: async (effort) => {
      const reason = whyNot?.(effort) ?? null;
      if (reason !== null) return [skippedRow(name, goal, reason)];
      const values: number[] = [];
      while (values.length < effort.runs) values.push(await once(effort));
      const ours = median(values);
      return [rowOf(name, { ours, limit: null, value: ours }, goal)];
    },
  };
}

export function meets(value: number, goal: Goal): boolean {
  if ('atLeast' in goal) return value >= goal.atLeast;
  return 'atMost' in goal ? value <= goal.atMost : value < goal.below;
}

function goalText(goal: Goal): string {
  if ('atLeast' in goal) return `>= ${goal.atLeast}`;
  return 'atMost' in goal ? `<= ${goal.atMost}` : `< ${goal.below}`;
}

function round(value: number): number {
  return Number(value.toPrecision(value >= 1_000 ? 6 : 4));
}
