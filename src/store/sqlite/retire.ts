import { AppError } from '../../errors.ts';
import { withStage } from '../../stock/line.ts';
import type { Actor, ChannelRow, OpenOrders, Removal } from '../store.ts';
import { allocate } from './allocate.ts';
import { noteDeed } from './deeds.ts';
import { closeShort, fillShortfalls, keepDocket, orderOf } from './docket.ts';
import { beginTx, type Tx } from './ledger.ts';
import { type LineRow, lineById, saveLine } from './lines.ts';
import { markDue, noAnchor } from './mark.ts';
import type { Db } from './open.ts';
import { freeUnits } from './tied.ts';
import { noteStirred } from './unsettled.ts';

/** Lines of open orders that hold stock, or will as soon as their SKUs are counted. */
const holdingLines = `from orders o join line l on l.order_ref = o.id
  where o.channel_id = ? and o.open = 1 and l.channel_id = o.channel_id
    and ((l.allocation = 'held' and l.given > l.gone) or (l.allocation = 'uncounted' and l.taken > l.gone))`;
const openShorts = "from docket where channel_id = ? and status = 'open'";
const unmappedLines = "from line where channel_id = ? and allocation = 'unmapped' and taken > 0";
const openHolds = 'from hold where channel_id = ? and order_ref is not null and open = 1';
const waitingDeliveries = "from delivery where channel_id = ? and status in ('new', 'dead', 'unmapped')";

/** See `ChannelStore.removal`. */
export function removalOf(db: Db, row: ChannelRow): Removal {
  const count = (rest: string): number =>
    (db.sql(`select count(*) as n ${rest}`).get(row.id) as { n: number }).n;
  const open = db
    .sql(
      `select count(distinct l.order_ref) as orders,
         coalesce(sum(case l.allocation when 'held' then l.given - l.gone else l.taken - l.gone end), 0) as units
       ${holdingLines}`,
    )
    .get(row.id) as { orders: number; units: number };
  return {
    channel: row.name,
    type: row.type,
    listings: count('from listing where channel_id = ? and vanished = 0'),
    openOrders: open.orders,
    openUnits: open.units,
    shortfalls: count(openShorts),
    unmappedLines: count(unmappedLines),
    deliveries: count(waitingDeliveries),
    actions: count("from action where channel_id = ? and state = 'due'"),
    reservations: count(openHolds),
    alerts: count('from alert where channel_id = ? and resolved_at is null'),
  };
}

/** See `ChannelStore.remove`. The row keeps its id and its account: its lines are those of the account. */
export function retire(
  db: Db,
  row: ChannelRow,
  how: { orders: OpenOrders; actor: Actor; now: number },
): Removal {
  const removal = removalOf(db, row);
  if (how.orders === 'refuse' && removal.openOrders > 0) throw stillOpen(removal);
  const tx = beginTx(db, how.now);
  closeShortfalls(tx, row.id, how.actor.by);
  if (how.orders !== 'refuse') closeOpenOrders(tx, row.id, how.orders);
  forgetUnmapped(tx, row.id);
  for (const { id } of db.sql(`select id ${openHolds}`).all(row.id) as { id: string }[]) {
    db.sql("update hold set state = 'released' where id = ?").run(id);
    freeUnits(tx, id, 'hold-released');
  }
  fillShortfalls(tx);
  markDue(tx);
  stopActing(db, row, how.now);
  db.sql(
    `update delivery set status = 'ignored', outcome = 'its channel was removed', body = null, settled_at = ?
     where id in (select id ${waitingDeliveries})`,
  ).run(how.now, row.id);
  db.sql('delete from vault where channel_id = ?').run(row.id);
  db.sql(
    "update channel set name = name || ' (removed ' || id || ')', orphaned = 1, type = 'internal' where id = ?",
  ).run(row.id);
  noteDeed(db, how.actor, { verb: 'remove', subject: row.name, detail: JSON.stringify(removal) }, how.now);
  return removal;
}

function stillOpen(removal: Removal): AppError {
  const orders =
    removal.openOrders === 1 ? '1 open order that holds' : `${removal.openOrders} open orders that hold`;
  return new AppError(
    'channel_in_use',
    `channel "${removal.channel}" still has ${orders} ${removal.openUnits} units`,
    {
      hint: `say what becomes of them: invsync channels remove ${removal.channel} --orders shipped (the units have left the shelf) or --orders cancelled (they are for sale again)`,
    },
  );
}

/** Nobody waits for goods on this channel any more. */
function closeShortfalls(tx: Tx, channelId: number, by: string): void {
  const rows = tx.db.sql(`select id, line_id ${openShorts}`).all(channelId) as {
    id: number;
    line_id: number;
  }[];
  for (const { id, line_id } of rows) {
    const line = lineById(tx.db, line_id);
    if (line !== null) closeShort(tx, line, { id, as: 'cancelled', by });
  }
}

/** A person has said what became of the orders that still hold stock. */
function closeOpenOrders(tx: Tx, channelId: number, as: 'shipped' | 'cancelled'): void {
  const rows = tx.db.sql(`select l.id ${holdingLines}`).all(channelId) as { id: number }[];
  for (const { id } of rows) {
    const line = lineById(tx.db, id);
    if (line === null) continue;
    const left = line.allocation === 'held' ? line.given : line.taken;
    if (as === 'shipped') line.presumed = left;
    bringTo(
      tx,
      line,
      as === 'shipped' ? { taken: line.taken, gone: left } : { taken: line.gone, gone: line.gone },
    );
    if (as === 'cancelled') readAnew(tx.db, line.orderRef);
  }
}

