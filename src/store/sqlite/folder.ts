import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AppError, messageOf } from '../../errors.ts';

/**
 * Makes the data folder where it is missing. Root makes it for the owner of the folder around it, so that the user
 * who serves is not shut out by a command that somebody ran with sudo. Throws AppError `data_dir`.
 */
export function makeFolder(dataDir: string): void {
  if (statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() === true) return;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    adopt(dataDir);
  } catch (error) {
    throw folderFault(dataDir, error);
  }
}

/** Makes an empty file where it is missing, the owner's alone. SQLite gives the files beside a database the same owner. */
export function makeFile(path: string): void {
  if (existsSync(path)) return;
  try {
    closeSync(openSync(path, 'a', 0o600));
    adopt(path);
  } catch (error) {
    throw folderFault(path, error);
  }
}

/** What was written to a file is on disk; for a folder: the names in it. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** What root made in a folder of another user becomes that user's. */
export function adopt(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  if (uid !== 0 && statSync(path).uid === 0) chownSync(path, uid, gid);
}

/** Did the operating system refuse a file, as opposed to SQLite a statement? */
export function isDenied(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(SQLITE_(READONLY|CANTOPEN|PERM)|EACCES|EPERM|EROFS)/.test(code);
}

/** Why a file or folder cannot be written, with its owner's name and what to do. */
export function folderFault(path: string, error: unknown): AppError {
  const owner = ownerOf(path);
  const runner = userName(process.getuid?.() ?? 0);
  const foreign = owner !== runner;
  const reason = foreign ? `it belongs to ${owner}, and this runs as ${runner}` : messageOf(error);
  const hint = foreign
    ? `run it as that user (sudo -u ${owner} invsync …), or give the folder to ${runner}: chown -R ${runner} ${path}`
    : `make ${path} writable for ${runner}: ls -ld ${path} shows its mode; a disk mounted read-only shows in: findmnt -T ${path}`;
  return new AppError('data_dir', `cannot write to ${path}: ${reason}`, { hint, cause: error });
}

/** The owner of a path, or of the nearest folder around it that exists. */
export function ownerOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return userName(found.uid);
  return dirname(path) === path ? 'nobody' : ownerOf(dirname(path));
}

function userName(uid: number): string {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((each) => each.split(':')[2] === String(uid));
    return line?.split(':')[0] ?? `user ${uid}`;
  } catch {
    return `user ${uid}`;
  }
}
