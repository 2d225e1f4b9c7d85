import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { iso } from '../clock.ts';
import { AppError, EXIT } from '../errors.ts';
import type { BooksFacts } from '../store/sqlite/copy.ts';
import { makeFolder } from '../store/sqlite/folder.ts';
import { glanceAt, markRestored, replaceBooks, type Since } from '../store/sqlite/put-back.ts';
import { type Manifest, manifestOf, names } from './archive.ts';
import { demandRoom } from './create.ts';
import { unpackChecked } from './verify.ts';

/** What putting a backup back would do. */
export interface RestorePlan {
  file: string;
  size: number;
  manifest: Manifest;
  createdAt: number;
  /** The database that is replaced, and the name under which it is kept; null: there is none. */
  database: string;
  keptAs: string | null;
  /** The books that are replaced; null: there are none, or nobody can read them. */
  current: { facts: BooksFacts; since: Since } | null;
}

/** Under the engine lock only one works here: what lies there is what a killed one left. */
const staging = (dataDir: string) => join(dataDir, '.restore.part');

/**
 * Unpacks a backup beside the books and checks all of it. For whoever holds the engine lock. Throws AppError `no_backup`,
 * `unsound` with every fault, or `store_full`; the books are as they were.
 */
export async function stageRestore(job: {
  file: string;
  dataDir: string;
  now: number;
}): Promise<RestorePlan> {
  const { file, dataDir, now } = job;
  const folder = staging(dataDir);
  rmSync(folder, { recursive: true, force: true });
  const told = manifestOf(file);
  const bytes = told.files.reduce((sum, { size }) => sum + size, 0);
  demandRoom(dataDir, bytes, 'restoring');
  makeFolder(folder);
  const { manifest, faults } = await unpackChecked(file, folder);
  if (faults.length > 0)
    throw new AppError('unsound', `${file} cannot be restored: ${faults.join('; ')}`, {
      hint: 'take another one: invsync backup list; nothing was changed',
      details: { faults },
    });
  const createdAt = Date.parse(manifest.created_at);
  const database = join(dataDir, 'invsync.db');
  return {
    file,
    size: statSync(file).size,
    manifest,
    createdAt,
    database,
    keptAs: existsSync(database) ? freeName(database, now) : null,
    current: glanceAt(database, { entry: manifest.ledger_entry, at: createdAt }),
  };
}

/** Puts the unpacked backup in the place of the books. Throws AppError `database_busy` (exit 5). */
export function finishRestore(dataDir: string, plan: RestorePlan, now: number): void {
  const fresh = join(staging(dataDir), names.database);
  markRestored(fresh, `it was restored from the backup of ${plan.manifest.created_at}`);
  const aside = plan.keptAs ?? freeName(plan.database, now);
  if (!replaceBooks(plan.database, fresh, aside))
    throw new AppError('database_busy', 'another command works on the database: nothing was changed', {
      hint: 'wait until it is done, then repeat the command',
      exitCode: EXIT.temporary,
    });
  dropStaging(dataDir);
}

/** Removes what was unpacked, by a restore that was killed too. For whoever holds the engine lock. */
export function dropStaging(dataDir: string): void {
  rmSync(staging(dataDir), { recursive: true, force: true });
}

function freeName(database: string, now: number): string {
  const stamp = iso(now).slice(0, 19).replaceAll(':', '-');
  for (let n = 1; ; n += 1) {
    const name = `${database}.before-restore-${stamp}Z${n === 1 ? '' : `-${n}`}`;
    if (!existsSync(name)) return name;
  }
}
