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

const storageCodes = ['FULL', 'IOERR', 'READONLY', 'CANTOPEN', 'BUSY', 'LOCKED', 'CORRUPT', 'NOMEM'].map(
  (name) => `SQLITE_${name}`,
);

/** The disk or the file failed, not the operation: nothing in this transaction can be kept or blamed. */
export function isStorageFailure(db: Db, error: unknown): boolean {
  if (!db.raw.inTransaction) return true;
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' && storageCodes.some((prefix) => code.startsWith(prefix));
}
