import { type Command, Option } from 'commander';
import { EXIT } from '../../errors.ts';
import { withActor } from '../actor.ts';
import { withPaging } from '../answer.ts';
import { type Cli, define, lazily } from '../command.ts';
import { collect } from '../new-sku.ts';

/** `invsync listings …`: which SKU stands behind what a channel offers. LISTING is the channel's id, or its SKU there. */
export function register(command: Command, cli: Cli): void {
  registerReading(command, cli);
  registerMapping(command, cli);
  registerMatching(command, cli);
  registerDismissing(command, cli);
}

const exits = [EXIT.ok, EXIT.failed, EXIT.usage] as const;

function registerReading(command: Command, cli: Cli): void {
  define(
    withPaging(
      command
        .command('list')
        .description('print listings and the SKUs behind them, newest first')
        .option('--channel <name>', 'only this channel')
        .option('--unmapped', 'only those without a SKU'),
    ),
    cli,
    {
      examples: ['invsync listings list --channel main-shop', 'invsync listings list --unmapped --json'],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./listings-list.ts')).list),
  );
  define(
    withPaging(
      command
        .command('unmatched [channel]')
        .description('print listings without a SKU and why none was found, and sales that count nowhere yet')
        .option('--changed', 'instead those whose SKU at the channel is not the one they were mapped by'),
    ),
    cli,
    {
      examples: ['invsync listings unmatched main-shop', 'invsync listings unmatched --changed --json'],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./listings-unmatched.ts')).unmatched),
  );
  define(
    command
      .command('import <channel>')
      .description("read the channel's catalogue and map each listing whose SKU is exactly one known SKU"),
    cli,
    {
      examples: ['invsync listings import main-shop', 'invsync listings import main-shop --json'],
      exits: [...exits, EXIT.temporary, EXIT.refused, EXIT.daemon],
      prints: 'data',
    },
    lazily(async () => (await import('./listings-list.ts')).importCatalogue),
  );
}

function registerMapping(command: Command, cli: Cli): void {
  define(
    withActor(
      command
        .command('map <channel> <listing> <parts...>')
        .description('put SKU[=UNITS]… behind a listing; what stood there before is replaced'),
    ),
    cli,
    {
      examples: [
        'invsync listings map main-shop 808950810 MUG-BLK',
        'invsync listings map wp-shop 1742 MUG-BLK=2 SPOON=4',
      ],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./listings-map.ts')).map),
  );
  define(
    withActor(
      command
        .command('unmap <channel> <listing>')
        .description('take the SKUs away; nothing is pushed to it any more'),
    ),
    cli,
    {
      examples: ['invsync listings unmap wp-shop 1742', 'invsync listings unmap wp-shop MUG-BLK --json'],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./listings-map.ts')).unmap),
  );
  define(
    withActor(
      command
        .command('set <channel> <listing>')
        .description('settings of one listing; "default" takes one back')
        .option('--buffer <n>', 'units that are never shown here')
        .option('--percent <n>', 'share of what is available that is shown, 0 to 100')
        .option('--max <n>', 'never show more than this')
        .option('--fixed <n>', 'made to order: always show this, whatever the stock')
        .option('--mode <mode>', 'off leaves the listing alone; on again'),
    ),
    cli,
    {
      examples: [
        'invsync listings set main-shop MUG-BLK --buffer 2',
        'invsync listings set wp-shop 1742 --max default --mode off',
      ],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./listings-set.ts')).set),
  );
}

function registerDismissing(command: Command, cli: Cli): void {
  define(
    withActor(
      command
        .command('dismiss <channel> <orders...>')
        .description('say that sales without a SKU concern none of ours: they never count'),
    ),
    cli,
    {
      examples: [
        'invsync listings dismiss wp-shop 1742',
        'invsync listings dismiss main-shop 1001 1002 --reason "gift cards"',
      ],
      exits,
      prints: 'data',
    },
    lazily(async () => (await import('./listings-dismiss.ts')).dismiss),
  );
}

function registerMatching(command: Command, cli: Cli): void {
  define(
    withActor(
      command
        .command('match [channel]')
        .description('map each listing without a SKU whose SKU at the channel is exactly one known SKU')
        .addOption(
          new Option(
            '--create [sku]',
            'make missing SKUs too, uncounted: all that look like no known one, or those named',
          )
            .preset('')
            .argParser(collect),
        )
        .option('--over-brake', 'do it although a brake would hold it')
        .option('--yes', 'do not ask'),
    ),
    cli,
    {
      examples: ['invsync listings match', 'invsync listings match main-shop --create --yes'],
      exits: [...exits, EXIT.brake],
      prints: 'data',
    },
    lazily(async () => (await import('./listings-match.ts')).match),
  );
}
