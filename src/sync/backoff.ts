/** Waits between the tries of a delivery, in milliseconds; the sum is more than a day, then it is a dead letter. */
const deliveryLadderMs = [
  5_000,
  30_000,
  2 * 60_000,
  10 * 60_000,
  3_600_000,
  2 * 3_600_000,
  4 * 3_600_000,
  8 * 3_600_000,
  12 * 3_600_000,
] as const;

/** How long a delivery waits after its failed try number `attempts` (from 1); null: dead. */
export function deliveryWaitMs(attempts: number): number | null {
  return deliveryLadderMs[Math.max(0, attempts - 1)] ?? null;
}

/** A channel that says "again in 0 s" is not asked again at once. */
const shortestWaitMs = 250;

/** The wait that a channel asks for, never so short that asking becomes a hot loop; without its word `ownMs`. */
export function askedWaitMs(afterMs: number | undefined, ownMs: number): number {
  return Math.max(shortestWaitMs, afterMs ?? ownMs);
}

/** Doubling wait after so many failures in a row (from 1), between `firstMs` and `mostMs`. */
export function doublingMs(failures: number, firstMs: number, mostMs: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
}
