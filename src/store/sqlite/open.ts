import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AppError, EXIT, messageOf } from '../../errors.ts';
import { folderFault, isDenied, makeFile, makeFolder, syncFile } from './folder.ts';
import { migrations } from './schema.ts';

/** A connection with its prepared statements. Statements are prepared once per connection and text. */
export interface Db {
  readonly raw: Database.Database;
  sql(text: string): Database.Statement<unknown[], unknown>;
  /** The same with rows as arrays in the order of the columns, which are made much faster: for what every order reads. */
  tuples(text: string): Database.Statement<unknown[], unknown>;
  /** Random bytes as hex; injected so that a simulation repeats. */
  randomHex(bytes: number): string;
  /** Token of this process's life; leases carry it. */
  readonly boot: string;
}

export interface OpenOptions {
  path: string;
  boot: string;
  randomHex(bytes: number): string;
  /** Only the simulation may ask for less than FULL. */
  synchronous?: 'FULL' | 'NORMAL';
}

/** Opens the database for writing: WAL, synchronous FULL set and read back, schema brought up to date. */
export function openForWriting(options: OpenOptions): Db {
  makeFolder(dirname(options.path));
  makeFile(options.path);
  const raw = connect(options.path, false);
  try {
    raw.pragma('journal_mode = WAL');
    return prepare(raw, options);
  } catch (error) {
    raw.close();
    throw isDenied(error) ? folderFault(options.path, error) : error;
  }
}

function prepare(raw: Database.Database, options: OpenOptions): Db {
  setSynchronous(raw, options.synchronous ?? 'FULL');
  raw.pragma('wal_autocheckpoint = 4000');
  raw.pragma('journal_size_limit = 67108864');
  raw.pragma('secure_delete = ON');
  raw.pragma('cache_size = -32768');
  migrate(raw, options.path);
  return withStatements(raw, options);
}

/** Opens for reading only; the file must exist. */
export function openForReading(options: OpenOptions): Db {
  const raw = connect(options.path, true);
  return withStatements(raw, options);
}

function connect(path: string, readonly: boolean): Database.Database {
  try {
    const raw = new Database(path, { readonly, timeout: 5_000 });
    raw.pragma('foreign_keys = ON');
    raw.pragma('temp_store = MEMORY');
    raw.pragma('trusted_schema = OFF');
    raw.pragma('cell_size_check = ON');
    return raw;
  } catch (error) {
    if (isDenied(error)) throw folderFault(path, error);
    throw new AppError('database', `cannot open the database ${path}: ${messageOf(error)}`, {
      hint: 'check data_dir in the configuration and the permissions of that folder',
      cause: error,
    });
  }
}

/**
 * better-sqlite3 reopens an existing WAL file at NORMAL without a word, which loses acknowledged events in a power
 * cut: the level is set and read back on every open, and the daemon refuses to start otherwise.
 */
function setSynchronous(raw: Database.Database, level: 'FULL' | 'NORMAL'): void {
  raw.pragma(`synchronous = ${level}`);
  if (process.platform === 'darwin') {
    raw.pragma('fullfsync = 1');
    raw.pragma('checkpoint_fullfsync = 1');
  }
  const expected = level === 'FULL' ? 2 : 1;
  const reported = raw.pragma('synchronous', { simple: true });
  if (reported !== expected) {
    throw new AppError('not_durable', `the database runs at synchronous=${String(reported)}, not ${level}`, {
      hint: 'a power cut could lose acknowledged sales; do not run invsync on this build of SQLite',
    });
  }
}

function migrate(raw: Database.Database, path: string): void {
  const at = Number(raw.pragma('user_version', { simple: true }));
  if (at > migrations.length) {
    throw new AppError(
      'newer_database',
      `the database ${path} has schema ${at}, this invsync knows ${migrations.length}`,
      {
        hint: 'install the newer invsync that wrote it, or restore a backup made before the upgrade',
        exitCode: EXIT.usage,
      },
    );
  }
  if (at === migrations.length) return;
  if (at > 0) copyBefore(raw, path, at);
  for (let next = at; next < migrations.length; next += 1) {
    raw
      .transaction(() => {
        // Another process may have migrated while this one waited for the lock.
        if (Number(raw.pragma('user_version', { simple: true })) !== next) return;
        raw.exec(migrations[next] ?? '');
        raw.pragma(`user_version = ${next + 1}`);
      })
      .immediate();
  }
}

/**
 * A copy before every migration, beside the database. It gets its name only when it is whole and on disk: a copy that
 * a full disk or a crash cut short is never taken for one.
 */
function copyBefore(raw: Database.Database, path: string, version: number): void {
  const copy = `${path}.schema-${version}.bak`;
  if (isWhole(copy, version)) return;
  const unfinished = `${copy}.${process.pid}.part`;
  rmSync(unfinished, { force: true });
  try {
    makeFile(unfinished);
    raw.exec(`vacuum into '${unfinished.replaceAll("'", "''")}'`);
    if (!isWhole(unfinished, version)) {
      throw new AppError('copy_failed', `the copy ${copy} before the upgrade could not be read back`, {
        hint: 'check the disk of data_dir; the database itself is untouched',
      });
    }
    syncFile(unfinished);
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function isWhole(path: string, version: number): boolean {
  if (!existsSync(path)) return false;
  try {
    const copy = new Database(path, { readonly: true });
    try {
      const whole = copy.pragma('quick_check(1)', { simple: true }) === 'ok';
      return whole && copy.pragma('user_version', { simple: true }) === version;
    } finally {
      copy.close();
    }
  } catch {
    return false;
  }
}

/** A connection with its statements prepared once per text. */
export function withStatements(raw: Database.Database, options: Pick<OpenOptions, 'boot' | 'randomHex'>): Db {
  const preparing = (prepare: (text: string) => Database.Statement<unknown[], unknown>) => {
    const statements = new Map<string, Database.Statement<unknown[], unknown>>();
    return (text: string) => {
      const known = statements.get(text);
      if (known !== undefined) return known;
      const made = prepare(text);
      statements.set(text, made);
      return made;
    };
  };
  return {
    raw,
    boot: options.boot,
    randomHex: options.randomHex,
    sql: preparing((text) => raw.prepare<unknown[], unknown>(text)),
    tuples: preparing((text) => raw.prepare<unknown[], unknown>(text).raw()),
  };
}
