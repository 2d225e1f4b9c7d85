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

const columns = 'l.id, l.listing_id, l.counter_id, l.parts, l.fixed';
type RawSold = [id: number, listingId: string, counterId: number, parts: string | null, fixed: number | null];

function soldFrom(row: unknown): SoldListing | null {
  if (row === undefined) return null;
  const [id, listingId, counterId, parts, fixed] = row as RawSold;
  return {
    id,
    listingId,
    counterId,
    parts: parts === null ? null : (JSON.parse(parts) as [number, number][]),
    fixed: fixed !== null,
  };
}

const byId = `select ${columns} from listing l where l.channel_id = ? and l.listing_id = ?`;
const byAlias = `select ${columns}
  from listing_alias a join listing l on l.id = a.listing_ref
  where a.channel_id = ? and a.alias = ?`;
const byRow = `select ${columns} from listing l where l.id = ?`;

/** A listing by its id or an alias, with what it draws on. */
export function listingOf(db: Db, channelId: number, ref: string): SoldListing | null {
  return soldFrom(db.tuples(byId).get(channelId, ref) ?? db.tuples(byAlias).get(channelId, ref));
}

/** A listing by its row; null when an older version removed its channel. */
export function listingById(db: Db, id: number): SoldListing | null {
  return soldFrom(db.tuples(byRow).get(id));
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
