import type { ActionEnd, ActionRow } from '../store.ts';
import { takeBack } from './allocate.ts';
import { fillShortfalls, keepDocket, orderOf } from './docket.ts';
import { beginTx, type Tx } from './ledger.ts';
import { linesOfOrder, saveLine } from './lines.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';

/**
 * An order came up short: the channel's policy asks for a hold or a cancel at the channel, one flight per order.
 * While it is open the order's lines are not filled; under `cancel` they are given nothing.
 */
export function openAction(tx: Tx, channelId: number, orderId: string, orderRef: number): void {
  const policy = tx.db
    .sql("select policy, id from docket where channel_id = ? and order_id = ? and status = 'open' limit 1")
    .get(channelId, orderId) as { policy: 'alert' | 'hold' | 'cancel' } | undefined;
  if (policy === undefined || policy.policy === 'alert') return;
  const done = tx.db
    .sql('select id from action where channel_id = ? and order_id = ?')
    .get(channelId, orderId);
  if (done !== undefined) return;
  tx.db
    .sql("insert into action (channel_id, order_id, kind, key, state, due_at) values (?, ?, ?, ?, 'due', ?)")
    .run(channelId, orderId, policy.policy, tx.db.randomHex(16), tx.now);
  tx.db
    .sql("update docket set blocked = 1 where channel_id = ? and order_id = ? and status = 'open'")
    .run(channelId, orderId);
  if (policy.policy === 'cancel') giveBack(tx, orderRef);
}

/** Policy `cancel` allocates nothing: what the order was given goes back at once. */
function giveBack(tx: Tx, orderRef: number): void {
  for (const line of linesOfOrder(tx.db, orderRef)) {
    if (line.allocation !== 'held' || line.given === line.gone) continue;
    const order = orderOf(tx, orderRef);
    const cause = {
      channelId: line.channelId,
      orderId: order.orderId,
      reason: 'its order is being cancelled',
    };
    takeBack(tx, line, line.given - line.gone, cause);
    saveLine(tx.db, line, 'known');
    keepDocket(tx, line, order, 'sale');
  }
  fillShortfalls(tx);
}

/** See `OutboxStore.actionsDue`. */
export function actionsDue(db: Db, channelId: number, limit: number, now: number): ActionRow[] {
  const rows = db
    .sql(
      `select id, channel_id, order_id, kind, key, attempts
       from action
       where channel_id = ? and state = 'due' and due_at <= ?
       order by due_at, id
       limit ?`,
    )
    .all(channelId, now, limit) as {
    id: number;
    channel_id: number;
    order_id: string;
    kind: 'hold' | 'cancel';
    key: string;
    attempts: number;
  }[];
  return rows.map((row) => ({
    id: row.id,
    channelId: row.channel_id,
    orderId: row.order_id,
    kind: row.kind,
    key: row.key,
    attempts: row.attempts,
    lines: db
      .sql(
        `select l.line_key as lineKey, l.channel_sku as channelSku, l.taken - l.given - l.waived as shortfall
         from line l join orders o on o.id = l.order_ref
         where o.channel_id = ? and o.order_id = ? and l.allocation = 'held' and l.taken - l.given - l.waived > 0`,
      )
      .all(row.channel_id, row.order_id) as ActionRow['lines'],
  }));
}

/**
 * `refused` falls back to alert: the lines may be filled again, and are at once where there is stock. So it is
 * with what was needless: should the order come short again, it waits for stock or a person.
 */
export function settleAction(
  db: Db,
  id: number,
  outcome: ActionEnd,
  dueAt: number | null,
  now: number,
): void {
  const action = db
    .sql("select channel_id, order_id, kind from action where id = ? and state = 'due'")
    .get(id) as { channel_id: number; order_id: string; kind: string } | undefined;
  if (action === undefined) return;
  if (outcome.kind === 'retry' || outcome.kind === 'auth') {
    db.sql('update action set attempts = attempts + 1, due_at = ?, detail = ? where id = ?').run(
      dueAt ?? now,
      outcome.error,
      id,
    );
    return;
  }
  // A cancel that the order shows already, or that was not needed, must not block what comes of it later.
  const { kind } = action;
  const over =
    outcome.kind === 'done' && kind === 'cancel' && !isShort(db, action.channel_id, action.order_id);
  const state = outcome.kind === 'done' && !over ? 'done' : 'refused';
  const detail = 'detail' in outcome ? outcome.detail : outcome.error;
  db.sql('update action set state = ?, detail = ?, settled_at = ? where id = ?').run(state, detail, now, id);
  if (state === 'refused' || action.kind === 'hold') unblock(db, action.channel_id, action.order_id, now);
}

/** Does the order still lack units? If not, its cancel has been shown or was never needed. */
function isShort(db: Db, channelId: number, orderId: string): boolean {
  const text = "select 1 from docket where channel_id = ? and order_id = ? and status = 'open' limit 1";
  return db.sql(text).get(channelId, orderId) !== undefined;
}

function unblock(db: Db, channelId: number, orderId: string, now: number): void {
  const tx = beginTx(db, now);
  db.sql("update docket set blocked = 0 where channel_id = ? and order_id = ? and status = 'open'").run(
    channelId,
    orderId,
  );
  const order = db
    .sql('select id from orders where channel_id = ? and order_id = ?')
    .get(channelId, orderId) as { id: number } | undefined;
  if (order === undefined) return;
  for (const line of linesOfOrder(db, order.id)) {
    for (const [skuId] of line.parts ?? []) tx.risen.add(skuId);
  }
  fillShortfalls(tx);
  markDue(tx);
}
