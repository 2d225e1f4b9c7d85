import { messageOf } from '../../errors.ts';
import type { Duty, Engine, LiveChannel } from '../engine.ts';
import { writeGate } from '../push-context.ts';
import { createLane, type Lane, type LaneListeners } from './lane.ts';
import { claimBatch, handleBatch } from './passage.ts';

/** A lane that may not write looks again this often, besides being woken. */
const gatedMs = 5_000;
const longestSleepMs = 60_000;
/** After a failure of our own (a store that is full or busy) a lane rests this long. */
const troubleMs = 1_000;
/** Stop waits this long for calls on their way; what then has no answer is unknown to the next boot. */
const drainMs = 25_000;

/** Writes what is due to the channels: one lane per channel, batches as they come, single flight per counter. */
export interface Pusher extends Duty {
  /**
   * Handles what is due now, of one channel or of all, until nothing is left that may leave now. Works beside a
   * started duty; calls of its lanes are waited for.
   */
  runUntilIdle(channelId?: number): Promise<void>;
}

/** Options of a pusher. */
export type PusherOptions = Partial<LaneListeners>;

interface Runner {
  lane: Lane;
  calls: Set<Promise<void>>;
  wake: () => void;
  woken: Promise<void>;
  loop: Promise<void> | null;
}

const deaf: LaneListeners = { onLow: () => undefined, onDoubt: () => undefined };

/** A pusher for all channels of the engine. A batch leaves at once when its lane is idle; what comes meanwhile gathers. */
export function createPusher(engine: Engine, options: PusherOptions = {}): Pusher {
  const stopping = new AbortController();
  const cutting = new AbortController();
  const runners = new Map<number, Runner>();
  const first = (live: LiveChannel): number => (live.capabilities.pushFirst === true ? 0 : 1);
  for (const live of [...engine.channels.values()].sort((a, b) => first(a) - first(b))) {
    runners.set(live.id, createRunner(createLane(engine, live, { ...deaf, ...options })));
  }
  let stopped: Promise<void> | null = null;
  let started = false;

  const stop = async (): Promise<void> => {
    stopping.abort();
    for (const runner of runners.values()) runner.wake();
    const calls = [...runners.values()].flatMap((runner) => [...runner.calls]);
    const drained = new AbortController();
    const cut = engine.clock.sleep(drainMs, drained.signal).then(() => {
      if (!drained.signal.aborted) cutting.abort();
    });
    await Promise.all(calls);
    drained.abort();
    await cut;
    await Promise.all([...runners.values()].map((runner) => runner.loop));
  };

  return {
    name: 'push',
    start() {
      if (started) return;
      started = true;
      engine.wakes.onPush((channelId) => {
        for (const runner of runners.values())
          if (channelId === null || channelId === runner.lane.live.id) runner.wake();
      });
      for (const runner of runners.values())
        runner.loop = runLoop(engine, runner, stopping.signal, cutting.signal);
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
    async runUntilIdle(channelId) {
      const wanted = [...runners.values()].filter(
        (runner) => channelId === undefined || runner.lane.live.id === channelId,
      );
      await Promise.all(wanted.map((runner) => drain(engine, runner, cutting.signal)));
    },
  };
}

function createRunner(lane: Lane): Runner {
  const runner: Runner = {
    lane,
    calls: new Set(),
    wake: () => undefined,
    woken: Promise.resolve(),
    loop: null,
  };
  arm(runner);
  return runner;
}

function arm(runner: Runner): void {
  runner.woken = new Promise((resolve) => {
    runner.wake = resolve;
  });
}

/** Starts as many batches as the channel takes at once; answers how many were started. */
async function fill(engine: Engine, runner: Runner, signal: AbortSignal): Promise<number> {
  const { lane, calls } = runner;
  let begun = 0;
  while (calls.size < lane.live.capabilities.writeConcurrency) {
    const batch = await claimBatch(engine, lane, signal);
    if (batch === null) return begun;
    begun += 1;
    const call: Promise<void> = handleBatch(engine, lane, batch, signal)
      .catch((error: unknown) => {
        lane.pausedUntil = Math.max(lane.pausedUntil, engine.clock.now() + troubleMs);
        engine.log.error({ channel: lane.live.name, error: messageOf(error) }, 'a batch of pushes failed');
      })
      .finally(() => {
        for (const view of batch.views) lane.busy.delete(view.counterId);
        calls.delete(call);
        runner.wake();
      });
    calls.add(call);
  }
  return begun;
}

async function drain(engine: Engine, runner: Runner, signal: AbortSignal): Promise<void> {
  for (;;) {
    const begun = await fill(engine, runner, signal);
    if (begun === 0 && runner.calls.size === 0) return;
    // A call may have ended while the next batch was claimed: an empty race would never end.
    if (runner.calls.size > 0) await Promise.race(runner.calls);
  }
}

async function runLoop(
  engine: Engine,
  runner: Runner,
  stopping: AbortSignal,
  cutting: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    arm(runner);
    let sleepMs = troubleMs;
    try {
      await fill(engine, runner, cutting);
      sleepMs = await untilNext(engine, runner);
    } catch (error) {
      engine.log.error({ channel: runner.lane.live.name, error: messageOf(error) }, 'pushing rests');
    }
    const timer = new AbortController();
    await Promise.race([
      runner.woken,
      engine.clock.sleep(sleepMs, AbortSignal.any([timer.signal, stopping])),
    ]);
    timer.abort();
  }
}

async function untilNext(engine: Engine, runner: Runner): Promise<number> {
  const { lane, calls } = runner;
  const now = engine.clock.now();
  const row = await engine.store.channels.channel(lane.live.id);
  if (row === null || writeGate(row) !== null) return gatedMs;
  const dueAt = await engine.store.outbox.nextDueAt(lane.live.id);
  if (dueAt === null) return longestSleepMs;
  const at = Math.max(dueAt, lane.pausedUntil);
  // What is due and not begun waits for a call of this lane, whose end wakes it.
  if (at <= now) return calls.size > 0 ? longestSleepMs : 0;
  return Math.min(longestSleepMs, at - now);
}
