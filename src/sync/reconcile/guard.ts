import { messageOf } from '../../errors.ts';
import { mayShow } from '../../stock/push.ts';
import type { ChannelRow } from '../../store/store.ts';
import { doublingMs } from '../backoff.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';
import { driftContext } from '../push-context.ts';
import { type ReconcileTools, reconcile } from './reconcile.ts';

/** A held channel is looked at again after this, and then after rests that double. */
const firstRestMs = 5_000;
const longestRestMs = 15 * 60_000;
/** A lowering that became due asks for a look at once, but not more often than this. */
const leastRestMs = 2_000;
const everyMs = 1_000;
const mostDue = 200;

/** What is known of one held channel's looks. */
interface Watch {
  running: boolean;
  looks: number;
  /** When the last look ended. */
  lookedAt: number;
  /** Lowerings that were due at the last look, by counter and version. */
  known: Set<string>;
}

/**
 * A guard holds every write to a channel, lowering included, so what it holds is looked at again by itself: soon, with
 * growing rests, and at once when a lowering becomes due. A look is a whole run, which ends the hold where it finds the
 * channel whole. One channel's look never waits for another's.
 */
export function createGuardWatch(engine: Engine, tools: ReconcileTools): Loop {
  const watches = new Map<number, Watch>();
  const look = async (row: ChannelRow, watch: Watch, signal: AbortSignal): Promise<void> => {
    const wish = { channels: [row.name], skus: null, dryRun: false, waitMs: 0 };
    try {
      await reconcile(engine, tools, wish, signal);
    } catch (error) {
      if (!signal.aborted)
        engine.log.error({ channel: row.name, error: messageOf(error) }, 'look at a held channel failed');
    }
    watch.running = false;
    watch.looks += 1;
    watch.lookedAt = engine.clock.now();
    engine.wakes.push(row.id);
    loop.wake();
  };
  const loop = createLoop(engine, 'guard', async (signal, beside) => {
    const held = (await engine.store.channels.list()).filter(isHeld);
    for (const id of watches.keys()) if (!held.some((row) => row.id === id)) watches.delete(id);
    for (const row of held) {
      const live = engine.channels.get(row.id);
      const watch = watches.get(row.id) ?? { running: false, looks: 0, lookedAt: 0, known: new Set() };
      watches.set(row.id, watch);
      if (live === undefined || watch.running || !(await isDue(engine, row, live, watch))) continue;
      watch.running = true;
      beside(look(row, watch, signal));
    }
    return everyMs;
  });
  return loop;
}

function isHeld(row: ChannelRow): boolean {
  return (
    row.heldReason !== null && row.mode === 'live' && !row.paused && !row.orphaned && row.parkedSince === null
  );
}

async function isDue(engine: Engine, row: ChannelRow, live: LiveChannel, watch: Watch): Promise<boolean> {
  const now = engine.clock.now();
  const since = now - watch.lookedAt;
  const lowerings = await dueLowerings(engine, row, live, now);
  const news = lowerings.some((key) => !watch.known.has(key));
  const rests = watch.looks === 0 ? 0 : doublingMs(watch.looks, firstRestMs, longestRestMs);
  // A clock that stepped back must not make a rest longer.
  if (since >= 0 && since < rests && !(news && since >= leastRestMs)) return false;
  watch.known = new Set(lowerings);
  return true;
}

async function dueLowerings(
  engine: Engine,
  row: ChannelRow,
  live: LiveChannel,
  now: number,
): Promise<string[]> {
  const due = await engine.store.outbox.due(row.id, mostDue, now);
  return due.flatMap((view) => {
    const highest = mayShow(view, driftContext(row, live));
    const lowers = view.target.kind === 'number' && highest !== null && view.target.quantity < highest;
    return lowers ? [`${view.counterId}/${view.version}`] : [];
  });
}
