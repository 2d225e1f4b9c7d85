import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Mode } from '../store/store.ts';

/**
 * The modes that a command set after the file's own value was last seen: of file and command the one that was changed
 * last rules. Empty when there are no books yet, or none that can be read: the file is shown in any case.
 */
export async function modesByCommand(config: Config): Promise<Map<string, Mode>> {
  const modes = new Map<string, Mode>();
  if (!existsSync(join(config.data_dir, 'invsync.db'))) return modes;
  const { openSqliteStore } = await import('../store/sqlite/index.ts');
  try {
    const store = await openSqliteStore({ dataDir: config.data_dir, writer: 'caller' });
    try {
      for (const row of await store.channels.list()) {
        const inFile = config.channels.find((channel) => channel.name === row.name)?.mode;
        if (row.modeBy === 'command' && row.modeInFile === inFile) modes.set(row.name, row.mode);
      }
    } finally {
      await store.close();
    }
  } catch {
    return new Map();
  }
  return modes;
}
