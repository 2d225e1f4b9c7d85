import type { Command } from 'commander';
import { EXIT } from '../../errors.ts';
import { withActor } from '../actor.ts';
import { type Cli, define, lazily } from '../command.ts';
import { withCreate } from '../new-sku.ts';

/** `invsync stock …`: the numbers themselves. All of it changes our own books only; channels follow by pushes. */
export function register(command: Command, cli: Cli): void {
  registerReading(command, cli);
  registerMark(command, cli);
  registerCounts(command, cli);
  registerAdditions(command, cli);
  registerFiles(command, cli);
}

const reading = { exits: [EXIT.ok, EXIT.failed, EXIT.usage], prints: 'data' } as const;
const changing = {
  exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.brake, EXIT.temporary],
  prints: 'data',
} as const;

function registerReading(command: Command, cli: Cli): void {
  define(
    command
      .command('list')
      .description('print every SKU with its numbers, in the order of the SKUs')
      .option('--limit <n>', 'at most so many rows (default: 100)')
      .option('--after <sku>', 'only SKUs that come after this one')
      .option('--search <text>', 'only SKUs with this text in their name')
      .option('--low', 'only SKUs with as few units as their mark (stock set-alert), or fewer')
      .option('--uncounted', 'only SKUs that were never counted'),
    cli,
    {
      ...reading,
      examples: ['invsync stock list', 'invsync stock list --limit 1000 --after MUG-BLK --json'],
    },
    lazily(async () => (await import('./stock-list.ts')).list),
  );
  define(
    command.command('show <sku>').description('print one SKU and what each of its listings shows'),
    cli,
    { ...reading, examples: ['invsync stock show MUG-BLK', 'invsync stock show MUG-BLK --json'] },
    lazily(async () => (await import('./stock-list.ts')).show),
  );
}

function registerMark(command: Command, cli: Cli): void {
  define(
    withActor(
      command
        .command('set-alert <sku> <n>')
        .description('tell when <n> units or fewer are available (alert low_stock), or off'),
    ),
    cli,
    { ...changing, examples: ['invsync stock set-alert MUG-BLK 3', 'invsync stock set-alert MUG-BLK off'] },
    lazily(async () => (await import('./stock-change.ts')).setAlert),
  );
}

const asOf = [
  '--as-of <time>',
  'when the count was true: ISO 8601, or how long ago as in 2h (default: now)',
] as const;
const overBrake = ['--over-brake', 'do it although a brake would hold it'] as const;

function registerCounts(command: Command, cli: Cli): void {
  define(
    withCreate(
      withActor(
        command
          .command('set <sku> <n>')
          .description('make <n> units available; an unknown SKU is created')
          .option(...asOf)
          .option(
            '--basis <basis>',
            'free: what may still be sold; shelf: all pieces on the shelf (default: free)',
          )
          .option(...overBrake),
      ),
    ),
    cli,
    {
      ...changing,
      examples: [
        'invsync stock set MUG-BLK 7',
        'invsync stock set MUG-BLK 7 --as-of 2026-11-23T18:00:00Z --reason stocktake',
      ],
    },
    lazily(async () => (await import('./stock-change.ts')).set),
  );
  define(
    withCreate(
      withActor(
        command
          .command('count <sku> [n]')
          .description('say that <n> pieces are on the shelf, sold ones included; an unknown SKU is created')
          .option('--from <channel>', 'the number that this channel shows now, less what its offer did to it')
          .option(...asOf)
          .option('--basis <basis>', 'shelf or free (default: shelf; with --from: free)')
          .option('--dry-run', 'show what it would do and stop')
          .option(...overBrake),
      ),
    ),
    cli,
    {
      ...changing,
      exits: [...changing.exits, EXIT.refused, EXIT.daemon],
      examples: ['invsync stock count MUG-BLK 12', 'invsync stock count MUG-BLK --from main-shop --dry-run'],
    },
    lazily(async () => (await import('./stock-change.ts')).count),
  );
}

function registerAdditions(command: Command, cli: Cli): void {
  const ref = [
    '--ref <text>',
    'the same ref again answers with the first outcome instead of adding again',
  ] as const;
  define(
    withActor(
      command
        .command('adjust <sku> <n>')
        .description('add <n> units, or take away with a negative number (broken, stolen, found)')
        .option(...ref)
        .option(...overBrake),
    ),
    cli,
    {
      ...changing,
      examples: [
        'invsync stock adjust MUG-BLK -4 --reason broken',
        'invsync stock adjust MUG-BLK +1 --ref found-2026-11-23',
      ],
    },
    lazily(async () => (await import('./stock-change.ts')).adjust),
  );
  define(
    withCreate(
      withActor(
        command
          .command('receive <sku> <n>')
          .description('add <n> units that came in; an unknown SKU is created')
          .option(...ref)
          .option(...overBrake),
      ),
    ),
    cli,
    {
      ...changing,
      examples: [
        'invsync stock receive MUG-BLK 48 --ref po-1187',
        'invsync stock receive MUG-BLK 48 --reason "delivery 23 Nov" --json',
      ],
    },
    lazily(async () => (await import('./stock-change.ts')).receive),
  );
  define(
    withCreate(
      withActor(
        command
          .command('rename <old> <new>')
          .description('give a SKU another name; the old one keeps leading to it'),
      ),
    ),
    cli,
    {
      ...reading,
      examples: ['invsync stock rename MUG-BLK MUG-BLACK', 'invsync stock rename 1001 MUG-BLACK --json'],
    },
    lazily(async () => (await import('./stock-rename.ts')).rename),
  );
}

function registerFiles(command: Command, cli: Cli): void {
  define(
    withCreate(
      withActor(
        command
          .command('import <file>')
          .description('count the SKUs that a CSV file names (header sku,on_hand[,reason]; - reads stdin)')
          .option('--skip-errors', 'import the sound rows although others are bad')
          .option('--sku-column <name>', 'the column of the SKUs (default: sku)')
          .option('--count-column <name>', 'the column of the counts (default: on_hand)')
          .option('--dry-run', 'show what it would do and stop')
          .option('--yes', 'do not ask')
          .option(...asOf)
          .option('--basis <basis>', 'shelf or free (default: shelf)')
          .option(...overBrake),
      ),
    ),
    cli,
    {
      exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.partial, EXIT.brake, EXIT.temporary],
      prints: 'data',
      examples: [
        'invsync stock import stock.csv --dry-run',
        'invsync stock import stock.csv --yes --as-of 2026-11-22T20:00:00Z',
      ],
    },
    lazily(async () => (await import('./stock-import.ts')).importFile),
  );
  define(
    command.command('export').description('print all SKUs as CSV that import reads again'),
    cli,
    { ...reading, examples: ['invsync stock export > stock.csv', 'invsync stock export --json'] },
    lazily(async () => (await import('./stock-list.ts')).exportAll),
  );
}
