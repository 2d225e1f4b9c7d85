import type { Json, ListingRef } from '../../channels/channel.ts';
import { normalSku, skuFault } from '../../stock/sku.ts';
import type { ListingMode, ListingRow, SharedNumber } from '../store.ts';
import type { Db } from './open.ts';
import { codeOf, skuIdOf } from './sku.ts';
import { doubtOf, hasTwin, type NamedListing, partsText, reasonGone } from './sku-doubt.ts';

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

interface RawListing extends NamedListing {
  channel: string;
  listing_id: string;
  counter_key: string;
  title: string;
  mapped_by: 'name' | 'sku' | null;
  reason_gone: number;
  heir: string | null;
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
    l.channel_sku, l.sku, l.title, l.parts, l.mode, l.buffer, l.percent, l.max, l.fixed, l.unwritable, l.ambiguous,
    l.vanished, l.mapped_by, (${reasonGone}) as reason_gone,
    (select h.listing_id from listing h where h.id = l.heir) as heir
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
    fault: faultOf(raw),
    heir: raw.heir,
    mappedBy: raw.mapped_by,
    doubt: raw.reason_gone === 1 ? doubtOf(db, raw) : null,
    ...namesOf(db, raw, parts.length === 0),
  };
}

/** A blank text is no SKU at all, and no fault. */
function faultOf({ sku, channel_sku }: RawListing): string | null {
  const normal = normalSku(channel_sku ?? '');
  return sku !== null || normal === '' ? null : skuFault(normal);
}

/** What its SKU means here; asked only where nothing is mapped yet. */
function namesOf(db: Db, raw: RawListing, unmapped: boolean): Pick<ListingRow, 'known' | 'twin'> {
  if (!unmapped || raw.sku === null) return { known: null, twin: false };
  const skuId = skuIdOf(db, raw.sku);
  return { known: skuId === null ? null : codeOf(db, skuId), twin: hasTwin(db, raw) };
}

/** By the channel's id, or by its SKU there if that is unique. */
export function findListing(db: Db, channel: string, listing: string): ListingRow | 'ambiguous' | null {
  const byId = db.sql(`${listingSelect} where ch.name = ? and l.listing_id = ?`).get(channel, listing) as
    | RawListing
    | undefined;
  if (byId !== undefined) return listingFrom(db, byId);
  // What is gone is found by its SKU only while nothing else has it.
  for (const vanished of [0, 1]) {
    const bySku = db
      .sql(`${listingSelect} where ch.name = ? and l.vanished = ? and ? in (l.channel_sku, l.sku) limit 2`)
      .all(channel, vanished, listing) as RawListing[];
    if (bySku.length > 1) return 'ambiguous';
    const [only] = bySku;
    if (only !== undefined) return listingFrom(db, only);
  }
  return null;
}

/** See `ListingStore.list`. */
export function listListings(
  db: Db,
  filter: { channel?: string; unmapped?: boolean; changed?: boolean; after?: number; limit: number },
): ListingRow[] {
  const rows = db
    .sql(
      `${listingSelect}
       where ch.type <> 'internal' and (@channel is null or ch.name = @channel)
         and (@unmapped = 0 or (l.parts is null and l.fixed is null and l.mode = 'on' and l.vanished = 0))
         and (@changed = 0 or (${reasonGone}))
         and l.id > @after
       order by l.id
       limit @limit`,
    )
    .all({
      channel: filter.channel ?? null,
      unmapped: filter.unmapped === true ? 1 : 0,
      changed: filter.changed === true ? 1 : 0,
      after: filter.after ?? 0,
      limit: filter.limit,
    }) as RawListing[];
  return rows.map((row) => listingFrom(db, row));
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
      `select l.id as listingRowId, l.listing_id as listingId, ch.name as channel, l.sku
       from listing l join channel ch on ch.id = l.channel_id
       where l.parts is null and l.fixed is null and l.mode = 'on' and l.ambiguous = 0 and l.vanished = 0
         and l.sku is not null
         and (@channel is null or ch.name = @channel)
         and not exists (
           select 1 from listing o
           where o.channel_id = l.channel_id and o.sku = l.sku and o.vanished = 0 and o.counter_id <> l.counter_id)
       order by l.id`,
    )
    .all({ channel }) as { listingRowId: number; listingId: string; channel: string; sku: string }[];
  const matches = [];
  for (const row of rows) {
    if (matches.length >= limit) break;
    const known = skuIdOf(db, row.sku) !== null;
    if (known || create) matches.push({ ...row, create: !known });
  }
  return matches;
}

/** See `ListingStore.sharedNumbers`. Listings that are left alone bind nothing. */
export function sharedNumbers(db: Db, channelId: number, limit: number): SharedNumber[] {
  const counters = db
    .sql(
      `select counter_id
       from listing
       where channel_id = ? and vanished = 0 and mode = 'on' and parts is not null and fixed is null
       group by counter_id
       having count(distinct parts) > 1
       limit ?`,
    )
    .pluck()
    .all(channelId, limit) as number[];
  return counters.map((counterId) => {
    const rows = db
      .sql(
        `select listing_id, parts from listing
         where counter_id = ? and vanished = 0 and mode = 'on' and parts is not null and fixed is null
         order by id`,
      )
      .all(counterId) as { listing_id: string; parts: string }[];
    return {
      listings: rows.map((row) => row.listing_id),
      skus: [...new Set(rows.map((row) => partsText(db, row.parts)))],
    };
  });
}
