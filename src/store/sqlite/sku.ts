import { AppError } from '../../errors.ts';
import { normalSku, resemblances, skuFault } from '../../stock/sku.ts';
import type { Actor, SkuSight, StockRow } from '../store.ts';
import { noteDeed } from './deeds.ts';
import { levelOf } from './ledger.ts';
import type { Db } from './open.ts';

/**
 * The inner id of a SKU by its code or a former code, as it is stored or else in normal form; null when it is unknown.
 * As stored comes first: what older versions let in stays within reach of every command.
 */
export function skuIdOf(db: Db, code: string): number | null {
  const normal = normalSku(code);
  return idByCode(db, code) ?? (normal === code ? null : idByCode(db, normal));
}

function idByCode(db: Db, code: string): number | null {
  const row = (db.sql('select id from sku where code = ?').get(code) ??
    db.sql('select sku_id as id from sku_alias where code = ?').get(code)) as { id: number } | undefined;
  return row?.id ?? null;
}

/** Makes an uncounted SKU with an empty level, under the normal form. Throws AppError `bad_sku` for what is none. */
export function createSku(db: Db, text: string, now: number): number {
  const code = normalSku(text);
  const fault = skuFault(code);
  if (fault !== null) throw badSku(text, fault);
  const made = db.sql('insert into sku (code, created_at) values (?, ?)').run(code, now);
  const id = Number(made.lastInsertRowid);
  db.sql('insert into level (sku_id) values (?)').run(id);
  return id;
}

/** AppError `bad_sku`: the text cannot be the name of a SKU. */
function badSku(text: string, fault: string): AppError {
  return new AppError('bad_sku', `the SKU "${text}" ${fault}`, { hint: 'give it another name' });
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

/** Every code and former code, in the order in which the SKUs were made. */
function* codesKnown(db: Db): Iterable<string> {
  yield* db.sql('select code from sku order by id').pluck().iterate() as Iterable<string>;
  yield* db.sql('select code from sku_alias').pluck().iterate() as Iterable<string>;
}

/** See `StockStore.recognise`. */
export function recogniseSkus(db: Db, texts: string[]): SkuSight[] {
  const sights = texts.map((text): SkuSight => {
    const skuId = skuIdOf(db, text);
    const sku = skuId === null ? normalSku(text) : codeOf(db, skuId);
    return {
      text,
      sku,
      known: skuId !== null,
      fault: skuId === null ? skuFault(sku) : null,
      resembles: null,
    };
  });
  const unknown = sights.filter((sight) => !sight.known && sight.sku !== '');
  if (unknown.length === 0) return sights;
  const like = resemblances(
    unknown.map((sight) => sight.sku),
    codesKnown(db),
  );
  for (const sight of unknown) {
    const other = like.get(sight.sku);
    const skuId = other === undefined ? null : skuIdOf(db, other);
    if (other === undefined || skuId === null) continue;
    const code = codeOf(db, skuId);
    // A name that an older version let in, blanks and all, is meant by its normal form too.
    if (normalSku(other) === sight.sku) Object.assign(sight, { sku: code, known: true, fault: null });
    else sight.resembles = code;
  }
  return sights;
}

/** See `StockStore.rename`: lines, ledger and mappings know the SKU by its inner id. */
export function renameSku(
  db: Db,
  from: string,
  name: string,
  actor: Actor,
  now: number,
): 'done' | 'unknown_sku' | 'taken' {
  const skuId = skuIdOf(db, from);
  if (skuId === null) return 'unknown_sku';
  const to = normalSku(name);
  const fault = skuFault(to);
  if (fault !== null) throw badSku(name, fault);
  const other = skuIdOf(db, to);
  if (other !== null && other !== skuId) return 'taken';
  db.sql('delete from sku_alias where code = ?').run(to);
  db.sql('insert into sku_alias (code, sku_id) values (?, ?) on conflict do nothing').run(
    codeOf(db, skuId),
    skuId,
  );
  db.sql('update sku set code = ? where id = ?').run(to, skuId);
  noteDeed(db, actor, { verb: 'rename', subject: to, detail: `was ${from}` }, now);
  return 'done';
}

/** SKUs whose names could not be made today, in the order of the names. */
export function oddNames(db: Db): { code: string; fault: string }[] {
  const codes = db.sql('select code from sku order by code').pluck().iterate() as Iterable<string>;
  const odd: { code: string; fault: string }[] = [];
  for (const code of codes) {
    const fault = skuFault(code);
    if (fault !== null) odd.push({ code, fault });
  }
  return odd;
}

/** The known code that is most like a mistyped one; null when none is near. */
export function nearestSku(db: Db, code: string): string | null {
  const [sight] = recogniseSkus(db, [code]);
  if (sight !== undefined && sight.resembles !== null) return sight.resembles;
  const folded = code.toLowerCase();
  const rows = db
    .sql('select code from sku where lower(code) like ? limit 20')
    .all(`${folded.slice(0, 3)}%`) as { code: string }[];
  return rows.find((row) => Math.abs(row.code.length - code.length) <= 2)?.code ?? null;
}
