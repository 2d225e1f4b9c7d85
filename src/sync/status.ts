import type { Json } from '../channels/channel.ts';
import { iso } from '../clock.ts';
import { numberState } from '../stock/number-state.ts';
import {
  type AlertKind,
  type AlertLevel,
  alertLevels,
  type ChannelRow,
  type CounterView,
  type StatusCounts,
  type StockRow,
} from '../store/store.ts';
import type { Engine } from './engine.ts';
import { freshness } from './fresh.ts';
import { isPlanned } from './push-context.ts';
import { isRefused } from './refusal.ts';

/** A webhook that has not come after so long is missed. */
export const missedAfterMs = 10 * 60_000;

/** One word for what a channel does now. */
export function channelState(row: ChannelRow): string {
  if (row.orphaned) return 'orphaned';
  if (row.heldReason !== null || isRefused(row)) return 'held';
  if (row.parkedSince !== null) return 'parked';
  if (row.paused) return 'paused';
  if (row.failingSince !== null) return 'failing';
  if (row.brakePlan !== null) return 'braked';
  if (row.mode === 'live' && !isPlanned(row)) return 'starting';
  return 'ok';
}

/** The `status` document of a running daemon. Times ISO 8601, counts integers. */
export async function statusReport(
  engine: Engine,
  daemon: { since: number; version: string },
): Promise<Json> {
  const now = engine.clock.now();
  const counts = await engine.store.reports.status(now);
  return {
    daemon: { running: true, since: iso(daemon.since), version: daemon.version },
    channels: await channelReports(engine, counts),
    inbox: { pending: counts.inbox.pending, kept_aside: counts.inbox.keptAside, dead: counts.inbox.dead },
    outbox: { due: counts.outbox.due, oldest_s: ageSeconds(counts.outbox.oldestDueAt, now) },
    oversells_open: counts.oversellsOpen,
    uncounted: counts.uncounted,
    exposed: counts.exposed,
    unexplained_low: counts.unexplainedLow,
    unmapped_sales: counts.unmappedSales,
    sku_changed: counts.skuChanged,
    alerts: await alertSummary(engine.store),
  };
}

/** Open alerts of every kind, of those without any too: a rule can watch for the first one. */
export async function alertsByKind(
  store: Engine['store'],
): Promise<{ kind: AlertKind; level: AlertLevel; open: number; unseen: number }[]> {
  const counts = new Map((await store.duties.alertCounts()).map((each) => [each.kind, each]));
  return (Object.keys(alertLevels) as AlertKind[]).map((kind) => {
    const { open = 0, unseen = 0 } = counts.get(kind) ?? {};
    return { kind, level: alertLevels[kind], open, unseen };
  });
}

/** How many alerts stand, how many of them nobody has acknowledged, and what the newest say. */
export async function alertSummary(
  store: Engine['store'],
): Promise<{ open: number; unseen: number; newest: string[] }> {
  const counts = await store.duties.alertCounts();
  const newest = await store.duties.alerts(true, newestAlerts);
  return {
    open: counts.reduce((sum, { open }) => sum + open, 0),
    unseen: counts.reduce((sum, { unseen }) => sum + unseen, 0),
    newest: newest.map((alert) => alert.message),
  };
}

const newestAlerts = 3;

/** What is known of a channel's health, in every document alike. */
export function healthJson(row: ChannelRow, oldestDueAt: number | null, now: number) {
  return {
    failing_since: iso(row.failingSince),
    last_error: row.lastError,
    last_reconcile_at: iso(row.reconciledAt),
    webhook_heard_at: iso(row.webhookHeardAt),
    webhook_refused: row.webhookRefused,
    oldest_due_s: ageSeconds(oldestDueAt, now),
  };
}

async function channelReports(engine: Engine, counts: StatusCounts): Promise<Json[]> {
  const stale = new Map((await freshness(engine)).map((feed) => [feed.channelId, feed.stale]));
  const missed = await engine.store.orders.missedWebhooks(engine.clock.now(), missedAfterMs);
  const rows = await engine.store.channels.list();
  return rows.map((row) => ({
    channel: row.name,
    type: row.type,
    mode: row.mode,
    state: channelState(row),
    last_ok_at: iso(row.lastOkAt),
    feed_fresh: stale.has(row.id) ? stale.get(row.id) === null : false,
    due: counts.perChannel.get(row.id)?.due ?? 0,
    dead: counts.perChannel.get(row.id)?.dead ?? 0,
    missed_webhooks: missed.get(row.id) ?? 0,
    ...healthJson(row, counts.perChannel.get(row.id)?.oldestDueAt ?? null, engine.clock.now()),
  }));
}

/** Whole seconds since then; 0 for what has not begun. */
export function ageSeconds(at: number | null, now: number): number {
  return at === null ? 0 : Math.max(0, Math.round((now - at) / 1_000));
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
