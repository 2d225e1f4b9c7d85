import { recipeText } from '../../stock/listing.ts';
import type { Offer } from '../../stock/target.ts';
import type { Actor, ListingMode, MappingEffect } from '../store.ts';
import { joinChains, waive } from './allocate.ts';
import { listingSubject, noteDeed } from './deeds.ts';
import { fillShortfalls, keepDocket, orderOf } from './docket.ts';
import { doubtMapped } from './doubt.ts';
import { beginTx, type Tx } from './ledger.ts';
import { type LinePart, lineById, linesUnmapped, saveLine } from './lines.ts';
import { allocationOf } from './listing-row.ts';
import { dueSince, markDue, noteOpened } from './mark.ts';
import type { Db } from './open.ts';
import { createSku, skuIdOf } from './sku.ts';
import { reasonGone } from './sku-doubt.ts';
import { closeUnmapped } from './unmapped.ts';
import { startLine, unitsSinceCount } from './waiting.ts';

/** Maps (or remaps) a listing. Waiting sales count by the baseline rule; lines that were given keep their SKUs. */
export function mapListing(
  db: Db,
  listingRowId: number,
  parts: { sku: string; units: number }[],
  actor: Actor,
  now: number,
  reason: 'name' | 'sku' = 'name',
): MappingEffect | { unknownSku: string } {
  const recipe = new Map<number, number>();
  for (const { sku, units } of parts) {
    const skuId = skuIdOf(db, sku);
    if (skuId === null) return { unknownSku: sku };
    recipe.set(skuId, (recipe.get(skuId) ?? 0) + units);
  }
  // One fixed order in which SKUs are locked, whatever the recipe says first.
  const resolved = [...recipe].sort((a, b) => a[0] - b[0]);
  const tx = beginTx(db, now);
  setParts(db, listingRowId, resolved, reason);
  const row = db.sql(`select ${mappedColumns} from listing where id = ?`).get(listingRowId) as MappedListing;
  const detail = recipeText(parts);
  noteDeed(db, actor, { verb: 'map', subject: listingSubject(db, listingRowId), detail }, now);
  tx.counters.set(row.counter_id, []);
  const started = startWaiting(tx, row);
  fillShortfalls(tx);
  markDue(tx);
  closeUnmapped(db, row.channel_id, now);
  closeChanged(db, row.channel_id, now);
  return { listingId: row.listing_id, channelSku: row.channel_sku, parts, ...started };
}

/** The alert of changed SKUs ends with the last listing that a person has decided on. */
function closeChanged(db: Db, channelId: number, now: number): void {
  db.sql(
    `update alert
     set resolved_at = ?
     where kind = 'sku_changed' and channel_id = ? and resolved_at is null
       and not exists (select 1 from listing l where l.channel_id = alert.channel_id and ${reasonGone})`,
  ).run(now, channelId);
}

function setParts(
  db: Db,
  listingRowId: number,
  parts: [number, number][] | null,
  reason: 'name' | 'sku' | null,
): void {
  db.sql('delete from listing_part where listing_ref = ?').run(listingRowId);
  for (const [skuId, units] of parts ?? []) {
    db.sql('insert into listing_part (sku_id, listing_ref, units) values (?, ?, ?)').run(
      skuId,
      listingRowId,
      units,
    );
  }
  db.sql('update listing set parts = ?, mapped_by = ? where id = ?').run(
    parts === null ? null : JSON.stringify(parts),
    reason,
    listingRowId,
  );
}

/** A listing with what a mapping needs to know of it. */
export interface MappedListing {
  id: number;
  channel_id: number;
  listing_id: string;
  channel_sku: string | null;
  counter_id: number;
  parts: string | null;
  fixed: number | null;
}

export const mappedColumns = 'id, channel_id, listing_id, channel_sku, counter_id, parts, fixed';

