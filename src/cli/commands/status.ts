import type { Command } from 'commander';
import { spanText } from '../../clock.ts';
import { countText, EXIT, type ExitCode } from '../../errors.ts';
import { type StatusReport, statusReport } from '../../sync/status.ts';
import { answer } from '../answer.ts';
import { type Books, daemonRuns, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { paint, printable, printLine } from '../print.ts';
import { notesOf, printChannels } from './channels-list.ts';

/** `invsync status`: is anything burning? */
export function register(command: Command, cli: Cli): void {
  define(
    command.option('--plain', 'print a table and stop, on a terminal too'),
    cli,
    {
      examples: ['invsync status', 'invsync status --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    perform,
  );
}

function perform(invocation: Invocation<{ plain?: boolean }>): Promise<ExitCode> {
  return withBooks(invocation, async (books) => {
    const report = await statusReport(books.store, await daemonReport(books), invocation.io.now());
    const warnings = [...books.warnings, ...notesOf(report.channels)];
    answer(invocation, { ...report }, warnings, (io) => print(io, report));
    return EXIT.ok;
  });
}

/** The engine lock says that it runs; since when, and which version, only its admin listener knows. */
async function daemonReport(books: Books): Promise<StatusReport['daemon']> {
  if (!(await daemonRuns(books.dataDir))) return { running: false, since: null, version: null };
  const { askDaemon } = await import('../daemon-report.ts');
  return { running: true, ...(await askDaemon((await books.settings()).admin)) };
}

function print(io: Io, report: StatusReport): void {
  const { daemon } = report;
  const since = daemon.since === null ? '' : ` since ${daemon.since}`;
  const version = daemon.version === null ? '' : `, version ${daemon.version}`;
  const running = paint(io, 'good', 'runs');
  printLine(
    io,
    daemon.running ? `daemon ${running}${since}${version}` : `daemon ${paint(io, 'bad', 'does not run')}`,
  );
  printLine(io, '');
  printChannels(io, report.channels);
  printLine(io, '');
  const { inbox, outbox } = report;
  const aside = count(io, inbox.kept_aside, 'kept aside');
  printLine(io, `events   ${inbox.pending} new, ${aside}, ${count(io, inbox.dead, 'dead')}`);
  printLine(
    io,
    `pushes   ${outbox.due} due, the oldest for ${spanText(outbox.oldest_s * 1_000)}, ${count(io, report.exposed, 'exposed')}`,
  );
  printLine(
    io,
    `stock    ${countText(report.uncounted, 'SKU')} uncounted, ${count(io, report.unexplained_low, 'unexplained low')}`,
  );
  const unmapped = count(io, report.unmapped_sales, 'sales of listings without a SKU');
  printLine(io, `listings ${count(io, report.sku_changed, 'SKUs changed at a channel')}`);
  printLine(io, `orders   ${count(io, report.oversells_open, 'oversells open')}, ${unmapped}`);
  const { age_s: age } = report.backup;
  printLine(io, `backups  ${age === null ? 'none yet' : `the last one ${spanText(age * 1_000)} ago`}`);
  const { open, unseen, newest } = report.alerts;
  printLine(io, `alerts   ${count(io, open, 'open')}${open > 0 ? `, ${unseen} not acknowledged` : ''}`);
  for (const sentence of newest) printLine(io, `  ${printable(sentence)}`);
  if (open > newest.length) printLine(io, '  all of them: invsync alerts list');
}

function count(io: Io, number: number, what: string): string {
  return number === 0 ? `0 ${what}` : paint(io, 'bad', `${number} ${what}`);
}
