import type { OwnChange } from '../../stock/anchor.ts';
import type { Tx } from './ledger.ts';

/** The most own changes that a counter remembers before the oldest are merged into one of a wider span. */
const maxOwnChanges = 100;

/**
 * At the end of a transaction: every counter that draws on a moved SKU, and every counter that was sold on, is due
 * once more, its version one higher. Answers the counters.
 */
export function markDue(tx: Tx): number[] {
  const due = new Set<number>(tx.counters.keys());
  for (const skuId of tx.moved) {
    const rows = tx.db
      .sql(
        `select l.counter_id as id
         from listing_part p join listing l on l.id = p.listing_ref
         where p.sku_id = ?`,
      )
      .all(skuId) as { id: number }[];
    for (const { id } of rows) due.add(id);
  }
  for (const id of due) {
    const own = tx.counters.get(id) ?? [];
    if (own.length === 0) {
      tx.db
        .sql('update counter set version = version + 1, due_at = ?, dead = 0, attempts = 0 where id = ?')
        .run(tx.now, id);
    } else {
      tx.db
        .sql(
          'update counter set version = version + 1, due_at = ?, dead = 0, attempts = 0, own = ? where id = ?',
        )
        .run(tx.now, ownText(tx, id, own), id);
    }
  }
  tx.moved.clear();
  tx.counters.clear();
  return [...due];
}

function ownText(tx: Tx, counterId: number, added: OwnChange[]): string {
  const row = tx.db.sql('select own from counter where id = ?').get(counterId) as { own: string } | undefined;
  const known = row === undefined || row.own === '[]' ? [] : ownFrom(row.own);
  return ownToText(merged([...known, ...added]));
}

/** Beyond the limit the oldest changes become one: same sum, the widest span. */
function merged(changes: OwnChange[]): OwnChange[] {
  if (changes.length <= maxOwnChanges) return changes;
  const half = changes.length >> 1;
  const old = changes.slice(0, half);
  const falls = sumOf(old.filter((change) => change.delta < 0));
  const rises = sumOf(old.filter((change) => change.delta > 0));
  return [...falls, ...rises, ...changes.slice(half)];
}

function sumOf(changes: OwnChange[]): OwnChange[] {
  const [first] = changes;
  if (first === undefined) return [];
  return [
    {
      delta: changes.reduce((sum, change) => sum + change.delta, 0),
      from: Math.min(...changes.map((change) => change.from)),
      to: Math.max(...changes.map((change) => change.to)),
    },
  ];
}

export function ownFrom(text: string): OwnChange[] {
  return (JSON.parse(text) as [number, number, number][]).map(([delta, from, to]) => ({ delta, from, to }));
}

export function ownToText(changes: readonly OwnChange[]): string {
  return JSON.stringify(changes.map((change) => [change.delta, change.from, change.to]));
}
