import { median } from './median.ts';
import { type Effort, type Goal, meets, type Row, rowOf } from './row.ts';

/** What one round of slices measured, by side. */
type Slices = Readonly<Record<string, number>>;

/** A row: the first side against the second, each by its name in the slices. */
export interface Wanted {
  name: string;
  goal: Goal;
  sides: readonly [ours: string, limit: string];
}

/** Slices to begin with, at most, and how many more at a time while the verdict is unsure. */
const pairsOf = { first: 20, more: 10, most: 80 } as const;
const quickly = { first: 3, more: 0, most: 3 } as const;

/**
 * Takes slices of ours and of the limit in turn until the verdict stands. Whatever else the machine does meanwhile
 * falls on both slices of a pair, so the ratio is taken pair by pair; `value` is their median, `low` and `high` its 95 %
 * interval. While that straddles the goal more pairs are taken, up to a bound; then the row is `unsure`.
 */
export async function pairs(
  effort: Effort,
  wanted: readonly Wanted[],
  slices: () => Promise<Slices>,
): Promise<Row[]> {
  const { first, more, most } = effort.quick ? quickly : pairsOf;
  const taken: Slices[] = [];
  for (let goal = first; taken.length < most; goal += more) {
    while (taken.length < Math.min(goal, most)) taken.push(await slices());
    if (more === 0 || wanted.every((row) => verdict(ratiosOf(taken, row), row.goal) !== 'unsure')) break;
  }
  return wanted.map(({ name, goal, sides }) => {
    const ratios = ratiosOf(taken, { sides });
    const [low, high] = intervalOf(ratios);
    const [ours = 0, limit = 0] = sides.map((side) => median(taken.map((slices) => slices[side] ?? 0)));
    const row = rowOf(name, { ours, limit, value: median(ratios), low, high }, goal);
    const unsure = !effort.quick && verdict(ratios, goal) === 'unsure';
    effort.say(`${name}: ${row.value} (${row.low} to ${row.high}) in ${taken.length} pairs`);
    return unsure ? { ...row, unsure } : row;
  });
}

function ratiosOf(taken: readonly Slices[], { sides: [ours, limit] }: Pick<Wanted, 'sides'>): number[] {
  return taken.map((slices) => (slices[ours] ?? 0) / (slices[limit] ?? 0));
}

function verdict(ratios: readonly number[], goal: Goal): 'met' | 'missed' | 'unsure' {
  const ends = intervalOf(ratios).map((end) => meets(end, goal));
  if (ends[0] !== ends[1]) return 'unsure';
  return ends[0] === true ? 'met' : 'missed';
}

/** The 95 % interval of the median, from the order of the values alone (binomial, normal approximation). */
export function intervalOf(values: readonly number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const half = 0.98 * Math.sqrt(sorted.length);
  const low = sorted[Math.max(0, Math.floor(sorted.length / 2 - half))] ?? Number.NaN;
  const high = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length / 2 + half) - 1)] ?? Number.NaN;
  return [low, high];
}
