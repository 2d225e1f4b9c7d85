import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/index.ts';
import type { StoreBench } from '../contract/store/kit.ts';

/** In memory where the machine has such a folder: these tests are not about the disk. */
const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A folder of its own for a SQLite store; `dataDir` for tests that look into the file. */
export async function sqliteBench(
  writer: 'own' | 'caller',
  synchronous: 'FULL' | 'NORMAL' = 'FULL',
): Promise<StoreBench & { dataDir: string }> {
  const dataDir = mkdtempSync(join(folder, 'invsync-store-'));
  return {
    dataDir,
    open: () => openSqliteStore({ dataDir, writer, synchronous }),
    remove: async () => rmSync(dataDir, { recursive: true, force: true }),
  };
}
