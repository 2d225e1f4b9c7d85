import { type Stage, stateAt } from './line.ts';

/** `shelf`: all pieces on the shelf were counted, sold ones included. `free`: what may still be sold. */
export type Basis = 'shelf' | 'free';

/** A SKU's last count, on which its level rests. What happened before `asOf` the count knew; at `asOf` or later, not. */
export interface Baseline {
  asOf: number;
  basis: Basis;
}

/** A change of a level, in units. */
export interface Delta {
  onHand: number;
  committed: number;
  reserved: number;
}

/**
 * Listing units of a line that a count had already taken off its number. Basis shelf: those that had left the shelf.
 * Basis free: all that the line claimed then, since what is sold before such a count counts as fully given.
 */
export function knownBy(baseline: Baseline, stages: readonly Stage[]): number {
  const then = stateAt(stages, baseline.asOf);
  return baseline.basis === 'shelf' ? then.gone : then.claimed;
}

/**
 * What a held line adds to the level of a SKU of which it needs `units`: on hand is the count plus this, over all
 * lines; a change of the line moves the level by the difference of two of these, whenever the line was learned.
 */
export function effectOf(
  units: number,
  line: { given: number; gone: number; known: number },
): { onHand: number; committed: number } {
  return { onHand: units * (line.known - line.gone), committed: units * (line.given - line.gone) };
}
