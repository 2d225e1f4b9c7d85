import { iso } from '../clock.ts';
import { countText } from '../errors.ts';
import type { ChannelRow, FeedRow, StatusCounts } from '../store/store.ts';
import { accountFault } from '../sync/refusal.ts';
import { channelState, healthJson, missedAfterMs } from '../sync/status.ts';
import type { Books } from './books.ts';

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

const shortestReachMs = 60_000;
const reachWithoutPollMs = 2 * 3_600_000;
const pendingReachMs = 5_000;

/** All channels; reads only, and needs no daemon. */
export async function channelReports(
  books: Books,
  counts: StatusCounts,
  now: number,
): Promise<ChannelReport[]> {
  const feeds = new Map((await books.store.channels.feeds()).map((feed) => [feed.channelId, feed]));
  const missed = await books.store.orders.missedWebhooks(now, missedAfterMs);
  return books.channels.map((row) => {
    const own = counts.perChannel.get(row.id);
    return {
      channel: row.name,
      type: row.type,
      mode: row.mode,
      state: channelState(row),
      last_ok_at: iso(row.lastOkAt),
      feed_fresh: isFresh(row, {
        feed: feeds.get(row.id),
        pendingSince: own?.oldestPendingAt ?? null,
        now,
      }),
      due: own?.due ?? 0,
      dead: own?.dead ?? 0,
      missed_webhooks: missed.get(row.id) ?? 0,
      kept_aside: own?.keptAside ?? 0,
      note: channelNote(row, books.channels),
      ...healthJson(row, own?.oldestDueAt ?? null, now),
    };
  });
}

/** The engine's own measure (`sync/fresh.ts`), for channels of any mode and without an engine. */
function isFresh(
  row: ChannelRow,
  known: { feed: FeedRow | undefined; pendingSince: number | null; now: number },
): boolean {
  const { feed, pendingSince, now } = known;
  if (row.orphaned || feed === undefined || feed.pulledFrom === null) return false;
  if (feed.gapAt !== null && feed.pulledFrom < feed.gapAt) return false;
  if (pendingSince !== null && now - pendingSince > pendingReachMs) return false;
  const pollMs = row.setup.pollMs ?? null;
  const reachMs = pollMs === null ? reachWithoutPollMs : Math.max(shortestReachMs, 2 * pollMs);
  return now - feed.pulledFrom <= reachMs;
}

/** Why nothing or not all goes out to a channel, in words, with what to do; null when all is well. */
export function channelNote(row: ChannelRow, rows: readonly ChannelRow[]): string | null {
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
