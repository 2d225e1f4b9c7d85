import type { Basis } from './level.ts';
import { type Stage, stateAt } from './line.ts';

/** A count as a person made it. */
export interface Count {
  quantity: number;
  asOf: number;
  basis: Basis;
}

/** A held line of the counted SKU; `units` of the SKU per listing unit. */
export interface CountedLine {
  id: number;
  units: number;
  taken: number;
  gone: number;
  given: number;
  soldAt: number;
  stages: readonly Stage[];
}

/**
 * What a count makes of a SKU, whenever its lines were learned. Basis shelf: on hand is the count less what left the
 * shelf since. Basis free: available is the count less what was given since, lines sold before it being fully given
 * then. `later`: receipts and adjustments that occurred after `asOf`. The available it answers may be negative: the
 * caller takes that many units from the youngest unshipped lines (`releasesFor`).
 */
export function levelAtCount(
  count: Count,
  lines: readonly CountedLine[],
  later: number,
  reserved: number,
): { onHand: number; available: number } {
  const committed = sum(lines, (line) => line.units * (line.given - line.gone));
  if (count.basis === 'shelf') {
    const left = sum(lines, (line) => line.units * (line.gone - stateAt(line.stages, count.asOf).gone));
    const onHand = Math.max(0, count.quantity - left + later);
    return { onHand, available: onHand - committed - reserved };
  }
  const given = sum(lines, (line) => line.units * (line.given - givenAt(line, count.asOf)));
  const available = count.quantity - given + later;
  return { onHand: available + committed + reserved, available };
}

/** A line sold before the count was fully given then, by what the merchant meant by "free". */
function givenAt(line: CountedLine, asOf: number): number {
  return line.soldAt > asOf ? 0 : stateAt(line.stages, asOf).taken;
}

/** Units that a free count says older lines have: what they still lacked is theirs. */
export function owedAtFreeCount(line: CountedLine, asOf: number): number {
  if (line.soldAt > asOf) return 0;
  return Math.max(0, Math.min(line.taken, stateAt(line.stages, asOf).taken) - line.given);
}

/** Which lines give up how many listing units when `deficit` units are missing: the youngest unshipped first. */
export function releasesFor(deficit: number, lines: readonly CountedLine[]): { id: number; units: number }[] {
  const releases: { id: number; units: number }[] = [];
  let missing = deficit;
  const youngest = [...lines].sort((a, b) => b.soldAt - a.soldAt || b.id - a.id);
  for (const line of youngest) {
    if (missing <= 0) break;
    const units = Math.min(line.given - line.gone, Math.ceil(missing / line.units));
    if (units <= 0) continue;
    releases.push({ id: line.id, units });
    missing -= units * line.units;
  }
  return releases;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
