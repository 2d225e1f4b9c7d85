import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errors.ts';

/** A file or folder of ours that others than its owner may reach. */
export interface Wide {
  path: string;
  /** Permission bits. */
  mode: number;
  /** Why it is left as it is; null: it can be closed. */
  left: string | null;
}

const others = 0o077;
/** What invsync makes in a data folder. */
const ours = /^(invsync\.|engine\.|\.check-|\.restore\.part$|backups$)/;

/** What of a data folder others may reach. The folder itself is told last. */
export function wideIn(dataDir: string): Wide[] {
  const names = namesIn(dataDir);
  const own = names.filter((name) => ours.test(name)).map((name) => join(dataDir, name));
  const backups = namesIn(join(dataDir, 'backups')).map((name) => join(dataDir, 'backups', name));
  // A folder that somebody shares with other things (a home, /srv) is not ours to close.
  const shared = own.length < names.length ? 'it also holds files that are not of invsync' : null;
  const wide = [...backups, ...own].map((path) => ({ path, left: null }));
  return [...wide, { path: dataDir, left: shared }].flatMap((each) => {
    const mode = modeOf(each.path);
    return mode !== null && (mode & others) !== 0 ? [{ ...each, mode }] : [];
  });
}

/** Closes what can be closed; answers all that was wide, `left` where it still is. */
export function closeUp(dataDir: string): Wide[] {
  return wideIn(dataDir).map((each) => {
    if (each.left !== null) return each;
    try {
      chmodSync(each.path, each.mode & ~others);
      return each;
    } catch (error) {
      return { ...each, left: messageOf(error) };
    }
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Null for what is gone meanwhile, and for a link, which has no mode of its own. */
function modeOf(path: string): number | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined || found.isSymbolicLink() ? null : found.mode & 0o777;
}
