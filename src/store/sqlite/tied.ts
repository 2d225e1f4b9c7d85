import { withStage } from '../../stock/line.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
import { moveLevel, type Tx } from './ledger.ts';
import type { LineRow } from './lines.ts';
import type { Db } from './open.ts';

/** Open holds that name this order, by id or by number, oldest first. */
export function tiedHolds(tx: Tx, channelId: number, refs: [string, string | null]): string[] {
  // Most shops have none at all: asked once for the transaction.
  tx.anyTied ??=
    tx.db.sql('select 1 from hold where open = 1 and order_ref is not null limit 1').get() !== undefined;
  if (!tx.anyTied) return [];
  const rows = tx.db
    .sql(
      'select id from hold where channel_id = ? and order_ref in (?, ?) and open = 1 order by created_at, id',
    )
    .all(channelId, ...refs) as { id: string }[];
  return rows.map((row) => row.id);
}

/** What a hold still keeps, in the one order in which SKUs are locked. */
export function remainingOf(db: Db, holdId: string): { sku_id: number; remaining: number }[] {
  return db
    .sql('select sku_id, remaining from hold_line where hold_id = ? and remaining > 0 order by sku_id')
    .all(holdId) as { sku_id: number; remaining: number }[];
}

/** Turns held units into given ones. */
export function moveReserved(
  tx: Tx,
  skuId: number,
  units: number,
  facts: { orderId: string; channelId: number; lineId: number; ref: string },
): void {
  const cause = { kind: 'sale', occurredAt: tx.now, ...facts };
  if (moveLevel(tx, skuId, { onHand: 0, committed: units, reserved: -units }, cause) === null) {
    throw new Error(`hold ${facts.ref} does not add up`);
  }
}

/**
 * Gives a line up to `rise` listing units out of the holds that name its order; whole units only. The units count as
 * taken now: a free count of an earlier time had already left the hold out.
 */
export function takeFromHold(
  tx: Tx,
  holds: readonly string[],
  line: LineRow,
  rise: number,
  order: OrderSnapshot,
): void {
  const parts = line.parts ?? [];
  let wanted = parts.length === 0 ? 0 : rise;
  for (const id of holds) {
    const left = new Map(remainingOf(tx.db, id).map((row) => [row.sku_id, row.remaining]));
    const units = parts.reduce(
      (least, [skuId, per]) => Math.min(least, Math.floor((left.get(skuId) ?? 0) / per)),
      wanted,
    );
    if (units <= 0) continue;
    for (const [skuId, per] of parts) {
      const facts = { orderId: order.orderId, channelId: line.channelId, lineId: line.id, ref: id };
      moveReserved(tx, skuId, units * per, facts);
      tx.db
        .sql('update hold_line set remaining = remaining - ? where hold_id = ? and sku_id = ?')
        .run(units * per, id, skuId);
    }
    wanted -= units;
    line.taken += units;
    line.given += units;
    line.stages = withStage(line.stages, [tx.now, units, 0]);
    if (remainingOf(tx.db, id).length === 0) {
      tx.db.sql("update hold set open = 0, state = 'committed' where id = ?").run(id);
    }
  }
}

/** Frees what a hold still keeps and closes it. */
export function freeUnits(tx: Tx, id: string, kind: 'hold-released' | 'hold-expired' | 'hold-closed'): void {
  for (const { sku_id, remaining } of remainingOf(tx.db, id)) {
    const delta = { onHand: 0, committed: 0, reserved: -remaining };
    if (moveLevel(tx, sku_id, delta, { kind, occurredAt: tx.now, ref: id }) === null)
      throw new Error(`hold ${id} does not add up`);
  }
  tx.db.sql('update hold_line set remaining = 0 where hold_id = ?').run(id);
  tx.db.sql('update hold set open = 0 where id = ?').run(id);
}

/** The whole order is there: what its holds kept beyond it is for sale again once they are committed. */
export function closeTied(tx: Tx, holds: readonly string[]): void {
  for (const id of holds) {
    const row = tx.db.sql('update hold set met = 1 where id = ? and open = 1 returning state').get(id) as
      | { state: string }
      | undefined;
    if (row?.state === 'committed') freeUnits(tx, id, 'hold-closed');
  }
}

/** Whether the order that a hold names has come. */
export function orderIsHere(db: Db, id: string): boolean {
  const row = db
    .sql(
      `select 1 from hold h
       where h.id = ? and (h.met = 1 or exists (
         select 1 from orders o where o.channel_id = h.channel_id and o.order_id = h.order_ref))`,
    )
    .get(id);
  return row !== undefined;
}

/**
 * A count found fewer pieces than holds keep: the youngest give up what is missing. Their orders will be short and
 * on the docket; a phantom piece would be sold twice. Answers the units that were freed.
 */
export function shortenHolds(tx: Tx, skuId: number, deficit: number): number {
  const rows = tx.db
    .sql(
      `select h.id, l.remaining
       from hold_line l join hold h on h.id = l.hold_id
       where l.sku_id = ? and l.remaining > 0
       order by h.created_at desc, h.id desc`,
    )
    .all(skuId) as { id: string; remaining: number }[];
  let missing = deficit;
  for (const { id, remaining } of rows) {
    const units = Math.min(missing, remaining);
    if (units <= 0) break;
    const cause = { kind: 'hold-shortened', occurredAt: tx.now, ref: id };
    if (moveLevel(tx, skuId, { onHand: 0, committed: 0, reserved: -units }, cause) === null)
      throw new Error(`hold ${id} does not add up`);
    tx.db
      .sql('update hold_line set remaining = remaining - ? where hold_id = ? and sku_id = ?')
      .run(units, id, skuId);
    missing -= units;
  }
  return deficit - missing;
}
