import type { Json, Listing, ListingRef } from '../../channels/channel.ts';
import type { Offer } from '../../stock/target.ts';
import type { Actor, ListingMode, ListingRow, MappingEffect } from '../store.ts';
import { joinChains } from './allocate.ts';
import { listingSubject, noteDeed } from './deeds.ts';
import { fillShortfalls } from './docket.ts';
import { doubtMapped } from './doubt.ts';
import { beginTx, type Tx } from './ledger.ts';
import { linesUnmapped, saveLine } from './lines.ts';
import { allocationOf } from './listing-row.ts';
import { markDue, noteOpened } from './mark.ts';
import type { Db } from './open.ts';
import { codeOf, createSku, skuIdOf } from './sku.ts';
import { settleUnmapped } from './unmapped.ts';
import { startLine, unitsSinceCount } from './waiting.ts';

/** See `ListingStore.upsert`. */
export function upsertListings(db: Db, channelId: number, listings: Listing[], now: number): void {
  for (const listing of listings) {
    const counterId = counterOf(db, channelId, listing.counterKey);
    const row = db
      .sql(
        `insert into listing (channel_id, listing_id, counter_id, channel_sku, title, aliases, facts, unwritable, ambiguous, seen_at)
         values (@channelId, @listingId, @counterId, @channelSku, @title, @aliases, @facts, @unwritable, @ambiguous, @now)
         on conflict (channel_id, listing_id) do update
         set counter_id = excluded.counter_id, channel_sku = excluded.channel_sku, title = excluded.title,
           aliases = excluded.aliases, facts = excluded.facts, unwritable = excluded.unwritable,
           ambiguous = excluded.ambiguous, seen_at = excluded.seen_at, vanished = 0
         returning id`,
      )
      .get({
        channelId,
        listingId: listing.listingId,
        counterId,
        channelSku: listing.channelSku,
        title: listing.title,
        aliases: JSON.stringify(listing.aliases),
        facts: JSON.stringify(listing.facts),
        unwritable: listing.unwritable,
        ambiguous: listing.ambiguous ? 1 : 0,
        now,
      }) as { id: number };
    for (const alias of listing.aliases) {
      db.sql(
        `insert into listing_alias (channel_id, alias, listing_ref) values (?, ?, ?)
         on conflict (channel_id, alias) do update set listing_ref = excluded.listing_ref`,
      ).run(channelId, alias, row.id);
    }
  }
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
    .sql('select listing_id as id from listing where channel_id = ? and seen_at < ? and vanished = 0')
    .all(channelId, walkBegan) as { id: string }[];
  markGone(
    db,
    channelId,
    gone.map(({ id }) => id),
  );
  const row = db
    .sql('select count(*) as present from listing where channel_id = ? and vanished = 0')
    .get(channelId) as { present: number };
  return { present: row.present, vanished: gone.length };
}

/** See `ListingStore.gone`. A number that others share is theirs alone from now on. */
export function markGone(db: Db, channelId: number, listingIds: string[]): void {
  for (const listingId of listingIds) {
    const row = db
      .sql(
        'update listing set vanished = 1 where channel_id = ? and listing_id = ? returning counter_id as counter',
      )
      .get(channelId, listingId) as { counter: number } | undefined;
    if (row === undefined) continue;
    db.sql(
      `update counter set version = version + 1
       where id = @id and exists (select 1 from listing where counter_id = @id and vanished = 0)`,
    ).run({ id: row.counter });
  }
}

interface RawRef {
  listing_id: string;
  counter_key: string;
  channel_sku: string | null;
  facts: string;
}

