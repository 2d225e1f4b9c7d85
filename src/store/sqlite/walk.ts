import type { Listing } from '../../channels/channel.ts';
import { soundSku } from '../../stock/sku.ts';
import type { Actor, Replacement } from '../store.ts';
import { fillShortfalls } from './docket.ts';
import { beginTx } from './ledger.ts';
import { type MappedListing, mapListing, mappedColumns, startWaiting, touchCounter } from './mapping.ts';
import { markDue } from './mark.ts';
import type { Db } from './open.ts';
import { skuIdOf } from './sku.ts';
import { partsText, recipeOf } from './sku-doubt.ts';
import { closeUnmapped } from './unmapped.ts';

/** See `ListingStore.upsert`. */
export function upsertListings(db: Db, channelId: number, listings: Listing[], now: number): void {
  const mapped: MappedListing[] = [];
  for (const listing of listings) {
    const counterId = counterOf(db, channelId, listing.counterKey);
    const before = db
      .sql('select counter_id, channel_sku, vanished from listing where channel_id = ? and listing_id = ?')
      .get(channelId, listing.listingId) as Before | undefined;
    const row = saveListing(db, channelId, counterId, { listing, now });
    saveAliases(db, channelId, row.id, listing.aliases);
    if (before !== undefined) noteReturn(db, before, { counterId, channelSku: listing.channelSku, now });
    if (row.parts !== null || row.fixed !== null) mapped.push(row);
  }
  startNamed(db, channelId, mapped, now);
}

interface Before {
  counter_id: number;
  channel_sku: string | null;
  vanished: number;
}

function saveListing(
  db: Db,
  channelId: number,
  counterId: number,
  { listing, now }: { listing: Listing; now: number },
): MappedListing {
  return db
    .sql(
      `insert into listing (channel_id, listing_id, counter_id, channel_sku, sku, title, aliases, facts, unwritable, ambiguous, seen_at)
       values (@channelId, @listingId, @counterId, @channelSku, @sku, @title, @aliases, @facts, @unwritable, @ambiguous, @now)
       on conflict (channel_id, listing_id) do update
       set counter_id = excluded.counter_id, channel_sku = excluded.channel_sku, sku = excluded.sku,
         title = excluded.title, aliases = excluded.aliases, facts = excluded.facts,
         unwritable = excluded.unwritable, ambiguous = excluded.ambiguous, seen_at = excluded.seen_at,
         vanished = 0, heir = null
       returning ${mappedColumns}`,
    )
    .get({
      channelId,
      listingId: listing.listingId,
      counterId,
      channelSku: listing.channelSku,
      sku: soundSku(listing.channelSku),
      title: listing.title,
      aliases: JSON.stringify(listing.aliases),
      facts: JSON.stringify(listing.facts),
      unwritable: listing.unwritable,
      ambiguous: listing.ambiguous ? 1 : 0,
      now,
    }) as MappedListing;
}

function saveAliases(db: Db, channelId: number, listingRowId: number, aliases: string[]): void {
  for (const alias of aliases) {
    db.sql(
      `insert into listing_alias (channel_id, alias, listing_ref) values (?, ?, ?)
       on conflict (channel_id, alias) do update set listing_ref = excluded.listing_ref`,
    ).run(channelId, alias, listingRowId);
  }
}

/**
 * A listing that is back under its old id, that moved to another number or that has another SKU is looked at by the
 * pusher. While it was gone nobody knows what its number did.
 */
function noteReturn(
  db: Db,
  before: Before,
  after: { counterId: number; channelSku: string | null; now: number },
): void {
  const { counterId, now } = after;
  const isBack = before.vanished === 1;
  if (isBack) db.sql("update counter set anchor_number = null, own = '[]' where id = ?").run(counterId);
  const moved = before.counter_id !== counterId;
  if (isBack || moved || before.channel_sku !== after.channelSku) touchCounter(db, counterId, now);
  if (moved) touchCounter(db, before.counter_id, now);
}

/** Sales under a name that now belongs to a mapped listing count, as they would have at the mapping. */
function startNamed(db: Db, channelId: number, mapped: MappedListing[], now: number): void {
  if (mapped.length === 0) return;
  const waits = db
    .sql("select 1 from line where channel_id = ? and allocation = 'unmapped' limit 1")
    .get(channelId);
  if (waits === undefined) return;
  const tx = beginTx(db, now);
  let lines = 0;
  for (const row of mapped) lines += startWaiting(tx, row).lines;
  if (lines === 0) return;
  fillShortfalls(tx);
  markDue(tx);
  closeUnmapped(db, channelId, now);
}

function counterOf(db: Db, channelId: number, counterKey: string): number {
  const known = db
    .sql('select id from counter where channel_id = ? and counter_key = ?')
    .get(channelId, counterKey) as { id: number } | undefined;
  if (known !== undefined) return known.id;
  return Number(
    db.sql('insert into counter (channel_id, counter_key) values (?, ?)').run(channelId, counterKey)
      .lastInsertRowid,
  );
}

/** See `ListingStore.finishWalk`. */
export function finishWalk(
  db: Db,
  channelId: number,
  walkBegan: number,
): { present: number; vanished: number } {
  const gone = db
    .sql('select listing_id from listing where channel_id = ? and seen_at < ? and vanished = 0')
    .pluck()
    .all(channelId, walkBegan) as string[];
  markGone(db, channelId, gone);
  const row = db
    .sql('select count(*) as present from listing where channel_id = ? and vanished = 0')
    .get(channelId) as { present: number };
  return { present: row.present, vanished: gone.length };
}

