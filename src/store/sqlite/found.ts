import { freeIn, levelIn, moveLevel, type Tx } from './ledger.ts';

/**
 * More left the shelf than the count and all lines known by now explain: pieces were found. Whether they came out of
 * lines that are learned, returned or cancelled only later, nobody can tell yet.
 */
export function addFound(tx: Tx, skuId: number, units: number): void {
  if (units === 0) return;
  tx.db.sql('update level set found = found + ? where sku_id = ?').run(units, skuId);
  levelIn(tx, skuId).found += units;
}

/**
 * What a line gives back covers the found pieces before it is for sale: they were the same. Without it the level would
 * depend on whether the shipment or the return was learned first.
 */
export function coverFound(tx: Tx, skuId: number): void {
  const units = Math.min(levelIn(tx, skuId).found, freeIn(tx, skuId));
  if (units <= 0) return;
  const delta = { onHand: -units, committed: 0, reserved: 0 };
  const cause = { kind: 'found', occurredAt: tx.now, reason: 'given back: found before without a count' };
  if (moveLevel(tx, skuId, delta, cause) === null)
    throw new Error(`found pieces of SKU id ${skuId} do not add up`);
  addFound(tx, skuId, -units);
}

/** A person counted, received or corrected the SKU, and took what was found for what it is. */
export function acceptFound(tx: Tx, skuId: number): void {
  addFound(tx, skuId, -levelIn(tx, skuId).found);
}