/** Facts by listing id or alias. */
export function listingRefs(db: Db, channelId: number, refs: string[]): Map<string, ListingRef> {
  const found = new Map<string, ListingRef>();
  for (const ref of refs) {
    const raw = (db
      .sql(
        `select l.listing_id, c.counter_key, l.channel_sku, l.facts
         from listing l join counter c on c.id = l.counter_id
         where l.channel_id = ? and l.listing_id = ?`,
      )
      .get(channelId, ref) ??
      db
        .sql(
          `select l.listing_id, c.counter_key, l.channel_sku, l.facts
           from listing_alias a join listing l on l.id = a.listing_ref join counter c on c.id = l.counter_id
           where a.channel_id = ? and a.alias = ?`,
        )
        .get(channelId, ref)) as RawRef | undefined;
    if (raw === undefined) continue;
    found.set(ref, {
      listingId: raw.listing_id,
      counterKey: raw.counter_key,
      channelSku: raw.channel_sku,
      facts: JSON.parse(raw.facts) as Json,
    });
  }
  return found;
}

interface RawListing {
  id: number;
  channel: string;
  channel_id: number;
  listing_id: string;
  counter_id: number;
  counter_key: string;
  channel_sku: string | null;
  title: string;
  parts: string | null;
  mode: ListingMode;
  buffer: number | null;
  percent: number | null;
  max: number | null;
  fixed: number | null;
  unwritable: string | null;
  ambiguous: number;
  vanished: number;
}

const listingSelect = `select l.id, ch.name as channel, l.channel_id, l.listing_id, l.counter_id, c.counter_key,
    l.channel_sku, l.title, l.parts, l.mode, l.buffer, l.percent, l.max, l.fixed, l.unwritable, l.ambiguous, l.vanished
  from listing l join channel ch on ch.id = l.channel_id join counter c on c.id = l.counter_id`;

function listingFrom(db: Db, raw: RawListing): ListingRow {
  const parts = raw.parts === null ? [] : (JSON.parse(raw.parts) as [number, number][]);
  return {
    id: raw.id,
    channel: raw.channel,
    channelId: raw.channel_id,
    listingId: raw.listing_id,
    counterId: raw.counter_id,
    counterKey: raw.counter_key,
    channelSku: raw.channel_sku,
    title: raw.title,
    parts: parts.map(([skuId, units]) => ({ sku: codeOf(db, skuId), units })),
    mode: raw.mode,
    offer: { buffer: raw.buffer, percent: raw.percent, max: raw.max },
    fixed: raw.fixed,
    unwritable: raw.unwritable,
    ambiguous: raw.ambiguous === 1,
    vanished: raw.vanished === 1,
  };
}

/** By the channel's id, or by its SKU there if that is unique. */
export function findListing(db: Db, channel: string, listing: string): ListingRow | 'ambiguous' | null {
  const byId = db.sql(`${listingSelect} where ch.name = ? and l.listing_id = ?`).get(channel, listing) as
    | RawListing
    | undefined;
  if (byId !== undefined) return listingFrom(db, byId);
  const bySku = db
    .sql(`${listingSelect} where ch.name = ? and l.channel_sku = ? limit 2`)
    .all(channel, listing) as RawListing[];
  if (bySku.length > 1) return 'ambiguous';
  const [only] = bySku;
  return only === undefined ? null : listingFrom(db, only);
}

/** See `ListingStore.list`. */
export function listListings(
  db: Db,
  filter: { channel?: string; unmapped?: boolean; after?: number; limit: number },
): ListingRow[] {
  const rows = db
    .sql(
      `${listingSelect}
       where (@channel is null or ch.name = @channel)
         and (@unmapped = 0 or (l.parts is null and l.fixed is null and l.mode = 'on' and l.vanished = 0))
         and l.id > @after
       order by l.id
       limit @limit`,
    )
    .all({
      channel: filter.channel ?? null,
      unmapped: filter.unmapped === true ? 1 : 0,
      after: filter.after ?? 0,
      limit: filter.limit,
    }) as RawListing[];
  return rows.map((row) => listingFrom(db, row));
}

