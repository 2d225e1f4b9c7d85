import type { ChannelRow, FeedRow } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { ownerOf } from './refusal.ts';

/** A pull may be this old at least, however short the poll interval: pulls themselves take time. */
const shortestReachMs = 60_000;
/** Without polls only the reconcile run pulls: two of its default intervals. */
const reachWithoutPollMs = 2 * 3_600_000;
/** A delivery that waits longer than this may hide a sale. */
const pendingReachMs = 5_000;

/** Why a channel's order feed cannot be trusted to be complete up to now; null when it can. */
export interface FeedFreshness {
  channelId: number;
  stale: 'never pulled' | 'gap' | 'old' | 'pending' | null;
}

/** How fresh the order feeds of all live channels are; paused ones are still taken in and count. */
export async function freshness(engine: Engine): Promise<FeedFreshness[]> {
  const now = engine.clock.now();
  const [rows, feeds, status] = await Promise.all([
    engine.store.channels.list(),
    engine.store.channels.feeds(),
    engine.store.reports.status(now),
  ]);
  const feedOf = new Map(feeds.map((feed) => [feed.channelId, feed]));
  return rows
    .filter((row) => isLive(row) && !isReadElsewhere(row, rows))
    .map((row) => {
      const pendingSince = status.perChannel.get(row.id)?.oldestPendingAt ?? null;
      const pollMs = engine.channels.get(row.id)?.pollMs ?? null;
      return { channelId: row.id, stale: staleness(feedOf.get(row.id), { pollMs, pendingSince, now }) };
    });
}

/** `fresh` only while every live channel's feed is. */
export function feedsOf(feeds: readonly FeedFreshness[]): 'fresh' | 'stale' {
  return feeds.every((feed) => feed.stale === null) ? 'fresh' : 'stale';
}

function isLive(row: ChannelRow): boolean {
  return row.mode === 'live' && !row.orphaned;
}

/** A second name of an account takes nothing in; the account's orders are read under the first. */
function isReadElsewhere(row: ChannelRow, rows: readonly ChannelRow[]): boolean {
  const owner = row.accountId === null ? ownerOf(row, rows) : null;
  return owner !== null && isLive(owner);
}

/** What decides whether a feed is fresh, besides the feed. `pendingSince`: of the oldest delivery that waits. */
interface FeedFacts {
  pollMs: number | null;
  pendingSince: number | null;
  now: number;
}

/** Why the feed cannot be trusted to be complete up to now; null when it can. */
export function staleness(
  feed: FeedRow | undefined,
  { pollMs, pendingSince, now }: FeedFacts,
): FeedFreshness['stale'] {
  if (feed === undefined || feed.pulledFrom === null) return 'never pulled';
  if (feed.gapAt !== null && feed.pulledFrom < feed.gapAt) return 'gap';
  const reachMs = pollMs === null ? reachWithoutPollMs : Math.max(shortestReachMs, 2 * pollMs);
  if (now - feed.pulledFrom > reachMs) return 'old';
  if (pendingSince !== null && now - pendingSince > pendingReachMs) return 'pending';
  return null;
}

/** Wakes the pulls of channels whose feed a pull would mend, each at most once per `everyMs`. */
export function createPullWaker(engine: Engine, everyMs: number): (feeds: readonly FeedFreshness[]) => void {
  const wokenAt = new Map<number, number>();
  return (feeds) => {
    const now = engine.clock.now();
    for (const feed of feeds) {
      if (feed.stale === null || feed.stale === 'pending') continue;
      if (now - (wokenAt.get(feed.channelId) ?? Number.NEGATIVE_INFINITY) < everyMs) continue;
      wokenAt.set(feed.channelId, now);
      engine.wakes.pull(feed.channelId);
    }
  };
}
