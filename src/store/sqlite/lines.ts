import { type Baseline, deltaOf, type LineMove } from '../../stock/level.ts';
import { type Allocation, keptOf, type Stage } from '../../stock/line.ts';
import { type Cause, chainLine, type LevelRow, levelOf, moveLevel, type Tx } from './ledger.ts';
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
    rev: raw.rev,
  };
}

export function lineById(db: Db, id: number): LineRow | null {
  const raw = db.sql(`select ${columns} from line where id = ?`).get(id) as RawLine | undefined;
  return raw === undefined ? null : lineFrom(raw);
}

export function lineByKey(db: Db, channelId: number, lineKey: string): LineRow | null {
  const raw = db
    .sql(`select ${columns} from line where channel_id = ? and line_key = ?`)
    .get(channelId, lineKey) as RawLine | undefined;
  return raw === undefined ? null : lineFrom(raw);
}

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

/** Every line that ever drew on a SKU, newest first, by walking its chain. */
export function linesOfSku(db: Db, skuId: number): LineRow[] {
  const lines: LineRow[] = [];
  let at = levelOf(db, skuId).last_line;
  while (at !== null) {
    const line = lineById(db, at);
    if (line === null) break;
    lines.push(line);
    at = line.parts?.find(([part]) => part === skuId)?.[2] ?? null;
  }
  return lines;
}

/**
 * Writes a line: inserts a new one, or updates the one that was read. The revision guards against a second writer
 * that decided on the same state; it throws, and the whole order is decided again.
 */
