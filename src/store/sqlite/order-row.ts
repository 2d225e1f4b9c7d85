import type { OrderSnapshot } from '../../stock/order.ts';
import { isComplete, type OrderHead } from '../../stock/snapshot.ts';
import type { ApplyRequest } from '../store.ts';
import type { Tx } from './ledger.ts';

/** A request whose kept fields are text already: only that is stored. */
export type TextRequest = Omit<ApplyRequest, 'delivery'> & {
  delivery: (Omit<NonNullable<ApplyRequest['delivery']>, 'fields'> & { fields: string }) | null;
};

/** The stored head of an order, with what guards its update. */
export interface StoredOrder extends OrderHead {
  id: number;
  orderId: string;
  heardAt: number | null;
  /** The stored snapshot named all lines of the order. */
  complete: boolean;
  open: boolean;
  rev: number;
}

/** The stored head, or null when the order was never seen. */
export function storedOrder(tx: Tx, channelId: number, orderId: string): StoredOrder | null {
  const row = tx.db
    .sql(
      `select id, order_id, version, clock, asked_at, answered_at, digest, heard_at, open, rev
       from orders
       where channel_id = ? and order_id = ?`,
    )
    .get(channelId, orderId) as
    | {
        id: number;
        order_id: string;
        version: number;
        clock: string;
        asked_at: number;
        answered_at: number;
        digest: string;
        heard_at: number | null;
        open: number;
        rev: number;
      }
    | undefined;
  if (row === undefined) return null;
  return {
    id: row.id,
    orderId: row.order_id,
    version: row.version,
    clock: row.clock,
    askedAt: row.asked_at,
    answeredAt: row.answered_at,
    digest: row.digest,
    heardAt: row.heard_at,
    complete: isComplete(row.digest),
    open: row.open === 1,
    rev: row.rev,
  };
}

/** Inserts or updates the head; throws when another writer moved it meanwhile. */
export function saveOrder(
  tx: Tx,
  request: TextRequest,
  snapshot: OrderSnapshot,
  digest: string,
  stored: StoredOrder | null,
): number {
  const heard = request.source === 'delivery' ? tx.now : null;
  // A partial snapshot says nothing of the lines that it does not name.
  const others = stored !== null && !snapshot.complete && stored.open;
  const open = others || snapshot.lines.some((line) => line.taken > line.gone) ? 1 : 0;
  const changing = [
    snapshot.number,
    snapshot.version,
    snapshot.clock,
    snapshot.askedAt,
    snapshot.answeredAt,
    digest,
    snapshot.changedAt,
    snapshot.status,
    snapshot.cancelled ? 1 : 0,
    open,
    heard,
  ];
  if (stored === null) {
    const made = tx.db
      .sql(
        `insert into orders (channel_id, order_id, placed_at, learned_by, learned_at, number, version, clock, asked_at,
           answered_at, digest, changed_at, status, cancelled, open, heard_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(request.channelId, snapshot.orderId, snapshot.placedAt, request.source, tx.now, ...changing);
    return Number(made.lastInsertRowid);
  }
  const { changes } = tx.db
    .sql(
      `update orders
       set number = ?, version = ?, clock = ?, asked_at = ?, answered_at = ?, digest = ?, changed_at = ?, status = ?,
         cancelled = ?, open = ?, missing = 0, heard_at = coalesce(heard_at, ?), rev = rev + 1
       where id = ? and rev = ?`,
    )
    .run(...changing, stored.id, stored.rev);
  if (changes !== 1) throw new Error(`order ${snapshot.orderId} moved while it was decided on`);
  return stored.id;
}

/** The platform has no such order any more: flagged, nothing is released. */
export function flagMissing(tx: Tx, channelId: number, orderId: string): void {
  tx.db
    .sql('update orders set missing = 1, answered_at = ? where channel_id = ? and order_id = ?')
    .run(tx.now, channelId, orderId);
}
