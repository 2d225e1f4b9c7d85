import { doublingMs } from '../backoff.ts';
import type { Engine } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';
import { type ReconcileTools, reconcile } from './reconcile.ts';
import { isCorrection, sentenceOf } from './result.ts';

/** Waiting raises beyond this are left to the next scheduled run. */
const mostWaiting = 10_000;
const restMs = 60_000;
/** Proofs that come due within this are asked for in one go. */
const gatherMs = 1_000;

/** Finishes raises that wait for their proof: at its time it pulls the orders and reads the number once more. */
export interface Proofs extends Loop {
  /** A counter is too low and may be proved from `until` on. Knowing it is a convenience: the next run finds it too. */
  expect(channelId: number, counterId: number, until: number): void;
  /** An unexplained low that a push met: provable one order lag after it was seen. */
  expectLow(channelId: number, counterId: number, since: number): void;
  /** A raise whose number is in doubt: judged as soon as what else comes with it is known. */
  expectDoubt(channelId: number, counterId: number): void;
}

interface Waiting {
  channelId: number;
  until: number;
}

/** The duty that asks for proofs when they come due. */
export function createProofs(engine: Engine, tools: Pick<ReconcileTools, 'pusher'>): Proofs {
  const waiting = new Map<number, Waiting>();
  /** How often a counter was asked for in vain: a channel whose orders cannot be read is not asked without pause. */
  const tries = new Map<number, number>();
  const expect = (channelId: number, counterId: number, until: number): void => {
    if (waiting.size >= mostWaiting && !waiting.has(counterId)) return;
    const failures = tries.get(counterId) ?? 0;
    const earliest = failures === 0 ? until : engine.clock.now() + doublingMs(failures, gatherMs, restMs);
    waiting.set(counterId, { channelId, until: Math.max(until, earliest) });
    loop.wake();
  };
  /** Asked for in vain (of one channel, or of all): once more after a while, unless a new time is known. */
  const again = (asked: [number, Waiting][], channel: string | null): void => {
    for (const [counterId, { channelId }] of asked) {
      const named = channel === null || engine.channels.get(channelId)?.name === channel;
      if (named && !waiting.has(counterId)) expect(channelId, counterId, engine.clock.now() + restMs);
    }
  };
  const loop = createLoop(engine, 'proof', async (signal) => {
    const now = engine.clock.now();
    const due = [...waiting].filter(([, proof]) => proof.until <= now + gatherMs);
    const ripe = due.every(([, proof]) => proof.until <= now) ? due : [];
    if (ripe.length === 0) return nextRest(waiting, now);
    for (const [counterId] of ripe) {
      waiting.delete(counterId);
      tries.set(counterId, (tries.get(counterId) ?? 0) + 1);
    }
    const names = new Set(ripe.map(([, proof]) => engine.channels.get(proof.channelId)?.name ?? ''));
    const wish = {
      channels: [...names].filter((name) => name !== ''),
      skus: null,
      counterIds: ripe.map(([counterId]) => counterId),
      dryRun: false,
      waitMs: 0,
    };
    try {
      const outcome = await reconcile(engine, { ...tools, onWait: expect }, wish, signal);
      if (outcome.report.lines.some(isCorrection))
        engine.log.info({}, `after a second look: ${sentenceOf(outcome)}`);
      for (const { channel } of outcome.failed) again(ripe, channel);
    } catch (error) {
      again(ripe, null);
      throw error;
    }
    for (const [counterId] of ripe) if (!waiting.has(counterId)) tries.delete(counterId);
    return 0;
  });
  return {
    ...loop,
    expect,
    expectLow(channelId, counterId, since) {
      const live = engine.channels.get(channelId);
      if (live === undefined) return;
      const lagMs = live.capabilities.orderLagMs ?? live.raiseAfterMs;
      expect(channelId, counterId, Math.max(since + lagMs + 1, engine.clock.now() + gatherMs));
    },
    expectDoubt(channelId, counterId) {
      if (!waiting.has(counterId)) expect(channelId, counterId, engine.clock.now() + 2 * gatherMs);
    },
  };
}

function nextRest(waiting: ReadonlyMap<number, { until: number }>, now: number): number {
  let rest = restMs;
  for (const { until } of waiting.values()) rest = Math.min(rest, until - now);
  return Math.max(1, rest);
}
