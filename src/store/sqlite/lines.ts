import { type Allocation, type Stage, shortfall } from '../../stock/line.ts';
import { levelOf } from './ledger.ts';
import type { Db } from './open.ts';

/** `[sku id, units per listing unit, the SKU's line before this one]`: a chain per SKU instead of an index. */
export type LinePart = [skuId: number, units: number, prev: number | null];

/** An order line as it is stored; the JSON columns are parsed. */
export interface LineRow {
  id: number;
  channelId: number;
  lineKey: string;
  orderRef: number;
  listingRef: number | null;
  listingText: string | null;
  channelSku: string | null;
  taken: number;
  gone: number;
  given: number;
  presumed: number;
  waived: number;
  reportedGone: number;
  allocation: Allocation;
  parts: LinePart[] | null;
  soldAt: number;
  stages: Stage[];
  /** The docket has an open row for it. */
  docketed: boolean;
  rev: number;
}

interface RawLine {
  id: number;
  channel_id: number;
  line_key: string;
  order_ref: number;
  listing_ref: number | null;
  listing_text: string | null;
  channel_sku: string | null;
  taken: number;
  gone: number;
  given: number;
  presumed: number;
  waived: number;
  reported_gone: number;
  allocation: Allocation;
  parts: string | null;
  sold_at: number;
  stages: string;
  rev: number;
}

const columns = `id, channel_id, line_key, order_ref, listing_ref, listing_text, channel_sku, taken, gone, given,
  presumed, waived, reported_gone, allocation, parts, sold_at, stages, rev`;

function lineFrom(raw: RawLine): LineRow {
  return {
    id: raw.id,
    channelId: raw.channel_id,
    lineKey: raw.line_key,
    orderRef: raw.order_ref,
    listingRef: raw.listing_ref,
    listingText: raw.listing_text,
    channelSku: raw.channel_sku,
    taken: raw.taken,
    gone: raw.gone,
    given: raw.given,
    presumed: raw.presumed,
    waived: raw.waived,
    reportedGone: raw.reported_gone,
    allocation: raw.allocation,
    parts: raw.parts === null ? null : (JSON.parse(raw.parts) as LinePart[]),
    soldAt: raw.sold_at,
    stages: JSON.parse(raw.stages) as Stage[],
    docketed: raw.allocation === 'held' && shortfall(raw) > 0,
    rev: raw.rev,
  };
}

/** A line by its row id. */
export function lineById(db: Db, id: number): LineRow | null {
  const raw = db.sql(`select ${columns} from line where id = ?`).get(id) as RawLine | undefined;
  return raw === undefined ? null : lineFrom(raw);
}

/** A line by the key that is unique in the channel account. */
export function lineByKey(db: Db, channelId: number, lineKey: string): LineRow | null {
  const raw = db
    .sql(`select ${columns} from line where channel_id = ? and line_key = ?`)
    .get(channelId, lineKey) as RawLine | undefined;
  return raw === undefined ? null : lineFrom(raw);
}

/** All lines that belong to an order now. */
export function linesOfOrder(db: Db, orderRef: number): LineRow[] {
  const rows = db.sql(`select ${columns} from line where order_ref = ?`).all(orderRef) as RawLine[];
  return rows.map(lineFrom);
}

/** Lines that wait for a mapping of this listing. */
export function linesUnmapped(db: Db, channelId: number, listingText: string): LineRow[] {
  const rows = db
    .sql(`select ${columns} from line where channel_id = ? and listing_text = ? and allocation = 'unmapped'`)
    .all(channelId, listingText) as RawLine[];
  return rows.map(lineFrom);
}

/** Of a line what tells whether it can still matter. */
export type LineGlance = Pick<LineRow, 'allocation' | 'taken' | 'gone' | 'stages'>;

/**
 * Lines that began to draw on a SKU after this one (null: all there ever were) and are wanted, newest first, by walking
 * its chain. The others are only glanced at.
 */
export function linesSince(
  db: Db,
  skuId: number,
  known: number | null,
  wanted: (line: LineGlance) => boolean,
): LineRow[] {
  const glance = db.tuples('select allocation, taken, gone, stages, parts from line where id = ?');
  const lines: LineRow[] = [];
  let at = levelOf(db, skuId).last_line;
  while (at !== null && at !== known) {
    const row = glance.get(at) as [Allocation, number, number, string, string | null] | undefined;
    if (row === undefined) break;
    const [allocation, taken, gone, stages, parts] = row;
    const line = wanted({ allocation, taken, gone, stages: JSON.parse(stages) as Stage[] })
      ? lineById(db, at)
      : null;
    if (line !== null) lines.push(line);
    const chain = parts === null ? [] : (JSON.parse(parts) as LinePart[]);
    at = chain.find(([part]) => part === skuId)?.[2] ?? null;
  }
  return lines;
}

/**
 * Writes a line: inserts a new one, or updates the one that was read. The revision guards against a second writer
 * that decided on the same state; it throws, and the whole order is decided again.
 */
export function saveLine(db: Db, line: LineRow, state: 'new' | 'known'): void {
  const changing = [
    line.orderRef,
    line.listingRef,
    line.listingText,
    line.channelSku,
    line.taken,
    line.gone,
    line.given,
    line.presumed,
    line.waived,
    line.reportedGone,
    line.allocation,
    line.parts === null ? null : JSON.stringify(line.parts),
    line.soldAt,
    JSON.stringify(line.stages),
  ];
  if (state === 'new') {
    db.sql(
      `insert into line (id, channel_id, line_key, order_ref, listing_ref, listing_text, channel_sku, taken, gone,
         given, presumed, waived, reported_gone, allocation, parts, sold_at, stages)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(line.id, line.channelId, line.lineKey, ...changing);
    return;
  }
  const { changes } = db
    .sql(
      `update line
       set order_ref = ?, listing_ref = ?, listing_text = ?, channel_sku = ?, taken = ?, gone = ?, given = ?,
         presumed = ?, waived = ?, reported_gone = ?, allocation = ?, parts = ?, sold_at = ?, stages = ?, rev = rev + 1
       where id = ? and rev = ?`,
    )
    .run(...changing, line.id, line.rev);
  if (changes !== 1) throw new Error(`line ${line.lineKey} moved while it was decided on`);
  line.rev += 1;
}
