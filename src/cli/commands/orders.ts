import type { Command } from 'commander';
import { iso } from '../../clock.ts';
import { AppError, EXIT, type ExitCode } from '../../errors.ts';
import type { OrderLineRow, OrderRow } from '../../store/store.ts';
import { answer, type ListOptions, moreHint, withPaging } from '../answer.ts';
import { beforeArg, limitArg } from '../args.ts';
import { type Books, channelFilter, withBooks } from '../books.ts';
import { type Cli, define, type Invocation } from '../command.ts';
import type { Io } from '../io.ts';
import { printLine, printTable } from '../print.ts';

/** `invsync orders …`: what channels sold, as the books know it. */
export function register(command: Command, cli: Cli): void {
  define(
    withPaging(
      command
        .command('list')
        .description('print orders with their lines, newest first')
        .option('--channel <name>', 'only this channel'),
    ),
    cli,
    {
      examples: ['invsync orders list --limit 20', 'invsync orders list --channel main-shop --json'],
      exits: [EXIT.ok, EXIT.usage],
      prints: 'data',
    },
    list,
  );
  define(
    command
      .command('show <order>')
      .description("print one order by the channel's id or by its number")
      .option('--channel <name>', 'only this channel'),
    cli,
    {
      examples: ['invsync orders show "#1001"', 'invsync orders show 5123456789 --channel main-shop --json'],
      exits: [EXIT.ok, EXIT.failed, EXIT.usage],
      prints: 'data',
    },
    show,
  );
}

function list(invocation: Invocation<ListOptions & { channel?: string }>): Promise<ExitCode> {
  const { options } = invocation;
  const limit = limitArg(options.limit);
  const before = beforeArg(options.before);
  return withBooks(invocation, async (books) => {
    const rows = await books.store.orders.list({
      ...channelFilter(books, options.channel),
      ...(before === undefined ? {} : { before }),
      limit,
    });
    answer(invocation, { orders: rows.map(orderJson) }, books.warnings, (io) => {
      printTable(
        io,
        [
          { title: 'id', value: (row) => row.id },
          { title: 'channel', value: (row) => row.channel },
          { title: 'order', room: 20, value: (row) => row.number ?? row.orderId },
          { title: 'placed at', value: (row) => iso(row.placedAt) },
          { title: 'status', value: (row) => row.status },
          { title: 'lines', worth: 2, value: (row) => row.lines.length },
          { title: 'taken', value: (row) => sum(row.lines, (line) => line.taken) },
          {
            title: 'short',
            value: (row) => sum(row.lines, (line) => line.shortfall),
            style: (row) => (row.lines.some((line) => line.shortfall > 0) ? 'bad' : undefined),
          },
        ],
        rows,
        'no orders',
      );
      moreHint(io, rows.length, limit, `--before ${rows.at(-1)?.id ?? ''}`);
    });
    return EXIT.ok;
  });
}

function sum(lines: readonly OrderLineRow[], of: (line: OrderLineRow) => number): number {
  return lines.reduce((total, line) => total + of(line), 0);
}

function show(invocation: Invocation<{ channel?: string }>): Promise<ExitCode> {
  const [named = ''] = invocation.args;
  return withBooks(invocation, async (books) => {
    const row = await find(books, named, invocation.options.channel);
    answer(invocation, orderJson(row), books.warnings, (io) => printOrder(io, row));
    return EXIT.ok;
  });
}

async function find(books: Books, named: string, channel: string | undefined): Promise<OrderRow> {
  const filter = { ...channelFilter(books, channel), limit: 5 };
  let rows = await books.store.orders.list({ ...filter, orderId: named });
  // People leave the sign of a number away.
  if (rows.length === 0) rows = await books.store.orders.list({ ...filter, orderId: `#${named}` });
  const [row, other] = rows;
  if (row === undefined) {
    throw new AppError('unknown_order', `no order is called "${named}"`, {
      hint: 'invsync orders list shows the newest',
    });
  }
  if (other === undefined) return row;
  const found = rows.map((each) => `${each.orderId} on ${each.channel}`);
  throw new AppError('ambiguous_order', `"${named}" is more than one order: ${found.join(', ')}`, {
    hint: "name the channel's own id, or the channel with --channel",
    exitCode: EXIT.usage,
  });
}

function orderJson(row: OrderRow) {
  return {
    id: row.id,
    channel: row.channel,
    order_id: row.orderId,
    number: row.number,
    placed_at: iso(row.placedAt),
    changed_at: iso(row.changedAt),
    status: row.status,
    cancelled: row.cancelled,
    missing: row.missing,
    lines: row.lines.map((line) => ({
      line_id: line.lineKey,
      sku: line.sku,
      channel_sku: line.channelSku,
      listing_id: line.listingId,
      taken: line.taken,
      given: line.given,
      gone: line.gone,
      shortfall: line.shortfall,
      allocation: line.allocation,
    })),
  };
}

function printOrder(io: Io, row: OrderRow): void {
  const notes = [row.status, row.cancelled ? 'cancelled' : '', row.missing ? 'gone at the channel' : ''];
  const name = row.number === null ? row.orderId : `${row.number} (${row.orderId})`;
  printLine(io, `${row.channel} ${name}: ${[...new Set(notes)].filter((note) => note !== '').join(', ')}`);
  printLine(io, `placed ${iso(row.placedAt)}, changed ${iso(row.changedAt)}`);
  printTable(
    io,
    [
      { title: 'line', value: (line) => line.lineKey },
      {
        title: 'sku',
        value: (line) => line.sku ?? line.channelSku,
        style: (line) => (line.sku === null ? 'warn' : undefined),
      },
      { title: 'taken', value: (line) => line.taken },
      { title: 'given', value: (line) => line.given },
      { title: 'gone', value: (line) => line.gone },
      {
        title: 'short',
        value: (line) => line.shortfall,
        style: (line) => (line.shortfall > 0 ? 'bad' : undefined),
      },
      {
        title: 'stock',
        value: (line) => line.allocation,
        style: (line) => (line.allocation === 'held' ? 'dim' : 'warn'),
      },
    ],
    row.lines,
  );
}
