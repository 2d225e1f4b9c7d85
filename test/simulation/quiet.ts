import { expectedRange, single } from '../../src/stock/anchor.ts';
import type { World } from './world.ts';

/**
 * Without any reconcile run: a counter whose outbox row is closed is expected to show its target by what the ledger
 * and the anchor say. A result that closed a newer version than its own is seen here, before reconciliation mends it.
 */
export async function checkQuietCounters(world: World): Promise<void> {
  const { store } = world.process;
  for (const row of await store.channels.list()) {
    if (row.plannedAt === null || row.plannedAt < (row.liveSince ?? 0)) continue;
    const live = world.process.live(row.name);
    const { clockMarginMs, restoresOnCancel, basis } = live.capabilities;
    for (const view of await store.outbox.page(row.id, 0, 1_000)) {
      const closed = view.version === view.doneVersion && view.state === 'idle' && !view.dead && !view.exposed;
      if (!closed || view.anchor === null || view.target.kind !== 'number' || view.lowSince !== null) continue;
      if (view.listings.every((listing) => listing.mode === 'off')) continue;
      if (view.anchor.from < (row.liveSince ?? 0)) continue;
      const range = expectedRange(view.anchor, view.own, [], { clockMarginMs, restoresOnCancel, basis });
      const [last] = await store.reports.pushLog(world.pieces.get(`${row.name}/${view.listings[0]?.listingId}`)?.[0]?.sku ?? '', row.name, 1);
      if (last?.outcome.includes('compares') === true) continue;
      const expected = single(range);
      if (expected !== null && expected !== view.target.quantity)
        world.fail(
          `${row.name} ${view.counterKey} is closed at ${expected} although its target is ${view.target.quantity}: ${JSON.stringify({ ...view, listings: undefined })}`,
        );
    }
  }
}
