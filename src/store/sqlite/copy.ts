import Database from 'better-sqlite3';
import { messageOf } from '../../errors.ts';
import { makeFile, syncFile } from './folder.ts';
import { withStatements } from './open.ts';
import { audit } from './reports.ts';
import { migrations } from './schema.ts';

/** How far books are, and how much they hold. */
export interface BooksFacts {
  schema: number;
  /** The newest ledger entry; 0 in books without any. */
  entry: number;
  /** When it was recorded; null: there is none. */
  lastEntryAt: number | null;
  counts: { skus: number; entries: number; orders: number; listings: number; channels: number };
}

/** What was found in a database file. `facts` is null where it cannot be read. */
export interface Inspection {
  facts: BooksFacts | null;
  /** Every fault in words; none: its pages are whole, and every level is what its ledger adds up to. */
  faults: string[];
}

const pagesPerStep = 200;
/** Of damaged pages and rows so many are named. */
const mostFaults = 20;

/**
 * Copies the books while others write them. The copy is of one moment: a read transaction is held over all steps, so
 * that a commit in between neither gets in nor makes the copy begin anew, however busy the books are. Writers wait for
 * nobody; their log only starts over when the copy is made. Rejects with what SQLite or the disk has to say.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new Database(from, { readonly: true, timeout: 5_000 });
  try {
    source.exec('begin');
    source.prepare('select count(*) from sqlite_master').get();
    makeFile(to);
    await source.backup(to, { progress: () => pagesPerStep });
  } finally {
    source.close();
  }
  standAlone(to);
}

/** One file without a log beside it, on disk. */
function standAlone(path: string): void {
  const copy = new Database(path);
  try {
    copy.pragma('journal_mode = DELETE');
  } finally {
    copy.close();
  }
  syncFile(path);
}

/** Reads all of a database that nobody works with: its pages, its schema, its ledger against its levels. */
export function inspectDatabase(path: string): Inspection {
  const faults: string[] = [];
  let facts: BooksFacts | null = null;
  try {
    const raw = new Database(path, { readonly: true });
    try {
      const health = raw.prepare(`pragma integrity_check(${mostFaults})`).pluck().all() as string[];
      if (health[0] !== 'ok') faults.push(...health.map((each) => `the database is damaged: ${each}`));
      facts = factsOf(raw);
      faults.push(...schemaFaults(facts.schema));
      const { open } = audit(withStatements(raw, { boot: '', randomHex: () => '' }));
      for (const { sku, ledger, level, lines } of open)
        faults.push(
          `the ledger of ${sku} adds up to ${ledger}, its level is ${level} (open lines: ${lines})`,
        );
    } finally {
      raw.close();
    }
  } catch (error) {
    faults.push(`the database cannot be read: ${messageOf(error)}`);
  }
  return { facts, faults };
}

function schemaFaults(schema: number): string[] {
  if (schema >= 1 && schema <= migrations.length) return [];
  return [
    `it has schema ${schema}, and this invsync knows 1 to ${migrations.length}: install the one that wrote it`,
  ];
}

/** How far open books are, without reading all of them. */
export function factsOf(raw: Database.Database): BooksFacts {
  const number = (text: string) => raw.prepare(text).pluck().get() as number;
  return {
    schema: Number(raw.pragma('user_version', { simple: true })),
    entry: number('select coalesce(max(id), 0) from entry'),
    lastEntryAt:
      (raw.prepare('select recorded_at from entry order by id desc limit 1').pluck().get() as
        | number
        | null) ?? null,
    counts: {
      skus: number('select count(*) from sku'),
      entries: number('select count(*) from entry'),
      orders: number('select count(*) from orders'),
      listings: number('select count(*) from listing'),
      channels: number("select count(*) from channel where type <> 'internal'"),
    },
  };
}
