import type { Command } from 'commander';
import { EXIT } from '../../errors.ts';
import { withActor } from '../actor.ts';
import { type Cli, define, lazily } from '../command.ts';

const exits = [EXIT.ok, EXIT.failed, EXIT.usage] as const;

/** `invsync channels …`: the accounts that stock is shown on. */
export function register(command: Command, cli: Cli): void {
  registerReading(command, cli);
  registerOutgoing(command, cli);
  registerNames(command, cli);
}

function registerReading(command: Command, cli: Cli): void {
  define(
    command.command('list').description('print all channels and how they stand'),
    cli,
    { examples: ['invsync channels list', 'invsync channels list --json'], exits, prints: 'data' },
    lazily(async () => (await import('./channels-list.ts')).list),
  );
  define(
    command.command('show <channel>').description('print all that is known of one channel'),
    cli,
    {
      examples: ['invsync channels show main-shop', 'invsync channels show main-shop --json'],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./channels-list.ts')).show),
  );
  define(
    command
      .command('types')
      .description('print the built-in types of channels, how far each was tried, and what it can do')
      .option('--markdown', 'as the table of the README'),
    cli,
    {
      examples: ['invsync channels types', 'invsync channels types --json'],
      exits: [EXIT.ok],
      prints: 'data',
    },
    lazily(async () => (await import('./channels-types.ts')).types),
  );
}

function registerOutgoing(command: Command, cli: Cli): void {
  define(
    command
      .command('calibrate <channel>')
      .description(
        'find out whether its numbers contain its own open orders: a look before and one after a sale',
      ),
    cli,
    {
      examples: ['invsync channels calibrate wp-shop', 'invsync channels calibrate wp-shop --json'],
      exits: [...exits, EXIT.partial, EXIT.temporary, EXIT.refused, EXIT.daemon],
      prints: 'data',
    },
    lazily(async () => (await import('./channels-calibrate.ts')).calibrate),
  );
  define(
    withActor(
      command
        .command('mode <channel> <mode>')
        .description('observe: take sales in only · shadow: also compute and log pushes · live: push')
        .option('--yes', 'do not ask before a channel becomes live'),
    ),
    cli,
    {
      examples: ['invsync channels mode main-shop shadow', 'invsync channels mode main-shop live --yes'],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./channels-change.ts')).mode),
  );
  define(
    withActor(
      command
        .command('pause [channel]')
        .description('send nothing to a channel any more; sales are taken in all the same')
        .option('--all', 'all channels: the panic button'),
    ),
    cli,
    {
      examples: [
        'invsync channels pause main-shop --reason "sale of the year"',
        'invsync channels pause --all',
      ],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./channels-change.ts')).pause),
  );
  define(
    withActor(
      command
        .command('resume [channel]')
        .description('send again; a live channel begins with a reconcile')
        .option('--all', 'all channels'),
    ),
    cli,
    {
      examples: ['invsync channels resume main-shop', 'invsync channels resume --all --json'],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./channels-change.ts')).resume),
  );
}

function registerNames(command: Command, cli: Cli): void {
  define(
    command
      .command('rename <old> <new>')
      .description('follow a channel that has another name in the configuration file now'),
    cli,
    {
      examples: [
        'invsync channels rename main-shop shop-de',
        'invsync channels rename main-shop shop-de --json',
      ],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./channels-name.ts')).rename),
  );
  define(
    withActor(
      command
        .command('remove <channel>')
        .description(
          'settle what is open on a channel that is gone from the file and forget its listings; orders and ledger stay',
        )
        .option('--orders <fate>', 'what became of orders that still hold stock: shipped or cancelled')
        .option('--yes', 'do not ask'),
    ),
    cli,
    {
      examples: [
        'invsync channels remove old-shop',
        'invsync channels remove old-shop --orders shipped --yes',
      ],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./channels-name.ts')).remove),
  );
}
