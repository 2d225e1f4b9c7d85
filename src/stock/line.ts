/**
 * One change in a line's life, as deltas: `[at, claimed, gone]`, oldest first. A line claims what it has taken less
 * what is waived (written off, made to order).
 */
export type Stage = [at: number, claimed: number, gone: number];

/** One SKU that a line draws on, and how many of it a listing unit needs. */
export interface Part {
  skuId: number;
  units: number;
}

/** `unmapped`: no SKU known yet · `uncounted`: a SKU without a count, no level to act on · `held`: acts on levels. */
export type Allocation = 'unmapped' | 'uncounted' | 'held';

/** What a line keeps: 0 <= gone <= given <= taken for held lines; unmapped and uncounted ones have given 0. */
export interface Holding {
  taken: number;
  gone: number;
  given: number;
  /** Units that nobody waits for any more: written off, filled by hand, made to order. At most taken - given. */
  waived: number;
}

/** The most stages that are kept; older ones are merged, so that a line never grows without bound. */
const maxStages = 40;

/** Units of the line just before a time, by what is known today. */
export function stateAt(stages: readonly Stage[], at: number): { claimed: number; gone: number } {
  let claimed = 0;
  let gone = 0;
  for (const [when, dClaimed, dGone] of stages) {
    if (when >= at) continue;
    claimed += dClaimed;
    gone += dGone;
  }
  return { claimed, gone };
}

/** Adds one change in time order. */
export function withStage(stages: readonly Stage[], stage: Stage): Stage[] {
  const [at, claimed, gone] = stage;
  if (claimed === 0 && gone === 0) return [...stages];
  if (stages.length === 0) return [stage];
  if (stages.some(([when]) => when === at)) {
    const merged: Stage[] = stages.map((known) =>
      known[0] === at ? [at, known[1] + claimed, known[2] + gone] : known,
    );
    return merged.filter(([, dClaimed, dGone]) => dClaimed !== 0 || dGone !== 0);
  }
  const next = [...stages, stage].sort((a, b) => a[0] - b[0]);
  while (next.length > maxStages) {
    const [first, second, ...rest] = next;
    if (first === undefined || second === undefined) break;
    next.splice(0, next.length, [second[0], first[1] + second[1], first[2] + second[2]], ...rest);
  }
  return next;
}

/** Units that the line still wants and has not been given. */
export function shortfall(line: Holding): number {
  return Math.max(0, line.taken - line.given - line.waived);
}
