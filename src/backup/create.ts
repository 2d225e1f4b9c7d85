import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { iso } from '../clock.ts';
import { AppError, EXIT } from '../errors.ts';
import { copyDatabase, inspectDatabase } from '../store/sqlite/copy.ts';
import { adopt, makeFolder, syncFile } from '../store/sqlite/folder.ts';
import { tryLock } from '../store/sqlite/lock.ts';
import { type Manifest, names, pack, unpack } from './archive.ts';
import { noteVerified, prune } from './folder.ts';

/** One backup to make. Plain data: it crosses threads. */
export interface BackupJob {
  dataDir: string;
  /** Folder of the backups; made when it is missing. */
  dir: string;
  /** So many are left when the new one is whole. */
  keep: number;
  /** The configuration without secrets; null: it cannot be told apart from its secrets. */
  config: { text: string; masked: string[] } | null;
  version: string;
  now: number;
}

export interface BackupMade {
  file: string;
  path: string;
  size: number;
  manifest: Manifest;
  /** Older ones that went. */
  removed: string[];
}

const unfinished = /^\.invsync-.*\.part$/;
/** `verify` holds no lock: what is this old was left by a killed one. */
const abandoned = { pattern: /^\.verify-/, afterMs: 86_400_000 };

/**
 * Copies the books while they are worked with, checks the copy, packs it, reads the tar back, and only then gives it
 * its name: what has the name of a backup is one. Rejects with AppError `backup_running`, `store_full` (exit 5),
 * `no_database` or `unsound` (exit 1); older backups are then as they were.
 */
export async function createBackup(job: BackupJob): Promise<BackupMade> {
  const database = join(job.dataDir, 'invsync.db');
  if (!existsSync(database))
    throw new AppError('no_database', `there is no database in ${job.dataDir} to back up`, {
      hint: 'check data_dir in the configuration',
    });
  makeFolder(job.dir);
  const lock = tryLock(join(job.dir, '.lock'));
  if (lock === null)
    throw new AppError('backup_running', `another backup is being written to ${job.dir}`, {
      hint: 'try again when it is done',
      exitCode: EXIT.temporary,
    });
  const file = freeName(job);
  const folder = join(job.dir, `.${file}.part`);
  try {
    sweep(job.dir, job.now);
    demandRoom(job.dir, 2 * sizeOf(database), 'a backup');
    makeFolder(folder);
    return await make(job, { database, file, folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    lock.release();
  }
}

/** Removes what killed ones left behind. */
function sweep(dir: string, now: number): void {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    const left = abandoned.pattern.test(name) && now - statSync(path).mtimeMs > abandoned.afterMs;
    if (left || unfinished.test(name)) rmSync(path, { recursive: true, force: true });
  }
}

async function make(
  job: BackupJob,
  { database, file, folder }: { database: string; file: string; folder: string },
): Promise<BackupMade> {
  await copyDatabase(database, join(folder, names.database));
  const { facts, faults } = inspectDatabase(join(folder, names.database));
  if (facts === null || faults.length > 0) throw unsound('the copy of the books', faults);
  if (job.config !== null) writeFileSync(join(folder, names.config), job.config.text, { mode: 0o600 });
  const contents = job.config === null ? [names.database] : [names.config, names.database];
  const manifest: Manifest = {
    format: 1,
    created_at: iso(job.now),
    invsync: job.version,
    schema: facts.schema,
    ledger_entry: facts.entry,
    last_entry_at: iso(facts.lastEntryAt),
    counts: facts.counts,
    masked: job.config?.masked ?? [],
    files: await Promise.all(contents.map((name) => factsOfFile(folder, name))),
  };
  writeFileSync(join(folder, names.manifest), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
  const packed = join(folder, 'backup.tar');
  await pack(folder, packed, [names.manifest, ...contents]);
  syncFile(packed);
  const readBack = await unpack(packed, null);
  if (readBack.faults.length > 0) throw unsound('what was written', readBack.faults);
  const path = join(job.dir, file);
  adopt(packed);
  renameSync(packed, path);
  syncFile(job.dir);
  noteVerified(job.dir, file, { at: job.now, ok: true });
  return { file, path, size: statSync(path).size, manifest, removed: prune(job.dir, job.keep) };
}

function unsound(what: string, faults: readonly string[]): AppError {
  return new AppError('unsound', `no backup was made: ${what} is not sound: ${faults.join('; ')}`, {
    hint: 'see: invsync db check; older backups are as they were',
    details: { faults },
  });
}

async function factsOfFile<Name extends string>(folder: string, name: Name) {
  const path = join(folder, name);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return { name, size: statSync(path).size, sha256: hash.digest('hex') };
}

/** By the second; a second one within it gets a number. */
function freeName({ dir, now }: BackupJob): string {
  const stamp = iso(now).slice(0, 19).replaceAll(':', '-');
  for (let n = 1; ; n += 1) {
    const name = `invsync-${stamp}Z${n === 1 ? '' : `-${n}`}.tar`;
    if (!existsSync(join(dir, name))) return name;
  }
}

/** With its log. A copy and its tar lie there together for a moment. */
function sizeOf(database: string): number {
  const log = statSync(`${database}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return statSync(database).size + log;
}

/** Throws AppError `store_full` (exit 5) where so many bytes and some more do not fit. */
export function demandRoom(dir: string, bytes: number, what: string): void {
  const needed = bytes + 16 * 1024 * 1024;
  const { bavail, bsize } = statfsSync(dir);
  if (bavail * bsize >= needed) return;
  const mib = (bytes: number) => `${Math.ceil(bytes / 1_048_576)} MiB`;
  throw new AppError(
    'store_full',
    `${what} needs ${mib(needed)} in ${dir} for a while, and ${mib(bavail * bsize)} are free`,
    { hint: 'free space there, or name another disk in the configuration', exitCode: EXIT.temporary },
  );
}
