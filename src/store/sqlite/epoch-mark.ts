import { closeSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import type { Progress } from './epoch.ts';

/**
 * What the process that talks to channels notes in a file beside the database. A backup put back in place of the
 * database is behind it; a copied folder carries it to a database that is another file.
 */
export interface Mark {
  token: string;
  /** The token that is being written into the database: a crash in between leaves either. */
  next: string | null;
  entry: number;
  /** By the feed's channel id. */
  watermarks: Record<string, number>;
  /** Which file the database is to the file system. */
  inode: string;
}

/** Every command opens the books, so this is done without the library that checks shapes: loading it takes longer. */
function isMark(value: unknown): value is Mark {
  if (typeof value !== 'object' || value === null) return false;
  const { token, next, entry, watermarks, inode } = value as Partial<Record<keyof Mark, unknown>>;
  const texts = typeof token === 'string' && typeof inode === 'string';
  const marks =
    typeof watermarks === 'object' &&
    watermarks !== null &&
    Object.values(watermarks).every(Number.isSafeInteger);
  return texts && marks && Number.isSafeInteger(entry) && (next === null || typeof next === 'string');
}

/** Where the mark of a database lies. */
export function markPath(databasePath: string): string {
  return databasePath.replace(/\.db$/, '.mark');
}

/** Null where there is none, or none that can be read. */
export function readMark(databasePath: string): Mark | null {
  try {
    const found: unknown = JSON.parse(readFileSync(markPath(databasePath), 'utf8'));
    return isMark(found) ? found : null;
  } catch {
    return null;
  }
}

/** Replaces the mark as a whole: a crash leaves the old one or the new one. */
export function writeMark(databasePath: string, wanted: Mark): void {
  const path = markPath(databasePath);
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, `${JSON.stringify(wanted)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

/** The number of the database's file: another one after a copy, the same as long as it is written in place. */
export function inodeOf(databasePath: string): string {
  return String(statSync(databasePath, { bigint: true }).ino);
}

/** Why this database is not the one that was worked with last, in words; null when it is. */
export function foreignness(known: Mark | null, here: Progress & { inode: string }): string | null {
  if (here.token === null) {
    // A first start, also of a database that older versions made.
    const worked = here.entry > 0 || Object.keys(here.watermarks).length > 0;
    return known !== null && worked ? 'it is older than the mark beside it' : null;
  }
  if (known === null) return 'the mark beside it is missing: it was restored or copied to this folder';
  if (here.token !== known.token && here.token !== known.next)
    return 'it was restored: another start of invsync wrote the mark beside it';
  const behind = Object.entries(known.watermarks).some(([id, at]) => (here.watermarks[id] ?? at) < at);
  if (here.entry < known.entry || behind) return 'it was restored: it is behind the mark beside it';
  if (here.inode !== known.inode)
    return 'it was copied: it is another file than the one that was worked with';
  return null;
}
