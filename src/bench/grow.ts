import Database from 'better-sqlite3';
import { skuCount } from './fixture.ts';

/** How a copied row differs from the one before it in its chain; SQL over the row's own columns and `@r`. */
type Changes = Readonly<Record<string, string>>;

/**
 * Lays a history of `sales` under a database in which the engine has sold each SKU once: those rows are repeated,
 * with ids, keys and chains as the engine would have made them, so that the books still close. Deliveries are not
 * repeated: their keys are pruned after 30 days, the ledger is kept for ever.
 */
export function growLedger(path: string, sales: number): void {
  const db = new Database(path);
  db.pragma('journal_mode = DELETE');
  db.pragma('synchronous = OFF');
  db.pragma('cache_size = -262144');
  const rounds = Math.round(sales / skuCount) - 1;
  const sold = db.prepare('select count(*) as lines, max(id) as last from line').get() as {
    lines: number;
    last: number;
  };
  if (sold.lines !== skuCount || sold.last !== skuCount) throw new Error('each SKU must have been sold once');
  const step = `@r * ${skuCount}`;
  db.transaction(() => {
    for (let r = 1; r <= rounds; r += 1) {
      repeat(db, 'orders', { id: `id + ${step}`, order_id: "order_id || '-' || @r" }, `id <= ${skuCount}`, r);
      repeat(
        db,
        'line',
        {
          id: `id + ${step}`,
          line_key: "line_key || '-' || @r",
          order_ref: `order_ref + ${step}`,
          parts: `json_set(parts, '$[0][2]', id + ${step} - ${skuCount})`,
        },
        `id <= ${skuCount}`,
        r,
      );
      repeat(
        db,
        'entry',
        {
          id: `id + ${step}`,
          prev: `id + ${step} - ${skuCount}`,
          after: 'after - @r',
          order_id: "order_id || '-' || @r",
          line_id: `line_id + ${step}`,
        },
        `line_id <= ${skuCount} and line_id is not null`,
        r,
      );
    }
    const all = rounds * skuCount;
    db.prepare(
      `update level set committed = committed + ?, version = version + ?, last_entry = last_entry + ?,
         last_line = last_line + ?`,
    ).run(rounds, rounds, all, all);
    db.prepare('update listing set open_units = open_units + ?').run(rounds);
  })();
  db.pragma('journal_mode = WAL');
  db.close();
}

function repeat(db: Database.Database, table: string, changes: Changes, where: string, r: number): void {
  const columns = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
  const values = columns.map((name) => changes[name] ?? name);
  db.prepare(
    `insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from ${table} where ${where}`,
  ).run({ r });
}
