/** Units of one SKU. All integers; `available` may never be negative. */
export interface Level {
  onHand: number;
  /** Given to order lines and not yet gone from the shelf. */
  committed: number;
  /** Held by reservations. */
  reserved: number;
}

/** The one place that computes it. */
export function available(level: Level): number {
  return level.onHand - level.committed - level.reserved;
}

/** `shelf`: all pieces on the shelf were counted, sold ones included. `free`: what may still be sold. */
export type Basis = 'shelf' | 'free';

/** A SKU's last count, on which its level rests. */
export interface Baseline {
  /** When the count was true. */
  asOf: number;
  basis: Basis;
}

/** A change of a level, in units. */
export interface Delta {
  onHand: number;
  committed: number;
  reserved: number;
}

/** One change of a line: how many units were given or taken back, how many left the shelf, and when. */
export interface LineMove {
  /** Units given (positive) or given back (negative). */
  given: number;
  givenAt: number;
  /** Units that left the shelf (positive) or came back (negative). */
  gone: number;
  goneAt: number;
}

/**
 * What a line's move does to a SKU whose level rests on `baseline`: what the count already knew does not act again.
 * Basis shelf: pieces that left before the count were not counted. Basis free: what was given before the count was
 * already taken off.
 */
export function deltaOf(baseline: Baseline, move: LineMove): Delta {
  const committed = move.given - move.gone;
  if (baseline.basis === 'shelf') {
    const onHand = move.goneAt <= baseline.asOf ? 0 : -move.gone;
    return { onHand: clean(onHand), committed, reserved: 0 };
  }
  const free = move.givenAt <= baseline.asOf ? 0 : -move.given;
  return { onHand: clean(free + committed), committed, reserved: 0 };
}

function clean(value: number): number {
  return value === 0 ? 0 : value;
}
