import type { Command } from 'commander';
import { EXIT } from '../../errors.ts';
import { type Cli, define, type Invocation, lazily } from '../command.ts';

/** `invsync backup …`: copies of the books that can be put back. */
export function register(command: Command, cli: Cli): void {
  define(
    command
      .command('create')
      .description('copy the books while they are worked with, check the copy, and keep it'),
    cli,
    {
      examples: ['invsync backup create', 'invsync backup create --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.temporary],
      prints: 'data',
    },
    lazily(async () => {
      const { create } = await import('./backup-create.ts');
      return async (invocation: Invocation<object>) => create(invocation, await cli.definitions());
    }),
  );
  define(
    command.command('list').description('print the backups, newest first'),
    cli,
    {
      examples: ['invsync backup list', 'invsync backup list --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    lazily(async () => (await import('./backup-list.ts')).list),
  );
  define<{ yes?: boolean }>(
    command
      .command('restore <file>')
      .description('put a backup in the place of the books, which are kept; all channels observe afterwards')
      .option('--yes', 'do it without asking'),
    cli,
    {
      examples: [
        'invsync backup restore invsync-2026-11-23T02-17-00Z.tar',
        'invsync backup restore invsync-2026-11-23T02-17-00Z.tar --yes --json',
      ],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.temporary, EXIT.daemon],
      prints: 'data',
    },
    lazily(async () => (await import('./backup-restore.ts')).restore),
  );
  define(
    command
      .command('verify <file>')
      .description('unpack a backup aside and read all of it: hashes, pages, every level against its ledger'),
    cli,
    {
      examples: [
        'invsync backup verify invsync-2026-11-23T02-17-00Z.tar',
        'invsync backup verify /mnt/other/invsync-2026-11-23T02-17-00Z.tar --json',
      ],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    lazily(async () => (await import('./backup-list.ts')).verify),
  );
}
