import type { Listing, ListingRef } from '../../channels/channel.ts';
import type { SkuDoubt } from '../../stock/listing.ts';
import type { Offer } from '../../stock/target.ts';
import type { Actor } from './actor.ts';

export type ListingMode = 'on' | 'off';

export interface ListingRow {
  id: number;
  channel: string;
  channelId: number;
  listingId: string;
  counterId: number;
  counterKey: string;
  channelSku: string | null;
  title: string;
  parts: { sku: string; units: number }[];
  mode: ListingMode;
  offer: Offer;
  fixed: number | null;
  unwritable: string | null;
  ambiguous: boolean;
  /** Not seen in the last complete catalogue walk. */
  vanished: boolean;
  /** Why its SKU there can be no SKU here, in words; null where it can or there is none. */
  fault: string | null;
  /** Of one that is gone: the listing that took its place. */
  heir: string | null;
  /** Why it is mapped: a person named the SKU, or the SKUs were equal. */
  mappedBy: 'name' | 'sku' | null;
  /** The equal SKU that it was mapped by is not its SKU any more. */
  doubt: SkuDoubt | null;
  /** Where nothing is mapped: the known SKU that its SKU names, and whether another number there has the same SKU. */
  known: string | null;
  twin: boolean;
}

/** One number at a channel that listings of different SKUs share. */
export interface SharedNumber {
  listings: string[];
  /** As `listings map` takes them. */
  skus: string[];
}

/** A listing that is gone and the one that took its place, with the mapping that it took over. */
export interface Replacement {
  gone: string;
  heir: string;
  /** As `listings map` takes it. */
  parts: string;
}

/** Changes that mapping brings about, printed before and after. */
export interface MappingEffect {
  listingId: string;
  channelSku: string | null;
  parts: { sku: string; units: number }[];
  /** Lines of this listing that were waiting, and the units that now count. */
  lines: number;
  units: number;
}

/** Sold lines of one name that wait for a SKU. */
export interface WaitingSale {
  channel: string;
  /** What the orders call it: a listing's id or another name; null where they name nothing. */
  name: string | null;
  channelSku: string | null;
  /** Ids of orders, newest first, 20 at most. */
  orders: string[];
  lines: number;
  units: number;
}

export interface ListingStore {
  /**
   * Upserts what discovery found (200 at most per call). One that was gone is itself again; sales that wait under a name
   * which belongs to a mapped listing now count.
   */
  upsert(channelId: number, listings: Listing[], now: number): Promise<void>;
  /** After a complete walk: listings not seen since `walkBegan` are marked vanished. Answers how many are left. */
  finishWalk(channelId: number, walkBegan: number): Promise<{ present: number; vanished: number }>;
  /** A person has said that these are gone from the channel: they count no more until a walk sees them again. */
  gone(channelId: number, listingIds: string[]): Promise<void>;
  /** What `succeed` would map: new listings that have the SKU, or another id, of one that is gone. */
  heirs(channelId: number): Promise<{ listingRowId: number; parts: { sku: string; units: number }[] }[]>;
  /** Listings that took the place of vanished ones take over their mapping and settings. */
  succeed(channelId: number, actor: Actor, now: number): Promise<Replacement[]>;
  /** Numbers that stand for different SKUs. */
  sharedNumbers(channelId: number, limit: number): Promise<SharedNumber[]>;
  /** Facts for `ordersIn`, by listing id or alias. */
  refs(channelId: number, refs: string[]): Promise<Map<string, ListingRef>>;
  /** `listing` = the channel's id, or its SKU there if unique. */
  find(channel: string, listing: string): Promise<ListingRow | 'ambiguous' | null>;
  list(filter: {
    channel?: string;
    unmapped?: boolean;
    /** Only those whose mapping has lost its reason (`doubt`). */
    changed?: boolean;
    after?: number;
    limit: number;
  }): Promise<ListingRow[]>;
  map(
    listingRowId: number,
    parts: { sku: string; units: number }[],
    actor: Actor,
    now: number,
    /** `sku`: because the SKUs are equal. */
    reason?: 'name' | 'sku',
  ): Promise<MappingEffect | { unknownSku: string }>;
  unmap(listingRowId: number, actor: Actor, now: number): Promise<void>;
  set(
    listingRowId: number,
    settings: { mode?: ListingMode; offer?: Partial<Offer>; fixed?: number | null },
    actor: Actor,
    now: number,
  ): Promise<void>;
  /**
   * Unmapped listings whose channel SKU, in normal form, equals exactly one known SKU (or, with `create`, may become
   * one). What is gone has no SKU; listings that share one number are one.
   */
  matches(
    channel: string | null,
    create: boolean,
    limit: number,
  ): Promise<{ listingRowId: number; listingId: string; channel: string; sku: string; create: boolean }[]>;
  /** Sales that count nowhere, by the name under which they were sold. */
  waitingSales(filter: { channel?: string }, limit: number): Promise<WaitingSale[]>;
  /** A person says that sales of these orders concern no SKU of ours: they wait no longer, whatever is mapped later. */
  dismissSales(
    channelId: number,
    orderIds: string[],
    actor: Actor,
    now: number,
  ): Promise<{ lines: number; units: number }>;
  /** A listing, gone already, for sales under a name that no catalogue brought: once it is mapped they count. */
  adopt(channelId: number, name: string, now: number): Promise<void>;
  /** Makes an uncounted SKU, in normal form. Rejects with AppError `bad_sku`. */
  createSku(sku: string, actor: Actor, now: number): Promise<void>;
}
