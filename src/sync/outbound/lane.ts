import { ChannelError } from '../../channels/errors.ts';
import { decidePush, type PushDecision } from '../../stock/push.ts';
import type { ChannelRow, CounterView, PushPlan } from '../../store/store.ts';
import { admit, isOurs } from '../account/account.ts';
import { settleAlerts } from '../alerts.ts';
import { askedWaitMs } from '../backoff.ts';
import { park, unanswered } from '../contact.ts';
import type { Engine, LiveChannel } from '../engine.ts';
import { createPullWaker, feedsOf, freshness } from '../fresh.ts';
import { type Lane, type LaneContext, pushContext, writeGate } from '../push-context.ts';
import { exposedRetryMs, jitterMs, type SentPush } from './outcome.ts';
import { readBack, type SeenCounter } from './readback.ts';
import { sendPushes } from './send.ts';

/** How long a raise waits before freshness is looked at again: grows with what waits, so that a backlog costs little. */
const freshWaitMs = { least: 2_000, perWaiting: 2, most: 60_000 } as const;
const brakeWaitMs = 60_000;
/** Stale feeds wake their pulls at most this often. */
const wakeEveryMs = 2_000;

/** No counter is sent more often than this within the window, whatever the channel answers. */
const mostSends = { times: 200, withinMs: 10_000 } as const;

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

/** Decides, stores the plans, sends, settles; then the same for those whose number had to be read first. */
export async function handleBatch(
  engine: Engine,
  lane: Lane,
  batch: Batch,
  signal: AbortSignal,
): Promise<void> {
  const context = await contextOf(engine, lane, batch.row);
  const decided = batch.views.map((view) => ({ view, decision: decide(engine, lane, context, view) }));
  await carryOut(
    engine,
    lane,
    context,
    decided.filter(({ decision }) => decision.kind !== 'read'),
    signal,
  );
  const unseen = decided.filter(({ decision }) => decision.kind === 'read').map(({ view }) => view);
  if (unseen.length === 0) return;
  const seen = await see(engine, lane, context, unseen, signal);
  await carryOut(engine, lane, context, seen, signal);
}

interface Decided {
  view: CounterView;
  decision: PushDecision;
}

async function contextOf(engine: Engine, lane: Lane, row: ChannelRow): Promise<LaneContext> {
  const feeds = await freshness(engine);
  const state = feedsOf(feeds);
  if (state === 'fresh') lane.waiting = 0;
  else if (lane.waiting > 0) lane.wakePulls(feeds);
  return { row, live: lane.live, feeds: state };
}

