import type { Engine } from './engine.ts';
import { createLoop, type Loop } from './loop.ts';
import { type ReconcileTools, reconcile } from './reconcile.ts';

const everyMs = 1_000;

/**
 * A channel that becomes live (first start, resume, restore) starts with a reconcile plan, not with its old rows:
 * until one has run to its end nothing is pushed to it. Retried until it does.
 */
export function createTakeover(engine: Engine, tools: ReconcileTools): Loop {
  return createLoop(engine, 'takeover', async (signal) => {
    const rows = await engine.store.channels.list();
    const waiting = rows.filter(
      (row) =>
        engine.channels.has(row.id) &&
        row.mode === 'live' &&
        !row.paused &&
        row.parkedSince === null &&
        row.heldReason === null &&
        !row.orphaned &&
        (row.plannedAt === null || row.plannedAt < (row.liveSince ?? 0)),
    );
    if (waiting.length === 0) return everyMs;
    const channels = waiting.map((row) => row.name);
    engine.log.info({ channels }, 'taking over');
    const outcome = await reconcile(
      engine,
      tools,
      { channels, skus: null, dryRun: false, waitMs: 0 },
      signal,
    );
    for (const { channel, reason } of outcome.failed)
      engine.log.warn({ channel, reason }, 'not taken over yet');
    engine.wakes.push(null);
    return outcome.failed.length > 0 ? 5 * everyMs : everyMs;
  });
}