/** Maps (or remaps) a listing. Waiting sales count by the baseline rule; lines that were given keep their SKUs. */
export function mapListing(
  db: Db,
  listingRowId: number,
  parts: { sku: string; units: number }[],
  actor: Actor,
  now: number,
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
  const row = db
    .sql('select id, channel_id, listing_id, channel_sku, counter_id, fixed from listing where id = ?')
    .get(listingRowId) as MappedListing;
  setParts(db, listingRowId, resolved);
  const recipeText = parts.map(({ sku, units }) => (units === 1 ? sku : `${sku}=${units}`)).join(' ');
  noteDeed(db, actor, { verb: 'map', subject: listingSubject(db, listingRowId), detail: recipeText }, now);
  tx.counters.set(row.counter_id, []);
  const started = startWaiting(tx, row, resolved);
  fillShortfalls(tx);
  markDue(tx);
  settleUnmapped(db, row.channel_id, now);
  return { listingId: row.listing_id, channelSku: row.channel_sku, parts, ...started };
}

function setParts(db: Db, listingRowId: number, parts: [number, number][] | null): void {
  db.sql('delete from listing_part where listing_ref = ?').run(listingRowId);
  for (const [skuId, units] of parts ?? []) {
    db.sql('insert into listing_part (sku_id, listing_ref, units) values (?, ?, ?)').run(
      skuId,
      listingRowId,
      units,
    );
  }
  db.sql('update listing set parts = ? where id = ?').run(
    parts === null ? null : JSON.stringify(parts),
    listingRowId,
  );
}

interface MappedListing {
  id: number;
  channel_id: number;
  listing_id: string;
  channel_sku: string | null;
  counter_id: number;
  fixed: number | null;
}

function startWaiting(
  tx: Tx,
  listing: MappedListing,
  parts: [number, number][],
): { lines: number; units: number } {
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
    line.parts = parts.map(([skuId, per]) => [skuId, per, null]);
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
  setParts(db, listingRowId, null);
  touchListing(db, listingRowId, now);
}

function touchListing(db: Db, listingRowId: number, now: number): void {
  db.sql(
    `update counter set version = version + 1, due_at = ?, dead = 0, attempts = 0
     where id = (select counter_id from listing where id = ?)`,
  ).run(now, listingRowId);
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
  touchListing(db, listingRowId, now);
}

/** See `ListingStore.matches`. */
export function matchListings(
  db: Db,
  channel: string | null,
  create: boolean,
  limit: number,
): { listingRowId: number; listingId: string; channel: string; sku: string; create: boolean }[] {
  const rows = db
    .sql(
      `select l.id as listingRowId, l.listing_id as listingId, ch.name as channel, l.channel_sku as channelSku
       from listing l join channel ch on ch.id = l.channel_id
       where l.parts is null and l.fixed is null and l.mode = 'on' and l.ambiguous = 0 and l.vanished = 0
         and l.channel_sku is not null and l.channel_sku <> ''
         and (@channel is null or ch.name = @channel)
         and not exists (select 1 from listing o where o.channel_id = l.channel_id and o.channel_sku = l.channel_sku and o.id <> l.id)
       order by l.id`,
    )
    .all({ channel }) as { listingRowId: number; listingId: string; channel: string; channelSku: string }[];
  const matches = [];
  for (const row of rows) {
    if (matches.length >= limit) break;
    const known = skuIdOf(db, row.channelSku) !== null;
    if (!known && !create) continue;
    matches.push({
      listingRowId: row.listingRowId,
      listingId: row.listingId,
      channel: row.channel,
      sku: row.channelSku,
      create: !known,
    });
  }
  return matches;
}

/** Makes an uncounted SKU unless the code is known. */
export function makeSku(db: Db, code: string, actor: Actor, now: number): void {
  if (skuIdOf(db, code) !== null) return;
  createSku(db, code, now);
  noteDeed(db, actor, { verb: 'create', subject: code, detail: '' }, now);
}