export function saveLine(db: Db, line: LineRow, isNew: boolean): void {
  const parts = line.parts === null ? null : JSON.stringify(line.parts);
  const stages = JSON.stringify(line.stages);
  if (isNew) {
    db.sql(
      `insert into line (id, channel_id, line_key, order_ref, listing_ref, listing_text, channel_sku, taken, gone,
         given, presumed, waived, reported_gone, allocation, parts, sold_at, stages)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      line.id,
      line.channelId,
      line.lineKey,
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
      parts,
      line.soldAt,
      stages,
    );
    return;
  }
  const { changes } = db
    .sql(
      `update line
       set order_ref = ?, listing_ref = ?, listing_text = ?, channel_sku = ?, taken = ?, gone = ?, given = ?,
         presumed = ?, waived = ?, reported_gone = ?, allocation = ?, parts = ?, sold_at = ?, stages = ?, rev = rev + 1
       where id = ? and rev = ?`,
    )
    .run(
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
      parts,
      line.soldAt,
      stages,
      line.id,
      line.rev,
    );
  if (changes !== 1) throw new Error(`line ${line.lineKey} moved while it was decided on`);
  line.rev += 1;
}

/** What a held line shall keep, and when the changes happened. */
export interface Wanted {
  taken: number;
  gone: number;
  takenAt: number;
  goneAt: number;
}

/** Facts for the entries of one line's change. */
export type LineCause = Omit<Cause, 'kind' | 'occurredAt' | 'lineId'>;

/**
 * Brings a held line to what the channel shows: gives back first, then takes what is there by a conditional
 * statement, then ships. What a count already knew does not act again (`deltaOf`). Changes `line` in memory; the
 * caller saves it. `chain`: the line is new and joins its SKUs' chains.
 */
export function allocate(tx: Tx, line: LineRow, wanted: Wanted, cause: LineCause, chain: boolean): void {
  const parts = line.parts ?? [];
  const levels = parts.map(([skuId]) => levelOf(tx.db, skuId));
  const kept = keptOf(line.given, { taken: wanted.taken, gone: Math.min(wanted.gone, line.given) });

  if (kept < line.given || wanted.gone < line.gone) {
    const goneBack = Math.max(0, line.gone - wanted.gone);
    const givenBack = line.given - kept;
    const returned = Math.min(goneBack, givenBack);
    move(tx, line, levels, { given: -returned, gone: -returned }, wanted, { ...cause, kind: 'return' });
    move(tx, line, levels, { given: -(givenBack - returned), gone: 0 }, wanted, {
      ...cause,
      kind: 'release',
    });
    move(tx, line, levels, { given: 0, gone: -(goneBack - returned) }, wanted, {
      ...cause,
      kind: 'unshipped',
    });
  }

  const rise = Math.max(0, wanted.taken - Math.max(line.taken, line.given));
  const known = knownByCount(levels, wanted, rise, Math.max(0, wanted.gone - line.gone));
  if (known.free > 0)
    move(tx, line, levels, { given: known.free, gone: 0 }, wanted, { ...cause, kind: 'sale' });
  if (known.shipped > 0)
    move(tx, line, levels, { given: known.shipped, gone: known.shipped }, wanted, { ...cause, kind: 'sale' });
  const need = rise - known.free - known.shipped;
  const waiting = chain ? line.id : null;
  const got = need > 0 ? take(tx, line, need, wanted.takenAt, { ...cause, kind: 'sale' }, waiting) : 0;
  if (chain && got === 0) joinChains(tx, line);

  line.taken = wanted.taken;
  const found = Math.max(0, wanted.gone - line.given);
  if (found > 0) {
    book(
      tx,
      line,
      parts,
      { onHand: found, committed: 0 },
      { ...cause, kind: 'found', occurredAt: wanted.goneAt },
    );
    book(
      tx,
      line,
      parts,
      { onHand: -found, committed: 0 },
      { ...cause, kind: 'shipment', occurredAt: wanted.goneAt },
    );
    line.given += found;
    line.gone += found;
  }
  const shipped = wanted.gone - line.gone;
  if (shipped > 0)
    move(tx, line, levels, { given: 0, gone: shipped }, wanted, { ...cause, kind: 'shipment' });
  line.gone = wanted.gone;
}

/**
 * Units whose taking a count already contains. Basis free: everything sold before it counts as given then. Basis
 * shelf: what had left the shelf before it was not counted.
 */
function knownByCount(
  levels: LevelRow[],
  wanted: Wanted,
  rise: number,
  shipping: number,
): { free: number; shipped: number } {
  if (rise === 0 || levels.length === 0) return { free: 0, shipped: 0 };
  const soldBefore = levels.every((level) => level.basis === 'free' && wanted.takenAt <= (level.as_of ?? 0));
  if (soldBefore) return { free: rise, shipped: 0 };
  const goneBefore = levels.every((level) => level.basis === 'shelf' && wanted.goneAt <= (level.as_of ?? 0));
  return { free: 0, shipped: goneBefore ? Math.min(rise, shipping) : 0 };
}

/** Moves given and gone of the line by so many listing units, on every SKU that it draws on. */
function move(
  tx: Tx,
  line: LineRow,
  levels: LevelRow[],
  change: { given: number; gone: number },
  wanted: Wanted,
  cause: Omit<Cause, 'occurredAt'>,
): void {
  if (change.given === 0 && change.gone === 0) return;
  for (const level of levels) {
    const units = line.parts?.find(([skuId]) => skuId === level.sku_id)?.[1] ?? 1;
    const baseline: Baseline = { asOf: level.as_of ?? 0, basis: level.basis ?? 'shelf' };
    const lineMove: LineMove = {
      given: change.given * units,
      givenAt: wanted.takenAt,
      gone: change.gone * units,
      goneAt: wanted.goneAt,
    };
    const delta = deltaOf(baseline, lineMove);
    const occurredAt = change.given === 0 ? wanted.goneAt : wanted.takenAt;
    const facts: Cause = { ...cause, occurredAt, lineId: line.id };
    if (moveLevel(tx, level.sku_id, delta, facts) !== null) continue;
    // The count knew fewer pieces than the channel now says are there: what is missing turned up.
    const missing = delta.committed + delta.reserved - delta.onHand;
    moveLevel(
      tx,
      level.sku_id,
      { onHand: Math.max(missing, -delta.onHand), committed: 0, reserved: 0 },
      { ...facts, kind: 'found' },
    );
    if (moveLevel(tx, level.sku_id, delta, facts) === null)
      throw new Error(`level of SKU id ${level.sku_id} refuses ${cause.kind}`);
  }
  line.given += change.given;
  line.gone += change.gone;
}

function book(
  tx: Tx,
  line: LineRow,
  parts: LinePart[],
  change: { onHand: number; committed: number },
  cause: Cause,
): void {
  for (const [skuId, units] of parts) {
    const delta = { onHand: change.onHand * units, committed: change.committed * units, reserved: 0 };
    moveLevel(tx, skuId, delta, { ...cause, lineId: line.id });
  }
}

/**
 * Takes up to `want` listing units: whole bundles only, each SKU by one conditional statement that cannot bring
 * available below zero. Answers what it got and raises `line.given`. `chain` joins the SKUs' chains on the way.
 */
export function take(
  tx: Tx,
  line: LineRow,
  want: number,
  occurredAt: number,
  cause: Omit<Cause, 'occurredAt'>,
  chain: number | null,
): number {
  const parts = line.parts ?? [];
  const [only] = parts;
  const got =
    parts.length === 1 && only !== undefined ? takeOne(tx, only, want) : wholeBundles(tx, parts, want);
  if (got === 0) return 0;
  for (const part of parts) {
    const [skuId, units] = part;
    const delta = { onHand: 0, committed: got * units, reserved: 0 };
    const moved = moveLevel(tx, skuId, delta, { ...cause, occurredAt, lineId: line.id }, chain);
    if (moved === null) throw new Error(`SKU id ${skuId} was taken by another writer`);
    if (chain !== null) part[2] = moved.prevLine;
  }
  line.given += got;
  return got;
}

/** How many of `want` a single SKU can give now. */
function takeOne(tx: Tx, [skuId, units]: LinePart, want: number): number {
  const row = tx.db
    .sql('select on_hand - committed - reserved as free from level where sku_id = ?')
    .get(skuId) as { free: number };
  return Math.min(want, Math.floor(row.free / units));
}

function wholeBundles(tx: Tx, parts: readonly LinePart[], want: number): number {
  return parts.reduce((least, part) => Math.min(least, takeOne(tx, part, want)), want);
}

/** Links a line that was given nothing yet into the chains of its SKUs. */
export function joinChains(tx: Tx, line: LineRow): void {
  for (const part of line.parts ?? []) part[2] = chainLine(tx, part[0], line.id);
}
