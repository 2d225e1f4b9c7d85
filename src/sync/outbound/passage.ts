import { ChannelError } from '../../channels/errors.ts';
import { decidePush, type PushContext, type PushDecision } from '../../stock/push.ts';
import type { ChannelRow, CounterView, PushPlan } from '../../store/store.ts';
import { admit, isOurs } from '../account/account.ts';
import { reviewAlerts } from '../alerts.ts';
import { askedWaitMs } from '../backoff.ts';
import { noteFailure } from '../contact.ts';
import type { Engine } from '../engine.ts';
import { feedsOf, freshness } from '../fresh.ts';
import { driftContext, writeGate } from '../push-context.ts';
import { type Lane, type Passage, restAfterMany } from './lane.ts';
import { exposedRetryMs, jitterMs, type SentPush } from './outcome.ts';
import { readBack, type SeenCounter } from './readback.ts';
import { sendPushes } from './send.ts';

/** How long a raise waits before freshness is looked at again: grows with what waits, so that a backlog costs little. */
const freshWaitMs = { least: 2_000, perWaiting: 2, most: 60_000 } as const;
const brakeWaitMs = 60_000;
/** Due counters of one channel, with the channel's row as it was then. */
export interface Batch {
  row: ChannelRow;
  views: CounterView[];
}

/** The next batch of due counters, marked busy; null when there is none or the channel takes no writes now. */
export async function claimBatch(engine: Engine, lane: Lane, signal: AbortSignal): Promise<Batch | null> {
  const row = await engine.store.channels.channel(lane.live.id);
  if (row === null || writeGate(row) !== null || engine.clock.now() < lane.pausedUntil) return null;
  if (!isOurs(await admit(engine, lane.live, signal))) return null;
  const now = engine.clock.now();
  const size = lane.live.capabilities.batchSize;
  const due = () => engine.store.outbox.due(lane.live.id, size + lane.busy.size, now);
  const free = (found: CounterView[]) => found.filter((view) => !lane.busy.has(view.counterId));
  let views = free(await due());
  if (views.some((view) => view.state === 'in_flight')) {
    // Sent, and for some reason never settled: nobody works on it any more.
    await engine.store.outbox.expireFlights(lane.live.id, now);
    views = free(await due());
  }
  views = views.slice(0, size);
  if (views.length === 0) return null;
  for (const view of views) lane.busy.add(view.counterId);
  return { row, views };
}

/** A counter as this round knows it: as it was claimed, or as a read has left it. */
type Counter =
  | { kind: 'claimed'; view: CounterView }
  | SeenCounter
  /** The read failed as a whole: it is tried again at `until`. */
  | { kind: 'unread'; view: CounterView; until: number; reason: string };

type Settled = Exclude<PushDecision, { kind: 'read' }>;

interface Decided {
  view: CounterView;
  decision: Settled;
}

/**
 * Decides, stores the plans, sends, settles. Counters whose number must be seen first are read and take a second round;
 * there `decide` asks for no further read, so there is no third.
 */
export async function handleBatch(
  engine: Engine,
  lane: Lane,
  batch: Batch,
  signal: AbortSignal,
): Promise<void> {
  const passage = await passageOf(engine, lane, batch.row);
  let counters: Counter[] = batch.views.map((view) => ({ kind: 'claimed', view }));
  while (counters.length > 0) {
    const decided: Decided[] = [];
    const unseen: CounterView[] = [];
    for (const counter of counters) {
      const decision = decide(engine, passage, counter);
      if (decision.kind === 'read') unseen.push(counter.view);
      else decided.push({ view: counter.view, decision });
    }
    await carryOut(engine, passage, decided, signal);
    counters = await see(engine, passage, unseen, signal);
  }
}

async function passageOf(engine: Engine, lane: Lane, row: ChannelRow): Promise<Passage> {
  const feeds = await freshness(engine);
  const state = feedsOf(feeds);
  if (state === 'fresh') lane.waiting = 0;
  else if (lane.waiting > 0) lane.wakePulls(feeds);
  return { lane, row, feeds: state };
}

function decide(engine: Engine, passage: Passage, counter: Counter): PushDecision {
  const { lane } = passage;
  const waits = (until: number, reason: string): PushDecision => {
    return { kind: 'wait', until, needs: 'answer', reason };
  };
  switch (counter.kind) {
    case 'claimed':
      return judge(engine, passage, counter.view);
    case 'no number':
      return { kind: 'dead', error: counter.error, exposed: counter.exposed };
    case 'no answer':
      return waits(
        engine.clock.now() + jitterMs(engine, lane.failures),
        'the channel did not answer for its number',
      );
    case 'unread':
      return waits(counter.until, counter.reason);
    case 'seen': {
      const { view, verdict } = counter;
      if (verdict.low !== null) lane.onLow(lane.live.id, view.counterId, verdict.low.since);
      const decision = judge(engine, passage, view);
      if (decision.kind !== 'read') return decision;
      // A read that shows what a compare has just refuted is older than the platform's own number: once a write shows
      // up in reads, the base counts again.
      lane.conflicts.delete(view.counterId);
      const rest = Math.max(jitterMs(engine, 1), lane.live.capabilities.settleMs);
      return waits(engine.clock.now() + rest, decision.reason);
    }
  }
}

