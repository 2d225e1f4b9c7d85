import { type Baseline, effectOf, knownBy } from './level.ts';
import { type Stage, stateAt } from './line.ts';

/** A held line of the counted SKU; `units` of the SKU per listing unit. */
export interface CountedLine {
  id: number;
  units: number;
  taken: number;
  gone: number;
  given: number;
  waived: number;
  soldAt: number;
  stages: readonly Stage[];
}

/** What happened to a SKU since a count was true, besides its lines. */
export interface SinceCount {
  /** Receipts and adjustments that occurred later. */
  received: number;
  /** Units that reservations held at that time; a free count did not contain them. */
  reservedThen: number;
}

/**
 * On hand today by a count of any age. Basis shelf: the count less what left the shelf since. Basis free: what leaves
 * available at the count less what was given since. Below zero when more left than was counted, and below what is
 * committed and reserved when less was counted than was promised: the caller settles both.
 */
export function onHandAtCount(
  count: Baseline & { quantity: number },
  lines: readonly CountedLine[],
  since: SinceCount,
): number {
  let onHand = count.quantity + since.received + (count.basis === 'free' ? since.reservedThen : 0);
  for (const { units, given, gone, stages } of lines) {
    onHand += effectOf(units, { given, gone, known: knownBy(count, stages) }).onHand;
  }
  return onHand;
}

/** Units that a free count says a line sold before it has, and that it was not given: they are its own. */
export function owedAtFreeCount(line: CountedLine, asOf: number): number {
  const claimed = Math.min(line.taken - line.waived, stateAt(line.stages, asOf).claimed);
  return Math.max(0, claimed - line.given);
}

/**
 * Which lines give up how many listing units when `deficit` units are missing: the youngest unshipped first. With a free
 * count of the time `free` lines keep what they had claimed by then.
 */
export function releasesFor(
  deficit: number,
  lines: readonly CountedLine[],
  free: number | null = null,
): { id: number; units: number }[] {
  const releases: { id: number; units: number }[] = [];
  let missing = deficit;
  const youngest = [...lines].sort((a, b) => b.soldAt - a.soldAt || b.id - a.id);
  for (const line of youngest) {
    if (missing <= 0) break;
    const own = free === null ? 0 : stateAt(line.stages, free).claimed;
    const units = Math.min(line.given - Math.max(line.gone, own), Math.ceil(missing / line.units));
    if (units <= 0) continue;
    releases.push({ id: line.id, units });
    missing -= units * line.units;
  }
  return releases;
}
