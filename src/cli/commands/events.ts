import type { Command } from 'commander';
import { iso } from '../../clock.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import type { DeliveryRow } from '../../store/store.ts';
import { withActor } from '../actor.ts';
import { answer, type ListOptions, moreHint, withPaging } from '../answer.ts';
import { beforeArg, limitArg } from '../args.ts';
import { withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { deliveriesOf, deliveryJson, filterOf, idsOf, type WhichOptions } from '../delivery-json.ts';
import type { Io } from '../io.ts';
import { printLine, printTable, type Style } from '../print.ts';
import { dismiss } from './events-dismiss.ts';
import { replay } from './events-replay.ts';

/** `invsync events …`: what the platforms told us, and what became of it. */
export function register(command: Command, cli: Cli): void {
  define(
    withPaging(withWhich(command.command('list').description('print events, newest first'))),
    cli,
    {
      examples: [
        'invsync events list --status dead',
        'invsync events list --channel main-shop --since 24h --json',
      ],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    list,
  );
  define(
    command.command('show <id>').description('print one event with the fields that are kept of it'),
    cli,
    {
      examples: ['invsync events show 4711', 'invsync events show 4711 --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    show,
  );
  define(
    withWhich(
      command
        .command('replay [ids...]')
        .description('apply events again: harmless for what is in the books already')
        .option('--limit <n>', 'at most so many, the newest (default: 1000)')
        .option('--dry-run', 'show the effect first and stop')
        .option('--yes', 'do not ask before more than one'),
    ),
    cli,
    {
      examples: [
        'invsync events replay 4711 --dry-run',
        'invsync events replay --status dead --channel main-shop --yes',
      ],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.partial, EXIT.temporary, EXIT.daemon],
      prints: 'data',
    },
    replay,
  );
  registerDismiss(command, cli);
}

function registerDismiss(command: Command, cli: Cli): void {
  define(
    withActor(
      command
        .command('dismiss <ids...>')
        .description('say that dead events need nothing, and that sales of unmapped ones concern no SKU'),
    ),
    cli,
    {
      examples: [
        'invsync events dismiss 4711 --reason "test order of the platform"',
        'invsync events dismiss 4711 4712 --json',
      ],
      exits: [EXIT.ok, EXIT.usage, EXIT.partial],
      prints: 'data',
    },
    dismiss,
  );
}

function withWhich(command: Command): Command {
  return command
    .option('--channel <name>', 'only of this channel')
    .option('--since <time>', 'only received since: ISO 8601, or how long ago as in 24h')
    .option('--until <time>', 'only received until')
    .option('--status <status>', 'only one of: new, applied, ignored, unmapped, dead');
}

function list(invocation: Invocation<ListOptions & WhichOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  const limit = limitArg(options.limit);
  const before = beforeArg(options.before);
  return withBooks(invocation, async (books) => {
    const filter = filterOf(books, options, io.now());
    const rows = await books.store.inbox.list({
      ...filter,
      ...(before === undefined ? {} : { before }),
      limit,
    });
    answer(invocation, { events: rows.map(deliveryJson) }, books.warnings, (to) => {
      printTable(
        to,
        [
          { title: 'id', value: (row) => row.id },
          { title: 'received', value: (row) => iso(row.receivedAt) },
          { title: 'channel', value: (row) => row.channel },
          { title: 'kind', value: (row) => row.kind },
          { title: 'status', worth: 8, value: (row) => row.status, style: styleOf },
          { title: 'tries', worth: 3, value: (row) => row.attempts },
          { title: 'outcome', room: 18, worth: 6, value: (row) => row.error ?? row.outcome },
        ],
        rows,
        'no events',
      );
      moreHint(to, rows.length, limit, `--before ${rows.at(-1)?.id ?? ''}`);
    });
    return EXIT.ok;
  });
}

function styleOf(row: DeliveryRow): Style | undefined {
  if (row.status === 'dead') return 'bad';
  return row.status === 'new' || row.status === 'unmapped' ? 'warn' : 'dim';
}

function show(invocation: Invocation<object>): Promise<ExitCode> {
  const ids = idsOf(invocation.args);
  return withBooks(invocation, async (books) => {
    const [row] = await deliveriesOf(books, ids);
    if (row === undefined) throw new AppError('unknown_event', 'there is no such event');
    const document = { ...deliveryJson(row), body_kept: row.hasBody, fields: row.fields };
    answer(invocation, document, books.warnings, (io) => print(io, row));
    return EXIT.ok;
  });
}

function print(io: Io, row: DeliveryRow): void {
  printLine(io, `event ${row.id}  ${row.channel}  ${row.kind}  ${row.status}`);
  printLine(io, `key       ${row.key}`);
  printLine(io, `received  ${iso(row.receivedAt)}`);
  if (row.settledAt !== null) printLine(io, `settled   ${iso(row.settledAt)}`);
  if (row.status === 'new')
    printLine(io, row.dueAt === null ? 'due       kept aside' : `due       ${iso(row.dueAt)}`);
  printLine(io, `tries     ${row.attempts}`);
  if (row.error !== null) printLine(io, `error     ${row.error}`);
  if (row.outcome !== null) printLine(io, `outcome   ${row.outcome}`);
  if (row.orders.length > 0) printLine(io, `orders    ${row.orders.join(', ')}`);
  if (row.fields !== null) printLine(io, JSON.stringify(row.fields, null, 2));
  else
    printLine(
      io,
      row.hasBody ? 'the raw body is kept until it has been read' : 'its content is no longer kept',
    );
}
