import type { CounterFacts, PushContext } from '../stock/push.ts';
import type { ChannelRow, CounterView } from '../store/store.ts';
import type { Engine, LiveChannel } from './engine.ts';
import type { createPullWaker } from './fresh.ts';
import { isRefused } from './refusal.ts';

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

/** What all counters of one channel share when their pushes are decided. */
export interface LaneContext {
  row: ChannelRow;
  live: LiveChannel;
  feeds: 'fresh' | 'stale';
}

/** Why nothing is pushed to a channel at all, or null. Deliveries are taken in whatever this says. */
export function writeGate(row: ChannelRow): string | null {
  if (row.orphaned) return 'not in the configuration';
  if (row.mode === 'observe') return 'mode observe';
  if (row.paused) return 'paused';
  if (isRefused(row)) return 'its account is not the one it is bound to';
  if (row.heldReason !== null) return row.heldReason;
  if (row.parkedSince !== null) return row.parkedReason ?? 'credentials refused';
  if (row.mode === 'shadow') return null;
  if (row.liveSince === null) return 'not live yet';
  if (row.plannedAt === null || row.plannedAt < row.liveSince)
    return 'no reconcile plan since it became live';
  return null;
}

/** The context in which one counter's push is decided. */
export function pushContext(engine: Engine, lane: LaneContext, view: CounterView): PushContext {
  const { row, live } = lane;
  return {
    now: engine.clock.now(),
    ...driftContext(row, live),
    feeds: lane.feeds,
    compareAndSet: live.capabilities.compareAndSet,
    brake: brakeOn(row, view),
    maxQuantity: live.capabilities.maxQuantity,
  };
}

/** What holds this counter back besides its orders: what a run or a person has let go passes. */
function brakeOn(row: ChannelRow, { held, letGo, doubt, target }: CounterView): PushContext['brake'] {
  if (target.kind !== 'number' || (letGo !== null && target.quantity <= letGo)) return 'none';
  if (row.brakePlan !== null) return held === 0 ? 'zeros' : 'raises';
  return doubt === null ? 'none' : 'doubt';
}

/** The channel's facts on which a sight is judged. */
export function driftContext(
  row: ChannelRow,
  live: LiveChannel,
): Pick<PushContext, 'range' | 'settleMs' | 'liveSince'> {
  const { capabilities } = live;
  return {
    range: {
      clockMarginMs: capabilities.clockMarginMs,
      restoresOnCancel: capabilities.restoresOnCancel,
      basis: capabilities.basis,
    },
    settleMs: capabilities.settleMs,
    liveSince: row.liveSince ?? 0,
  };
}

/**
 * The view without the changes that were known before a read was asked: the channel had made them by then, so the
 * number read contains them, however uncertain their clock is.
 */
export function sinceRead(view: CounterView, known: CounterFacts['own']): CounterView {
  const rest = [...known];
  const own = view.own.filter((change) => {
    const at = rest.findIndex(
      (other) => other.delta === change.delta && other.from === change.from && other.to === change.to,
    );
    if (at < 0) return true;
    rest.splice(at, 1);
    return false;
  });
  return { ...view, own };
}
