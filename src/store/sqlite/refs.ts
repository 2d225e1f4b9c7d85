import type { StockChange, StockOutcome } from '../store.ts';
import type { Tx } from './ledger.ts';
import { skuIdOf } from './sku.ts';

/** What a command does, in the words in which its ref remembers it. */
const didOf = (change: StockChange): string => `${change.kind} ${change.quantity}`;

/**
 * The outcome of a change whose ref is known; null: act. A ref names what it did: another SKU, kind or number under it is
 * refused. A count is a repeat only while nothing newer counted its SKU.
 */
export function repeatOf(tx: Tx, change: StockChange): StockOutcome | null {
  if (change.ref === null) return null;
  const known = tx.db.sql('select at, outcome, did from command_ref where ref = ?').get(change.ref) as
    | { at: number; outcome: string; did: string | null }
    | undefined;
  if (known === undefined) return null;
  const first = JSON.parse(known.outcome) as StockOutcome;
  if (first.kind !== 'done') return first;
  const { row } = first;
  const isSame = skuIdOf(tx.db, change.sku) === row.skuId && (known.did ?? didOf(change)) === didOf(change);
  if (change.kind === 'count') {
    if (!isSame || !isLastCount(tx, change.ref, { ...row, isNamed: known.did !== null })) return null;
  } else if (!isSame) return taken(change, { at: known.at, sku: row.sku, did: known.did });
  return { ...first, repeated: true };
}

/** Older versions kept no ref with a level: its time says which count it has. */
function isLastCount(
  tx: Tx,
  ref: string,
  first: { skuId: number; asOf: number | null; isNamed: boolean },
): boolean {
  const level = tx.db.sql('select counted_by, as_of from level where sku_id = ?').get(first.skuId) as {
    counted_by: string | null;
    as_of: number | null;
  };
  return first.isNamed ? level.counted_by === ref : level.as_of === first.asOf;
}

function taken(
  { sku, ref }: StockChange,
  first: { at: number; sku: string; did: string | null },
): StockOutcome {
  const did = first.did === null ? `a change of ${first.sku}` : `"${first.did}" of ${first.sku}`;
  const on = new Date(first.at).toISOString();
  const message = `the ref ${ref} is known: on ${on} it was ${did}; nothing was changed, give this one a ref of its own`;
  return { kind: 'refused', sku, message };
}

/** From now on the ref answers with this outcome. */
export function keepRef(tx: Tx, change: StockChange, outcome: StockOutcome): void {
  if (change.ref === null) return;
  tx.db
    .sql('insert or replace into command_ref (ref, at, outcome, did) values (?, ?, ?, ?)')
    .run(change.ref, tx.now, JSON.stringify(outcome), didOf(change));
}
