import { join } from 'node:path';
import Database from 'better-sqlite3';
import { AppError, EXIT } from '../../errors.ts';
import { folderFault, isDenied, makeFile, makeFolder } from './folder.ts';

/** Held by one process. The operating system frees it when the process dies. */
export interface EngineLock {
  release(): void;
}

/** Takes the engine lock of a data folder, or throws `already_running` (exit 7). */
export function takeEngineLock(dataDir: string): EngineLock {
  // A command that only looks whether a daemon runs holds it for a moment.
  const lock = tryEngineLock(dataDir, 1_500);
  if (lock !== null) return lock;
  throw new AppError('already_running', `another invsync works on ${dataDir}`, {
    hint: 'invsync status shows it; stop it first (systemctl stop invsync, or SIGTERM)',
    exitCode: EXIT.daemon,
  });
}

/** Like `takeEngineLock`, but null when a daemon holds it. */
export function tryEngineLock(dataDir: string, waitMs = 0): EngineLock | null {
  makeFolder(dataDir);
  return tryLock(join(dataDir, 'engine.lock'), waitMs);
}

/** Takes the lock that a file of its own stands for; null when another holds it. Throws AppError `data_dir`. */
export function tryLock(path: string, waitMs = 0): EngineLock | null {
  makeFile(path);
  const db = opened(path, waitMs);
  try {
    db.pragma('journal_mode = DELETE');
    db.exec('begin exclusive');
  } catch (error) {
    db.close();
    // Only a lock that is held says that somebody works here.
    if (isDenied(error)) throw folderFault(path, error);
    return null;
  }
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      db.exec('rollback');
      db.close();
    },
  };
}

function opened(path: string, waitMs: number): Database.Database {
  try {
    return new Database(path, { timeout: waitMs });
  } catch (error) {
    throw isDenied(error) ? folderFault(path, error) : error;
  }
}
