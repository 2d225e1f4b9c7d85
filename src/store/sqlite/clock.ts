import type { Stage } from '../../stock/line.ts';
import type { CounterView } from '../store.ts';
import { becomeLive } from './channels.ts';
import { countedQuantity, type Recount, recount } from './count.ts';
import { fillShortfalls } from './docket.ts';
import { beginTx, type Tx } from './ledger.ts';
import { type LineRow, lineById, linesOfOrder, saveLine } from './lines.ts';
import { markDue, noAnchor, ownFrom, ownToText } from './mark.ts';
import type { Db } from './open.ts';

/** See `DutyStore.aheadBy`. Every time that is asked for here was taken from our own clock. */
export function aheadBy(db: Db, now: number): number {
  const { latest } = db
    .sql(
      `select max(at) as latest
       from (
         select max(as_of) as at from level
         union all select max(max(coalesce(live_since, 0), coalesce(planned_at, 0), coalesce(last_ok_at, 0))) from channel
         union all select max(max(coalesce(pulled_at, 0), coalesce(gap_at, 0))) from feed
         union all select max(received_at) from delivery
         union all select max(anchor_until) from counter
         union all select max(created_at) from hold
         union all select recorded_at from entry where id = (select max(id) from entry)
       )`,
    )
    .get() as { latest: number | null };
  return Math.max(0, (latest ?? 0) - now);
}

/** The times of one correction: whatever is later than `now` was noted by a clock that was `by` ahead. */
interface Step {
  now: number;
  by: number;
}

function right(step: Step, at: number): number {
  return at > step.now ? Math.min(step.now, at - step.by) : at;
}

/** Tables whose rows are few, or have an index that finds the wrong ones: column by column. */
const columns: readonly [table: string, column: string][] = [
  ['channel', 'parked_since'],
  ['channel', 'live_since'],
  ['channel', 'planned_at'],
  ['channel', 'last_ok_at'],
  ['feed', 'watermark'],
  ['feed', 'pulled_from'],
  ['feed', 'pulled_at'],
  ['feed', 'gap_at'],
  ['feed', 'known_from'],
  ['feed', 'swept_at'],
  ['doubt', 'at'],
  ['schedule', 'due_at'],
  ['schedule', 'last_ok_at'],
  ['listing', 'seen_at'],
  ['counter', 'low_since'],
  ['counter', 'read_asked'],
  ['counter', 'read_answered'],
  ['alert', 'since'],
  ['alert', 'last_at'],
];

/** How many ledger entries are looked at in one go, newest first, until none of them is wrong. */
const entriesAtOnce = 20_000;
/** Orders this new are looked at whatever else points to them. */
const newestOrders = 5_000;

/** See `DutyStore.correctTimes`. */
export function correctTimes(db: Db, now: number, by: number): { counts: string[] } {
  const step = { now, by };
  const live = wronglyLive(db, now);
  // What each of these counts said is read out of the level while the times are still those it was made by.
  const counts = wrongCounts(beginTx(db, now), step);
  for (const [table, column] of columns)
    db.sql(`update ${table} set ${column} = min(@now, ${column} - @by) where ${column} > @now`).run(step);
  correctOrders(db, step, correctEntries(db, step));
  correctWork(db, step);
  correctCounters(db, step);
  for (const id of live) becomeLive(db, id, now);
  const tx = beginTx(db, now);
  const reason = `the clock was ${Math.round(by / 60_000)} min ahead when this was counted`;
  for (const count of counts) recount(tx, count, { by: 'invsync', reason, ref: null });
  fillShortfalls(tx);
  markDue(tx);
  return { counts: counts.map((count) => count.sku) };
}

/** Channels of which a number or a plan seems to be from the future: they begin anew, with a plan. */
function wronglyLive(db: Db, now: number): number[] {
  const rows = db
    .sql(
      `select id from channel
       where mode = 'live' and (live_since > @now or planned_at > @now
         or exists (select 1 from counter where channel_id = channel.id and anchor_until > @now))`,
    )
    .all({ now }) as { id: number }[];
  return rows.map((row) => row.id);
}

function wrongCounts(tx: Tx, step: Step): Recount[] {
  const rows = tx.db
    .sql(
      `select l.sku_id as skuId, s.code as sku, l.basis, l.as_of as asOf
       from level l join sku s on s.id = l.sku_id
       where l.counted = 1 and l.as_of > ?
       order by s.code`,
    )
    .all(step.now) as Omit<Recount, 'quantity'>[];
  return rows.map((row) => ({
    ...row,
    quantity: countedQuantity(tx, row.skuId),
    asOf: right(step, row.asOf),
  }));
}

