import type { Actor } from '../store.ts';
import { noteDeed } from './deeds.ts';
import type { Db } from './open.ts';
import { codeOf, skuIdOf } from './sku.ts';

/** Counted ones that have as few units as their mark, or fewer. */
export const lowSkus = `select s.id from sku s join level l on l.sku_id = s.id
  where s.alert_below is not null and l.counted = 1 and l.on_hand - l.committed - l.reserved <= s.alert_below`;

/** See `StockStore.setAlert`. */
export function setAlertBelow(db: Db, sku: string, below: number | null, actor: Actor, now: number): boolean {
  const id = skuIdOf(db, sku);
  if (id === null) return false;
  db.sql('update sku set alert_below = ? where id = ?').run(below, id);
  const detail = below === null ? 'off' : `at ${below} or fewer`;
  noteDeed(db, actor, { verb: 'set-alert', subject: codeOf(db, id), detail }, now);
  return true;
}
