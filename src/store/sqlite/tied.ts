import { withStage } from '../../stock/line.ts';
import type { OrderSnapshot } from '../../stock/order.ts';
import { moveLevel, type Tx } from './ledger.ts';
import type { LineRow } from './lines.ts';
import type { Db } from './open.ts';

/** '42' and '#42' name one order. */
function spellings(name: string): [string, string] {
  return name.startsWith('#') ? [name, name.slice(1)] : [name, `#${name}`];
}

/**
 * Open holds that name this order, oldest first: by its id, or by its number unless that is the id of another order.
 */
export function tiedHolds(
  tx: Tx,
  channelId: number,
  order: { orderId: string; number: string | null },
): string[] {
  // Most shops have none at all: asked once for the transaction.
  tx.anyTied ??=
    tx.db.sql('select 1 from hold where open = 1 and order_ref is not null limit 1').get() !== undefined;
  if (!tx.anyTied) return [];
  const names = spellings(order.orderId);
  const numbers = order.number === null ? names : spellings(order.number);
  const rows = tx.db
    .sql(
      'select id, order_ref as ref from hold where channel_id = ? and order_ref in (?, ?, ?, ?) and open = 1 order by created_at, id',
    )
    .all(channelId, ...names, ...numbers) as { id: string; ref: string }[];
  return rows
    .filter(({ ref }) => names.includes(ref) || orderById(tx.db, channelId, ref) === null)
    .map(({ id }) => id);
}

function orderById(db: Db, channelId: number, ref: string): number | null {
  const row = db
    .sql('select id from orders where channel_id = ? and order_id in (?, ?) limit 1')
    .get(channelId, ...spellings(ref)) as { id: number } | undefined;
  return row?.id ?? null;
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

/**
 * What met holds kept beyond their order is for sale again once they are committed. Met by units taken, or ended by a
 * cancelled order; an order that has taken nothing yet (it waits for its payment) leaves them as they are.
 */
export function closeTied(tx: Tx, holds: readonly string[], order: OrderSnapshot): void {
  if (!order.cancelled && !order.lines.some((line) => line.taken > 0)) return;
  for (const id of holds) {
    const row = tx.db.sql('update hold set met = 1 where id = ? and open = 1 returning state').get(id) as
      | { state: string }
      | undefined;
    if (row?.state === 'committed') freeUnits(tx, id, 'hold-closed');
  }
}

/** Whether the order that a hold names has taken its units, from the hold or before it was made, or is cancelled. */
export function isMet(db: Db, id: string): boolean {
  const hold = db.sql('select channel_id, order_ref, met from hold where id = ?').get(id) as {
    channel_id: number;
    order_ref: string;
    met: number;
  };
  if (hold.met === 1) return true;
  const orderRef =
    orderById(db, hold.channel_id, hold.order_ref) ?? openOrderByNumber(db, hold.channel_id, hold.order_ref);
  if (orderRef === null) return false;
  const ended = db
    .sql(
      `select 1 from orders o
       where o.id = ? and (o.cancelled = 1 or exists (select 1 from line l where l.order_ref = o.id and l.taken > 0))`,
    )
    .get(orderRef);
  return ended !== undefined;
}

/** Numbers have no index: an order that took units lately is among the channel's open ones. */
function openOrderByNumber(db: Db, channelId: number, ref: string): number | null {
  const row = db
    .sql('select id from orders where channel_id = ? and open = 1 and number in (?, ?) limit 1')
    .get(channelId, ...spellings(ref)) as { id: number } | undefined;
  return row?.id ?? null;
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