/** Entries of the wrong hour are the newest; answers the lines that they are about. */
function correctEntries(db: Db, step: Step): Set<number> {
  const lineIds = new Set<number>();
  let upTo = Number.MAX_SAFE_INTEGER;
  for (;;) {
    const rows = db
      .sql(
        `select id, line_id as lineId, max(occurred_at, recorded_at) as at from entry where id < ? order by id desc limit ?`,
      )
      .all(upTo, entriesAtOnce) as { id: number; lineId: number | null; at: number }[];
    const wrong = rows.filter((row) => row.at > step.now);
    for (const { id, lineId } of wrong) {
      if (lineId !== null) lineIds.add(lineId);
      db.sql(
        `update entry
         set occurred_at = case when occurred_at > @now then min(@now, occurred_at - @by) else occurred_at end,
           recorded_at = case when recorded_at > @now then min(@now, recorded_at - @by) else recorded_at end
         where id = @id`,
      ).run({ ...step, id });
    }
    const last = rows.at(-1);
    if (last === undefined || wrong.length === 0) return lineIds;
    upTo = last.id;
  }
}

/** Orders that were read in the wrong hour: a later look would seem to be the older one. */
function correctOrders(db: Db, step: Step, lineIds: ReadonlySet<number>): void {
  const orderIds = new Set<number>();
  for (const id of lineIds) {
    const line = lineById(db, id);
    if (line !== null) orderIds.add(line.orderRef);
  }
  const rows = db
    .sql(
      `select id from orders where open = 1 and answered_at > @now
       union select id from orders where id > (select coalesce(max(id), 0) from orders) - @newest and answered_at > @now`,
    )
    .all({ now: step.now, newest: newestOrders }) as { id: number }[];
  for (const { id } of rows) orderIds.add(id);
  for (const id of orderIds) {
    for (const column of ['asked_at', 'answered_at', 'learned_at', 'heard_at', 'placed_at', 'changed_at'])
      db.sql(
        `update orders set ${column} = min(@now, ${column} - @by) where id = @id and ${column} > @now`,
      ).run({
        ...step,
        id,
      });
    for (const line of linesOfOrder(db, id)) correctLine(db, step, line);
  }
}

function correctLine(db: Db, step: Step, line: LineRow): void {
  const soldAt = right(step, line.soldAt);
  const stages = line.stages.map(([at, claimed, gone]): Stage => [right(step, at), claimed, gone]);
  if (soldAt === line.soldAt && stages.every(([at], index) => at === line.stages[index]?.[0])) return;
  // What waits for stock is kept in the order of its sale.
  db.sql('update short set sold_at = ? where line_id = ? and sold_at = ?').run(soldAt, line.id, line.soldAt);
  saveLine(db, { ...line, soldAt, stages: stages.sort((a, b) => a[0] - b[0]) }, 'known');
}

/** What waits for a time is due now: trying early costs a try, waiting on for the length of the step costs sales. */
function correctWork(db: Db, step: Step): void {
  db.sql("update delivery set due_at = @now where status = 'new' and due_at > @now").run({ now: step.now });
  db.sql('update delivery set received_at = min(@now, received_at - @by) where received_at > @now').run(step);
  db.sql("update action set due_at = @now where state = 'due' and due_at > @now").run({ now: step.now });
  db.sql(`update counter set due_at = @now where version > done_version and dead = 0 and due_at > @now`).run({
    now: step.now,
  });
  db.sql(
    'update hold set expires_at = expires_at - @by, created_at = min(@now, created_at - @by) where created_at > @now',
  ).run(step);
}

/** A number that seems to be from the future cannot be put in order with sales: it is read anew. */
function correctCounters(db: Db, step: Step): void {
  db.sql(
    `update counter
     set ${noAnchor}
     where anchor_until > ?`,
  ).run(step.now);
  const rows = db.sql("select id, unread, own from counter where unread <> '[]' or own <> '[]'").all() as {
    id: number;
    unread: string;
    own: string;
  }[];
  for (const row of rows) {
    const unread = (JSON.parse(row.unread) as CounterView['unread']).map((push) => {
      const sentAt = right(step, push.sentAt);
      return { ...push, sentAt, deadline: push.deadline - (push.sentAt - sentAt) };
    });
    const own = ownFrom(row.own).map(({ delta, from, to }) => ({
      delta,
      from: right(step, from),
      to: right(step, to),
    }));
    db.sql('update counter set unread = ?, own = ? where id = ?').run(
      JSON.stringify(unread),
      ownToText(own),
      row.id,
    );
  }
}
