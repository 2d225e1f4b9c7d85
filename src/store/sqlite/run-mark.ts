import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lies in the data folder while a daemon runs there; one that ends by itself takes it away. */
const name = 'engine.run';

/**
 * Marks that a daemon runs from now on. Answers since when the run before went on that never came to its end (killed, power
 * cut, out of memory), null after a clean one. Only who holds the engine lock may call it; no promise hangs on the file.
 */
export function beginRun(dataDir: string, now: number): { cutOff: number | null; end(): void } {
  const path = join(dataDir, name);
  const cutOff = sinceIn(path);
  try {
    writeFileSync(path, `${now}\n`, { mode: 0o600 });
  } catch {
    // A full disk stops no start: what cannot be marked is not told.
  }
  return { cutOff, end: () => rmSync(path, { force: true }) };
}

function sinceIn(path: string): number | null {
  try {
    const since = Number(readFileSync(path, 'utf8').trim());
    return Number.isSafeInteger(since) && since > 0 ? since : null;
  } catch {
    return null;
  }
}
