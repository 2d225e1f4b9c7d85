import type { Command } from 'commander';
import { iso } from '../../clock.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import type { ReservationDetail } from '../../store/store.ts';
import { type ActorOptions, actorOf, withActor } from '../actor.ts';
import { answer, type ListOptions, moreHint, withPaging } from '../answer.ts';
import { limitArg } from '../args.ts';
import { withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import { printLine, printTable } from '../print.ts';

/** `invsync reservations …`: units that the API keeps for a checkout or an order. */
export function register(command: Command, cli: Cli): void {
  define(
    withPaging(
      command
        .command('list')
        .description('print reservations that still keep units, newest first')
        .option('--all', 'ended ones too'),
    ),
    cli,
    {
      examples: ['invsync reservations list', 'invsync reservations list --all --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    list,
  );
  define(
    withActor(
      command
        .command('release <id>')
        .description('give up one whose order will never come: its units are for sale again'),
    ),
    cli,
    {
      examples: [
        'invsync reservations release rsv_0123456789abcdef01234567',
        'invsync reservations release rsv_0123456789abcdef01234567 --reason "never paid"',
      ],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    release,
  );
}

function list(invocation: Invocation<ListOptions & { all?: boolean }>): Promise<ExitCode> {
  const { options } = invocation;
  const limit = limitArg(options.limit);
  return withBooks(invocation, async (books) => {
    const rows = await books.store.reservations.list({
      keeping: options.all !== true,
      ...(options.before === undefined ? {} : { before: options.before }),
      limit,
    });
    const document = { reservations: rows.map(reservationJson) };
    answer(invocation, document, books.warnings, (io) => {
      printTable(
        io,
        [
          { title: 'id', value: (row) => row.id },
          { title: 'status', value: (row) => row.status },
          {
            title: 'keeps',
            room: 16,
            worth: 8,
            value: (row) => row.lines.map((line) => `${line.keeps} ${line.sku}`).join(', '),
          },
          { title: 'channel', value: (row) => row.channel },
          { title: 'order', value: (row) => row.orderRef },
          { title: 'reference', worth: 3, value: (row) => row.reference },
          { title: 'created', worth: 6, value: (row) => iso(row.createdAt) },
          { title: 'committed', worth: 4, value: (row) => iso(row.committedAt) },
        ],
        rows,
        'no reservation keeps anything',
      );
      moreHint(io, rows.length, limit, `invsync reservations list --before ${rows.at(-1)?.id ?? ''}`);
    });
    return EXIT.ok;
  });
}

function reservationJson(row: ReservationDetail) {
  return {
    id: row.id,
    status: row.status,
    lines: row.lines,
    channel: row.channel,
    order_ref: row.orderRef,
    reference: row.reference,
    created_at: iso(row.createdAt),
    expires_at: iso(row.expiresAt),
    committed_at: iso(row.committedAt),
  };
}

function release(invocation: Invocation<ActorOptions>): Promise<ExitCode> {
  const { io, options } = invocation;
  const [id = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const outcome = await books.store.reservations.giveUp(id, actorOf(options), io.now());
    if (outcome === 'unknown') {
      throw new AppError('unknown_reservation', `no reservation is called "${id}"`, {
        hint: 'invsync reservations list shows them',
      });
    }
    const document = { id, released: outcome === 'released' };
    answer(invocation, document, books.warnings, (to) =>
      printLine(to, outcome === 'released' ? `${id} is released` : `${id} keeps nothing any more`),
    );
    return EXIT.ok;
  });
}
