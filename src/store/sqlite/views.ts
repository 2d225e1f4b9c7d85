import type { Json } from '../../channels/channel.ts';
import type { Part } from '../../stock/line.ts';
import { type Offer, type OfferedListing, offerOf, type Target, targetOf } from '../../stock/target.ts';
import type { ChannelSetup, CounterView, LevelAfter, ListingMode, PushState } from '../store.ts';
import { ownFrom } from './mark.ts';
import type { Db } from './open.ts';
import { reasonGone } from './sku-doubt.ts';

export interface RawCounter {
  id: number;
  channel_id: number;
  counter_key: string;
  version: number;
  done_version: number;
  due_at: number;
  attempts: number;
  state: PushState;
  lease: string | null;
  unread: string;
  anchor_number: number | null;
  anchor_from: number | null;
  anchor_until: number | null;
  previous_number: number | null;
  own: string;
  dead: number;
  exposed: number;
  error: string | null;
  low_since: number | null;
  low_number: number | null;
  read_shown: number | null;
  read_asked: number | null;
  read_answered: number | null;
  read_cause: string | null;
  doubt: string | null;
  held: number | null;
  let_go: number | null;
}

interface RawOffered {
  id: number;
  listing_id: string;
  channel_sku: string | null;
  facts: string;
  parts: string | null;
  mode: ListingMode;
  buffer: number | null;
  percent: number | null;
  max: number | null;
  fixed: number | null;
  open_units: number;
  unwritable: string | null;
  vanished: number;
  heir: number | null;
  doubted: number;
}

const noOffer: Offer = { buffer: null, percent: null, max: null };

/** The levels that targets are worked out from. */
type Levels = (skuId: number) => { counted: boolean; available: number };

/**
 * Everything that a push or a reconcile decides on, for these counters, with the target as of now, or as it would be
 * with these levels or these setups of channels.
 */
export function viewsOf(
  db: Db,
  counterIds: readonly number[],
  instead: readonly LevelAfter[] = [],
  setups: Map<number, ChannelSetup> = new Map(),
): CounterView[] {
  const given = new Map(instead.map((level) => [level.skuId, level]));
  const levels: Levels = (skuId) => given.get(skuId) ?? levelNow(db, skuId);
  const cloudy = new Map<number, boolean>();
  const views: CounterView[] = [];
  for (const id of counterIds) {
    const raw = db.sql('select * from counter where id = ?').get(id) as RawCounter | undefined;
    if (raw === undefined) continue;
    const setup = setups.get(raw.channel_id) ?? setupOf(db, raw.channel_id);
    setups.set(raw.channel_id, setup);
    const clouded = cloudy.get(raw.channel_id) ?? cloudedOf(db, raw.channel_id);
    cloudy.set(raw.channel_id, clouded);
    views.push(viewOf(db, raw, { setup, clouded, levels }));
  }
  return views;
}

function setupOf(db: Db, channelId: number): ChannelSetup {
  const row = db.sql('select setup from channel where id = ?').get(channelId) as { setup: string };
  return JSON.parse(row.setup) as ChannelSetup;
}

/** A delivery of the channel is pending or dead, so nobody can say which listing it concerns. */
function cloudedOf(db: Db, channelId: number): boolean {
  const row = db
    .sql(
      `select exists (select 1 from delivery where status = 'new' and channel_id = @id)
         or exists (select 1 from delivery where status = 'dead' and channel_id = @id) as clouded`,
    )
    .get({ id: channelId }) as { clouded: number };
  return row.clouded === 1;
}

interface Around {
  setup: ChannelSetup;
  clouded: boolean;
  levels: Levels;
}