/**
 * See `ListingStore.gone`. A number that others share is theirs alone from now on; one that nothing shows any more is not
 * due, dead or exposed.
 */
export function markGone(db: Db, channelId: number, listingIds: string[]): void {
  for (const listingId of listingIds) {
    const counterId = db
      .sql('update listing set vanished = 1 where channel_id = ? and listing_id = ? returning counter_id')
      .pluck()
      .get(channelId, listingId) as number | undefined;
    if (counterId === undefined) continue;
    const left = db.sql('select 1 from listing where counter_id = ? and vanished = 0 limit 1').get(counterId);
    if (left === undefined) restCounter(db, counterId);
    else db.sql('update counter set version = version + 1 where id = ?').run(counterId);
  }
}

function restCounter(db: Db, counterId: number): void {
  db.sql(
    `update counter
     set done_version = version, attempts = 0, dead = 0, exposed = 0, error = null, low_since = null, low_number = null,
       read_shown = null, read_asked = null, read_answered = null, read_cause = null
     where id = ?`,
  ).run(counterId);
}

interface Heir {
  id: number;
  listing_id: string;
  sku: string | null;
  gone_id: number;
  gone_listing_id: string;
  parts: string | null;
  mapped_by: 'name' | 'sku' | null;
}

/** See `ListingStore.heirs`. */
export function mappingsOfHeirs(
  db: Db,
  channelId: number,
): { listingRowId: number; parts: { sku: string; units: number }[] }[] {
  const found = new Map<number, { sku: string; units: number }[]>();
  for (const heir of heirsOf(db, channelId))
    if (!found.has(heir.id)) found.set(heir.id, recipeOf(db, heir.parts ?? '[]'));
  return [...found].map(([listingRowId, parts]) => ({ listingRowId, parts }));
}

/**
 * See `ListingStore.succeed`. The heir of a listing that is gone is the one new listing with its SKU, or with one of
 * its other ids; it takes over the mapping and the settings, and the sales of each stay its own.
 */
export function succeedListings(db: Db, channelId: number, actor: Actor, now: number): Replacement[] {
  const replaced: Replacement[] = [];
  const taken = new Set<number>();
  for (const heir of heirsOf(db, channelId)) {
    if (taken.has(heir.id) || taken.has(heir.gone_id)) continue;
    taken.add(heir.id).add(heir.gone_id);
    db.sql(
      `update listing
       set (mode, buffer, percent, max, fixed) = (select mode, buffer, percent, max, fixed from listing where id = @gone)
       where id = @id`,
    ).run({ id: heir.id, gone: heir.gone_id });
    db.sql('update listing set heir = ? where id = ?').run(heir.id, heir.gone_id);
    if (heir.parts !== null) {
      mapListing(db, heir.id, recipeOf(db, heir.parts), actor, now, reasonOf(db, heir));
    }
    replaced.push({
      gone: heir.gone_listing_id,
      heir: heir.listing_id,
      parts: heir.parts === null ? '' : partsText(db, heir.parts),
    });
  }
  return replaced;
}

/** An inherited mapping rests on the SKU only where the heir has that SKU too. */
function reasonOf(db: Db, { sku, parts, mapped_by }: Heir): 'name' | 'sku' {
  const skuId = sku === null ? null : skuIdOf(db, sku);
  const same = (JSON.parse(parts ?? '[]') as [number, number][]).some(([part]) => part === skuId);
  return mapped_by === 'sku' && same ? 'sku' : 'name';
}

/** Those seen last come first. The few that are gone are looked at first, then what has their names. */
function heirsOf(db: Db, channelId: number): Heir[] {
  const free = `h.channel_id = @channelId and h.vanished = 0 and h.parts is null and h.fixed is null and h.mode = 'on'
    and h.ambiguous = 0`;
  const gone = `g.channel_id = @channelId and g.vanished = 1 and g.heir is null
    and (g.parts is not null or g.fixed is not null)`;
  const columns = `h.id as id, h.listing_id, h.sku, g.id as gone_id, g.listing_id as gone_listing_id, g.parts, g.mapped_by,
    g.seen_at as seen_at`;
  return db
    .sql(
      `select ${columns}
       from listing g cross join listing h on h.channel_id = @channelId and h.sku = g.sku
       where ${free} and ${gone}
         and not exists (
           select 1 from listing o
           where o.channel_id = h.channel_id and o.sku = h.sku and o.vanished = 0 and o.counter_id <> h.counter_id)
       union
       select ${columns}
       from listing g
       cross join json_each(g.aliases) a
       cross join listing_alias n on n.channel_id = @channelId and n.alias = a.value
       cross join listing h on h.id = n.listing_ref
       where ${free} and ${gone} and (h.sku is null or g.sku is null or h.sku = g.sku)
       order by seen_at desc, id`,
    )
    .all({ channelId }) as Heir[];
}

/** See `ListingStore.adopt`. Nothing is ever pushed to it. */
export function adoptListing(db: Db, channelId: number, name: string, now: number): void {
  const counterId = counterOf(db, channelId, name);
  db.sql(
    `insert into listing (channel_id, listing_id, counter_id, title, aliases, facts, seen_at, vanished)
     values (?, ?, ?, ?, '[]', 'null', ?, 1)
     on conflict (channel_id, listing_id) do nothing`,
  ).run(channelId, name, counterId, name, now);
}
