import { closeAlert, openAlert } from '../alerts.ts';
import { doublingMs } from '../backoff.ts';
import type { Duty, Engine, LiveChannel } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';
import { type Pulled, pullOrders } from './pull.ts';
import { sweepEveryMs, sweepOrders } from './sweep.ts';

/** The duty that pulls each channel's orders by the clock and whenever somebody needs them fresh. */
export interface Poll extends Duty {
  /**
   * One pull of every channel, in parallel; what a start, a gap or a resume owes before anything is raised. Answers
   * the names of the channels whose pull is not complete.
   */
  pullAll(): Promise<string[]>;
}

/** Wakes come no closer than this, so that a waiting push never hammers a channel. */
const wakeSpacingMs = 2_000;
const failureRest = { firstMs: 5_000, mostMs: 10 * 60_000 } as const;
const staleAlertMs = 3_600_000;
/** A channel that is never polled still looks up whether it is stale. */
const unpolledRestMs = 3_600_000;

interface PollState {
  live: LiveChannel;
  /** The pull that runs now; whoever asks meanwhile gets one more after it. */
  running: Promise<Pulled> | null;
  beganAt: number;
  nextAt: number;
  notBefore: number;
  failures: number;
  /** A wake came since the last pull began. */
  asked: boolean;
}

/** Timers per channel; one flight per channel. */
export function createPoll(engine: Engine): Poll {
  const polls = new Map<number, { state: PollState; loop: Loop }>();
  const ending = new AbortController();
  for (const live of engine.channels.values()) {
    const state = idleState(live);
    const loop = createLoop(engine, `poll ${live.name}`, (signal) => step(engine, state, signal));
    polls.set(live.id, { state, loop });
  }
  engine.wakes.onPull((channelId) => {
    for (const [id, { state, loop }] of polls) {
      if (channelId !== null && channelId !== id) continue;
      state.asked = true;
      loop.wake();
    }
  });
  return {
    name: 'poll',
    start() {
      for (const { loop } of polls.values()) loop.start();
    },
    async stop() {
      ending.abort();
      await Promise.all([...polls.values()].map(({ loop }) => loop.stop()));
    },
    async pullAll() {
      const results = await Promise.all(
        [...polls.values()].map(async ({ state }) => ({
          name: state.live.name,
          pulled: await pullOnce(engine, state, ending.signal),
        })),
      );
      return results.filter(({ pulled }) => !pulled.complete).map(({ name }) => name);
    },
  };
}

function idleState(live: LiveChannel): PollState {
  return {
    live,
    running: null,
    beganAt: Number.NEGATIVE_INFINITY,
    nextAt: 0,
    notBefore: 0,
    failures: 0,
    asked: false,
  };
}

/** Pulls when it is time or when somebody asked; answers how long to rest. */
async function step(engine: Engine, state: PollState, signal: AbortSignal): Promise<number> {
  const now = engine.clock.now();
  const wantedAt = nextOf(state);
  if (now < wantedAt) return wantedAt - now;
  const neverPolled = state.live.pollMs === null && !state.asked && state.beganAt > 0;
  if (!neverPolled) {
    const pulled = await pullOnce(engine, state, signal);
    if (pulled.complete && !signal.aborted) await sweepIfDue(engine, state, signal);
  }
  const after = engine.clock.now();
  if (neverPolled) state.nextAt = after + unpolledRestMs;
  await tellStale(engine, state, after);
  return Math.max(1, nextOf(state) - after);
}

function nextOf({ asked, notBefore, beganAt, nextAt }: PollState): number {
  return Math.max(notBefore, asked ? beganAt + wakeSpacingMs : nextAt);
}

/** One pull; who comes while one runs waits for it and then pulls once more, since its own reason may be newer. */
async function pullOnce(engine: Engine, state: PollState, signal: AbortSignal): Promise<Pulled> {
  while (state.running !== null) await state.running;
  state.asked = false;
  state.beganAt = engine.clock.now();
  state.running = pullOrders(engine, state.live, { kind: 'changes' }, signal).finally(() => {
    state.running = null;
  });
  const pulled = await state.running;
  const now = engine.clock.now();
  state.nextAt = state.beganAt + (state.live.pollMs ?? unpolledRestMs);
  state.failures = pulled.complete ? 0 : state.failures + 1;
  state.notBefore = pulled.complete ? 0 : now + restAfter(state, pulled);
  return pulled;
}

function restAfter(state: PollState, pulled: Pulled): number {
  const restMs = doublingMs(state.failures, failureRest.firstMs, failureRest.mostMs);
  if (pulled.error?.kind === 'throttled') return Math.max(1_000, pulled.error.afterMs ?? restMs);
  return restMs;
}

async function sweepIfDue(engine: Engine, state: PollState, signal: AbortSignal): Promise<void> {
  const feed = await engine.store.channels.feed(state.live.id);
  const due = feed?.sweptAt == null || engine.clock.now() - feed.sweptAt >= sweepEveryMs;
  if (!due) return;
  const swept = await sweepOrders(engine, state.live, signal);
  if (!swept.complete) {
    state.failures += 1;
    state.notBefore = engine.clock.now() + restAfter(state, swept);
  }
}

async function tellStale(engine: Engine, state: PollState, now: number): Promise<void> {
  const { live } = state;
  if (live.pollMs === null) return;
  const feed = await engine.store.channels.feed(live.id);
  const pulledAt = feed?.pulledAt ?? (await bornAt(engine, live));
  const stale = pulledAt !== null && now - pulledAt > Math.max(staleAlertMs, 2 * live.pollMs);
  if (stale) {
    const message = `no complete order pull of ${live.name} for more than an hour: ${feed?.error ?? 'no answer'}; see: invsync check`;
    await openAlert(engine, { channelId: live.id, kind: 'feed_stale', subject: live.name, message });
  } else await closeAlert(engine, 'feed_stale', live.name);
}

async function bornAt(engine: Engine, live: LiveChannel): Promise<number | null> {
  const row = await engine.store.channels.channel(live.id);
  return row?.parkedSince ?? row?.liveSince ?? null;
}
