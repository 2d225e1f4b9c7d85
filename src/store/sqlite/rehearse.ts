import type { Rehearsal, RehearsalStep } from '../store.ts';
import { applyOrders } from './apply.ts';
import { changeStock } from './count.ts';
import { mapListing } from './listings.ts';
import type { Db } from './open.ts';
import { viewsOf } from './views.ts';

/** Carries the steps out, reads the counters, and undoes everything: nothing of it is ever committed. */
export function rehearse(
  db: Db,
  steps: RehearsalStep[],
  counterIds: number[] | null,
  now: number,
): Rehearsal {
  const rehearsal: Rehearsal = { applied: [], changed: [], mapped: [], counters: [] };
  db.sql('savepoint rehearsal').run();
  try {
    const before = versions(db);
    for (const step of steps) {
      if (step.kind === 'apply') rehearsal.applied.push(...applyOrders(db, step.requests, now));
      else if (step.kind === 'change')
        rehearsal.changed.push(...changeStock(db, step.changes, step.actor, now));
      else rehearsal.mapped.push(mapListing(db, step.listingRowId, step.parts, step.actor, now));
    }
    rehearsal.counters = viewsOf(db, counterIds ?? touched(db, before));
    return rehearsal;
  } finally {
    db.sql('rollback to rehearsal').run();
    db.sql('release rehearsal').run();
  }
}

function versions(db: Db): Map<number, number> {
  const rows = db.sql('select id, version from counter').all() as { id: number; version: number }[];
  return new Map(rows.map((row) => [row.id, row.version]));
}

function touched(db: Db, before: Map<number, number>): number[] {
  return [...versions(db)].filter(([id, version]) => before.get(id) !== version).map(([id]) => id);
}
