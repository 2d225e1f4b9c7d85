import type { Listing, ListingRef } from '../../channels/channel.ts';
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

export interface ListingStore {
  /** Upserts what discovery found (200 at most per call). */
  upsert(channelId: number, listings: Listing[], now: number): Promise<void>;
  /** After a complete walk: listings not seen since `walkBegan` are marked vanished. Answers how many are left. */
  finishWalk(channelId: number, walkBegan: number): Promise<{ present: number; vanished: number }>;
  /** A person has said that these are gone from the channel: they count no more until a walk sees them again. */
  gone(channelId: number, listingIds: string[]): Promise<void>;
  /** Facts for `ordersIn`, by listing id or alias. */
  refs(channelId: number, refs: string[]): Promise<Map<string, ListingRef>>;
  /** `listing` = the channel's id, or its SKU there if unique. */
  find(channel: string, listing: string): Promise<ListingRow | 'ambiguous' | null>;
  list(filter: {
    channel?: string;
    unmapped?: boolean;
    after?: number;
    limit: number;
  }): Promise<ListingRow[]>;
  map(
    listingRowId: number,
    parts: { sku: string; units: number }[],
    actor: Actor,
    now: number,
  ): Promise<MappingEffect | { unknownSku: string }>;
  unmap(listingRowId: number, actor: Actor, now: number): Promise<void>;
  set(
    listingRowId: number,
    settings: { mode?: ListingMode; offer?: Partial<Offer>; fixed?: number | null },
    actor: Actor,
    now: number,
  ): Promise<void>;
  /** Unmapped listings whose channel SKU equals exactly one known SKU (or, with `create`, may become one). */
  matches(
    channel: string | null,
    create: boolean,
    limit: number,
  ): Promise<{ listingRowId: number; listingId: string; channel: string; sku: string; create: boolean }[]>;
  /** Makes an uncounted SKU, in normal form. Rejects with AppError `bad_sku`. */
  createSku(sku: string, actor: Actor, now: number): Promise<void>;
}
