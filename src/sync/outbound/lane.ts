import type { ChannelRow } from '../../store/store.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { createPullWaker } from '../fresh.ts';

/** Stale feeds wake their pulls at most this often. */
const wakeEveryMs = 2_000;
/** No counter is sent more often than this within the window, whatever the channel answers. */
const mostSends = { times: 200, withinMs: 10_000 } as const;

/** One channel's pushing: what is being handled, and what its answers taught. Nothing here outlives a restart. */
export interface Lane {
  live: LiveChannel;
  /** Counters in a batch that is being handled. */
  busy: Set<number>;
  /** No call before this time: the channel throttles or does not answer. */
  pausedUntil: number;
  /** Calls that failed as a whole, in a row. */
  failures: number;
  /** Raises that wait for fresh feeds. */
  waiting: number;
  /** Failed compares in a row, per counter: the bases that are used up. */
  conflicts: Map<number, number[]>;
  /** Sends per counter in the window that began at `since`. */
  sends: { since: number; times: Map<number, number> };
  wakePulls: ReturnType<typeof createPullWaker>;
  /** Told of each unexplained low that a push met, with the time from which it can be proved. */
  onLow: (channelId: number, counterId: number, since: number) => void;
  /** Told of each raise that a run has to judge first, since nothing recorded explains the number. */
  onDoubt: (channelId: number, counterId: number) => void;
}

/** Whom a lane tells. */
export type LaneListeners = Pick<Lane, 'onLow' | 'onDoubt'>;

/** A lane with nothing under way. */
export function createLane(engine: Engine, live: LiveChannel, listeners: LaneListeners): Lane {
  return {
    live,
    busy: new Set(),
    pausedUntil: 0,
    failures: 0,
    waiting: 0,
    conflicts: new Map(),
    sends: { since: 0, times: new Map() },
    wakePulls: createPullWaker(engine, wakeEveryMs),
    ...listeners,
  };
}

/** One batch on its way: its lane, and the facts on which all its counters are decided. */
export interface Passage {
  lane: Lane;
  row: ChannelRow;
  feeds: 'fresh' | 'stale';
}

/** When a counter that was sent again and again may be sent next; null: now. */
export function restAfterMany(engine: Engine, lane: Lane, counterId: number): number | null {
  const now = engine.clock.now();
  const { sends } = lane;
  if (now - sends.since >= mostSends.withinMs) {
    sends.since = now;
    sends.times.clear();
  }
  const times = (sends.times.get(counterId) ?? 0) + 1;
  sends.times.set(counterId, times);
  return times > mostSends.times ? sends.since + mostSends.withinMs : null;
}