/** Sales that waited under one of the listing's names act now, as if learned just now. */
export function startWaiting(tx: Tx, listing: MappedListing): { lines: number; units: number } {
  const parts = listing.parts === null ? null : (JSON.parse(listing.parts) as [number, number][]);
  const aliases = tx.db
    .sql('select alias from listing_alias where channel_id = ? and listing_ref = ?')
    .all(listing.channel_id, listing.id) as { alias: string }[];
  const names = new Set([listing.listing_id, ...aliases.map((row) => row.alias)]);
  const waiting = [...names].flatMap((text) => linesUnmapped(tx.db, listing.channel_id, text));
  waiting.sort((a, b) => a.soldAt - b.soldAt || a.id - b.id);
  let units = 0;
  for (const line of waiting) {
    if (line.listingRef === null) {
      const open = line.taken - line.reportedGone;
      noteOpened(tx, listing.channel_id, listing.id, open);
    }
    line.listingRef = listing.id;
    line.listingText = listing.listing_id;
    line.parts = parts?.map(([skuId, per]): LinePart => [skuId, per, null]) ?? null;
    line.allocation = allocationOf(tx, parts, listing.fixed !== null);
    if (line.allocation === 'held') startLine(tx, line, 'joins');
    else {
      if (line.allocation === 'uncounted') joinChains(tx, line);
      saveLine(tx.db, line, 'known');
    }
    doubtMapped(tx, line);
    units += unitsSinceCount(tx, line);
  }
  return { lines: waiting.length, units };
}

/** Future sales wait for a mapping again; lines that were given keep their SKUs. */
export function unmapListing(db: Db, listingRowId: number, actor: Actor, now: number): void {
  noteDeed(db, actor, { verb: 'unmap', subject: listingSubject(db, listingRowId), detail: '' }, now);
  setParts(db, listingRowId, null, null);
  const row = db.sql(`select ${mappedColumns} from listing where id = ?`).get(listingRowId) as MappedListing;
  touchCounter(db, row.counter_id, now);
  closeChanged(db, row.channel_id, now);
}

export function touchCounter(db: Db, counterId: number, now: number): void {
  db.sql(
    `update counter set ${dueSince('@now')}, version = version + 1, due_at = @now, dead = 0, attempts = 0
     where id = @counterId`,
  ).run({ now, counterId });
}

/** See `ListingStore.set`. */
export function setListing(
  db: Db,
  listingRowId: number,
  settings: { mode?: ListingMode; offer?: Partial<Offer>; fixed?: number | null },
  actor: Actor,
  now: number,
): void {
  const detail = JSON.stringify({ ...settings.offer, mode: settings.mode, fixed: settings.fixed });
  noteDeed(db, actor, { verb: 'set', subject: listingSubject(db, listingRowId), detail }, now);
  if (settings.mode !== undefined)
    db.sql('update listing set mode = ? where id = ?').run(settings.mode, listingRowId);
  if (settings.fixed !== undefined)
    db.sql('update listing set fixed = ? where id = ?').run(settings.fixed, listingRowId);
  for (const key of ['buffer', 'percent', 'max'] as const) {
    const value = settings.offer?.[key];
    if (value !== undefined) db.sql(`update listing set ${key} = ? where id = ?`).run(value, listingRowId);
  }
  const row = db.sql(`select ${mappedColumns} from listing where id = ?`).get(listingRowId) as MappedListing;
  touchCounter(db, row.counter_id, now);
  if (row.fixed !== null) makeToOrder(db, row, now);
  closeChanged(db, row.channel_id, now);
}

/** Made to order from now on: sales that waited for a mapping need none, and none is short any more. */
function makeToOrder(db: Db, row: MappedListing, now: number): void {
  const tx = beginTx(db, now);
  startWaiting(tx, row);
  const short = db
    .sql(
      "select l.id from docket d join line l on l.id = d.line_id where d.status = 'open' and l.listing_ref = ?",
    )
    .pluck()
    .all(row.id) as number[];
  for (const id of short) {
    const line = lineById(db, id);
    if (line === null) continue;
    waive(tx, line, line.taken - line.given);
    saveLine(db, line, 'known');
    keepDocket(tx, line, orderOf(tx, line.orderRef), 'sale');
  }
  markDue(tx);
  closeUnmapped(db, row.channel_id, now);
}

/** Makes an uncounted SKU unless the code is known. */
export function makeSku(db: Db, code: string, actor: Actor, now: number): void {
  if (skuIdOf(db, code) !== null) return;
  createSku(db, code, now);
  noteDeed(db, actor, { verb: 'create', subject: code, detail: '' }, now);
}
