import type { Command } from 'commander';
import { iso } from '../../clock.ts';
import { levelsOf } from '../../config/alerts.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import {
  type AlertKind,
  type AlertLevel,
  type AlertLevels,
  type AlertRow,
  alertLevels,
} from '../../store/store.ts';
import { alertJson } from '../../sync/status.ts';
import { type ActorOptions, actorOf, withActor } from '../actor.ts';
import { answer, type ListOptions, moreHint, withPaging } from '../answer.ts';
import { beforeArg, choiceArg, idArg, limitArg } from '../args.ts';
import { type Books, channelFilter, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { paint, printable, printLine, printTable, type Style } from '../print.ts';

/** `invsync alerts …`: what needs a person, and what needed one. */
export function register(command: Command, cli: Cli): void {
  define(
    withPaging(
      command
        .command('list')
        .description('print what needs a person, newest first')
        .option('--all', 'those that are over too')
        .option('--kind <kind>', 'only this kind')
        .option('--channel <name>', 'only this channel'),
    ),
    cli,
    {
      examples: ['invsync alerts list', 'invsync alerts list --all --kind oversell --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    list,
  );
  define(
    command.command('show <id>').description('print one alert with its whole sentence'),
    cli,
    {
      examples: ['invsync alerts show 12', 'invsync alerts show 12 --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    show,
  );
  define(
    withActor(
      command
        .command('ack <id...>')
        .description('say that you have seen it: it stays until its cause is gone, a mere notice is over'),
    ),
    cli,
    {
      examples: ['invsync alerts ack 12', 'invsync alerts ack 12 13 --by ana'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    ack,
  );
  define(
    command
      .command('test [route]')
      .description('send a test by every route of the configuration, or by one')
      .addHelpText(
        'after',
        '\nRoutes stand under alerts.routes; config.example.yaml shows one of each type.',
      ),
    cli,
    {
      examples: ['invsync alerts test', 'invsync alerts test mail --json'],
      exits: [EXIT.ok, EXIT.partial, EXIT.usage],
      prints: 'data',
    },
    send,
  );
}

async function send(invocation: Invocation<object>): Promise<ExitCode> {
  const { tryRoutes } = await import('../alert-test.ts');
  return tryRoutes(invocation);
}

interface Filter extends ListOptions {
  all?: boolean;
  kind?: string;
  channel?: string;
}

const kinds = Object.keys(alertLevels) as AlertKind[];

function list(invocation: Invocation<Filter>): Promise<ExitCode> {
  const { options } = invocation;
  const limit = limitArg(options.limit);
  const before = beforeArg(options.before);
  const kind = options.kind === undefined ? {} : { kind: choiceArg(options.kind, '--kind', kinds) };
  return withBooks(invocation, async (books) => {
    const levels = await levelsIn(books);
    const rows = await books.store.duties.alerts(options.all !== true, limit, {
      ...kind,
      ...channelFilter(books, options.channel),
      ...(before === undefined ? {} : { before }),
    });
    answer(invocation, { alerts: rows.map((row) => alertJson(row, levels)) }, books.warnings, (io) => {
      printTable(
        io,
        [
          { title: 'id', value: (row) => row.id },
          {
            title: 'level',
            value: ({ kind }) => levels[kind],
            style: (row) => styleOf(row, levels[row.kind]),
          },
          { title: 'kind', worth: 4, value: (row) => row.kind },
          { title: 'since', value: (row) => iso(row.since) },
          { title: 'state', worth: 6, value: stateOf },
          { title: 'what', room: 40, worth: 9, value: (row) => row.message },
        ],
        rows,
        options.all === true ? 'no alert yet' : 'nothing needs a person',
      );
      moreHint(io, rows.length, limit, `--before ${rows.at(-1)?.id ?? ''}`);
    });
    return EXIT.ok;
  });
}

function show(invocation: Invocation<object>): Promise<ExitCode> {
  const id = idArg(invocation.args[0] ?? '', 'the id');
  return withBooks(invocation, async (books) => {
    const levels = await levelsIn(books);
    const [row] = await books.store.duties.alerts(false, 1, { id });
    if (row === undefined) throw unknownAlert(id);
    answer(invocation, alertJson(row, levels), books.warnings, (io) => {
      printLine(
        io,
        `${paint(io, styleOf(row, levels[row.kind]) ?? 'dim', levels[row.kind])}  ${row.kind} of ${printable(row.subject)}`,
      );
      printLine(io, printable(row.message));
      const again = row.count > 1 ? `, ${row.count} times, last ${iso(row.lastAt)}` : '';
      printLine(io, `since ${iso(row.since)}${again}; ${stateOf(row)}`);
    });
    return EXIT.ok;
  });
}

function ack(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const ids = invocation.args.map((text) => idArg(text, 'the id'));
  return withBooks(invocation, async (books) => {
    const levels = await levelsIn(books);
    const { duties } = books.store;
    const found = await Promise.all(ids.map((id) => duties.alerts(false, 1, { id })));
    const missing = ids.find((_, at) => found[at]?.length === 0);
    if (missing !== undefined) throw unknownAlert(missing);
    const acked = await duties.ackAlerts(ids, actorOf(invocation.options), invocation.io.now());
    const rows = (await Promise.all(ids.map((id) => duties.alerts(false, 1, { id })))).flat();
    answer(invocation, { acked, alerts: rows.map((row) => alertJson(row, levels)) }, books.warnings, (io) => {
      for (const row of rows) printLine(io, `${row.id}  ${stateOf(row)}: ${printable(row.message)}`);
    });
    return EXIT.ok;
  });
}

function unknownAlert(id: number): AppError {
  return new AppError('unknown_alert', `there is no alert ${id}`, {
    hint: 'invsync alerts list --all shows them',
  });
}

async function levelsIn(books: Books): Promise<AlertLevels> {
  return levelsOf((await books.settings()).alerts);
}

function styleOf(row: AlertRow, level: AlertLevel): Style | undefined {
  if (row.resolvedAt !== null) return 'dim';
  return level === 'error' ? 'bad' : 'warn';
}

function stateOf(row: AlertRow): string {
  if (row.resolvedAt !== null) return `over ${iso(row.resolvedAt)}`;
  return row.ackedAt === null ? 'open' : `seen ${iso(row.ackedAt)}`;
}
