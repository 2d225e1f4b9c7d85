import { type BackupMade, createBackup } from '../../backup/create.ts';
import { noteBackup } from '../../backup/duty.ts';
import type { ChannelDefinition } from '../../channels/channel.ts';
import { readText } from '../../config/books-config.ts';
import { maskClearSecrets } from '../../config/mask.ts';
import { countText, EXIT, type ExitCode } from '../../errors.ts';
import { answer } from '../answer.ts';
import { withBooks } from '../books.ts';
import type { Invocation } from '../command.ts';
import { printLine } from '../print.ts';
import { backupJson, sizeText } from './backup-list.ts';

/** `invsync backup create`: in this process, which the daemon does not notice. */
export async function create(
  invocation: Invocation<object>,
  definitions: readonly ChannelDefinition[],
): Promise<ExitCode> {
  const { io } = invocation;
  return withBooks(invocation, async (books) => {
    const { backup, data_dir: dataDir, file } = await books.settings();
    const config = maskClearSecrets(readText(file), definitions);
    const now = io.now();
    const job = { dataDir, dir: backup.dir, keep: backup.keep, config, version: io.version, now };
    const made = await createBackup(job);
    await noteBackup(books.store, now);
    const warnings = [...books.warnings, ...notesOn(made, config)];
    const document = {
      backup: backupJson({ ...made, createdAt: now, verified: { at: now, ok: true } }, now),
      removed: made.removed,
    };
    answer(invocation, document, warnings, (to) => {
      const { counts } = made.manifest;
      const content = `${countText(counts.skus, 'SKU')}, ${countText(counts.entries, 'ledger entry', 'ledger entries')}`;
      printLine(to, `${made.path} is made and checked: ${content}, ${sizeText(made.size)}`);
      if (made.removed.length > 0)
        printLine(to, `${countText(made.removed.length, 'older one')} went (backup.keep: ${backup.keep})`);
    });
    return EXIT.ok;
  });
}

function notesOn({ manifest }: BackupMade, config: object | null): string[] {
  if (config === null)
    return ['the configuration is not in the backup: it is no sound YAML, so its secrets cannot be told'];
  if (manifest.masked.length === 0) return [];
  const where = manifest.masked.join(', ');
  return [`secrets in clear text are not in the backup, keep them elsewhere: ${where}`];
}
