import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { adopt } from '../store/sqlite/folder.ts';
import { type Manifest, manifestOf } from './archive.ts';

/** A backup in a folder of backups. */
export interface BackupRow {
  file: string;
  /** Absolute, or relative as the folder was named. */
  path: string;
  size: number;
  createdAt: number;
  manifest: Manifest;
  /** When all of it was last read back, and whether it was right then; null: never since it lies there. */
  verified: { at: number; ok: boolean } | null;
}

export interface BackupList {
  /** Newest first. */
  backups: BackupRow[];
  /** Files that are called like backups and are none. */
  others: { file: string; why: string }[];
}

const fileName = /^invsync-.+\.tar$/;
const notes = '.verified.json';

/** The backups of a folder; none where there is no such folder. Reads their manifests only. */
export function listBackups(dir: string): BackupList {
  const found: BackupList = { backups: [], others: [] };
  const known = readNotes(dir);
  for (const file of namesIn(dir)) {
    const path = join(dir, file);
    try {
      const manifest = manifestOf(path);
      const { size, mtimeMs } = statSync(path);
      const note = known[file];
      const same = note !== undefined && note.size === size && note.mtime === Math.floor(mtimeMs);
      const verified = same ? { at: note.at, ok: note.ok } : null;
      found.backups.push({
        file,
        path,
        size,
        createdAt: Date.parse(manifest.created_at),
        manifest,
        verified,
      });
    } catch (error) {
      found.others.push({ file, why: messageOf(error) });
    }
  }
  found.backups.sort((a, b) => b.createdAt - a.createdAt || (a.file < b.file ? 1 : -1));
  return found;
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => fileName.test(name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Removes all but the newest `keep`; answers their names. */
export function prune(dir: string, keep: number): string[] {
  const old = listBackups(dir).backups.slice(keep);
  for (const { path } of old) rmSync(path, { force: true });
  return old.map(({ file }) => file);
}

interface Note {
  at: number;
  ok: boolean;
  size: number;
  /** A file of that name that was written anew is another one. */
  mtime: number;
}

/** Notes beside the backups what reading one back showed. A folder that cannot be written keeps no notes. */
export function noteVerified(dir: string, file: string, found: { at: number; ok: boolean }): void {
  const { size, mtimeMs } = statSync(join(dir, file));
  const there = new Set(namesIn(dir));
  const known = Object.entries(readNotes(dir)).filter(([name]) => there.has(name));
  const next = { ...Object.fromEntries(known), [file]: { ...found, size, mtime: Math.floor(mtimeMs) } };
  try {
    const path = join(dir, notes);
    writeFileSync(`${path}.new`, `${JSON.stringify(next)}\n`, { mode: 0o600 });
    adopt(`${path}.new`);
    renameSync(`${path}.new`, path);
  } catch {
    // What was found is told all the same; it is only not remembered.
  }
}

function readNotes(dir: string): Record<string, Note> {
  try {
    return JSON.parse(readFileSync(join(dir, notes), 'utf8')) as Record<string, Note>;
  } catch {
    return {};
  }
}
