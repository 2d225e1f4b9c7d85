import { levelIn, type Tx } from './ledger.ts';
import { type LineGlance, type LineRow, lineById, linesSince } from './lines.ts';
import type { Db } from './open.ts';

/**
 * The lines of a SKU that a count of this time can depend on; null: those that can still change, whatever the time.
 * Lines that had settled before the last count add nothing to a count that is not older, so they are not read.
 */
export function linesInDoubt(db: Db, skuId: number, asOf: number | null): LineRow[] {
  const mark = markOf(db, skuId);
  const inDoubt = (line: LineGlance) => !isFinal(line, asOf ?? Number.MAX_SAFE_INTEGER);
  if (mark.at === null || (asOf !== null && asOf < mark.at)) return linesSince(db, skuId, null, inDoubt);
  const lines = linesSince(db, skuId, mark.line, inDoubt);
  const seen = new Set(lines.map((line) => line.id));
  for (const { id } of notFinalOf(db, skuId)) {
    const line = seen.has(id) ? null : lineById(db, id);
    if (line !== null) lines.push(line);
  }
  return lines;
}

/** After a count of this time over `lines`, which `linesInDoubt` gave out for it: the next one begins here. */
export function markFinal(tx: Tx, skuId: number, lines: readonly LineRow[], asOf: number): void {
  const { db } = tx;
  const { at } = markOf(db, skuId);
  // An older count says nothing of what came between.
  if (at !== null && asOf < at) return;
  const known = new Set(notFinalOf(db, skuId).map((row) => row.id));
  for (const line of lines) {
    const settled = isFinal(line, asOf);
    if (settled && known.has(line.id))
      db.sql('delete from unsettled where sku_id = ? and line_id = ?').run(skuId, line.id);
    if (!settled && !known.has(line.id))
      db.sql('insert into unsettled (sku_id, line_id) values (?, ?)').run(skuId, line.id);
  }
  db.sql('update level set settled_line = last_line, settled_at = ? where sku_id = ?').run(asOf, skuId);
}

/** A line that may have settled before a count moves again: the next count of its SKUs must look at it. */
export function noteStirred(tx: Tx, line: LineRow): void {
  for (const [skuId] of line.parts ?? []) {
    if (levelIn(tx, skuId).counted === 1)
      tx.db
        .sql('insert into unsettled (sku_id, line_id) values (?, ?) on conflict do nothing')
        .run(skuId, line.id);
  }
}

/**
 * All it took has left the shelf, and all of that happened before `at`: every count from then on knew all of it, so
 * that it adds nothing to any of them. What it waits for, owes or may give up is nothing, too.
 */
function isFinal(line: LineGlance, at: number): boolean {
  if (line.allocation !== 'held' || line.gone !== line.taken) return false;
  let claimed = 0;
  let gone = 0;
  for (const [when, dClaimed, dGone] of line.stages) {
    if (when >= at) return false;
    claimed += dClaimed;
    gone += dGone;
  }
  return claimed === line.taken && gone === line.gone;
}

function markOf(db: Db, skuId: number): { line: number | null; at: number | null } {
  return db.sql('select settled_line as line, settled_at as at from level where sku_id = ?').get(skuId) as {
    line: number | null;
    at: number | null;
  };
}

function notFinalOf(db: Db, skuId: number): { id: number }[] {
  return db.sql('select line_id as id from unsettled where sku_id = ? order by line_id desc').all(skuId) as {
    id: number;
  }[];
}
