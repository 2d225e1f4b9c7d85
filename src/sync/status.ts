import { iso } from '../clock.ts';
import { numberState } from '../stock/number-state.ts';
import {
  type AlertKind,
  type AlertLevel,
  type AlertLevels,
  type AlertRow,
  alertLevels,
  type ChannelRow,
  type CounterView,
  type OversellRow,
  type StockRow,
  type Store,
} from '../store/store.ts';
import { ageSeconds, type ChannelReport, channelReports } from './channel-report.ts';
import type { Engine } from './engine.ts';

/** The document of `status`. Times ISO 8601, counts integers. */
export interface StatusReport {
  daemon: { running: boolean; since: string | null; version: string | null };
  channels: ChannelReport[];
  inbox: { pending: number; kept_aside: number; dead: number };
  outbox: { due: number; oldest_s: number };
  oversells_open: number;
  uncounted: number;
  exposed: number;
  unexplained_low: number;
  unmapped_sales: number;
  sku_changed: number;
  alerts: { open: number; unseen: number; newest: string[] };
  /** The last one that succeeded; null: none yet. */
  backup: { last_at: string | null; age_s: number | null };
}

/** How things stand, read from the books; what is known of the daemon is handed in. */
export async function statusReport(
  store: Store,
  daemon: StatusReport['daemon'],
  now: number,
): Promise<StatusReport> {
  const counts = await store.reports.status(now);
  return {
    daemon,
    channels: await channelReports(store, counts, now),
    inbox: { pending: counts.inbox.pending, kept_aside: counts.inbox.keptAside, dead: counts.inbox.dead },
    outbox: { due: counts.outbox.due, oldest_s: ageSeconds(counts.outbox.oldestDueAt, now) },
    oversells_open: counts.oversellsOpen,
    uncounted: counts.uncounted,
    exposed: counts.exposed,
    unexplained_low: counts.unexplainedLow,
    unmapped_sales: counts.unmappedSales,
    sku_changed: counts.skuChanged,
    alerts: await alertSummary(store),
    backup: await lastBackup(store, now),
  };
}

/** Open alerts of every kind, of those without any too: a rule can watch for the first one. */
export async function alertsByKind(
  store: Store,
  levels: AlertLevels,
): Promise<{ kind: AlertKind; level: AlertLevel; open: number; unseen: number }[]> {
  const counts = new Map((await store.duties.alertCounts()).map((each) => [each.kind, each]));
  return (Object.keys(alertLevels) as AlertKind[]).map((kind) => {
    const { open = 0, unseen = 0 } = counts.get(kind) ?? {};
    return { kind, level: levels[kind], open, unseen };
  });
}

async function lastBackup(store: Store, now: number): Promise<StatusReport['backup']> {
  const { lastOkAt } = await store.duties.schedule('backup');
  return { last_at: iso(lastOkAt), age_s: lastOkAt === null ? null : ageSeconds(lastOkAt, now) };
}

/** How many alerts stand, how many of them nobody has acknowledged, and what the newest say. */
async function alertSummary(store: Store): Promise<StatusReport['alerts']> {
  const counts = await store.duties.alertCounts();
  const newest = await store.duties.alerts(true, newestAlerts);
  return {
    open: counts.reduce((sum, { open }) => sum + open, 0),
    unseen: counts.reduce((sum, { unseen }) => sum + unseen, 0),
    newest: newest.map((alert) => alert.message),
  };
}

const newestAlerts = 3;

/** An alert, as every document shows it. */
export function alertJson(row: AlertRow, levels: AlertLevels) {
  return {
    id: row.id,
    kind: row.kind,
    level: levels[row.kind],
    channel: row.channel,
    subject: row.subject,
    message: row.message,
    since: iso(row.since),
    last_at: iso(row.lastAt),
    count: row.count,
    acked_at: iso(row.ackedAt),
    resolved_at: iso(row.resolvedAt),
  };
}

/** A shortfall on the docket, as every document shows it. */
export function oversellJson(row: OversellRow) {
  return {
    id: row.id,
    channel: row.channel,
    order_id: row.orderId,
    order_number: row.orderNumber,
    line_id: row.lineKey,
    sku: row.sku,
    shortfall: row.shortfall,
    status: row.status,
    cause: row.cause,
    policy: row.policy,
    placed_at: iso(row.placedAt),
    opened_at: iso(row.openedAt),
    resolved_at: iso(row.resolvedAt),
  };
}

/** The six numbers of a SKU, as every document shows them. */
export function stockJson(row: StockRow) {
  return {
    sku: row.sku,
    on_hand: row.onHand,
    committed: row.committed,
    reserved: row.reserved,
    available: row.available,
    counted: row.counted,
  };
}

/** The `stock show` document: a SKU's numbers, and what each of its listings shows. */
export type StockDocument = ReturnType<typeof stockJson> & {
  listings: {
    channel: string;
    listing_id: string;
    channel_sku: string | null;
    units: number;
    target: number | null;
    sent: number | null;
    shown: number | null;
    read_at: string | null;
    state: string;
  }[];
};

/** Null: no such SKU. */
export async function stockReport(engine: Pick<Engine, 'store'>, sku: string): Promise<StockDocument | null> {
  const row = await engine.store.stock.get(sku);
  if (row === null) return null;
  const views = await engine.store.reports.countersOfSku(sku);
  const channels = new Map((await engine.store.channels.list()).map((channel) => [channel.id, channel]));
  const listings = views.flatMap((view) => {
    const seen = lastSeen(view);
    const channel = channels.get(view.channelId);
    return view.listings.map((listing) => ({
      channel: channel?.name ?? '',
      listing_id: listing.listingId,
      channel_sku: listing.channelSku,
      units: listing.parts.find((part) => part.skuId === row.skuId)?.units ?? 0,
      target: view.target.kind === 'number' ? view.target.quantity : null,
      sent: view.unread.at(-1)?.quantity ?? view.anchor?.number ?? null,
      shown: seen.shown,
      read_at: iso(seen.at),
      state:
        identityState(listing) ??
        (channel === undefined ? 'channel removed' : stateOf(view, seen.shown, channel)),
    }));
  });
  return { ...stockJson(row), listings };
}

/** What the channel showed last: the answer to a push where that is newer than the last read. */
function lastSeen(view: CounterView): { shown: number | null; at: number | null } {
  const { anchor, lastRead } = view;
  if (anchor !== null && (lastRead === null || lastRead.answeredAt < anchor.until)) {
    return { shown: anchor.number, at: anchor.until };
  }
  return { shown: lastRead?.shown ?? null, at: lastRead?.answeredAt ?? null };
}

/** What its identity says of a listing, in the words of `listings list`; null where nothing is amiss. */
function identityState({ vanished, mode, doubted }: CounterView['listings'][number]): string | null {
  if (vanished) return 'vanished';
  if (mode === 'off') return 'off';
  return doubted ? 'sku_changed' : null;
}

function stateOf(view: CounterView, shown: number | null, row: ChannelRow): string {
  const { clockMarginMs, basis, proofAfterMs = null } = row.setup;
  return numberState(view, { range: { clockMarginMs, basis }, mode: row.mode, shown, proofAfterMs });
}
