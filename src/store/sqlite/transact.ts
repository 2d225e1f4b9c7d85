import { AppError, EXIT, type ExitCode, messageOf } from '../../errors.ts';
import type { Db } from './open.ts';
import { type WriteCall, writes } from './operations.ts';
import { inSavepoint } from './savepoint.ts';

/** An error as plain data, as it crosses threads. Hint and exit code are those of an `AppError`. */
export interface Thrown {
  code: string;
  message: string;
  hint: string;
  exitCode: ExitCode;
}

/** What became of one call of a batch. */
export type CallResult = { ok: true; value: unknown } | ({ ok: false } & Thrown);

/**
 * Runs the calls in one transaction, one commit, one fsync. A call that throws is undone alone; when the commit
 * itself fails (disk full), every call failed.
 */
export function transact(db: Db, calls: readonly WriteCall[], begin: (db: Db) => void = lock): CallResult[] {
  try {
    rollBack(db);
    begin(db);
  } catch (error) {
    return calls.map(() => failure(error));
  }
  try {
    const results = calls.map((call) => runCall(db, call, calls.length > 1));
    db.sql('commit').run();
    return results;
  } catch (error) {
    try {
      rollBack(db);
    } catch {
      // The disk that refused the commit may refuse this too: the next transaction tries again before it begins.
    }
    return calls.map(() => failure(error));
  }
}

/** Takes the write lock, or waits for it with the growing rests of SQLite: a command has time. */
function lock(db: Db): void {
  db.sql('begin immediate').run();
}

const lockWaitMs = 5_000;
const lookEveryMs = 1;
const bell = new Int32Array(new SharedArrayBuffer(4));

/**
 * Takes the write lock in the first gap that a command leaves between two of its transactions, however short: deliveries
 * go first. SQLite's own rests grow to 100 ms and would miss it. For a thread that may block, with `busy_timeout` 0.
 */
export function lockFirst(db: Db): void {
  const until = performance.now() + lockWaitMs;
  for (;;) {
    try {
      lock(db);
      return;
    } catch (error) {
      if (!codeOf(error).startsWith('SQLITE_BUSY') || performance.now() >= until) throw error;
      Atomics.wait(bell, 0, 0, lookEveryMs);
    }
  }
}

function rollBack(db: Db): void {
  if (db.raw.inTransaction) db.sql('rollback').run();
}

function runCall(db: Db, call: WriteCall, shared: boolean): CallResult {
  const operation = writes[call.name] as (db: Db, ...args: unknown[]) => unknown;
  // A batch of deliveries needs no savepoint: its only statement either inserts or fails the whole transaction.
  if (call.name === 'takeIn') return { ok: true, value: operation(db, ...call.args) };
  try {
    const value = shared ? inSavepoint(db, () => operation(db, ...call.args)) : operation(db, ...call.args);
    return { ok: true, value };
  } catch (error) {
    if (!shared || !db.raw.inTransaction) throw error;
    return failure(error);
  }
}

/** What was thrown, as it crosses threads. */
export function failure(error: unknown): { ok: false } & Thrown {
  const { hint, exitCode } = error instanceof AppError ? error : { hint: '', exitCode: EXIT.failed };
  return { ok: false, code: codeOf(error), message: messageOf(error), hint, exitCode };
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : 'defect';
}

/**
 * Moves what committed transactions wrote from the log into the database and empties the log. Waits for nobody: what a
 * reader still needs stays where it is until the next time.
 */
export function checkpoint(db: Db): CallResult {
  const patience = Number(db.raw.pragma('busy_timeout', { simple: true }));
  try {
    db.raw.pragma('busy_timeout = 0');
    db.raw.pragma('wal_checkpoint(TRUNCATE)');
    return { ok: true, value: null };
  } catch (error) {
    return failure(error);
  } finally {
    db.raw.pragma(`busy_timeout = ${patience}`);
  }
}

/** Turns a failed call back into the error that the store contract promises. */
export function errorOf({ code, message, hint, exitCode }: Thrown): Error {
  const full = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_READONLY', 'SQLITE_CANTOPEN', 'ENOSPC'];
  if (full.some((each) => code.startsWith(each))) {
    return new AppError('store_full', `the database cannot be written: ${message}`, {
      hint: 'free space on the disk of data_dir; nothing acknowledged was lost',
      exitCode: EXIT.temporary,
    });
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new AppError('store_busy', 'the database is locked by another process', {
      hint: 'try again; if it stays, look for a long-running command',
      exitCode: EXIT.temporary,
    });
  }
  if (code === 'defect' || code.startsWith('SQLITE')) return new Error(message);
  return new AppError(code, message, { hint, exitCode });
}
