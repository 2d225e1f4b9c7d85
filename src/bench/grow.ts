import Database from 'better-sqlite3';
import { skuCount } from './fixture.ts';

/** How a copied row differs from the one before it in its chain; SQL over the row's own columns and `@r`. */
type Changes = Readonly<Record<string, string>>;

/**
 * Lays a history of `sales` under a database in which the engine has sold each SKU once: the rows of the first `skus`
 * sales are repeated, with ids, keys and chains as the engine would have made them, so that the books still close. Deliveries are not
 * repeated: their keys are pruned after 30 days, the ledger is kept for ever.
 */
export function growLedger(path: string, sales: number, skus = skuCount): void {
  const db = new Database(path);
  db.pragma('journal_mode = DELETE');
  db.pragma('synchronous = OFF');
  db.pragma('cache_size = -262144');
  const rounds = Math.round(sales / skus) - 1;
  const sold = db.prepare('select count(*) as lines, max(id) as last from line').get() as {
    lines: number;
    last: number;
  };
  if (sold.lines !== skuCount || sold.last !== skuCount) throw new Error('each SKU must have been sold once');
  const step = `(${skuCount} + (@r - 1) * ${skus})`;
  // The first repetition follows the sale itself.
  const prev = `id + case @r when 1 then 0 else ${skuCount} + (@r - 2) * ${skus} end`;
  const id = `id + ${step}`;
  const orderId = "order_id || '-' || @r";
  const orders = repeated(db, `orders where id <= ${skus}`, { id, order_id: orderId });
  const lines = repeated(db, `line where id <= ${skus}`, {
    id,
    line_key: "line_key || '-' || @r",
    order_ref: `order_ref + ${step}`,
    parts: `json_set(parts, '$[0][2]', ${prev})`,
  });
  const entries = repeated(db, `entry where line_id <= ${skus} and line_id is not null`, {
    ...{ id, prev, after: 'after - @r' },
    order_id: orderId,
    line_id: `line_id + ${step}`,
  });
  db.transaction(() => {
    for (let r = 1; r <= rounds; r += 1) {
      for (const repeat of [orders, lines, entries]) repeat.run({ r });
    }
    const all = skuCount + (rounds - 1) * skus;
    db.prepare(
      `update level set committed = committed + ?, version = version + ?, last_entry = last_entry + ?,
         last_line = last_line + ?
       where last_line <= ?`,
    ).run(rounds, rounds, all, all, skus);
  })();
  db.pragma('journal_mode = WAL');
  db.close();
}

/** All that was sold has left the shelf since, in the same entries, so that the books still close. */
export function shipAll(path: string): void {
  const db = new Database(path);
  db.pragma('synchronous = OFF');
  db.exec(`
    begin;
    update line set gone = taken, reported_gone = taken, stages = json_array(json_array(sold_at, taken, taken));
    update entry set on_hand = -committed, committed = 0 where line_id is not null;
    update level set on_hand = on_hand - committed, committed = 0;
    update orders set open = 0;
    commit;
    pragma wal_checkpoint(truncate);
  `);
  db.close();
}

/** Inserts rows of a table once more, changed. */
function repeated(db: Database.Database, rows: string, changes: Changes): Database.Statement {
  const [table = ''] = rows.split(' ');
  const columns = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
  const values = columns.map((name) => changes[name] ?? name);
  return db.prepare(`insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from ${rows}`);
}
