import type { StockRow } from '../store.ts';
import { levelOf } from './ledger.ts';
import type { Db } from './open.ts';

/** The inner id of a SKU by its code or a former code; null when it is unknown. */
export function skuIdOf(db: Db, code: string): number | null {
  const row = (db.sql('select id from sku where code = ?').get(code) ??
    db.sql('select sku_id as id from sku_alias where code = ?').get(code)) as { id: number } | undefined;
  return row?.id ?? null;
}

/** Makes an uncounted SKU with an empty level. */
export function createSku(db: Db, code: string, now: number): number {
  const made = db.sql('insert into sku (code, created_at) values (?, ?)').run(code, now);
  const id = Number(made.lastInsertRowid);
  db.sql('insert into level (sku_id) values (?)').run(id);
  return id;
}

export function codeOf(db: Db, skuId: number): string {
  const row = db.sql('select code from sku where id = ?').get(skuId) as { code: string } | undefined;
  return row?.code ?? `#${skuId}`;
}

/** A SKU's level as reports show it. */
export function stockRow(db: Db, skuId: number): StockRow {
  const level = levelOf(db, skuId);
  return {
    sku: codeOf(db, skuId),
    skuId,
    onHand: level.on_hand,
    committed: level.committed,
    reserved: level.reserved,
    available: level.on_hand - level.committed - level.reserved,
    counted: level.counted === 1,
    basis: level.basis,
    asOf: level.as_of,
  };
}

/** The known code that is most like a mistyped one; null when none is near. */
export function nearestSku(db: Db, code: string): string | null {
  const folded = code.toLowerCase();
  const same = db.sql('select code from sku where lower(code) = ? limit 1').get(folded) as
    | { code: string }
    | undefined;
  if (same !== undefined) return same.code;
  const rows = db
    .sql('select code from sku where lower(code) like ? limit 20')
    .all(`${folded.slice(0, 3)}%`) as { code: string }[];
  return rows.find((row) => Math.abs(row.code.length - code.length) <= 2)?.code ?? null;
}
