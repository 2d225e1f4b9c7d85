import { chmodSync, copyFileSync, existsSync, linkSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { type BooksFacts, factsOf } from './copy.ts';
import { adopt, syncFile } from './folder.ts';
import { setMeta } from './meta.ts';
import { withStatements } from './open.ts';

/** What happened in books after a moment, and would be gone with them. */
export interface Since {
  /** Orders that were learned of; a restored database pulls them again. */
  orders: number;
  /** Changes of stock by hand, newest first, at most 20 of `handCount`: nobody else remembers them. */
  byHand: { at: number; sku: string; kind: string; delta: number; by: string; reason: string | null }[];
  handCount: number;
}

/** The books as they are now, without reading all of them; null where they cannot be read or are not there. */
export function glanceAt(
  path: string,
  since: { entry: number; at: number },
): { facts: BooksFacts; since: Since } | null {
  if (!existsSync(path)) return null;
  try {
    const raw = new Database(path, { readonly: true, timeout: 5_000 });
    try {
      return { facts: factsOf(raw), since: sinceIn(raw, since) };
    } finally {
      raw.close();
    }
  } catch {
    return null;
  }
}

function sinceIn(raw: Database.Database, { entry, at }: { entry: number; at: number }): Since {
  const hand = 'from entry e left join sku s on s.id = e.sku_id where e.id > ? and e.by is not null';
  return {
    orders: raw.prepare('select count(*) from orders where learned_at > ?').pluck().get(at) as number,
    handCount: raw.prepare(`select count(*) ${hand}`).pluck().get(entry) as number,
    byHand: raw
      .prepare(
        `select e.recorded_at as at, s.code as sku, e.kind, e.on_hand - e.committed - e.reserved as delta, e.by, e.reason
         ${hand} order by e.id desc limit 20`,
      )
      .all(entry) as Since['byHand'],
  };
}

/**
 * Marks a copy, before it takes the place of the books, as one that was put back: whoever works with it next begins a
 * new epoch (`beginEpoch`), whatever lies beside it.
 */
export function markRestored(path: string, why: string): void {
  const raw = new Database(path);
  try {
    setMeta(withStatements(raw, { boot: '', randomHex: () => '' }), 'restored', why);
  } finally {
    raw.close();
  }
  chmodSync(path, 0o600);
  adopt(path);
  syncFile(path);
}

/**
 * Puts `fresh` in the place of the books at `path`, which are kept as `aside`. A kill at any moment leaves the old books
 * or the new ones under their name, whole. False: another process works with the books, and nothing was done.
 */
export function replaceBooks(path: string, fresh: string, aside: string): boolean {
  return alone(path, () => {
    if (existsSync(path)) keepAs(path, aside);
    // What SQLite could not read still has its log, which must never be taken for one of the new books.
    for (const end of ['-wal', '-shm', '-journal'])
      if (existsSync(`${path}${end}`)) renameSync(`${path}${end}`, `${aside}${end}`);
    syncFile(dirname(path));
    renameSync(fresh, path);
    syncFile(dirname(path));
  });
}

/** A second name; where the file system has none, a copy. */
function keepAs(path: string, aside: string): void {
  try {
    linkSync(path, aside);
  } catch {
    copyFileSync(path, aside);
    adopt(aside);
    syncFile(aside);
  }
}

/**
 * Runs `act` while nobody else reads or writes the books, and while they are one file without a log. Whoever waits for
 * them meanwhile finds that the file has moved, and is refused by SQLite. Books that it cannot read lock nobody out,
 * which is no reason not to replace them. False: others have them open.
 */
function alone(path: string, act: () => void): boolean {
  const held = existsSync(path) ? holdAlone(path) : 'unreadable';
  if (held === 'busy') return false;
  try {
    act();
  } finally {
    if (held !== 'unreadable') held.close();
  }
  return true;
}

function holdAlone(path: string): Database.Database | 'busy' | 'unreadable' {
  let raw: Database.Database | null = null;
  try {
    raw = new Database(path, { timeout: 5_000 });
    raw.pragma('journal_mode = DELETE');
    raw.exec('begin exclusive');
    return raw;
  } catch (error) {
    raw?.close();
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return /^SQLITE_(BUSY|LOCKED)/.test(code) ? 'busy' : 'unreadable';
  }
}