/** The pure decision, less what failed compares have used up: never one base twice, three rounds at most. */
function judge(engine: Engine, passage: Passage, view: CounterView): PushDecision {
  const { lane, row } = passage;
  if (row.mode === 'shadow') return shadow(engine, lane, view);
  const pushing = contextOf(engine, passage, view);
  const decision = decidePush(view, pushing);
  if (decision.kind === 'wait' && decision.needs === 'brake' && pushing.brake === 'doubt')
    lane.onDoubt(lane.live.id, view.counterId);
  if (decision.kind !== 'send') return decision;
  const restUntil = restAfterMany(engine, lane, view.counterId);
  if (restUntil !== null)
    return { kind: 'wait', until: restUntil, needs: 'answer', reason: 'pushed too often in a row' };
  const used = lane.conflicts.get(view.counterId);
  if (used === undefined || decision.base === null) return decision;
  if (used.length >= 3) {
    lane.conflicts.delete(view.counterId);
    return { kind: 'close', reason: 'three compares failed: left to reconciliation' };
  }
  return used.includes(decision.base) ? { kind: 'read', reason: 'this base failed before' } : decision;
}

function shadow(engine: Engine, lane: Lane, view: CounterView): PushDecision {
  const { target } = view;
  const reason =
    target.kind === 'number' ? `shadow: would send ${target.quantity}` : `shadow: ${target.kind}`;
  engine.log.info({ channel: lane.live.name, counter: view.counterKey }, reason);
  return { kind: 'close', reason };
}

/** The context in which one counter's push is decided. */
function contextOf(engine: Engine, { lane, row, feeds }: Passage, view: CounterView): PushContext {
  const { compareAndSet, maxQuantity } = lane.live.capabilities;
  const now = engine.clock.now();
  return {
    now,
    ...driftContext(row, lane.live),
    feeds,
    compareAndSet,
    brake: brakeOn(row, view),
    maxQuantity,
  };
}

/** What holds this counter back besides its orders: what a run or a person has let go passes. */
function brakeOn(row: ChannelRow, { held, letGo, doubt, target }: CounterView): PushContext['brake'] {
  if (target.kind !== 'number' || (letGo !== null && target.quantity <= letGo)) return 'none';
  if (row.brakePlan !== null) return held === 0 ? 'zeros' : 'raises';
  return doubt === null ? 'none' : 'doubt';
}

/** Reads what must be seen first and answers the counters as they are then. */
async function see(
  engine: Engine,
  passage: Passage,
  views: CounterView[],
  signal: AbortSignal,
): Promise<Counter[]> {
  if (views.length === 0) return [];
  const { lane } = passage;
  try {
    const seen = await readBack(engine, passage, views, signal);
    if (seen.some((counter) => counter.kind === 'no answer')) lane.failures += 1;
    return seen;
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    await noteFailure(engine, lane.live, error);
    lane.failures += 1;
    const until = engine.clock.now() + askedWaitMs(error.afterMs, jitterMs(engine, lane.failures));
    if (error.kind === 'throttled') lane.pausedUntil = until;
    const reason = `its number could not be read: ${error.message}`;
    return views.map((view) => ({ kind: 'unread', view, until, reason }));
  }
}

async function carryOut(
  engine: Engine,
  passage: Passage,
  decided: Decided[],
  signal: AbortSignal,
): Promise<void> {
  if (decided.length === 0) return;
  const planned = decided.map(({ view, decision }) => ({
    view,
    plan: planOf(engine, passage.lane, view, decision),
  }));
  const holding = new Set(
    await engine.store.outbox.begin(
      planned.map(({ plan }) => plan),
      engine.clock.now(),
    ),
  );
  const held = planned.filter(({ plan }) => holding.has(plan.counterId));
  const sends = held.flatMap(({ view, plan }): SentPush[] => (plan.kind === 'send' ? [{ view, plan }] : []));
  if (sends.length > 0) await sendPushes(engine, passage, sends, signal);
  if (held.some(({ view, plan }) => plan.kind === 'dead' || (plan.kind === 'close' && view.exposed)))
    await reviewAlerts(engine);
}

function planOf(engine: Engine, lane: Lane, view: CounterView, decision: Settled): PushPlan {
  const now = engine.clock.now();
  const of = { counterId: view.counterId, version: view.version };
  switch (decision.kind) {
    case 'send': {
      const deadline = now + lane.live.timeoutMs + lane.live.capabilities.maxExecutionMs;
      return { ...decision, ...of, key: engine.randomHex(16), sentAt: now, deadline };
    }
    case 'close':
      return { ...decision, ...of, anchor: null };
    case 'dead':
      return { ...decision, ...of, dueAt: decision.exposed ? now + exposedRetryMs : null };
    case 'wait':
      return { kind: 'wait', ...of, reason: decision.reason, dueAt: waitUntil(now, lane, decision) };
  }
}

function waitUntil(now: number, lane: Lane, decision: Extract<Settled, { kind: 'wait' }>): number {
  if (decision.until !== null) return decision.until;
  if (decision.needs === 'brake') return now + brakeWaitMs;
  lane.waiting += 1;
  const waitMs = freshWaitMs.least + lane.waiting * freshWaitMs.perWaiting;
  return now + Math.min(freshWaitMs.most, waitMs);
}
