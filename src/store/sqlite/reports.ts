import type {
  CounterView,
  EntryRow,
  LedgerRow,
  OpenLine,
  OrderLineRow,
  OrderRow,
  OversellRow,
  PushLogRow,
  StockFilter,
  StockRow,
} from '../store.ts';
import { goneAfterMs } from './count.ts';
import { levelOf } from './ledger.ts';
import { linesOfOrder } from './lines.ts';
import { lowSkus } from './low.ts';
import type { Db } from './open.ts';
import { codeOf, skuIdOf, stockRow } from './sku.ts';
import { linesInDoubt } from './unsettled.ts';
import { viewsOf } from './views.ts';

interface RawEntry {
  id: number;
  prev: number | null;
  kind: string;
  on_hand: number;
  committed: number;
  reserved: number;
  after: number;
  occurred_at: number;
  recorded_at: number;
  channel: string | null;
  order_id: string | null;
  number: string | null;
  line_key: string | null;
  by: string | null;
  reason: string | null;
  ref: string | null;
}

const entryColumns = `e.id, e.prev, e.kind, e.on_hand, e.committed, e.reserved, e.after, e.occurred_at, e.recorded_at,
           c.name as channel, e.order_id, o.number, l.line_key, e.by, e.reason, e.ref
         from entry e
         left join channel c on c.id = e.channel_id
         left join line l on l.id = e.line_id
         left join orders o on o.channel_id = e.channel_id and o.order_id = e.order_id`;

function entryFrom(row: RawEntry): EntryRow {
  return {
    id: row.id,
    at: row.occurred_at,
    recordedAt: row.recorded_at,
    kind: row.kind,
    delta: row.on_hand - row.committed - row.reserved,
    onHand: row.on_hand,
    committed: row.committed,
    reserved: row.reserved,
    after: row.after,
    channel: row.channel,
    orderId: row.order_id,
    orderNumber: row.number,
    lineKey: row.line_key,
    by: row.by,
    reason: row.reason,
    ref: row.ref,
  };
}

/** See `ReportStore.ledger`. */
export function ledgerPage(
  db: Db,
  { after, since, limit }: { after: number; since: number | null; limit: number },
): LedgerRow[] {
  const rows = db
    .sql(
      `select (select code from sku where id = e.sku_id) as sku, ${entryColumns}
       where e.id > ? and e.recorded_at >= ? order by e.id limit ?`,
    )
    .all(after, since ?? 0, limit) as (RawEntry & { sku: string })[];
  return rows.map((row) => ({ sku: row.sku, ...entryFrom(row) }));
}

/** A SKU's entries, newest first, by walking its chain. */
export function entriesOf(db: Db, sku: string, at: number | null, limit: number): EntryRow[] {
  const skuId = skuIdOf(db, sku);
  if (skuId === null) return [];
  const entries: EntryRow[] = [];
  let next = levelOf(db, skuId).last_entry;
  while (next !== null && entries.length < limit) {
    const row = db
      .sql(
        `select ${entryColumns}
         where e.id = ?`,
      )
      .get(next) as RawEntry;
    next = row.prev;
    if (at !== null && row.recorded_at > at) continue;
    entries.push(entryFrom(row));
  }
  return entries;
}

export function countersOfSku(db: Db, sku: string): CounterView[] {
  const skuId = skuIdOf(db, sku);
  if (skuId === null) return [];
  const rows = db
    .sql(
      `select distinct l.counter_id as id
       from listing_part p join listing l on l.id = p.listing_ref and l.vanished = 0
       where p.sku_id = ?
       order by 1`,
    )
    .all(skuId) as { id: number }[];
  return viewsOf(
    db,
    rows.map((row) => row.id),
  );
}