function viewOf(db: Db, raw: RawCounter, { setup, clouded, levels }: Around): CounterView {
  const all = db
    .sql(
      `select l.id, l.listing_id, l.channel_sku, l.facts, l.parts, l.mode, l.buffer, l.percent, l.max, l.fixed,
         l.open_units, l.unwritable, l.vanished, l.heir, (${reasonGone}) as doubted
       from listing l
       where l.counter_id = ?
       order by l.vanished, l.id`,
    )
    .all(raw.id) as RawOffered[];
  const present = all.filter((row) => row.vanished === 0);
  // A number that nothing shows any more keeps its names.
  const rows = present.length > 0 ? present : all;
  return {
    counterId: raw.id,
    channelId: raw.channel_id,
    counterKey: raw.counter_key,
    listings: rows.map((row) => ({
      rowId: row.id,
      listingId: row.listing_id,
      counterKey: raw.counter_key,
      channelSku: row.channel_sku,
      facts: JSON.parse(row.facts) as Json,
      mode: row.mode,
      unwritable: row.unwritable,
      vanished: row.vanished === 1,
      parts: partsOf(row),
      fixed: row.fixed,
      offer: { buffer: row.buffer, percent: row.percent, max: row.max },
      openUnits: row.open_units,
      doubted: row.doubted === 1,
    })),
    target: targetNow(all, setup, levels),
    version: raw.version,
    doneVersion: raw.done_version,
    dueAt: raw.due_at,
    attempts: raw.attempts,
    state: raw.state,
    unread: JSON.parse(raw.unread) as CounterView['unread'],
    anchor:
      raw.anchor_number === null || raw.anchor_from === null || raw.anchor_until === null
        ? null
        : { number: raw.anchor_number, from: raw.anchor_from, until: raw.anchor_until },
    previousNumber: raw.previous_number,
    own: ownFrom(raw.own),
    dead: raw.dead === 1,
    exposed: raw.exposed === 1,
    error: raw.error,
    lowSince: raw.low_since,
    lowNumber: raw.low_number,
    doubt: raw.doubt as CounterView['doubt'],
    held: raw.held,
    letGo: raw.let_go,
    lastRead:
      raw.read_asked === null || raw.read_answered === null
        ? null
        : {
            shown: raw.read_shown,
            askedAt: raw.read_asked,
            answeredAt: raw.read_answered,
            cause: raw.read_cause ?? '',
          },
    clouded: clouded || hasUnmappedLine(db, raw.channel_id, rows),
  };
}

function partsOf(row: RawOffered): Part[] {
  if (row.parts === null) return [];
  return (JSON.parse(row.parts) as [number, number][]).map(([skuId, units]) => ({ skuId, units }));
}

function hasUnmappedLine(db: Db, channelId: number, rows: RawOffered[]): boolean {
  return rows.some(
    (row) =>
      db
        .sql(
          `select 1 from line
           where channel_id = @channelId and allocation = 'unmapped' and taken > 0
             and listing_text in (
               select @listingId
               union all select value from listing l, json_each(l.aliases) where l.id = @id)
           limit 1`,
        )
        .get({ channelId, listingId: row.listing_id, id: row.id }) !== undefined,
  );
}

/**
 * Listings that are switched off or lead nowhere do not bind the counter's number, nor do those that are gone while
 * another is there; their open units are still in it. Where another took the place of each, there is no number any more.
 */
function targetNow(rows: RawOffered[], setup: ChannelSetup, levels: Levels): Target {
  const offered = rows.filter((row) => row.mode === 'on' && (row.parts !== null || row.fixed !== null));
  const allGone = offered.every((row) => row.vanished === 1);
  if (allGone && offered.every((row) => row.heir !== null)) return { kind: 'unmapped' };
  const listings = offered.map((row) => ({
    binds: allGone || row.vanished === 0,
    listing: offeredListing(row, levels),
    settings: offerOf(
      { buffer: row.buffer, percent: row.percent, max: row.max },
      setup.offer ?? noOffer,
      noOffer,
    ),
  }));
  return targetOf(listings, {
    basis: setup.basis ?? 'net',
    maxQuantity: setup.maxQuantity ?? Number.MAX_SAFE_INTEGER,
  });
}

function offeredListing(row: RawOffered, levels: Levels): OfferedListing {
  return {
    parts: partsOf(row).map(({ skuId, units }) => ({ units, ...levels(skuId) })),
    offer: { buffer: row.buffer, percent: row.percent, max: row.max },
    fixed: row.fixed,
    openUnits: row.open_units,
  };
}

function levelNow(db: Db, skuId: number): { counted: boolean; available: number } {
  const level = db
    .sql('select counted, on_hand - committed - reserved as available from level where sku_id = ?')
    .get(skuId) as { counted: number; available: number };
  return { available: level.available, counted: level.counted === 1 };
}
