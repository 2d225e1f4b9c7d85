import type { Actor } from './actor.ts';
import type { CounterView } from './outbox.ts';

export interface EntryRow {
  id: number;
  at: number;
  recordedAt: number;
  kind: string;
  /** Change of available, of on hand, committed and reserved, and available after it. */
  delta: number;
  onHand: number;
  committed: number;
  reserved: number;
  after: number;
  channel: string | null;
  orderId: string | null;
  /** What people call the order; null where the channel has no number of its own. */
  orderNumber: string | null;
  lineKey: string | null;
  by: string | null;
  reason: string | null;
  ref: string | null;
}

/** An entry of the whole ledger. */
export interface LedgerRow extends EntryRow {
  sku: string;
}

export interface PushLogRow {
  at: number;
  channel: string;
  listingId: string;
  quantity: number | null;
  base: number | null;
  outcome: string;
  shown: number | null;
  answeredAt: number | null;
  error: string | null;
}

export interface OversellRow {
  id: number;
  channel: string;
  orderId: string;
  orderNumber: string | null;
  lineKey: string;
  sku: string | null;
  shortfall: number;
  status: 'open' | 'filled' | 'cancelled' | 'written-off';
  cause: 'sale' | 'count';
  policy: 'alert' | 'hold' | 'cancel';
  placedAt: number;
  openedAt: number;
  resolvedAt: number | null;
}

export interface StatusCounts {
  /** `keptAside`: not worked on before the account of its channel is bound; not pending. */
  inbox: { pending: number; keptAside: number; dead: number; oldestPendingAt: number | null };
  /** Age since a number was first due, however often its push was put off. */
  outbox: { due: number; oldestDueAt: number | null };
  /** Due and its age: of channels that push. `dead` counts listings that are still there, and deliveries. */
  perChannel: Map<
    number,
    {
      due: number;
      oldestDueAt: number | null;
      dead: number;
      pendingDeliveries: number;
      keptAside: number;
      oldestPendingAt: number | null;
    }
  >;
  oversellsOpen: number;
  uncounted: number;
  exposed: number;
  unexplainedLow: number;
  unmappedSales: number;
  /** Mappings whose reason, an equal SKU, is gone. */
  skuChanged: number;
}

/** A change by hand that is no change of stock: a mapping, a setting, a mode. */
export interface DeedRow {
  at: number;
  by: string;
  reason: string | null;
  verb: string;
  /** `<channel> <listing id>`, a channel's name, or a SKU. */
  subject: string;
  detail: string;
}

export interface ReportStore {
  /** What people changed besides stock, newest first; null: whatever it was about. */
  deeds(subjects: string[] | null, limit: number): Promise<DeedRow[]>;
  status(now: number): Promise<StatusCounts>;
  /** A SKU's entries, newest first, up to `limit`, recorded at or before `at`. */
  entries(sku: string, at: number | null, limit: number): Promise<EntryRow[]>;
  /** The whole ledger, oldest entry first, page by page; `since`: recorded at or after it. */
  ledger(filter: { after: number; since: number | null; limit: number }): Promise<LedgerRow[]>;
  pushLog(sku: string, channel: string | null, limit: number): Promise<PushLogRow[]>;
  countersOfSku(sku: string): Promise<CounterView[]>;
  oversells(filter: {
    status?: OversellRow['status'];
    /** Only open shortfalls that wait for this SKU. */
    waitsFor?: string;
    before?: number;
    limit: number;
  }): Promise<OversellRow[]>;
  resolveOversell(
    id: number,
    as: 'filled' | 'cancelled' | 'written-off',
    actor: Actor,
    now: number,
  ): Promise<'done' | 'unknown' | 'closed'>;
  /** Ledger sums against levels, line states against committed; every SKU that does not close. */
  audit(): Promise<{
    skus: number;
    entries: number;
    open: { sku: string; ledger: number; level: number; lines: number }[];
  }>;
}
