import type { Db } from './open.ts';

/** Runs inside a savepoint: what it wrote is undone when it throws, the transaction around it goes on. */
export function inSavepoint<T>(db: Db, run: () => T): T {
  db.sql('savepoint op').run();
  try {
    const result = run();
    db.sql('release op').run();
    return result;
  } catch (error) {
    if (db.raw.inTransaction) {
      db.sql('rollback to op').run();
      db.sql('release op').run();
    }
    throw error;
  }
}
