import { messageOf } from '../../errors.ts';
import type { ChannelRow } from '../../store/store.ts';
import { doublingMs } from '../backoff.ts';
import type { Engine } from '../engine.ts';
import { createLoop, type Loop } from '../loop.ts';
import { isPlanned } from '../push-context.ts';
import { type ReconcileTools, reconcile } from '../reconcile/reconcile.ts';
import { sentenceOf } from '../reconcile/result.ts';
import { isRefused } from '../refusal.ts';

const everyMs = 1_000;
const failureRest = { firstMs: 5_000, mostMs: 5 * 60_000 } as const;

/** How it stands with one channel's plan. */
interface Attempt {
  running: boolean;
  failures: number;
  notBefore: number;
  /** The occasion that the failures belong to: a later one begins anew. */
  since: number | null;
}

/** What a take-over works with. `owed`: every start owes each channel a run, whatever was known before. */
export interface TakeoverTools extends ReconcileTools {
  owed: 'all' | 'none';
}

/**
 * A channel that becomes live (first start, resume, restore) starts with a reconcile plan, not with its old rows:
 * until one has run to its end nothing is pushed to it. After a start every channel is reconciled once, also those
 * that only observe, where nothing is written. Retried with growing rests; channels that come to it meanwhile do not
 * wait for those that are being read.
 */
export function createTakeover(engine: Engine, tools: TakeoverTools): Loop {
  const owed = new Set(tools.owed === 'all' ? engine.channels.keys() : []);
  const isOpen = (row: ChannelRow): boolean => isUnplanned(row) || owed.has(row.id);
  const attempts = new Map<number, Attempt>();
  const attemptOf = (row: ChannelRow): Attempt => {
    const known = attempts.get(row.id);
    if (known !== undefined && (known.running || known.since === row.liveSince)) return known;
    const fresh = { running: false, failures: 0, notBefore: 0, since: row.liveSince };
    attempts.set(row.id, fresh);
    return fresh;
  };

  const run = async (rows: ChannelRow[], signal: AbortSignal): Promise<void> => {
    const channels = rows.map((row) => row.name);
    let open = new Set(rows.map((row) => row.id));
    for (const row of rows) attemptOf(row).running = true;
    engine.log.debug({ channels }, 'reconciling before the first writes');
    try {
      const wish = { channels, skus: null, dryRun: false, waitMs: 0 };
      const outcome = await reconcile(engine, tools, wish, signal);
      if (!signal.aborted) engine.log.info({}, sentenceOf(outcome));
      for (const row of rows) if (outcome.passed.includes(row.name)) owed.delete(row.id);
      open = new Set((await engine.store.channels.list()).filter(isOpen).map((row) => row.id));
      engine.wakes.push(null);
    } catch (error) {
      if (!signal.aborted) engine.log.error({ channels, error: messageOf(error) }, 'not taken over yet');
    } finally {
      for (const row of rows) {
        const attempt = attemptOf(row);
        attempt.running = false;
        attempt.failures = open.has(row.id) ? attempt.failures + 1 : 0;
        const { firstMs, mostMs } = failureRest;
        const restMs = attempt.failures > 0 ? doublingMs(attempt.failures, firstMs, mostMs) : everyMs;
        attempt.notBefore = engine.clock.now() + restMs;
      }
    }
  };

  return createLoop(engine, 'takeover', async (signal, beside) => {
    const now = engine.clock.now();
    const waiting = (await engine.store.channels.list()).filter((row) => {
      if (!engine.channels.has(row.id) || !isAble(row) || !isOpen(row)) return false;
      const { running, notBefore } = attemptOf(row);
      return !running && notBefore <= now;
    });
    if (waiting.length > 0) beside(run(waiting, signal));
    return everyMs;
  });
}

function isUnplanned(row: ChannelRow): boolean {
  return row.mode === 'live' && !row.paused && !isPlanned(row);
}

function isAble(row: ChannelRow): boolean {
  return !row.orphaned && row.parkedSince === null && row.heldReason === null && !isRefused(row);
}