export function pushLog(db: Db, sku: string, channel: string | null, limit: number): PushLogRow[] {
  const skuId = skuIdOf(db, sku);
  if (skuId === null) return [];
  return db
    .sql(
      `select p.sent_at as at, ch.name as channel, l.listing_id as listingId, p.quantity, p.base, p.outcome, p.shown,
         p.answered_at as answeredAt, p.error
       from listing_part lp
       join listing l on l.id = lp.listing_ref
       join channel ch on ch.id = l.channel_id
       join push p on p.counter_id = l.counter_id
       where lp.sku_id = ? and (? is null or ch.name = ?)
       order by p.id desc
       limit ?`,
    )
    .all(skuId, channel, channel, limit) as PushLogRow[];
}

export function listOversells(
  db: Db,
  filter: { status?: OversellRow['status']; waitsFor?: string; before?: number; limit: number },
): OversellRow[] {
  return db
    .sql(
      `select d.id, c.name as channel, d.order_id as orderId, o.number as orderNumber, l.line_key as lineKey, d.sku, d.shortfall, d.status, d.cause,
         d.policy, d.placed_at as placedAt, d.opened_at as openedAt, d.resolved_at as resolvedAt
       from docket d
       join channel c on c.id = d.channel_id
       join line l on l.id = d.line_id
       left join orders o on o.channel_id = d.channel_id and o.order_id = d.order_id
       where (@status is null or d.status = @status) and d.id < @before
         and (@waitsFor is null or d.status = 'open' and d.line_id in (select line_id from short where sku_id = @waitsFor))
       order by d.id desc
       limit @limit`,
    )
    .all({
      status: filter.status ?? null,
      waitsFor: filter.waitsFor === undefined ? null : (skuIdOf(db, filter.waitsFor) ?? -1),
      before: filter.before ?? Number.MAX_SAFE_INTEGER,
      limit: filter.limit,
    }) as OversellRow[];
}

/** A person says what became of a shortfall: the line is not waited for any more. */
export function listOrders(
  db: Db,
  filter: { channel?: string; orderId?: string; before?: number; limit: number },
): OrderRow[] {
  const rows = db
    .sql(
      `select o.id, c.name as channel, o.order_id, o.number, o.placed_at, o.changed_at, o.status, o.cancelled, o.missing
       from orders o join channel c on c.id = o.channel_id
       where (@channel is null or c.name = @channel)
         and (@orderId is null or o.order_id = @orderId or o.number = @orderId)
         and o.id < @before
       order by ${filter.orderId === undefined ? '' : 'o.order_id = @orderId desc,'} o.id desc
       limit @limit`,
    )
    .all({
      channel: filter.channel ?? null,
      orderId: filter.orderId ?? null,
      before: filter.before ?? Number.MAX_SAFE_INTEGER,
      limit: filter.limit,
    }) as {
    id: number;
    channel: string;
    order_id: string;
    number: string | null;
    placed_at: number;
    changed_at: number;
    status: string;
    cancelled: number;
    missing: number;
  }[];
  return rows.map((row) => ({
    id: row.id,
    channel: row.channel,
    orderId: row.order_id,
    number: row.number,
    placedAt: row.placed_at,
    changedAt: row.changed_at,
    status: row.status,
    cancelled: row.cancelled === 1,
    missing: row.missing === 1,
    lines: orderLines(db, row.id),
  }));
}

function orderLines(db: Db, orderRef: number): OrderLineRow[] {
  return linesOfOrder(db, orderRef).map((line) => ({
    lineKey: line.lineKey,
    sku: line.parts === null ? null : line.parts.map(([skuId]) => codeOf(db, skuId)).join('+'),
    channelSku: line.channelSku,
    listingId: line.listingText,
    taken: line.taken,
    given: line.given,
    gone: line.gone,
    shortfall: line.allocation === 'held' ? Math.max(0, line.taken - line.given - line.waived) : 0,
    allocation: line.allocation,
  }));
}

export function unreadOrders(db: Db, channelId: number, readBefore: number, limit: number): string[] {
  const rows = db
    .sql(
      'select order_id from orders where channel_id = ? and open = 1 and missing = 0 and answered_at < ? order by answered_at limit ?',
    )
    .all(channelId, readBefore, limit) as { order_id: string }[];
  return rows.map((row) => row.order_id);
}