/** The pure decision, less what failed compares have used up: never one base twice, three rounds at most. */
function decide(engine: Engine, lane: Lane, context: LaneContext, view: CounterView): PushDecision {
  if (context.row.mode === 'shadow') return shadow(engine, lane, view);
  const pushing = pushContext(engine, context, view);
  const decision = decidePush(view, pushing);
  if (decision.kind === 'wait' && decision.needs === 'brake' && pushing.brake === 'doubt')
    lane.onDoubt(lane.live.id, view.counterId);
  if (decision.kind !== 'send') return decision;
  const restUntil = tooOften(engine, lane, view.counterId);
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

/** When a counter that was sent again and again may be sent next; null: now. */
function tooOften(engine: Engine, lane: Lane, counterId: number): number | null {
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

function shadow(engine: Engine, lane: Lane, view: CounterView): PushDecision {
  const { target } = view;
  const reason =
    target.kind === 'number' ? `shadow: would send ${target.quantity}` : `shadow: ${target.kind}`;
  engine.log.info({ channel: lane.live.name, counter: view.counterKey }, reason);
  return { kind: 'close', reason };
}

async function see(
  engine: Engine,
  lane: Lane,
  context: LaneContext,
  views: CounterView[],
  signal: AbortSignal,
): Promise<Decided[]> {
  try {
    const seen = await readBack(engine, context, views, signal);
    if (seen.some((counter) => counter.kind === 'no answer')) lane.failures += 1;
    return seen.map((counter) => ({
      view: counter.view,
      decision: decideSeen(engine, lane, context, counter),
    }));
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    if (error.kind === 'auth') await park(engine, lane.live, error);
    else await unanswered(engine, lane.live, error);
    lane.failures += 1;
    const until = engine.clock.now() + askedWaitMs(error.afterMs, jitterMs(engine, lane.failures));
    if (error.kind === 'throttled') lane.pausedUntil = until;
    const reason = `its number could not be read: ${error.message}`;
    return views.map((view) => ({ view, decision: { kind: 'wait', until, needs: 'answer', reason } }));
  }
}

function decideSeen(engine: Engine, lane: Lane, context: LaneContext, counter: SeenCounter): PushDecision {
  if (counter.kind === 'no number') return { kind: 'dead', error: counter.error, exposed: counter.exposed };
  if (counter.kind === 'no answer') {
    const until = engine.clock.now() + jitterMs(engine, lane.failures);
    return { kind: 'wait', until, needs: 'answer', reason: 'the channel did not answer for its number' };
  }
  const { view, verdict } = counter;
  if (verdict.low !== null) lane.onLow(lane.live.id, view.counterId, verdict.low.since);
  const decision = decide(engine, lane, context, view);
  if (decision.kind !== 'read') return decision;
  // A read that shows what a compare has just refuted is older than the platform's own number: once it has settled,
  // the base counts again.
  lane.conflicts.delete(view.counterId);
  const until = engine.clock.now() + Math.max(jitterMs(engine, 1), lane.live.capabilities.settleMs);
  return { kind: 'wait', until, needs: 'answer', reason: decision.reason };
}

async function carryOut(
  engine: Engine,
  lane: Lane,
  context: LaneContext,
  decided: Decided[],
  signal: AbortSignal,
): Promise<void> {
  if (decided.length === 0) return;
  const planned = decided.map(({ view, decision }) => ({ view, plan: planOf(engine, lane, view, decision) }));
  const holding = new Set(
    await engine.store.outbox.begin(
      planned.map(({ plan }) => plan),
      engine.clock.now(),
    ),
  );
  const held = planned.filter(({ plan }) => holding.has(plan.counterId));
  const sends = held.flatMap(({ view, plan }): SentPush[] => (plan.kind === 'send' ? [{ view, plan }] : []));
  if (sends.length > 0) await sendPushes(engine, lane, context, sends, signal);
  if (held.some(({ view, plan }) => plan.kind === 'dead' || (plan.kind === 'close' && view.exposed)))
    await settleAlerts(engine);
}

function planOf(engine: Engine, lane: Lane, view: CounterView, decision: PushDecision): PushPlan {
  const now = engine.clock.now();
  const { counterId, version } = view;
  switch (decision.kind) {
    case 'send': {
      const { timeoutMs, capabilities } = lane.live;
      const deadline = now + timeoutMs + capabilities.maxExecutionMs;
      const { quantity, base } = decision;
      return {
        kind: 'send',
        counterId,
        version,
        quantity,
        base,
        key: engine.randomHex(16),
        sentAt: now,
        deadline,
      };
    }
    case 'close':
      return { kind: 'close', counterId, version, reason: decision.reason, anchor: null };
    case 'dead': {
      const { error, exposed } = decision;
      return {
        kind: 'dead',
        counterId,
        version,
        error,
        exposed,
        dueAt: exposed ? now + exposedRetryMs : null,
      };
    }
    case 'read':
      return { kind: 'wait', counterId, version, reason: decision.reason, dueAt: now };
    case 'wait':
      return {
        kind: 'wait',
        counterId,
        version,
        reason: decision.reason,
        dueAt: waitUntil(now, lane, decision),
      };
  }
}

function waitUntil(now: number, lane: Lane, decision: Extract<PushDecision, { kind: 'wait' }>): number {
  if (decision.until !== null) return decision.until;
  if (decision.needs === 'brake') return now + brakeWaitMs;
  lane.waiting += 1;
  const waitMs = freshWaitMs.least + lane.waiting * freshWaitMs.perWaiting;
  return now + Math.min(freshWaitMs.most, waitMs);
}
