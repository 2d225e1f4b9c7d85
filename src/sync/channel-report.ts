import { iso } from '../clock.ts';
import { countText } from '../errors.ts';
import type { ChannelRow, StatusCounts, Store } from '../store/store.ts';
import { staleness } from './fresh.ts';
import { isPlanned } from './push-context.ts';
import { accountFault, isRefused } from './refusal.ts';

/** One channel as `channels list` and `status` show it. */
export interface ChannelReport {
  channel: string;
  type: string;
  mode: ChannelRow['mode'];
  state: string;
  last_ok_at: string | null;
  /** Its orders have been read up to a few minutes ago, with nothing older unprocessed. */
  feed_fresh: boolean;
  due: number;
  dead: number;
  missed_webhooks: number;
  /** Deliveries that are not worked on before the account is bound. */
  kept_aside: number;
  /** Why not all is well, with what to do; null when it is. */
  note: string | null;
  /** Since when no call has brought a good answer, and what the last one said; null while all is well. */
  failing_since: string | null;
  last_error: string | null;
  /** When a whole reconcile run last read it to the end. */
  last_reconcile_at: string | null;
  /** When the last good delivery came, and how many were refused since. */
  webhook_heard_at: string | null;
  webhook_refused: number;
  /** For how long its oldest number has been due. */
  oldest_due_s: number;
}

/** A webhook that has not come after so long is missed. */
export const missedAfterMs = 10 * 60_000;

/** All channels; reads only, and needs no daemon. */
export async function channelReports(
  store: Store,
  counts: StatusCounts,
  now: number,
): Promise<ChannelReport[]> {
  const rows = await store.channels.list();
  const feeds = new Map((await store.channels.feeds()).map((feed) => [feed.channelId, feed]));
  const missed = await store.orders.missedWebhooks(now, missedAfterMs);
  return rows.map((row) => {
    const own = counts.perChannel.get(row.id);
    const pendingSince = own?.oldestPendingAt ?? null;
    const stale = staleness(feeds.get(row.id), { pollMs: row.setup.pollMs ?? null, pendingSince, now });
    return {
      channel: row.name,
      type: row.type,
      mode: row.mode,
      state: channelState(row),
      last_ok_at: iso(row.lastOkAt),
      feed_fresh: !row.orphaned && stale === null,
      due: own?.due ?? 0,
      dead: own?.dead ?? 0,
      missed_webhooks: missed.get(row.id) ?? 0,
      kept_aside: own?.keptAside ?? 0,
      note: channelNote(row, rows),
      failing_since: iso(row.failingSince),
      last_error: row.lastError,
      last_reconcile_at: iso(row.reconciledAt),
      webhook_heard_at: iso(row.webhookHeardAt),
      webhook_refused: row.webhookRefused,
      oldest_due_s: ageSeconds(own?.oldestDueAt ?? null, now),
    };
  });
}

/** Whole seconds since then; 0 for what has not begun. */
export function ageSeconds(at: number | null, now: number): number {
  return at === null ? 0 : Math.max(0, Math.round((now - at) / 1_000));
}

/** One word for what a channel does now. */
function channelState(row: ChannelRow): string {
  if (row.orphaned) return 'orphaned';
  if (row.heldReason !== null || isRefused(row)) return 'held';
  if (row.parkedSince !== null) return 'parked';
  if (row.paused) return 'paused';
  if (row.failingSince !== null) return 'failing';
  if (row.brakePlan !== null) return 'braked';
  if (row.mode === 'live' && !isPlanned(row)) return 'starting';
  return 'ok';
}

/** Why nothing or not all goes out to a channel, in words, with what to do; null when all is well. */
function channelNote(row: ChannelRow, rows: readonly ChannelRow[]): string | null {
  if (row.orphaned) return 'not in the configuration: put it back, rename it, or remove it';
  const fault = accountFault(row, rows);
  if (fault !== null) return `nothing is taken in and nothing is written: ${fault}`;
  if (row.heldReason !== null) return `every write is held: ${row.heldReason}`;
  if (row.parkedSince !== null) return `credentials refused: ${row.parkedReason ?? 'no reason given'}`;
  if (row.paused) return 'paused by hand: invsync channels resume';
  if (row.failingSince !== null)
    return `no good answer since ${iso(row.failingSince)}: ${row.lastError ?? 'no reason given'}; see: invsync check`;
  if (row.brakePlan !== null) {
    return `a brake holds raises and zeros: invsync reconcile --show ${row.brakePlan}, then --apply it with --over-brake`;
  }
  if (channelState(row) === 'starting') return 'waits for its first reconcile before anything is pushed';
  if (row.webhookRefused > 0) {
    const good =
      row.webhookHeardAt === null ? 'none was ever good' : `last good one ${iso(row.webhookHeardAt)}`;
    return `${countText(row.webhookRefused, 'call')} refused at the door, ${good}: ${row.webhookRefusal ?? 'no reason given'}`;
  }
  return null;
}
