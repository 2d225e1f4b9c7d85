import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type BooksFacts, inspectDatabase } from '../store/sqlite/copy.ts';
import { type Manifest, names, unpack } from './archive.ts';
import { noteVerified } from './folder.ts';

export interface Verified {
  manifest: Manifest;
  /** Every fault in words; none: it can be restored. */
  faults: string[];
}

/**
 * Unpacks a backup aside and reads all of it: hashes, pages, schema, every level against its ledger. What was found is
 * noted beside it. Throws AppError `no_backup`.
 */
export async function verifyBackup(path: string, now: number): Promise<Verified> {
  const folder = scratch(path);
  try {
    const found = await unpackChecked(path, folder);
    noteVerified(dirname(path), basename(path), { at: now, ok: found.faults.length === 0 });
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unpacks it into a folder and checks what came out. Throws AppError `no_backup`. */
export async function unpackChecked(path: string, folder: string): Promise<Verified> {
  const { manifest, faults } = await unpack(path, folder);
  if (faults.length > 0) return { manifest, faults };
  const { facts, faults: found } = inspectDatabase(join(folder, names.database));
  return { manifest, faults: [...found, ...(facts === null ? [] : differences(manifest, facts))] };
}

function differences(manifest: Manifest, facts: BooksFacts): string[] {
  const pairs: [string, unknown, unknown][] = [
    ['schema', manifest.schema, facts.schema],
    ['newest ledger entry', manifest.ledger_entry, facts.entry],
    ...Object.entries(facts.counts).map(([name, count]): [string, unknown, unknown] => [
      name,
      manifest.counts[name as keyof typeof facts.counts],
      count,
    ]),
  ];
  return pairs
    .filter(([, told, found]) => told !== found)
    .map(([what, told, found]) => `${what}: the manifest says ${told}, the database ${found}`);
}

/** Beside the backup, where there is room for one like it; elsewhere only where nothing can be written there. */
function scratch(path: string): string {
  try {
    return mkdtempSync(join(dirname(path), '.verify-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'invsync-verify-'));
  }
}
