import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Builds `power.c` into the folder; null where there is no C compiler or no LD_PRELOAD. */
export function buildPower(dir: string): string | null {
  if (process.platform !== 'linux') return null;
  const library = join(dir, 'power.so');
  try {
    const source = join(import.meta.dirname, 'power.c');
    execFileSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl', '-lpthread'], {
      stdio: 'pipe',
    });
    return library;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Is there a C compiler to build it with? */
export function canPreload(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    execFileSync('cc', ['--version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** The power goes: of the database only what was synced is left. The writing process must be dead. */
export function cutPower(db: string): void {
  for (const path of [db, `${db}-wal`, `${db}-journal`]) {
    const shadow = `${path}.shadow`;
    if (existsSync(shadow)) renameSync(shadow, path);
    else rmSync(path, { force: true });
  }
  rmSync(`${db}-shm`, { force: true });
}
