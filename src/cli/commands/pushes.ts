import type { Command } from 'commander';
import { iso } from '../../clock.ts';
import { countText, EXIT, type ExitCode } from '../../errors.ts';
import type { PushRow } from '../../store/store.ts';
import { answer, type ListOptions, moreHint, withPaging } from '../answer.ts';
import { beforeArg, choiceArg, limitArg } from '../args.ts';
import { askEngine } from '../ask.ts';
import { channelFilter, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { printLine, printTable } from '../print.ts';

const statuses = ['due', 'waiting', 'in_flight', 'unknown', 'accepted', 'dead', 'exposed', 'idle'] as const;
const mostRows = 100_000;

/** `invsync pushes …`: numbers on their way to the channels. */
export function register(command: Command, cli: Cli): void {
  define(
    withPaging(
      command
        .command('list')
        .description('print the numbers that are due, on their way or stuck')
        .option('--channel <name>', 'only this channel')
        .option('--status <status>', `only one of: ${statuses.join(', ')}`),
    ),
    cli,
    {
      examples: ['invsync pushes list --status dead', 'invsync pushes list --channel main-shop --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    list,
  );
  define(
    command
      .command('retry')
      .description('make dead and waiting pushes due now')
      .option('--channel <name>', 'only this channel'),
    cli,
    {
      examples: ['invsync pushes retry', 'invsync pushes retry --channel main-shop'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage, EXIT.temporary, EXIT.daemon],
      prints: 'data',
    },
    retry,
  );
}

function list(
  invocation: Invocation<ListOptions & { channel?: string; status?: string }>,
): Promise<ExitCode> {
  const { io, options } = invocation;
  const limit = limitArg(options.limit);
  const before = beforeArg(options.before);
  const status = options.status === undefined ? undefined : choiceArg(options.status, '--status', statuses);
  return withBooks(invocation, async (books) => {
    const filter = { ...channelFilter(books, options.channel), ...(status === undefined ? {} : { status }) };
    const found = await books.store.outbox.list(
      { ...filter, limit: before === undefined ? limit : mostRows },
      io.now(),
    );
    const rows = olderThan(found, before).slice(0, limit);
    answer(invocation, { pushes: rows.map(pushJson) }, books.warnings, (to) => {
      printTable(
        to,
        [
          { title: 'id', value: (row) => row.counterId },
          { title: 'channel', value: (row) => row.channel },
          { title: 'listing', value: (row) => row.listingId },
          { title: 'sku', value: (row) => row.sku },
          { title: 'target', worth: 7, value: (row) => row.target },
          {
            title: 'status',
            worth: 9,
            value: (row) => row.status,
            style: (row) => (isStuck(row) ? 'bad' : undefined),
          },
          { title: 'attempts', worth: 3, value: (row) => row.attempts },
          { title: 'due at', value: (row) => iso(row.dueAt) },
          { title: 'error', room: 20, worth: 8, value: (row) => row.error },
        ],
        rows,
        'nothing is due, on its way or stuck',
      );
      moreHint(to, rows.length, limit, `--before ${rows.at(-1)?.counterId ?? ''}`);
    });
    return EXIT.ok;
  });
}

/** The list is in the order of due times, so what comes after a row is found by the row. */
function olderThan(rows: PushRow[], before: number | undefined): PushRow[] {
  if (before === undefined) return rows;
  const at = rows.findIndex((row) => row.counterId === before);
  return at < 0 ? [] : rows.slice(at + 1);
}

function isStuck(row: PushRow): boolean {
  return row.status === 'dead' || row.status === 'exposed';
}

function pushJson(row: PushRow) {
  return {
    id: row.counterId,
    channel: row.channel,
    listing_id: row.listingId,
    sku: row.sku,
    target: row.target,
    status: row.status,
    attempts: row.attempts,
    due_at: iso(row.dueAt),
    error: row.error,
  };
}

function retry(invocation: Invocation<{ channel?: string }>): Promise<ExitCode> {
  const { io, options } = invocation;
  return withBooks(invocation, async (books) => {
    const args = channelFilter(books, options.channel);
    const { retried } = (await import('../results.ts')).retryResult.parse(
      await askEngine(io, books, 'pushes.retry', args),
    );
    answer(invocation, { retried }, books.warnings, (to) =>
      printLine(
        to,
        retried === 0 ? 'nothing to retry' : `${countText(retried, 'push is', 'pushes are')} due again`,
      ),
    );
    return EXIT.ok;
  });
}
