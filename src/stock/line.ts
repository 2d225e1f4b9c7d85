/** One change in a line's life, as deltas: `[at, taken, gone]`, oldest first. */
export type Stage = [at: number, taken: number, gone: number];

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
}

/** The most stages that are kept; older ones are merged, so that a line never grows without bound. */
const maxStages = 40;

/** Units of the line at a time, by what is known today. */
export function stateAt(stages: readonly Stage[], at: number): { taken: number; gone: number } {
  let taken = 0;
  let gone = 0;
  for (const [when, dTaken, dGone] of stages) {
    if (when > at) continue;
    taken += dTaken;
    gone += dGone;
  }
  return { taken, gone };
}

/** Adds one change in time order. */
export function withStage(stages: readonly Stage[], stage: Stage): Stage[] {
  const [at, taken, gone] = stage;
  if (taken === 0 && gone === 0) return [...stages];
  const next = [...stages, [at, taken, gone] satisfies Stage].sort((a, b) => a[0] - b[0]);
  while (next.length > maxStages) {
    const [first, second, ...rest] = next;
    if (first === undefined || second === undefined) break;
    next.splice(0, next.length, [second[0], first[1] + second[1], first[2] + second[2]], ...rest);
  }
  return next;
}

/** Units that the line still wants and has not been given. */
export function shortfall(line: Holding & { waived: number }): number {
  return Math.max(0, line.taken - line.given - line.waived);
}

/** What a line keeps of its units when the channel now shows `taken` and `gone`, before any new unit is given. */
export function keptOf(given: number, wanted: { taken: number; gone: number }): number {
  return Math.max(wanted.gone, Math.min(given, wanted.taken));
}