/** Sales that waited for a mapping: no listing of this channel will ever get one. */
function forgetUnmapped(tx: Tx, channelId: number): void {
  for (const { id } of tx.db.sql(`select id ${unmappedLines}`).all(channelId) as { id: number }[]) {
    const line = lineById(tx.db, id);
    if (line === null) continue;
    bringTo(tx, line, { taken: 0, gone: 0 });
    readAnew(tx.db, line.orderRef);
  }
}

function bringTo(tx: Tx, line: LineRow, to: { taken: number; gone: number }): void {
  noteStirred(tx, line);
  const order = orderOf(tx, line.orderRef);
  const fell = withStage(line.stages, [tx.now, to.taken - line.taken, 0]);
  const stages = withStage(fell, [tx.now, 0, to.gone - line.gone]);
  if (line.allocation === 'held') {
    const cause = { channelId: line.channelId, orderId: order.orderId, reason: 'its channel was removed' };
    allocate(tx, line, { ...to, stages, takenAt: tx.now, goneAt: tx.now }, cause, 'joined');
  } else Object.assign(line, { ...to, stages });
  saveLine(tx.db, line, 'known');
  keepDocket(tx, line, order, 'sale');
}

/** What we say of the order is not what the channel said: should it be read again, its state counts whatever its version. */
function readAnew(db: Db, orderRef: number): void {
  db.sql("update orders set digest = '', version = 0, open = 0 where id = ?").run(orderRef);
}

/**
 * What could act is taken away. Listings and counters keep their rows, so that lines find them again should the account
 * come back; what they were mapped to is forgotten.
 */
function stopActing(db: Db, row: ChannelRow, now: number): void {
  db.sql('delete from listing_part where listing_ref in (select id from listing where channel_id = ?)').run(
    row.id,
  );
  db.sql(
    `update listing
     set parts = null, mapped_by = null, heir = null, mode = 'on', buffer = null, percent = null, max = null, fixed = null, vanished = 1
     where channel_id = ?`,
  ).run(row.id);
  db.sql(
    `update counter
     set done_version = version, dead = 0, exposed = 0, error = null, low_since = null, low_number = null,
       ${noAnchor},
       state = 'idle', lease = null, unread = '[]', doubt = null, held = null, let_go = null
     where channel_id = ?`,
  ).run(row.id);
  db.sql(
    "update action set state = 'refused', detail = 'its channel was removed', settled_at = ? where channel_id = ? and state = 'due'",
  ).run(now, row.id);
  db.sql("update plan set state = 'refused' where id = ? and state = 'open'").run(row.brakePlan);
  db.sql('update feed set gap_at = ?, error = null where channel_id = ?').run(now, row.id);
  db.sql('update alert set resolved_at = ? where channel_id = ? and resolved_at is null').run(now, row.id);
  db.sql(
    `update channel
     set brake_plan = null, held_reason = null, parked_since = null, parked_reason = null, planned_at = null
     where id = ?`,
  ).run(row.id);
}

/**
 * A row that turned out to be another name of the same account gives way: what it counted itself is undone (the
 * account's own row has it, or will read it), deliveries and holds are the successor's.
 */
export function absorb(db: Db, other: ChannelRow, into: ChannelRow, now: number): void {
  const tx = beginTx(db, now);
  const lines = db
    .sql('select id from line where channel_id = ? and (taken > 0 or gone > 0 or given > 0)')
    .all(other.id) as { id: number }[];
  for (const { id } of lines) {
    const line = lineById(db, id);
    if (line !== null) bringTo(tx, line, { taken: 0, gone: 0 });
  }
  db.sql("update orders set open = 0, status = 'counted elsewhere' where channel_id = ?").run(other.id);
  fillShortfalls(tx);
  markDue(tx);
  stopActing(db, other, now);
  db.sql(
    'insert or replace into vault (channel_id, key, value) select ?, key, value from vault where channel_id = ?',
  ).run(into.id, other.id);
  db.sql('delete from vault where channel_id = ?').run(other.id);
  db.sql('update hold set channel_id = ? where channel_id = ?').run(into.id, other.id);
  db.sql('delete from feed where channel_id = ?').run(other.id);
  db.sql(
    `update channel
     set name = name || ' (' || id || ', now ' || @into || ')', type = 'internal', account_id = null, orphaned = 1,
       successor = @into
     where id = @id or successor = @id`,
  ).run({ into: into.id, id: other.id });
  forwardDeliveries(db, now);
}

/** Deliveries of rows that were taken over are their successor's; one that it has as well came twice. */
export function forwardDeliveries(db: Db, now: number): void {
  const rows = db.sql('select id, successor from channel where successor is not null').all() as {
    id: number;
    successor: number;
  }[];
  for (const { id, successor } of rows) {
    db.sql('update or ignore delivery set channel_id = ?, due_at = min(due_at, ?) where channel_id = ?').run(
      successor,
      now,
      id,
    );
    db.sql(
      `update delivery set status = 'ignored', outcome = 'it came under two names', body = null, settled_at = ?
       where channel_id = ? and status in ('new', 'dead', 'unmapped')`,
    ).run(now, id);
  }
}
