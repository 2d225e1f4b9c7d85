import { iso } from '../clock.ts';
import type { DeedRow, EntryRow, OversellRow, PushLogRow, Store } from '../store/store.ts';
import { type StockDocument, stockReport } from './status.ts';

/** Why a SKU's number is what it is: the document of `explain`. */
export interface Explanation {
  sku: string;
  /** The time that it explains. */
  at: string;
  available: number;
  counted: boolean;
  /** Of now; null when an earlier time is explained. */
  on_hand: number | null;
  committed: number | null;
  reserved: number | null;
  /** Available before the first entry shown; 0 unless older ones are left out. */
  opening: number;
  /** Opening and all changes added up. */
  sum: number;
  adds_up: boolean;
  omitted: boolean;
  entries: ReturnType<typeof entryJson>[];
  /** Orders that wait for it, the newest first: what was sold beyond what there was. */
  waiting: ReturnType<typeof waitingJson>[];
  listings: StockDocument['listings'];
  pushes: ReturnType<typeof pushJson>[];
  /** Mappings, settings and other changes by hand that are no change of stock, oldest first. */
  changes: ReturnType<typeof deedJson>[];
}

/** What is asked; `at` null means now. */
export interface Question {
  sku: string;
  at: number | null;
  channel: string | null;
  limit: number;
  now: number;
}

/** Entries oldest first, and what each listing was sent and showed; null: no such SKU. */
export async function explanationOf(store: Store, asked: Question): Promise<Explanation | null> {
  const { sku, at, channel, limit } = asked;
  const document = await stockReport({ store }, sku);
  if (document === null) return null;
  const rows = await store.reports.entries(sku, at, limit + 1);
  const omitted = rows.length > limit;
  const entries = rows.slice(0, limit).reverse();
  const log = await store.reports.pushLog(sku, channel, limit);
  const pushes = log.filter((push) => at === null || push.at <= at);
  const listings = document.listings.filter((listing) => channel === null || listing.channel === channel);
  const subjects = [document.sku, ...listings.map((listing) => `${listing.channel} ${listing.listing_id}`)];
  const deeds = await store.reports.deeds(subjects, limit);
  const first = entries[0];
  const opening = first === undefined ? 0 : first.after - first.delta;
  const sum = entries.reduce((total, entry) => total + entry.delta, opening);
  const available = at === null ? document.available : (entries.at(-1)?.after ?? 0);
  return {
    sku: document.sku,
    at: iso(at ?? asked.now),
    available,
    counted: document.counted,
    on_hand: at === null ? document.on_hand : null,
    committed: at === null ? document.committed : null,
    reserved: at === null ? document.reserved : null,
    opening,
    sum,
    adds_up: sum === available && (omitted || opening === 0) && chained(entries),
    omitted,
    entries: entries.map(entryJson),
    waiting: at === null ? (await waitingFor(store, document.sku, limit)).map(waitingJson) : [],
    listings: at === null ? listings : listings.map((listing) => listingAt(listing, pushes)),
    pushes: pushes.map(pushJson).reverse(),
    changes: deeds
      .filter((deed) => at === null || deed.at <= at)
      .map(deedJson)
      .reverse(),
  };
}

function deedJson(deed: DeedRow) {
  return {
    at: iso(deed.at),
    verb: deed.verb,
    subject: deed.subject,
    detail: deed.detail,
    by: deed.by,
    reason: deed.reason,
  };
}

/** Does each entry begin where the one before it ended? */
function chained(entries: readonly EntryRow[]): boolean {
  return entries.every((entry, index) => {
    const before = entries[index - 1];
    return before === undefined || before.after + entry.delta === entry.after;
  });
}

/** A listing as far as the push log tells of that time; what was due then is not known any more. */
function listingAt(
  listing: StockDocument['listings'][number],
  pushes: readonly PushLogRow[],
): StockDocument['listings'][number] {
  const own = pushes.filter(
    (push) => push.channel === listing.channel && push.listingId === listing.listing_id,
  );
  const sent = own.find((push) => push.quantity !== null);
  const shown = own.find((push) => push.shown !== null);
  return {
    ...listing,
    target: null,
    sent: sent?.quantity ?? null,
    shown: shown?.shown ?? null,
    read_at: iso(shown?.answeredAt ?? null),
    state: sent?.outcome ?? 'never sent',
  };
}

function waitingFor(store: Store, sku: string, limit: number): Promise<OversellRow[]> {
  return store.reports.oversells({ waitsFor: sku, limit });
}

function waitingJson(row: OversellRow) {
  return {
    oversell_id: row.id,
    channel: row.channel,
    order_id: row.orderId,
    order_number: row.orderNumber,
    shortfall: row.shortfall,
    placed_at: iso(row.placedAt),
  };
}

function entryJson(entry: EntryRow) {
  return {
    id: entry.id,
    at: iso(entry.at),
    recorded_at: iso(entry.recordedAt),
    kind: entry.kind,
    delta: entry.delta,
    after: entry.after,
    on_hand: entry.onHand,
    committed: entry.committed,
    reserved: entry.reserved,
    channel: entry.channel,
    order_id: entry.orderId,
    order_number: entry.orderNumber,
    line_id: entry.lineKey,
    by: entry.by,
    reason: entry.reason,
    ref: entry.ref,
  };
}

function pushJson(push: PushLogRow) {
  return {
    at: iso(push.at),
    channel: push.channel,
    listing_id: push.listingId,
    quantity: push.quantity,
    base: push.base,
    outcome: push.outcome,
    shown: push.shown,
    answered_at: iso(push.answeredAt),
    error: push.error,
  };
}
