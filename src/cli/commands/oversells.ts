import type { Command } from 'commander';
import { iso } from '../../clock.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import { oversellJson } from '../../sync/status.ts';
import { type ActorOptions, actorOf, withActor } from '../actor.ts';
import { answer, type ListOptions, moreHint, withPaging } from '../answer.ts';
import { beforeArg, choiceArg, idArg, limitArg } from '../args.ts';
import { withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { printLine, printTable } from '../print.ts';

const statuses = ['open', 'filled', 'cancelled', 'written-off'] as const;
const ends = ['filled', 'cancelled', 'written-off'] as const;

/** `invsync oversells …`: the docket of order lines that stock could not fill. */
export function register(command: Command, cli: Cli): void {
  define(
    withPaging(
      command
        .command('list')
        .description('print order lines that could not be filled, newest first')
        .option('--status <status>', `only one of: ${statuses.join(', ')}`),
    ),
    cli,
    {
      examples: ['invsync oversells list --status open', 'invsync oversells list --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    list,
  );
  define(
    withActor(
      command
        .command('resolve <id>')
        .description('say what became of one; its line waits for stock no longer')
        .requiredOption('--as <end>', ends.join(', ')),
    ),
    cli,
    {
      examples: [
        'invsync oversells resolve 12 --as cancelled',
        'invsync oversells resolve 12 --as filled --reason "sent from the other shop"',
      ],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    resolve,
  );
}

function list(invocation: Invocation<ListOptions & { status?: string }>): Promise<ExitCode> {
  const { options } = invocation;
  const limit = limitArg(options.limit);
  const before = beforeArg(options.before);
  const status = options.status === undefined ? undefined : choiceArg(options.status, '--status', statuses);
  return withBooks(invocation, async (books) => {
    const rows = await books.store.reports.oversells({
      ...(status === undefined ? {} : { status }),
      ...(before === undefined ? {} : { before }),
      limit,
    });
    answer(invocation, { oversells: rows.map(oversellJson) }, books.warnings, (io) => {
      printTable(
        io,
        [
          { title: 'id', value: (row) => row.id },
          { title: 'channel', value: (row) => row.channel },
          { title: 'order', room: 20, value: (row) => row.orderNumber ?? row.orderId },
          { title: 'sku', value: (row) => row.sku },
          { title: 'shortfall', value: (row) => row.shortfall },
          {
            title: 'status',
            worth: 8,
            value: (row) => row.status,
            style: (row) => (row.status === 'open' ? 'bad' : 'dim'),
          },
          { title: 'cause', worth: 2, value: (row) => row.cause },
          { title: 'placed at', value: (row) => iso(row.placedAt) },
        ],
        rows,
        'no oversells',
      );
      moreHint(io, rows.length, limit, `--before ${rows.at(-1)?.id ?? ''}`);
    });
    return EXIT.ok;
  });
}

function resolve(invocation: Invocation<ActorOptions & { as: string }>): Promise<ExitCode> {
  const { io, options } = invocation;
  const id = idArg(invocation.args[0] ?? '', 'the id');
  const as = choiceArg(options.as, '--as', ends);
  return withBooks(invocation, async (books) => {
    const { reports } = books.store;
    const outcome = await reports.resolveOversell(id, as, actorOf(options), io.now());
    const [row] = await reports.oversells({ before: id + 1, limit: 1 });
    if (outcome === 'unknown' || row?.id !== id) {
      throw new AppError('unknown_oversell', `there is no oversell ${id}`, {
        hint: 'invsync oversells list shows them',
      });
    }
    if (outcome === 'closed' && row.status !== as) {
      throw new AppError('oversell_closed', `oversell ${id} is ${row.status} already`, {
        hint: 'what was resolved once stays so',
      });
    }
    answer(invocation, oversellJson(row), books.warnings, (to) =>
      printLine(to, `oversell ${id} is ${row.status}`),
    );
    return EXIT.ok;
  });
}