export function getStock(db: Db, sku: string): StockRow | null {
  const skuId = skuIdOf(db, sku);
  return skuId === null ? null : stockRow(db, skuId);
}

export function oldestCount(db: Db): number | null {
  const row = db.sql('select min(as_of) as at from level where counted = 1').get() as { at: number | null };
  return row.at;
}

export function listStock(db: Db, filter: StockFilter): StockRow[] {
  const rows = db
    .sql(
      `select id from sku
       where code > @after and (@search = '' or instr(lower(code), lower(@search)) > 0)
         and (@low = 0 or id in (${lowSkus}))
         and (@uncounted = 0 or id in (select sku_id from level where counted = 0))
         and (@movedSince is null or id in (
           select v.sku_id from level v join entry e on e.id = v.last_entry where e.recorded_at >= @movedSince))
       order by code limit @limit`,
    )
    .all({
      after: filter.after ?? '',
      search: filter.search ?? '',
      uncounted: filter.uncounted === true ? 1 : 0,
      low: filter.low === true ? 1 : 0,
      movedSince: filter.movedSince ?? null,
      limit: filter.limit,
    }) as { id: number }[];
  return rows.map((row) => stockRow(db, row.id));
}

export function openLines(
  db: Db,
  sku: string,
  asOf: number,
  presumeGoneMs: Record<number, number>,
): OpenLine[] {
  const skuId = skuIdOf(db, sku);
  if (skuId === null) return [];
  return linesInDoubt(db, skuId, null)
    .filter((line) => line.taken > line.gone)
    .map((line) => {
      const after = goneAfterMs(line.channelId, presumeGoneMs);
      const order = db
        .sql(
          'select o.order_id, c.name as channel from orders o join channel c on c.id = o.channel_id where o.id = ?',
        )
        .get(line.orderRef) as { order_id: string; channel: string };
      return {
        channel: order.channel,
        orderId: order.order_id,
        lineKey: line.lineKey,
        soldAt: line.soldAt,
        taken: line.taken,
        given: line.given,
        gone: line.gone,
        presumedGone: after !== null && line.soldAt + after <= asOf,
      };
    });
}

/** Sums every SKU's ledger and lines and compares them with its level. */
export function audit(db: Db): {
  skus: number;
  entries: number;
  open: { sku: string; ledger: number; level: number; lines: number }[];
} {
  const rows = db
    .sql(
      `with sums as (
         select sku_id, sum(on_hand) as h, sum(committed) as c, sum(reserved) as r, count(*) as n from entry group by sku_id
       ), held as (
         select json_extract(p.value, '$[0]') as sku_id, sum((l.given - l.gone) * json_extract(p.value, '$[1]')) as c
         from line l, json_each(l.parts) p
         where l.allocation = 'held'
         group by 1
       )
       select s.code as sku, coalesce(u.h, 0) as h, coalesce(u.c, 0) as c, coalesce(u.r, 0) as r, coalesce(u.n, 0) as n,
         v.on_hand, v.committed, v.reserved, coalesce(held.c, 0) as lines
       from level v
       join sku s on s.id = v.sku_id
       left join sums u on u.sku_id = v.sku_id
       left join held on held.sku_id = v.sku_id`,
    )
    .all() as {
    sku: string;
    h: number;
    c: number;
    r: number;
    n: number;
    on_hand: number;
    committed: number;
    reserved: number;
    lines: number;
  }[];
  const open = rows
    .filter(
      (row) =>
        row.h !== row.on_hand ||
        row.c !== row.committed ||
        row.r !== row.reserved ||
        row.lines !== row.committed,
    )
    .map((row) => ({
      sku: row.sku,
      ledger: row.h - row.c - row.r,
      level: row.on_hand - row.committed - row.reserved,
      lines: row.lines,
    }));
  return { skus: rows.length, entries: rows.reduce((sum, row) => sum + row.n, 0), open };
}
