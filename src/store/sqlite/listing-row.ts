import type { Tx } from './ledger.ts';

/** What was sold, and what it draws on. `fixed`: made to order, its sales are never short. */
export interface SoldListing {
  id: number;
  listingId: string;
  counterId: number;
  parts: [number, number][] | null;
  fixed: boolean;
}

/** A listing by its id or an alias, with what it draws on. */
export function listingOf(tx: Tx, channelId: number, ref: string): SoldListing | null {
  const row = (tx.db
    .sql(
      'select id, listing_id, counter_id, parts, fixed from listing where channel_id = ? and listing_id = ?',
    )
    .get(channelId, ref) ??
    tx.db
      .sql(
        `select l.id, l.listing_id, l.counter_id, l.parts, l.fixed
         from listing_alias a join listing l on l.id = a.listing_ref
         where a.channel_id = ? and a.alias = ?`,
      )
      .get(channelId, ref)) as
    | { id: number; listing_id: string; counter_id: number; parts: string | null; fixed: number | null }
    | undefined;
  if (row === undefined) return null;
  return {
    id: row.id,
    listingId: row.listing_id,
    counterId: row.counter_id,
    parts: row.parts === null ? null : (JSON.parse(row.parts) as [number, number][]),
    fixed: row.fixed !== null,
  };
}

/** Made to order (`fixed`) still draws on its SKUs; without parts there is nothing to draw on. */
export function allocationOf(tx: Tx, parts: [number, number][] | null): 'unmapped' | 'uncounted' | 'held' {
  if (parts === null || parts.length === 0) return 'unmapped';
  for (const [skuId] of parts) {
    const row = tx.db.sql('select counted from level where sku_id = ?').get(skuId) as { counted: number };
    if (row.counted === 0) return 'uncounted';
  }
  return 'held';
}
