import type { LevelAfter, Rehearsal, RehearsalStep } from '../store.ts';
import { applyOrders, asText } from './apply.ts';
import { changeStock } from './count.ts';
import { levelOf } from './ledger.ts';
import { mapListing } from './mapping.ts';
import type { Db } from './open.ts';
import { viewsOf } from './views.ts';

/** Carries the steps out, reads counters and levels, and undoes everything: nothing of it is ever committed. */
export function rehearse(
  db: Db,
  steps: RehearsalStep[],
  counterIds: number[] | null,
  now: number,
): Rehearsal {
  const rehearsal: Rehearsal = { applied: [], changed: [], mapped: [], counters: [], levels: [] };
  db.sql('savepoint rehearsal').run();
  try {
    const counters = counterIds === null ? counterVersions(db) : null;
    const levels = levelVersions(db);
    for (const step of steps) {
      if (step.kind === 'apply') rehearsal.applied.push(...applyOrders(db, step.requests.map(asText), now));
      else if (step.kind === 'change')
        rehearsal.changed.push(...changeStock(db, step.changes, step.actor, now));
      else rehearsal.mapped.push(mapListing(db, step.listingRowId, step.parts, step.actor, now));
    }
    const touched = counters === null ? [] : moved(counters, counterVersions(db));
    rehearsal.counters = viewsOf(db, counterIds ?? touched);
    rehearsal.levels = moved(levels, levelVersions(db)).map((skuId) => levelAfter(db, skuId));
    return rehearsal;
  } finally {
    db.sql('rollback to rehearsal').run();
    db.sql('release rehearsal').run();
  }
}

function levelAfter(db: Db, skuId: number): LevelAfter {
  const level = levelOf(db, skuId);
  return {
    skuId,
    counted: level.counted === 1,
    available: level.on_hand - level.committed - level.reserved,
  };
}

type Versions = Map<number, number>;

function counterVersions(db: Db): Versions {
  return versionsOf(db.sql('select id, version from counter').all());
}

function levelVersions(db: Db): Versions {
  return versionsOf(db.sql('select sku_id as id, version from level').all());
}

function versionsOf(rows: unknown[]): Versions {
  return new Map((rows as { id: number; version: number }[]).map((row) => [row.id, row.version]));
}

function moved(before: Versions, after: Versions): number[] {
  return [...after].filter(([id, version]) => before.get(id) !== version).map(([id]) => id);
}
