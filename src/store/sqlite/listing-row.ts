import { levelIn, type Tx } from './ledger.ts';
import type { Db } from './open.ts';

/** What was sold, and what it draws on. `fixed`: made to order, its sales are never short. */
export interface SoldListing {
  id: number;
  listingId: string;
  counterId: number;
  parts: [number, number][] | null;
  fixed: boolean;
}

interface RawSold {
  id: number;
  listing_id: string;
  counter_id: number;
  parts: string | null;
  fixed: number | null;
}

function soldFrom(row: RawSold | undefined): SoldListing | null {
  if (row === undefined) return null;
  return {
    id: row.id,
    listingId: row.listing_id,
    counterId: row.counter_id,
    parts: row.parts === null ? null : (JSON.parse(row.parts) as [number, number][]),
    fixed: row.fixed !== null,
  };
}

/** A listing by its id or an alias, with what it draws on. */
export function listingOf(db: Db, channelId: number, ref: string): SoldListing | null {
  const row =
    db
      .sql(
        'select id, listing_id, counter_id, parts, fixed from listing where channel_id = ? and listing_id = ?',
      )
      .get(channelId, ref) ??
    db
      .sql(
        `select l.id, l.listing_id, l.counter_id, l.parts, l.fixed
         from listing_alias a join listing l on l.id = a.listing_ref
         where a.channel_id = ? and a.alias = ?`,
      )
      .get(channelId, ref);
  return soldFrom(row as RawSold | undefined);
}

/** A listing by its row; null when its channel was removed. */
export function listingById(db: Db, id: number): SoldListing | null {
  const row = db.sql('select id, listing_id, counter_id, parts, fixed from listing where id = ?').get(id);
  return soldFrom(row as RawSold | undefined);
}

/** Without SKUs a sale waits for the mapping, without their counts for those; made to order needs neither. */
export function allocationOf(
  tx: Tx,
  parts: readonly [number, number][] | null,
  fixed: boolean,
): 'unmapped' | 'uncounted' | 'held' {
  if (parts === null || parts.length === 0) return fixed ? 'held' : 'unmapped';
  return parts.every(([skuId]) => levelIn(tx, skuId).counted === 1) ? 'held' : 'uncounted';
}
