import { knownBy } from '../../stock/level.ts';
import { allocate, waive } from './allocate.ts';
import { keepDocket, orderOf } from './docket.ts';
import { levelIn, type Tx } from './ledger.ts';
import { type LineRow, saveLine } from './lines.ts';
import { listingById } from './listing-row.ts';

/** Lines that waited for this SKU's first count act now, oldest sale first, by what changed since the count. */
export function startUncounted(tx: Tx, lines: readonly LineRow[]): void {
  const waiting = lines.filter((line) => line.allocation === 'uncounted');
  waiting.sort((a, b) => a.soldAt - b.soldAt || a.id - b.id);
  for (const line of waiting) {
    const counted = (line.parts ?? []).every(([part]) => levelIn(tx, part).counted === 1);
    if (counted) startLine(tx, line, 'joined');
  }
}

/** Allocates a line that has waited (unmapped or uncounted) with its whole life at once, as if learned just now. */
export function startLine(tx: Tx, line: LineRow, joins: 'joins' | 'joined'): void {
  const { taken, gone, stages } = line;
  const order = orderOf(tx, line.orderRef);
  const shipped = stages.findLast(([, , dGone]) => dGone > 0);
  const wanted = { taken, gone, stages, takenAt: line.soldAt, goneAt: shipped?.[0] ?? line.soldAt };
  Object.assign(line, { allocation: 'held', taken: 0, gone: 0, given: 0, stages: [] });
  allocate(tx, line, wanted, { channelId: line.channelId, orderId: order.orderId }, joins);
  const listing = line.listingRef === null ? null : listingById(tx.db, line.listingRef);
  // What draws on no SKU is made to order, or a person has said that it is none of ours.
  if (listing?.fixed || line.parts === null) waive(tx, line, line.taken - line.given);
  saveLine(tx.db, line, 'known');
  keepDocket(tx, line, order, 'sale');
}

/** Units of a line of which its SKUs' counts knew nothing: those that act on stock, given or short. */
export function unitsSinceCount(tx: Tx, line: LineRow): number {
  if (line.allocation !== 'held') return 0;
  const unknown = (line.parts ?? []).map(([skuId]) => {
    const level = levelIn(tx, skuId);
    const baseline = { asOf: level.as_of ?? 0, basis: level.basis ?? ('shelf' as const) };
    return line.taken - knownBy(baseline, line.stages);
  });
  return Math.max(0, ...unknown);
}
