import type { OwnChange } from '../../stock/anchor.ts';
import type { Delta } from '../../stock/level.ts';
import type { Db } from './open.ts';

/** What one transaction gathers before it marks counters due, once each, at its end. */
export interface Tx {
  db: Db;
  now: number;
  /** SKUs whose available moved: every counter that draws on them is due. */
  moved: Set<number>;
  /** SKUs whose available rose: open shortfalls are filled before anything else sees it. */
  risen: Set<number>;
  /** Counters due in their own right (sold on), with the changes that the channel made itself. */
  counters: Map<number, OwnChange[]>;
  /** Open units (taken, not reported gone) that listings of gross channels won or lost. */
  opened: Map<number, number>;
  /** The basis of the channels that were asked for. */
  bases: Map<number, 'net' | 'gross'>;
  /** Channels that were looked up and are there. */
  there: Set<number>;
  /** Levels as this transaction, which excludes every other writer, has them. */
  levels: Map<number, LevelRow>;
  /** Is there any open hold that names an order? Null: not asked yet. */
  anyTied: boolean | null;
  nextEntry: number;
  nextLine: number;
}

/** Begins the bookkeeping of one transaction; nothing of it outlives the transaction. */
export function beginTx(db: Db, now: number): Tx {
  return {
    db,
    now,
    moved: new Set(),
    risen: new Set(),
    counters: new Map(),
    opened: new Map(),
    bases: new Map(),
    there: new Set(),
    levels: new Map(),
    anyTied: null,
    nextEntry: 0,
    nextLine: 0,
  };
}

/** The cause of an entry, for people. */
export interface Cause {
  kind: string;
  occurredAt: number;
  channelId?: number | null;
  orderId?: string | null;
  lineId?: number | null;
  by?: string | null;
  reason?: string | null;
  ref?: string | null;
}

/** A level as it is stored. */
export interface LevelRow {
  sku_id: number;
  counted: number;
  on_hand: number;
  committed: number;
  reserved: number;
  basis: 'shelf' | 'free' | null;
  as_of: number | null;
  found: number;
  last_entry: number | null;
  last_line: number | null;
}

export function levelOf(db: Db, skuId: number): LevelRow {
  const row = db
    .tuples(
      `select counted, on_hand, committed, reserved, basis, as_of, found, last_entry, last_line
       from level
       where sku_id = ?`,
    )
    .get(skuId) as
    | [number, number, number, number, LevelRow['basis'], number | null, number, number | null, number | null]
    | undefined;
  if (row === undefined) throw new Error(`level of SKU id ${skuId} is missing`);
  const [counted, on_hand, committed, reserved, basis, as_of, found, last_entry, last_line] = row;
  return { sku_id: skuId, counted, on_hand, committed, reserved, basis, as_of, found, last_entry, last_line };
}

/** The level as the transaction has it. */
export function levelIn(tx: Tx, skuId: number): LevelRow {
  const known = tx.levels.get(skuId);
  if (known !== undefined) return known;
  const row = levelOf(tx.db, skuId);
  tx.levels.set(skuId, row);
  return row;
}

/** Units of a SKU that nobody has been given or holds. */
export function freeIn(tx: Tx, skuId: number): number {
  const level = levelIn(tx, skuId);
  return level.on_hand - level.committed - level.reserved;
}

/**
 * Moves a level and writes the ledger entry that explains it, or does neither: the statement is conditional, so
 * available, on hand, committed and reserved can never fall below zero, whoever else writes. `chainLine` links a new
 * line into the SKU's chain in the same statement. Answers null when the level does not allow it.
 */
export function moveLevel(
  tx: Tx,
  skuId: number,
  delta: Delta,
  cause: Cause,
  chainLine: number | null = null,
): { after: number; prevLine: number | null } | null {
  const level = levelIn(tx, skuId);
  const entryId = takeEntryId(tx);
  const { changes } = tx.db
    .sql(
      `update level
       set on_hand = on_hand + ?,
         committed = committed + ?,
         reserved = reserved + ?,
         last_entry = ?,
         last_line = coalesce(?, last_line),
         version = version + 1
       where sku_id = ?
         and on_hand + ? - committed - ? - reserved - ? >= 0
         and on_hand + ? >= 0
         and committed + ? >= 0
         and reserved + ? >= 0`,
    )
    .run(
      delta.onHand,
      delta.committed,
      delta.reserved,
      entryId,
      chainLine,
      skuId,
      delta.onHand,
      delta.committed,
      delta.reserved,
      delta.onHand,
      delta.committed,
      delta.reserved,
    );
  if (changes === 0) return null;
  tx.nextEntry += 1;
  const before = { entry: level.last_entry, line: level.last_line };
  level.on_hand += delta.onHand;
  level.committed += delta.committed;
  level.reserved += delta.reserved;
  level.last_entry = entryId;
  level.last_line = chainLine ?? level.last_line;
  const after = level.on_hand - level.committed - level.reserved;
  insertEntry(tx, { id: entryId, skuId, prev: before.entry, delta, after }, cause);
  const change = delta.onHand - delta.committed - delta.reserved;
  if (change !== 0) tx.moved.add(skuId);
  if (change > 0) tx.risen.add(skuId);
  return { after, prevLine: before.line };
}

interface Entry {
  id: number;
  skuId: number;
  prev: number | null;
  delta: Delta;
  after: number;
}

function insertEntry(tx: Tx, { id, skuId, prev, delta, after }: Entry, cause: Cause): void {
  tx.db
    .sql(
      `insert into entry (id, sku_id, prev, kind, on_hand, committed, reserved, after, occurred_at, recorded_at,
         channel_id, order_id, line_id, by, reason, ref)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      id,
      skuId,
      prev,
      cause.kind,
      delta.onHand,
      delta.committed,
      delta.reserved,
      after,
      Math.min(cause.occurredAt, tx.now),
      tx.now,
      cause.channelId ?? null,
      cause.orderId ?? null,
      cause.lineId ?? null,
      cause.by ?? null,
      cause.reason ?? null,
      cause.ref ?? null,
    );
}

function takeEntryId(tx: Tx): number {
  if (tx.nextEntry === 0) {
    const row = tx.db.sql('select coalesce(max(id), 0) + 1 as next from entry').get() as { next: number };
    tx.nextEntry = row.next;
  }
  return tx.nextEntry;
}

/** Ids are given out inside the transaction, which excludes every other writer. */
export function takeLineId(tx: Tx): number {
  if (tx.nextLine === 0) {
    const row = tx.db.sql('select coalesce(max(id), 0) + 1 as next from line').get() as { next: number };
    tx.nextLine = row.next;
  }
  tx.nextLine += 1;
  return tx.nextLine - 1;
}

/** Links a line into a SKU's chain where no level moved. Answers the line before it. */
export function chainLine(tx: Tx, skuId: number, lineId: number): number | null {
  const level = levelIn(tx, skuId);
  const before = level.last_line;
  tx.db.sql('update level set last_line = ? where sku_id = ?').run(lineId, skuId);
  level.last_line = lineId;
  return before;
}
